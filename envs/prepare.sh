#!/bin/sh
# Makes .venv hold what envs/uv.txt and envs/requirements.txt say, and this project in it.
# Does nothing where nothing has changed since. `make env` calls it; PYTHON in the environment
# names the Python to use, if any.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd -P)
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV  # of the environment the caller happens to be in

say() { printf 'infoplane: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# Sets $python. The first of 3.11 to 3.13, for which every compiled package of the lock has
# a wheel; else a newer one.
choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11 python3.14
    fi
    python= without_venv= version=
    for candidate do
        version=$("$candidate" -c 'import sys; print(100 * sys.version_info[0] + sys.version_info[1])' 2>/dev/null) || continue
        [ "$version" -ge 311 ] || continue
        if ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            without_venv=$candidate
        elif [ "$version" -le 313 ]; then
            python=$candidate
            return
        else
            python=$candidate
        fi
    done
    if [ -n "$python" ]; then
        say "$python is newer than 3.13: a package without a wheel for it needs a C compiler"
    elif [ -n "$without_venv" ]; then
        minor=$("$without_venv" -c 'import sys; print(sys.version_info[1])')
        fail "$without_venv cannot make environments: its venv or ensurepip is missing." \
            "On Debian or Ubuntu: apt install python3.$minor-venv"
    else
        fail "needs Python 3.11 or newer, found none as: $*." \
            "Install one, or name it: make env PYTHON=/path/to/python3"
    fi
}

# An environment holds absolute paths: a copied or moved tree makes its own, and does not run
# the library of the tree it came from.
ready() {
    [ "$(cat .venv/complete 2>/dev/null)" = "$here" ] &&
        [ -z "$(find envs/*.txt envs/prepare.sh pyproject.toml -newer .venv/complete)" ]
}

# Whether .venv can be brought up to date: made in this folder, and never cut off half-way,
# which may leave half a package that looks installed.
usable() {
    case "$(sed -n 's/^command = //p' .venv/pyvenv.cfg)" in
        *" $here/.venv") [ ! -e .venv/incomplete ] && .venv/bin/uv --version ;;
        *) false ;;
    esac
}

ready && exit
if command -v flock >/dev/null; then  # two at once would work on the same folder
    exec 9>>envs/prepare.sh
    flock 9
    ready && exit
fi

if ! usable >/dev/null 2>&1; then
    choose_python
    say "making .venv with $python"
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --require-hashes --requirement envs/uv.txt
fi

touch .venv/incomplete
say "installing the locked packages into .venv (the first time some GB, most of it torch)"
[ -t 1 ] && quiet= || quiet=--quiet  # progress bars for a person, no list of names for a log
# Compiled once: where PYTHONDONTWRITEBYTECODE is set, every job would compile torch anew, 5 s.
.venv/bin/uv pip sync $quiet --compile-bytecode --python .venv/bin/python --require-hashes \
    envs/uv.txt envs/requirements.txt
# setuptools is in the lock: an isolated build would fetch another one, without a hash.
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation \
    --editable .
rm .venv/incomplete
printf '%s\n' "$here" >.venv/complete
say ".venv is ready"
