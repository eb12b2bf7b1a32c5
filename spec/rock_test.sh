#!/bin/sh
# The rock: luarocks makes it from the checkout into a fresh tree, offline, and
# plain Lua uses it.   rock_test.sh CHECKOUT LUA
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

# From a copy: luarocks leaves its build folder beside the rockspec.
mkdir "$tree/source"
(cd "$checkout" && cp -r CMakeLists.txt farside-scm-1.rockspec LICENSE host bindings scripts "$tree/source")
cd "$tree/source"
luarocks --lua-version=5.4 make --tree "$tree/rock" >"$tree/log" 2>&1 || {
  cat "$tree/log"
  echo "0 passed, 1 failed"
  exit 1
}
ok "luarocks make"
luarocks lint farside-scm-1.rockspec >/dev/null
ok "luarocks lint"

eval "$(luarocks --lua-version=5.4 --tree "$tree/rock" path)"
cd "$checkout"

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
  local phone <close> = device.open { os = "ios" }
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

"$lua" "$(command -v busted)" --helper=spec/helper.lua spec/app_spec.lua spec/timers_spec.lua >"$tree/log" 2>&1 || {
  cat "$tree/log"
  echo "$passed passed, 1 failed"
  exit 1
}
ok "busted in plain Lua runs specs against the rock"

echo "$passed passed, 0 failed"
