#!/bin/sh
# The rock: luarocks makes, packs, installs and tests it, offline and into fresh
# trees, and plain Lua uses it, beside luv and cjson.
#   rock_test.sh CHECKOUT LUA
set -eu
checkout=$1
lua=$2
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

try() { # Name, command …
  name=$1
  shift
  "$@" >"$tree/log" 2>&1 || {
    cat "$tree/log"
    echo "not ok $name"
    echo "$passed passed, 1 failed"
    exit 1
  }
  ok "$name"
}

rocks() {
  luarocks --lua-version=5.4 "$@"
}

export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-2}"
# From a copy: luarocks leaves its build folder beside the rockspec.
mkdir "$tree/source"
(cd "$checkout" && cp -r CMakeLists.txt farside-scm-1.rockspec LICENSE host bindings scripts spec "$tree/source")
cd "$tree/source"
try "luarocks lint" rocks lint farside-scm-1.rockspec
try "luarocks make" rocks make --tree "$tree/rock"

# The same out of a package: of sources, and built. Nothing is fetched.
try "luarocks make --pack-binary-rock" rocks make --pack-binary-rock
ls farside-scm-1.linux-*.rock >/dev/null
try "a binary rock is installed into a fresh tree" rocks install --tree "$tree/binary" farside-scm-1.linux-*.rock
tar czf "$tree/farside.tar.gz" -C "$tree" --exclude='*.rock' --exclude=build.luarocks source
mkdir "$tree/packed"
sed "s|url = .*|url = \"file://$tree/farside.tar.gz\", dir = \"source\",|" farside-scm-1.rockspec \
  >"$tree/packed/farside-scm-1.rockspec"
cd "$tree/packed"
try "luarocks pack" rocks pack farside-scm-1.rockspec
try "a rock of sources is built and installed" rocks install --tree "$tree/fresh" farside-scm-1.src.rock
for place in binary fresh; do
  is "the rock works from the $place tree" "0.1.0" "$(eval "$(rocks --tree "$tree/$place" path)" && "$lua" -e 'print(require "farside".version)')"
done

eval "$(rocks --tree "$tree/rock" path)"
cd "$tree/source"
try "luarocks test" rocks test farside-scm-1.rockspec

# Somebody's project, from an empty folder, that depends on the rock.
mkdir "$tree/notes"
cp -r "$checkout/spec/rock/." "$tree/notes"
cd "$tree/notes"
mv spec/notes_busted.lua spec/notes_spec.lua # No spec of ours: busted takes those by name.
try "a project that depends on it is built" rocks make --tree "$tree/rock" notes-scm-1.rockspec
try "and its specs pass" "$lua" "$(command -v busted)" spec
cd "$checkout"

try "luv shares its loop" "$lua" spec/rock_luv.lua
is "luv that was there before keeps its own, and works beside" "BUSY luv farside" "$("$lua" -e '
  local uv, farside = require "luv", require "farside"
  io.write(select(3, farside.loop()), " ")
  local timer = uv.new_timer()
  timer:start(1, 0, function() io.write "luv " timer:close() end)
  uv.run()
  farside.setTimeout(function() print "farside" end, 1)
  farside.run()')"
is "cjson works beside" '{"kept":7}' "$("$lua" -e '
  local json, farside = require "cjson", require "farside"
  local Storage = farside.Plugins.Storage
  assert(farside.openStore())
  Storage.set("value", json.decode "{\"kept\":7}")
  print(json.encode(Storage.get "value"))')"

is "no global is touched, and nothing of Lua is linked twice" "0" "$("$lua" -e '
  local before, new = {}, 0
  for name in pairs(_G) do before[name] = true end
  local print_before = print
  require "farside"
  for name in pairs(_G) do new = new + (before[name] and 0 or 1) end
  assert(print == print_before)
  print(new)')"

