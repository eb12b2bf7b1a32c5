#!/bin/sh
# The page in a real browser: it draws itself without an error, in light and in
# dark, whatever a script logs. Without Chromium it is skipped.
#
#   spec/page_test.sh build/check/farside
set -eu
farside=$(realpath "$1")
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
  timeout 300 "$browser" --headless --disable-gpu --no-sandbox --disable-dev-shm-usage \
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

# With the keyboard, the mouse and the table: what each does is written to
# data-did, and the first thing that is not as it should be to data-error.
cat >"$folder/hands.js" <<'JS'
<script>
const press = (key, node = document.body) => node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const must = (is, what) => { if (!is) throw new Error(what); };
const span = () => to - from;
const whole = span();
press("+");
must(span() < whole, "+ does not zoom in");
press("ArrowRight");
must(from > FROM, "the arrow does not move");
press("-"); press("0");
must(span() === whole, "0 does not show all");
find("[data-do=in]").click();
must(span() < whole, "the button does not zoom in");
svg.dispatchEvent(new WheelEvent("wheel", { deltaY: 2000, clientX: 400, bubbles: true, cancelable: true }));
must(span() === whole, "the wheel does not zoom out");
find(".show").click();
const bar = document.activeElement;
must(bar.matches(".mark.task.leaked"), "the button does not show the task");
must(!tip.hidden && tip.textContent.includes("who will finish it?"), "the mark does not say why");
press("ArrowUp", bar);
must(document.activeElement.matches(".mark.band"), "up does not go to the lane above");
press("ArrowRight", document.activeElement);
must(document.activeElement.getAttribute("aria-label").startsWith("app: "), "right does not go along the lane");
press("Enter", bar);
must(span() < whole, "Enter does not zoom to a mark");
draw();
must(+find("rect.bar", bar).getAttribute("width") > 500, "the bar has not grown");
bar.dispatchEvent(new MouseEvent("click", { bubbles: true }));
must(find("tr.at").textContent.includes("task.begin"), "a click does not show the entry");
form.words.value = "TASK.LEAK finish";
form.words.dispatchEvent(new Event("input", { bubbles: true }));
must(body.rows.length === 1, "the filter finds " + body.rows.length + " rows");
document.documentElement.dataset.did = "all";
</script>
JS
sed "/^<\/body>/{
r $folder/hands.js
N
}" "$folder/forgotten.html" >"$folder/hands.html"
open_page "$folder/hands.html" >"$folder/hands.dom"
grep -q '<html[^>]*data-did="all"' "$folder/hands.dom" ||
  fail "$(grep -o 'data-error="[^"]*"' "$folder/hands.dom")"
echo "page: fine"
