#!/bin/sh
# What is installed: an empty folder, a program in C and the installed tree are
# all that an engine needs.   install_test.sh CHECKOUT BUILD CC
set -eu
checkout=$1
build=$2
cc=$3
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0

ok() {
  passed=$((passed + 1))
  echo "ok $1"
}

is() { # name, wanted, got
  if [ "$2" != "$3" ]; then
    printf 'not ok %s\nwanted: %s\ngot:    %s\n' "$1" "$2" "$3"
    echo "$passed passed, 1 failed"
    exit 1
  fi
  ok "$1"
}

# Under DESTDIR, as a package is made, and then moved to another place.
(cd "$checkout" && DESTDIR="$tree/staged" cmake --install "$build" --prefix /opt/farside >"$tree/log")
mv "$tree/staged/opt/farside" "$tree/farside"
lib=$(dirname "$(find "$tree/farside" -name libfarside.a)")
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
mkdir "$tree/empty"
cp "$checkout/spec/engine/hello.c" "$tree/empty"
cd "$tree/empty"

is "the shared library shows farside_* and nothing else" "" \
  "$(nm -D --defined-only "$lib/libfarside.so" | awk '{print $3}' | grep -v '^farside_' || true)"
is "the static library too" "" \
  "$(nm -g --defined-only "$lib/libfarside.a" | awk 'NF == 3 {print $3}' | grep -v '^farside_' || true)"
nm -D --defined-only "$lib/libfarside.so" | awk '{print $3}' | sort >shown
# shellcheck disable=SC2046
sed -n 's/^[a-z].* \**\(farside_[a-z_]*\)(.*/\1/p' "$tree/farside/include/farside/farside.h" |
  grep -v '^farside_on_' | sort >declared
is "what it shows is what the header declares" "" "$(diff shown declared || true)"
is "nothing of Lua, libuv or jansson is looked for elsewhere" "" \
  "$(nm -D --undefined-only "$lib/libfarside.so" | awk '{print $2}' | grep -E '^(lua|uv_|json_)' || true)"
is "it stays when it is unloaded" "NODELETE" \
  "$(readelf -d "$lib/libfarside.so" | grep -o NODELETE | head -n 1)"
is "its name has the version of what it may be called by" \
  "libfarside.so.$(sed -n 's/^#define FARSIDE_ABI //p' "$tree/farside/include/farside/farside.h")" \
  "$(readelf -d "$lib/libfarside.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"

# shellcheck disable=SC2046
"$cc" -Wall -Wextra -Wpedantic -Werror hello.c -o shared $(pkg-config --cflags --libs farside)
is "pkg-config, shared" "hello from Lua 5.4" "$(LD_LIBRARY_PATH=$lib ./shared)"
# shellcheck disable=SC2046
"$cc" hello.c -o static $(pkg-config --cflags --libs farside-static)
is "pkg-config, static" "hello from Lua 5.4" "$(./static)"
is "the static one needs no libfarside.so" "" "$(ldd ./static | grep farside || true)"

cat >CMakeLists.txt <<'LIST'
cmake_minimum_required(VERSION 3.16)
project(hello C)
find_package(farside 0.1 REQUIRED)
add_executable(shared hello.c)
target_link_libraries(shared farside::farside)
add_executable(static hello.c)
target_link_libraries(static farside::static)
LIST
cmake -S . -B build -D CMAKE_C_COMPILER="$cc" -D CMAKE_PREFIX_PATH="$tree/farside" >"$tree/log" 2>&1 &&
  cmake --build build >>"$tree/log" 2>&1 || {
  cat "$tree/log"
  echo "$passed passed, 1 failed"
  exit 1
}
is "CMake, shared" "hello from Lua 5.4" "$(build/shared)"
is "CMake, static" "hello from Lua 5.4" "$(build/static)"

# The page that shows how: its files, its commands, and what they print.
block() { # language, which of its blocks
  awk -v fence="\`\`\`$1" -v which="$2" '
    $0 == "```" { inside = 0 }
    inside && n == which { print }
    $0 == fence { inside = 1; n++ }' "$checkout/docs/embed.md"
}
mkdir page
cd page
block lua 1 >game.lua
block c 1 >game.c
block sh 2 >commands
block text 1 >wanted
# shellcheck disable=SC2046
"$cc" -Wall -Wextra -Wpedantic -Werror game.c -o game $(pkg-config --cflags --libs farside)
is "the program of docs/embed.md says what the page says" "$(cat wanted)" \
  "$(LD_LIBRARY_PATH=$lib ./game)"
lines=$(wc -l <game.c)
is "it is a page: 60 lines or fewer" "yes" "$([ "$lines" -le 60 ] && echo yes || echo "$lines")"
rm game game.db
is "and the page's commands build and run it" "$(cat wanted)" "$(HOME=$tree sh commands)"
block lua 2 >game.plan.lua
block sh 3 >commands
block text 2 >wanted
is "and play its plan" "$(cat wanted)" "$(HOME=$tree sh commands)"
cd ..

is "the program is there too" "farside" "$("$tree/farside/bin/farside" version | cut -d' ' -f1)"

echo "$passed passed, 0 failed"
