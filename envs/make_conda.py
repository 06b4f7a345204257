"""Write infoplane.yaml, the environment for conda users, from requirements.txt, the lock.

conda brings Python and pip, pip brings the very pins of the lock, so that both kinds of
environment hold the same versions. Hashes stay behind: conda's pip list cannot carry them.
"""

from pathlib import Path

HERE = Path(__file__).parent
PYTHON = ">=3.11,<3.14"  # for these every compiled package of the lock has a wheel
HEAD = f"""\
# Made by envs/make_conda.py from envs/requirements.txt: run `make lock`, do not edit.
name: infoplane
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python {PYTHON}
  - pip
  - pip:
"""


def pins(lock: str) -> list[str]:
    """The requirements of a lock with their markers, without hashes and comments."""
    return [line.rstrip(" \\") for line in lock.splitlines() if line[:1] not in ("", " ", "#")]


def conda_file(lock: str) -> str:
    """Text of the conda file that has the pins of this lock."""
    return HEAD + "".join(f"      - {pin}\n" for pin in pins(lock))


if __name__ == "__main__":
    lock = (HERE / "requirements.txt").read_text()
    (HERE / "infoplane.yaml").write_text(conda_file(lock))
