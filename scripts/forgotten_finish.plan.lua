-- The plan of forgotten_finish.lua: two looks at the app; the second changes
-- nothing.

expect(phone:launch())
phone:advance "20s"
phone:pressHome()
phone:advance "40s"
phone:openApp()
phone:advance "20s"
phone:pressHome()
phone:advance "1m"
