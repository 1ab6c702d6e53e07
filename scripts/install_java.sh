#!/usr/bin/env bash
# Sees that there is a Java for the test that translates with Spark. Where there is none, or one older than 17, it installs
# one by apt-get as root. Elsewhere, or where the installation fails, that test is skipped, and everything else goes on.
set -uo pipefail

[ $# = 0 ] || { echo "usage: scripts/install_java.sh" >&2; exit 2; }
found=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
[ "${found:-0}" -lt 17 ] || exit 0
skipped="No Java 17: the test that translates with Spark will be skipped"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$skipped." >&2
    exit 0
fi
echo "Installing Java by apt-get (once) …" >&2
get() { DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq -o Acquire::http::Timeout=20 "$@" </dev/null >/dev/null 2>&1; }
get update
get install --yes --no-install-recommends default-jre-headless && command -v java >/dev/null && exit 0
echo "$skipped: apt-get could not install it." >&2
