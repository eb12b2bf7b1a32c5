-- What the user and the system do, and what is expected of my_app.lua.

expect(phone:launch())
phone:advance "5s"
phone:pressHome()
phone:advance "1m"
expect(phone:state() == "suspended", "the app is still awake a minute after it was left")
expect(#phone:timeline "task.expire" == 0, "a task ran out of time")

phone:openApp()
phone:advance "10s"
phone:quit()
