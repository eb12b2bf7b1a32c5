-- The plan of photo_upload.lua: a photo on its way, and a phone that runs out of
-- memory in the middle of it. The seed decides when: `--seeds 1000`.

phone:grant { http = { "https://photos.example.com/*" } }

-- The server: it keeps what comes of a body that is cut off, and asks for the
-- rest. By its key it knows what it was asked before.
local PHOTO <const> = "https://photos.example.com/tus/7"
local size, has, sent = nil, 0, 0
local keys, told = {}, 0

local function answer(pattern, fn)
  phone:respond(pattern, { latency = "50ms", rate = "20KB/s", answer = fn })
end

answer("POST https://photos.example.com/tus", function(request)
  size = tonumber(request.headers["Upload-Length"])
  keys[request.headers["Idempotency-Key"]] = true
  return { status = 201, headers = { Location = PHOTO } }
end)

answer("HEAD " .. PHOTO, function()
  return { headers = { ["Upload-Offset"] = has } }
end)

answer("PATCH " .. PHOTO, function(request)
  expect(tonumber(request.headers["Upload-Offset"]) == has, "it goes on at another byte")
  has, sent = has + request.bytes, sent + request.bytes
  return { status = 204, headers = { ["Upload-Offset"] = has } }
end)

answer("POST https://photos.example.com/messages", function(request)
  told = told + (keys[request.headers["Idempotency-Key"]] and 0 or 1)
  keys[request.headers["Idempotency-Key"]] = true
  return { status = 201 }
end)

expect(phone:launch())
for _ = 1, 2 do
  phone:advance(math.random(1, 20000))
  phone:kill "the system needs its memory"
  phone:advance "1m"
  expect(phone:openApp())
end
phone:advance "5m"

expect(has == size, ("%d of %s bytes have arrived"):format(has, size))
expect(sent == size, "a byte was sent twice")
expect(told == 1, ("the friend was told %d times"):format(told))
for _, work in ipairs(phone:work()) do
  expect(work.state == "succeeded", ("%s is %s"):format(work.kind, work.state))
end