is "farside.run() drives the loop until nothing is left" "one two three true" "$("$lua" -e '
  local farside = require "farside"
  local said = {}
  farside.setTimeout(function() said[#said + 1] = "two" end, 20)
  farside.Plugins.BackgroundTask.exec(function(task)
    said[#said + 1] = "one"
    farside.sleep(40)
    said[#said + 1] = "three"
    task:finish()
  end)
  local done = tostring(farside.run())
  said[#said + 1] = done
  print(table.concat(said, " "))')"

is "it runs from a coroutine, and twice" "a b" "$("$lua" -e '
  local farside = require "farside"
  local said = {}
  local function go(word)
    farside.setTimeout(function() said[#said + 1] = word end, 1)
    assert(farside.run())
  end
  coroutine.wrap(go)("a")
  go("b")
  print(table.concat(said, " "))')"

is "run() inside a callback is refused" "false true" "$("$lua" -e '
  local farside = require "farside"
  farside.setTimeout(function()
    local ok, message = pcall(farside.run)
    io.write(tostring(ok), " ", tostring(message:find("never from a callback", 1, true) ~= nil), "\n")
  end, 1)
  farside.run()')"

is "sleep outside a coroutine is explained" "true" "$("$lua" -e '
  local ok, message = pcall(require "farside".sleep, 1)
  print(message:find("only a coroutine can sleep", 1, true) ~= nil)')"

is "SIGTERM reaches the listeners" "SIGTERM 30000" "$("$lua" -e '
  local farside = require "farside"
  farside.Plugins.App.addListener("terminate", function(event) print(event.reason .. " " .. event.graceMs) end)
  farside.setTimeout(function()
    local stat = io.open("/proc/self/stat"):read "n"
    os.execute("kill -TERM " .. stat)
  end, 1)
  farside.setInterval(function() end, 1000)
  farside.run()')"

is "the phone is there too" "finished suspended" "$("$lua" -e '
  local device = require "farside.device"
  local phone <close> = device.open { os = "ios", http = { "https://films.example.com/*" } }
  phone:respond("https://films.example.com/*", { rate = "1MB/s" })
  local app = assert(phone:launch "scripts/finish_upload.lua")
  phone:pressHome()
  phone:advance "20s"
  print(app:tasks()[1].state .. " " .. phone:state())')"

is "the matchers for busted are there" "1" "$("$lua" "$(command -v busted)" --helper=spec/helper.lua spec/busted_spec.lua 2>&1 |
  grep -c "5 successes / 0 failures / 0 errors")"

is "a leak is found among the locals of the main script" "1 0" "$("$lua" -e '
  local farside = require "farside"
  local BackgroundTask = farside.Plugins.BackgroundTask
  local held = BackgroundTask.exec(function() end, { name = "held" })
  BackgroundTask.exec(function() end, { name = "lost" })
  farside.setTimeout(farside.Plugins.App.exitApp, 20)
  farside.setTimeout(function() BackgroundTask.finish { taskId = held } end, 10)
  farside.setTimeout(function() os.exit(0) end, 15)
  farside.run()' 2>&1 | awk '/leak lost/ {lost++} /leak held/ {held++} END {print lost + 0, held + 0}')"

is "required twice it is the same, and works on" "true true NOTASK" "$("$lua" -e '
  local one = require "farside"
  package.loaded.farside = nil
  local two = require "farside"
  collectgarbage()
  local done
  two.Plugins.BackgroundTask.exec(function(task) done = task:finish() end)
  one.setTimeout(function() end, 1)
  two.run()
  print(one == two, done, (select(3, one.Plugins.BackgroundTask.finish { taskId = 0 })))' | tr '\t' ' ')"

is "it can be opened anew when the app has ended" "false true" "$("$lua" -e '
  local one = require "farside"
  one.setTimeout(one.Plugins.App.exitApp, 1)
  one.run()
  package.loaded.farside = nil
  local two = require "farside"
  two.setTimeout(function() end, 1)
  print(one == two, two.run())' | tr '\t' ' ')"

is "os.exit inside a callback ends the interpreter" "3" "$("$lua" -e '
  local farside = require "farside"
  farside.setTimeout(function() os.exit(3, true) end, 1)
  farside.run()' || echo $?)"

is "an interpreter that closes without running is fine" "closed" "$("$lua" -e '
  local farside = require "farside"
  farside.setInterval(print, 1)
  farside.Plugins.BackgroundTask.exec(print)
  os.exit(true, true)' && echo closed)"

echo "$passed passed, 0 failed"
