-- The plan of daily_sync.lua: a morning, a look now and then, two hours without
-- a network, a swipe, a reboot, and a night in which the phone dozes.

expect(phone:launch()) -- It is seven o'clock.
phone:advance "40m" -- At breakfast: every quarter of an hour.
phone:pressHome()

local function look(pause)
  phone:advance(pause)
  phone:openApp()
  phone:advance "2m"
  phone:pressHome()
end

for _ = 1, 4 do
  look "50m"
end
phone:setNetwork "none"
look "1h"
phone:advance "58m"
phone:setNetwork "wifi"

look "20m"
phone:openApp()
phone:swipeAway() -- And forgotten until the evening.
phone:advance "2h"
phone:reboot()
phone:advance "1m"
phone:unlock()

phone:at "19:00"
phone:openApp()
phone:advance "1h"
phone:pressHome()
phone:at "23:00"
phone:lock()
phone:at "06:59"
phone:unlock()
phone:openApp()
phone:advance "1m"

local synced = 0
for _, entry in ipairs(phone:timeline "log") do
  if entry.why:find "^in step" then
    synced = synced + 1
  end
end
expect(synced >= 12, ("only %d syncs in a day"):format(synced))
expect(#phone:timeline "task.expire" == 0, "a sync ran out of time")
expect(#phone:timeline "device.reboot" > 0, "the phone was not switched off and on")
expect(#phone:work() == 1, "the swipe or the reboot has lost the sync, or made two of it")
