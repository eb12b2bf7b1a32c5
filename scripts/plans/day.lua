-- A day with scripts/daily_sync.lua: a morning, a look now and then, a force
-- quit at noon, and the night.

expect(phone:launch())
phone:advance "40m" -- At breakfast: the timer has its turn.
phone:pressHome()

for _ = 1, 4 do
  phone:advance "50m"
  phone:openApp()
  phone:advance "2m"
  phone:pressHome()
end

phone:advance "20m"
phone:openApp()
phone:quit() -- Swiped away, and forgotten until the evening.
phone:advance "7h"

phone:openApp()
phone:advance "1h"
phone:pressHome()
phone:advance "9h"
phone:openApp()
phone:advance "1m"

local synced = 0
for _, entry in ipairs(phone:timeline "log") do
  if entry.why:find "^in step" then
    synced = synced + 1
  end
end
expect(synced >= 10, ("only %d syncs in a day"):format(synced))
expect(#phone:timeline "task.expire" == 0, "a sync ran out of time")
