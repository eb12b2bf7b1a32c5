-- The plan of finish_upload.lua: a server that is made up, and a user who leaves
-- the app for a minute.

phone:grant { http = { "https://films.example.com/*" } }

local here -- How many bytes have arrived; nil: nothing was ever sent.
phone:respond("https://films.example.com/*", { latency = "50ms", rate = "1MB/s", answer = function(request)
  if request.method == "HEAD" then
    return here and { size = here } or { status = 404 }
  end
  here = (here or 0) + request.bytes
  return { status = 201 }
end })

expect(phone:launch())
phone:advance "1s"
phone:pressHome()
phone:advance "59s"
phone:openApp()
phone:quit()
phone:advance "5s"

expect(here == 4 << 20, ("%d bytes have arrived"):format(here or 0))
