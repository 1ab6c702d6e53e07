#!/usr/bin/env bash
# Sees that there is a Chromium for the tests that open pages: installs it where that needs no asking, by apt-get as
# root. Elsewhere, or where it fails, those tests are skipped, and everything else goes on.
set -uo pipefail

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium by apt-get (once) …" >&2
    get() { DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq -o Acquire::http::Timeout=20 "$@" </dev/null >/dev/null 2>&1; }
    get update
    get install --yes --no-install-recommends chromium fonts-dejavu-core && command -v chromium >/dev/null && exit 0
fi
echo "No Chromium: the tests that open pages in a browser will be skipped." >&2
