#!/bin/sh
# Starts a real Triton on loopback: the server inside pip's nvidia-pytriton, in an environment of its own that is made on
# first use. It serves the shipped models unless told otherwise:
#   src/test/triton/triton.sh [--port 8001] [--http-port 8000] [--metrics-port 8002] [--repository FOLDER]... [-- OPTION...]
#   src/test/triton/triton.sh --python SCRIPT ...     runs a script in that environment
#   src/test/triton/triton.sh --make                  only makes it
# What comes after -- goes to the server as it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
cache=$root/.cache/triton
venv=$cache/venv
server=$cache/server

die() {
  printf 'triton: %s\n' "$1" >&2
  exit 69
}

# Made aside and moved into place as a whole, so that an interrupted or a second attempt does no harm.
make_environment() {
  cmp -s "$here/requirements.txt" "$cache/requirements.txt" && return
  command -v python3 >/dev/null 2>&1 || die "no python3 on the PATH"
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "the server's wheel is for Linux on x86-64 alone"
  echo "triton: makes its environment (about 500 MB under .cache/triton)" >&2
  rm -rf "$cache"
  mkdir -p "$cache"
  python3 -m venv "$venv" || die "python3 has no venv module"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2 ||
    die "the wheels could not be installed"
  packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  minor=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  stub=$packages/pytriton/tritonserver/python_backend_stubs/$minor/triton_python_backend_stub
  [ -f "$stub" ] || die "the wheel has no python back end for Python $minor"
  cp -R "$packages/pytriton/tritonserver" "$server"
  cp "$stub" "$server/backends/python/"
  chmod +x "$server/bin/tritonserver" "$server/backends/python/triton_python_backend_stub"
  cp "$here/requirements.txt" "$cache/requirements.txt"
}

# Two tests at once must not make it twice.
mkdir -p "$root/.cache"
(
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  make_environment
) 9>"$root/.cache/triton.lock"
[ "${1:-}" != --make ] || exit 0

python=$venv/bin/python
if [ "${1:-}" = --python ]; then
  shift
  exec "$python" "$@"
fi

port=8001
http_port=8000
metrics_port=8002
repositories=
while [ $# -gt 0 ]; do
  case $1 in
    --port) port=$2 && shift 2 ;;
    --http-port) http_port=$2 && shift 2 ;;
    --metrics-port) metrics_port=$2 && shift 2 ;;
    --repository) repositories="$repositories --model-repository=$(cd "$2" && pwd -P)" && shift 2 ;;
    --) shift && break ;;
    *) die "unknown option $1" ;;
  esac
done
[ -n "$repositories" ] || repositories=--model-repository=$root/model-repository

# The back end that the shipped models ask for is ours: ONNX Runtime in Python, at the version that the gateway embeds.
cmp -s "$here/backends/onnxruntime/model.py" "$server/backends/onnxruntime/model.py" || {
  mkdir -p "$server/backends/onnxruntime"
  cp "$here/backends/onnxruntime/model.py" "$server/backends/onnxruntime/model.py"
}

packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
library=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
export LD_LIBRARY_PATH="$packages/nvidia_pytriton.libs:$library"
export PYTHONPATH="$packages"
export PYTHONDONTWRITEBYTECODE=1
export PATH="$venv/bin:$PATH"
export ORT_DISABLE_TELEMETRY=1
# shellcheck disable=SC2086 # one word a repository
exec "$server/bin/tritonserver" $repositories --backend-directory="$server/backends" \
  --grpc-address=127.0.0.1 --grpc-port="$port" --http-address=127.0.0.1 --http-port="$http_port" \
  --metrics-address=127.0.0.1 --metrics-port="$metrics_port" "$@"
