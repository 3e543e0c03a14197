#!/usr/bin/env bash
# Prints the newest Python here that cometape knows and that is newer than PYTHON; nothing without.
set -euo pipefail

version() { "$1" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

pyenv=${PYENV_ROOT:-$(pyenv root 2>/dev/null || true)}
own=$(version "${PYTHON:-python3}" || echo 0)
for minor in 13 12; do
    [ "3.$minor" = "$own" ] && exit 0
    for found in "python3.$minor" "$pyenv/versions/3.$minor".*/bin/python; do
        if command -v "$found" >/dev/null && [ "$(version "$found")" = "3.$minor" ]; then
            command -v "$found"
            exit 0
        fi
    done
done
