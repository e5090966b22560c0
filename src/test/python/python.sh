#!/bin/sh
# Runs a script of this folder in an environment of its own, made on first use:
#   src/test/python/python.sh golden.py
# Those that compare with transformers have a larger one (PyTorch: 3 GB to fetch, 5 GB on disk).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
script=$1
shift
case $script in
  golden_processors.py | bench_images.py) kind=transformers ;;
  peers/*) kind=peers ;;
  *) kind=image ;;
esac
venv="$root/.cache/$kind-python"
requirements="$here/requirements-$kind.txt"
if ! cmp -s "$requirements" "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$here/$script" "$@"
