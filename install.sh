#!/bin/sh
# install.sh VENV: a virtual environment with the locked versions and tophalf itself. Debian splits venv off python3.
set -eu
venv=$1
make_venv() { python3 -m venv "$venv"; }
if ! make_venv >/dev/null 2>&1; then
    rm -rf "$venv"
    if [ "$(id -u)" != 0 ]; then
        echo "python3 cannot make a virtual environment: apt-get install python3-venv, then again" >&2
        exit 2
    fi
    apt-get update -qq && apt-get install -y -qq python3 python3-venv >/dev/null
    make_venv
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
"$venv/bin/python" -m compileall -q src/tophalf  # a start without bytecode takes twice as long
