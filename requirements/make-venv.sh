#!/usr/bin/env bash
# Makes the virtual environment VENV with PYTHON. Debian ships python3 without `ensurepip`; then
# the package python3-venv is installed by apt-get, with sudo where that is needed.
set -euo pipefail

fail() {
    printf 'cometape: %s\n' "$@" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null || fail "no $PYTHON here: install Python 3.11 or newer," \
    "or name one: make PYTHON=python3.12 ..."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$PYTHON is $("$PYTHON" --version 2>&1), cometape needs 3.11 or newer:" \
        "name another one: make PYTHON=python3.12 ..."

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "$PYTHON cannot make virtual environments (it has no ensurepip), and installing" \
            "python3-venv needs root and there is no sudo. As root, run:  apt-get install python3-venv"
    fi
}

if ! "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null; then
    command -v apt-get >/dev/null ||
        fail "$PYTHON cannot make virtual environments: install its venv and ensurepip modules"
    printf '\033[1m── %s\033[0m\n' "Debian package python3-venv ($PYTHON has no ensurepip)"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "python3-venv is installed, but $PYTHON is another Python and still has no ensurepip:" \
            "name Debian's own: make PYTHON=/usr/bin/python3 ..."
fi

printf '\033[1m── %s\033[0m\n' "virtual environment $VENV ($("$PYTHON" --version))"
rm -rf "$VENV"
"$PYTHON" -m venv "$VENV"
