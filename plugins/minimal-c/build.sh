#!/bin/sh
# Builds the plugin with a C compiler and one header. Usage: build.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-.}
${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wpedantic -fPIC -shared -fvisibility=hidden -I"$here/../../include" \
  -o "$out/libglk_minimal_c.so" "$here"/src/*.c -lm
