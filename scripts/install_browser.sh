#!/usr/bin/env bash
# Sees that there is a Chromium for the tests that open pages. Where there is none, it installs one by apt-get as root:
# without asking if given --browser, after asking on a terminal, and not at all elsewhere. Without a Chromium, or where
# the installation fails, those tests are skipped, and everything else goes on.
set -uo pipefail

case ${1:-} in
    "" | --browser) wanted=${1:-} ;;
    *) echo "usage: scripts/install_browser.sh [--browser]" >&2; exit 2 ;;
esac

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
skipped="No Chromium: the tests that open pages in a browser will be skipped"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$skipped." >&2
    exit 0
fi
if [ -z "$wanted" ] && [ -t 0 ] && [ -t 2 ]; then
    read -r -p "Install Chromium and fonts by apt-get, for the tests that open pages? [y/N] " answer
    case $answer in [yY]*) wanted=--browser ;; esac
fi
if [ -z "$wanted" ]; then
    echo "$skipped; scripts/test.sh --browser installs one by apt-get." >&2
    exit 0
fi
echo "Installing Chromium by apt-get (once) …" >&2
get() { DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq -o Acquire::http::Timeout=20 "$@" </dev/null >/dev/null 2>&1; }
get update
get install --yes --no-install-recommends chromium fonts-dejavu-core && command -v chromium >/dev/null && exit 0
echo "$skipped: apt-get could not install it." >&2
