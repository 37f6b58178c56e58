#!/bin/sh
# Makes ./configure from configure.ac (needs autoconf, automake and pkg-config).
set -e
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf --install --force --warnings=all,no-obsolete
