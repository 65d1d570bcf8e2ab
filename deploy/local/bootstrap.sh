#!/usr/bin/env bash
# Brings what this project needs on a Debian or Ubuntu machine: uv and the Python packages, and, unless called with
# "python", the servers, the letters' font and the tests' vectors. Works as root and as an ordinary user; a second
# call is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p .local

sentence() { echo "$1" >&2; exit 1; }

python=$(command -v python3 || true)
[ -n "$python" ] || sentence "python3 is missing: install Python 3.11 or newer first."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || sentence "Python 3.11 or newer is needed; $("$python" --version) is too old."

# pip for this one call: the system's, or else out of Debian's package of pip's wheel, unpacked and not installed.
# The system's own Python gets nothing installed.
pip() {
  if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip "$@"
    return
  fi
  command -v apt-get >/dev/null || sentence "pip and apt-get are missing: install uv first (https://docs.astral.sh/uv)."
  rm -rf .local/pip && mkdir -p .local/pip
  (
    cd .local/pip
    apt-get -qq download python3-pip-whl 2>/dev/null ||
      { [ "$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq download python3-pip-whl; } ||
      sentence "apt-get cannot bring python3-pip-whl; ask an administrator for 'apt-get update'."
    dpkg -x python3-pip-whl_*.deb .
  ) || exit 1
  "$python" "$(echo .local/pip/usr/share/python-wheels/pip-*.whl)/pip" "$@"
}

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  uv=.local/tools/bin/uv
  if [ ! -x "$uv" ]; then
    echo "installing uv …"
    pip install --quiet --disable-pip-version-check --no-warn-script-location --target .local/tools uv ||
      sentence "pip could not bring uv; see its message above."
  fi
fi
UV_PYTHON_DOWNLOADS=never "$uv" sync --quiet --frozen --all-extras --python "$python"

[ "${1:-}" = python ] && exit 0

.venv/bin/python -m deploy.local.packages
.venv/bin/python -m deploy.local.fonts
.venv/bin/python -m deploy.local.vectors
