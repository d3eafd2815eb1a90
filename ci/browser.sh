#!/usr/bin/env bash
# The report's page in a real Chromium; installs Chromium where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
  command -v apt-get >/dev/null || {
    echo "There is no Chromium here and no apt-get. Remedy: install Chromium so that 'chromium' is on PATH." >&2; exit 2; }
  as_root="env DEBIAN_FRONTEND=noninteractive"
  [ "$(id -u)" = 0 ] || as_root="sudo $as_root"
  echo "Installing Chromium and a font (about 100 MB)."
  $as_root apt-get update -qq
  $as_root apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
exec .venv/bin/pytest harness/report/browser_tests "$@"
