"""What `make env` compiles: all kernels, and nothing twice."""

import subprocess
import sys
from pathlib import Path

from infoplane import compile as module

LIBRARY = Path(module.__file__).parent
NOT_MET = """
import importlib, sys
from infoplane import compile, compiled
for _, use in compile.uses():
    use()
for name in sys.argv[1:]:
    importlib.import_module(name)
inside = {(f.__module__, name) for f in compiled.KEPT for name in f.py_func.__code__.co_names}
met_alone = [f for f in compiled.KEPT if (f.__module__, f.__name__) not in inside]
print([f"{f.__module__}.{f.__name__}" for f in met_alone if not f.signatures])
"""


def with_kernels():
    """Modules that have functions of which the machine code is kept."""
    for file in sorted(LIBRARY.rglob("*.py")):
        if "\n@compiled(" in file.read_text(encoding="utf-8"):
            yield ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts)


def test_every_kernel_is_met():
    modules = [*with_kernels()]
    assert "infoplane.training.perceptron_cpu" in modules
    done = subprocess.run(
        [sys.executable, "-c", NOT_MET, *modules], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_compiles_again_for_other_sources_alone(monkeypatch, tmp_path, capsys):
    used = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(module, "uses", lambda: [("a test", lambda: used.append(1))])
    library = tmp_path / "library" / "infoplane"
    library.mkdir(parents=True)
    monkeypatch.setattr(module, "LIBRARY", library)
    kernel = library / "kernel.py"
    for content, times in (("import numba\n", 1), ("import numba\n", 1), ("# numba\n", 2)):
        kernel.write_text(content, encoding="utf-8")
        module.main()
        assert len(used) == times
    assert capsys.readouterr().out.count("kernels of a test are compiled") == 2


def test_a_folder_that_cannot_be_written_is_no_error(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("in its place", encoding="utf-8")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(module, "uses", lambda: [])
    module.main()
    assert "cannot be written" in capsys.readouterr().out
