#!/bin/sh
# The page in a real browser: it draws itself without an error, in light and in
# dark, whatever a script logs. Without Chromium it is skipped.
#
#   spec/page_test.sh build/check/farside
set -eu
farside=$1
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "page: skipped, there is no Chromium"
  exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# What a browser may need to write goes there too.
export HOME="$folder"

fail() {
  echo "page: $*" >&2
  exit 1
}

# Prints the page's DOM once its scripts have run.
open_page() { # FILE [OPTION ...]
  page=$1
  shift
  timeout 60 "$browser" --headless --disable-gpu --no-sandbox --disable-dev-shm-usage \
    --user-data-dir="$folder/profile" --window-size=1200,1000 --virtual-time-budget=4000 \
    --dump-dom "$@" "file://$page" 2>/dev/null
}

expect() { # WORDS FILE
  grep -q -- "$1" "$2" || fail "$2 does not have: $1"
}

cat >"$folder/forgotten.lua" <<'LUA'
local farside = require "farside"
local App, BackgroundTask = farside.Plugins.App, farside.Plugins.BackgroundTask
App.addListener("pause", function()
  BackgroundTask.exec(function() farside.sleep(2000) end, { name = "save" })
end)
LUA

cat >"$folder/hostile.lua" <<'LUA'
local farside = require "farside"
local BackgroundTask = farside.Plugins.BackgroundTask
local evil = '</script><script>document.documentElement.dataset.broken = 1</script>'
  .. '<img src=x onerror="document.documentElement.dataset.broken = 1">'
print(evil, "<!--<script>", "\xff\xfe\0\1\27[0m", "]]>", '"', "'", "{{data}}", "\u{2028}")
BackgroundTask.exec(function(task) task:finish() end, { name = evil })
BackgroundTask.exec(function() error(evil) end, { name = "'\"><svg onload=alert(1)>" })
LUA

cat >"$folder/busy.lua" <<'LUA'
setInterval(function() end, 10)
for i = 1, 5000 do setTimeout(function() end, i * 11 % 58000) end
LUA

for name in forgotten hostile busy; do
  (cd "$folder" && "$farside" simulate "$name.lua" --report "$name.html" >/dev/null 2>&1) || true
  [ -s "$folder/$name.html" ] || fail "no page was written for $name.lua"
  for scheme in light dark; do
    dom="$folder/$name.$scheme.dom"
    option=--blink-settings=preferredColorScheme=1
    [ "$scheme" = dark ] && option=--blink-settings=preferredColorScheme=0
    open_page "$folder/$name.html" "$option" >"$dom" || fail "the browser failed on $name.html"
    expect 'data-drawn="[0-9]* lanes' "$dom"
    ! grep -q '<html[^>]*data-error' "$dom" || fail "$name.html: $(grep -o 'data-error="[^"]*"' "$dom")"
    ! grep -q '<html[^>]*data-broken' "$dom" || fail "$name.html ran what a script logged"
  done
done

expect 'was never finished' "$folder/forgotten.light.dom"
expect '<code>forgotten.lua:4</code>' "$folder/forgotten.light.dom"
expect 'aria-label="task save: leaked, begun at forgotten.lua:4' "$folder/forgotten.light.dom"
expect '<td>task.leak</td>' "$folder/forgotten.light.dom"
expect '<tr class="warn"' "$folder/forgotten.light.dom"
expect 'class="mark task failed"' "$folder/hostile.dark.dom"
# Thousands of timers are drawn as one where they touch each other.
marks=$(grep -c 'class="mark' "$folder/busy.light.dom")
[ "$marks" -lt 2500 ] || fail "busy.html has $marks marks"
echo "page: fine"
