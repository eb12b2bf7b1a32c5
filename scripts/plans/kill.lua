-- A photo on its way with scripts/photo_upload.lua, and a phone that runs out
-- of memory in the middle of it. The seed decides when: `--seeds 1000`.

expect(phone:launch())
for _ = 1, 2 do
  phone:advance(math.random(1, 5000))
  phone:kill "the system needs its memory"
  phone:advance "1m"
  expect(phone:openApp())
end
phone:advance "5m"

-- The server, as far as it matters: what it got, and how often.
local parts, again, told = 0, 0, 0
local got = {}
for _, entry in ipairs(phone:timeline "log") do
  local verb, key = entry.why:match "^(%u+) (%S+): "
  again = again + (got[key] and 1 or 0)
  parts = parts + (verb == "PUT" and not got[key] and 1 or 0)
  told = told + (verb == "POST" and 1 or 0)
  got[key] = true
end
expect(parts == 8, ("%d of 8 parts have arrived"):format(parts))
expect(again == 0, "a part has arrived twice")
expect(told == 1, ("the friend was told %d times"):format(told))
for _, work in ipairs(phone:work()) do
  expect(work.state == "succeeded", ("%s is %s"):format(work.kind, work.state))
end
