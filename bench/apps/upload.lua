-- Sends the file "data" of its folder: upload.lua URL
local Http <const> = require("farside").Plugins.Http
coroutine.wrap(function()
  assert(assert(Http.upload { url = arg[1], file = "data" }).status == 201)
end)()
