#!/bin/sh
# Runs a script of this folder in an environment of its own, made on first use:
#   src/test/python/python.sh golden.py
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
venv="$root/.cache/image-python"
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi
script=$1
shift
exec "$venv/bin/python" "$here/$script" "$@"
