#!/bin/sh
# Makes .venv hold what envs/uv.txt and envs/requirements.txt say, and this project in it.
# `make env` calls it. PYTHON in the environment names the Python to use, if any.
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

# Made in this folder, and not cut off before uv was in it.
usable() {
    case "$(sed -n 's/^command = //p' .venv/pyvenv.cfg)" in
        *" $here/.venv") .venv/bin/uv --version && .venv/bin/python -c pass ;;
        *) false ;;
    esac
}

if ! usable >/dev/null 2>&1; then
    choose_python
    say "making .venv with $python"
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --require-hashes --requirement envs/uv.txt
fi

say "installing the locked packages into .venv (the first time some GB, most of it torch)"
[ -t 1 ] && quiet= || quiet=--quiet  # progress bars for a person, no list of names for a log
.venv/bin/uv pip sync $quiet --python .venv/bin/python --require-hashes \
    envs/uv.txt envs/requirements.txt
# setuptools is in the lock: an isolated build would fetch another one, without a hash.
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation \
    --editable .
say ".venv is ready"
