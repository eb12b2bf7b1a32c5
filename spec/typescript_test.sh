#!/bin/sh
# TypeScript: the npm package is packed and installed into a project of its own,
# tstl compiles programs with it, and they run.
#   typescript_test.sh CHECKOUT FARSIDE SPEC_RUNNER LUA FOLDER
# FOLDER keeps the compiler between two runs; .ci/typescript has put it there.
set -eu
checkout=$1
farside=$2
runner=$3
lua=$4
compiler=$5
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
passed=0

ok() {
  passed=$((passed + 1))
  echo "ok $1"
}

fail() { # What, and a file with more.
  echo "not ok $1"
  cat "$2"
  echo "$passed passed, 1 failed"
  exit 1
}

"$checkout/.ci/typescript" "$compiler"
log=$project/log
cp -r "$checkout/spec/typescript/." "$project"
cp -r "$compiler/node_modules" "$project"
cd "$project"

(cd "$checkout/bindings/typescript" && npm pack --silent --pack-destination "$project") >"$log" 2>&1 || fail "npm pack" "$log"
tar tzf farside-core-*.tgz | sort >"$log"
for file in LICENSE README.md index.d.ts index.lua plugin.js tsconfig.json; do
  grep -qx "package/$file" "$log" || fail "the package has $file" "$log"
done
npm install --no-save --no-audit --no-fund --offline ./farside-core-*.tgz >"$log" 2>&1 || fail "npm install" "$log"
ok "the package is packed, and installed into a project"

tstl() {
  node node_modules/typescript-to-lua/dist/tstl.js "$@"
}

tstl -p . >"$log" 2>&1 || fail "tstl compiles each file" "$log"
ok "tstl compiles each file"
for name in finish_later places; do
  tstl -p . --luaBundle "../bundle/$name.lua" --luaBundleEntry "src/$name.ts" >"$log" 2>&1 || fail "tstl makes a bundle" "$log"
done
ok "tstl makes a bundle"

"$runner" --lpath='build/?.lua' checks.lua build/app_spec.lua >"$log" 2>&1 || fail "the programs, and a spec in TypeScript" "$log"
ok "$(tail -n 1 "$log")"

# Each line that is marked, with its error, and no other.
printf '{ "extends": "./tsconfig.json", "include": ["wrong.ts"], "compilerOptions": { "rootDir": ".", "noEmit": true } }\n' >wrong.json
tstl -p wrong.json >"$log" 2>&1 && fail "wrong use does not compile" "$log"
sed -n 's/^wrong.ts(\([0-9]*\),[0-9]*): error TS\([0-9]*\).*/\1 \2/p' "$log" >got
grep -n "// error" wrong.ts | sed 's/^\([0-9]*\):.*error \([0-9]*\)$/\1 \2/' >wanted
diff wanted got >"$log" || fail "wrong use does not compile" "$log"
ok "wrong use does not compile: $(wc -l <wanted) lines"

for os in ios android strict; do
  "$farside" simulate --os $os build/finish_later.lua >"$log" 2>&1 || fail "simulate --os $os" "$log"
  grep -q "task.begin .* src/finish_later.ts:5" "$log" || fail "simulate --os $os names the line" "$log"
done
ok "farside simulate runs it on three systems"

# On real time: Ctrl-Z, a task of 0.2 s instead of 20, and the process stops.
cat >quick.lua <<'LUA'
local source = io.open "build/finish_later.lua":read "a"
io.open("build/quick.lua", "w"):write((source:gsub("20000", "200")))
LUA
"$lua" quick.lua
"$farside" run build/quick.lua --timeline run.jsonl >"$log" 2>&1 &
pid=$!
seen() { # A word of the timeline, within ten seconds.
  for _ in $(seq 500); do
    if grep -q "$1" run.jsonl 2>/dev/null; then return; fi
    sleep 0.02
  done
  fail "farside run comes to $1" "$log"
}
seen app.active
kill -TSTP $pid
seen app.suspend
kill -CONT $pid
seen app.resume
kill -TERM $pid
wait $pid || fail "farside run" "$log"
grep -q task.finish run.jsonl || fail "farside run finishes the task" run.jsonl
ok "farside run finishes its task on Ctrl-Z, and stops"

# What farside new makes: it builds, keeps its plan, and passes its specs.
"$farside" new Field_Notes --typescript >"$log" || fail "farside new --typescript" "$log"
cd Field_Notes
grep -rl my_app . >"$log" && fail "nothing is left of the template's name" "$log"
cp -r "$compiler/node_modules" .
npm install --offline --no-audit --no-fund >"$log" 2>&1 || fail "npm install of the template" "$log"
npm run build >"$log" 2>&1 || fail "npm run build" "$log"
[ "$(ls build)" = "$(printf 'Field_Notes.lua\nField_Notes.lua.map\nfarside.lua')" ] || fail "npm run build" "$log"
"$farside" simulate build/Field_Notes.lua --plan plan.lua --os strict --seeds 5 >"$log" 2>&1 || fail "its plan" "$log"
"$farside" simulate build/Field_Notes.lua --os ios >"$log" 2>&1 || fail "its day" "$log"
grep -q "task.begin .* save .* src/Field_Notes.ts:31" "$log" || fail "its lines are those of the TypeScript" "$log"
"$runner" >"$log" 2>&1 || fail "its specs" "$log"
grep -q "6 successes / 0 failures / 0 errors" "$log" || fail "its specs" "$log"
ok "farside new --typescript makes what builds and passes"
cd "$project"

echo "$passed passed, 0 failed"
