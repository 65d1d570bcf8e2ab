#!/usr/bin/env bash
# Brings what this project needs on a Debian or Ubuntu machine: uv and the Python packages, and, unless called with
# "python", the servers and the letters' font. Works as root and as an ordinary user; a second call is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p .local

sentence() { echo "$1" >&2; exit 1; }

python=$(command -v python3 || true)
[ -n "$python" ] || sentence "python3 is missing: install Python 3.11 or newer first."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || sentence "Python 3.11 or newer is needed; $("$python" --version) is too old."

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  uv=.local/tools/bin/uv
  if [ ! -x "$uv" ]; then
    echo "installing uv …"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
      [ "$(id -u)" = 0 ] || sentence "python3-venv is missing: ask an administrator for 'apt-get install python3-venv'."
      apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
    fi
    "$python" -m venv .local/tools
    .local/tools/bin/pip install --quiet --disable-pip-version-check uv
  fi
fi
UV_PYTHON_DOWNLOADS=never "$uv" sync --quiet --frozen --all-extras --python "$python"

[ "${1:-}" = python ] && exit 0

if ! command -v npm >/dev/null && [ ! -e .local/fonts/Vazirmatn-Regular.ttf ]; then
  [ "$(id -u)" = 0 ] || sentence "npm is missing, which brings the letters' font: ask an administrator for 'apt-get install npm'."
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends npm >/dev/null
fi
.venv/bin/python -m deploy.local.packages
.venv/bin/python -c 'from deploy.local.fonts import ensure_fonts; ensure_fonts()'
