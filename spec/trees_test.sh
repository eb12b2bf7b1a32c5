#!/bin/sh
# libfarside of an engine's own trees, where the system has nothing: a wrong folder
# is told in a sentence, and of the right ones comes a library that needs the C
# library only, in which durable work and Http do what they do elsewhere.
#   trees_test.sh CHECKOUT CC HTTP_SERVE
set -eu
checkout=$1
cc=$2
serve=$3
sources=$checkout/build/sources
tree=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$tree"' EXIT
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

if [ ! -e "$sources/curl/complete" ] || [ ! -e "$sources/sqlite/complete" ]; then
  echo "skipped: .ci/sources test fetches the trees"
  exit 77
fi

# Without pkg-config's folders there is nothing that the system could give.
configure() {
  PKG_CONFIG_LIBDIR=$tree cmake -S "$checkout" -B "$tree/build" -G Ninja -D CMAKE_BUILD_TYPE=Debug \
    -D CMAKE_C_COMPILER="$cc" -D CMAKE_INSTALL_PREFIX="$tree/farside" -D FARSIDE_ENGINE_ONLY=ON \
    -D FARSIDE_WERROR=ON "$@" 2>&1 >"$tree/log"
}

# The first sentence of what it says, on one line.
refused() { # name, the sentence, options …
  name=$1
  sentence=$2
  shift 2
  is "$name" "$sentence" "$(configure "$@" | tr '\n' ' ' | sed 's/  */ /g; s/^[^:]*:[0-9]* (message): //; s/\. .*/./')"
}

refused "no Lua" "FARSIDE_LUA_DIR is not given." -D FARSIDE_HTTP=OFF \
  -D FARSIDE_JANSSON_DIR="$tree" -D FARSIDE_SQLITE_DIR="$sources/sqlite/src"
refused "a wrong folder for Lua" "FARSIDE_LUA_DIR: there is no lua.h in $sources." -D FARSIDE_LUA_DIR="$sources"
mkdir "$tree/lua"
echo '#define LUA_VERSION_MINOR "1"' >"$tree/lua/lua.h"
refused "another Lua" "FARSIDE_LUA_DIR: the Lua in $tree/lua is not 5.4." -D FARSIDE_LUA_DIR="$tree/lua"
refused "no libuv" "FARSIDE_UV_DIR is not given." -D FARSIDE_LUA_DIR="$sources/lua"
refused "a wrong folder for libuv" "FARSIDE_UV_DIR: there is no include/uv.h in $tree." -D FARSIDE_UV_DIR="$tree"
refused "a wrong folder for jansson" \
  "FARSIDE_JANSSON_DIR: there is no src/jansson_config.h.in in $tree." -D FARSIDE_UV_DIR="$sources/libuv"
refused "SQLite's sources, of which sqlite3.c was not made" \
  "FARSIDE_SQLITE_DIR: there is no sqlite3.c in $sources/sqlite/src." -D FARSIDE_JANSSON_DIR="$sources/jansson"
mkdir "$tree/old"
echo '#define SQLITE_VERSION_NUMBER 3036000' >"$tree/old/sqlite3.h"
touch "$tree/old/sqlite3.c"
refused "an old SQLite" "FARSIDE_SQLITE_DIR: $tree/old is older than 3.37." -D FARSIDE_SQLITE_DIR="$tree/old"
refused "a source tree of libcurl" "FARSIDE_CURL_DIR: there is no lib/libcurl.a in $sources/curl." \
  -D FARSIDE_SQLITE_DIR="$sources/sqlite" -D FARSIDE_HTTP=ON -D FARSIDE_CURL_DIR="$sources/curl"

build() { # options …
  configure "$@" && cmake --build "$tree/build" >"$tree/log" 2>&1 &&
    cmake --install "$tree/build" >>"$tree/log" 2>&1 || {
    cat "$tree/log"
    echo "$passed passed, 1 failed"
    exit 1
  }
  lib=$(dirname "$(find "$tree/farside" -name libfarside.a)")
  export PKG_CONFIG_PATH="$lib/pkgconfig"
  # shellcheck disable=SC2046
  "$cc" -Wall -Wextra -Wpedantic -Werror "$checkout/spec/engine/durable.c" -o "$tree/durable" \
    $(pkg-config --cflags --libs farside-static)
  # shellcheck disable=SC2046
  "$cc" "$checkout/spec/engine/durable.c" -o "$tree/durable_shared" $(pkg-config --cflags --libs farside)
  is "it needs the C library and nothing else" "" \
    "$(readelf -d "$lib/libfarside.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(lib(c|m|dl|rt|pthread)|ld-linux[^.]*)\.so' || true)"
  is "the shared library shows farside_* and nothing else" "" \
    "$(nm -D --defined-only "$lib/libfarside.so" | awk '{print $3}' | grep -v '^farside_' || true)"
  is "the static library too" "" \
    "$(nm -g --defined-only "$lib/libfarside.a" | awk 'NF == 3 {print $3}' | grep -v '^farside_' || true)"
}

build -D FARSIDE_HTTP=OFF -D FARSIDE_CURL_DIR=
is "durable work, without Http" "enqueued UNSUPPORTED" "$("$tree/durable" "$tree/without.db" | paste -sd ' ')"
is "and once" "" "$("$tree/durable" "$tree/without.db")"

build -D FARSIDE_HTTP=ON -D FARSIDE_CURL_DIR="$sources/curl/installed"
mkfifo "$tree/said"
"$serve" >"$tree/said" &
server=$!
exec 3<"$tree/said"
read -r url <&3
is "durable work, with a request" "enqueued 200" "$("$tree/durable" "$tree/with.db" "$url/echo" | paste -sd ' ')"
is "once, with the shared library too" "" \
  "$(LD_LIBRARY_PATH=$lib "$tree/durable_shared" "$tree/with.db" "$url/echo")"

echo "$passed passed, 0 failed"
