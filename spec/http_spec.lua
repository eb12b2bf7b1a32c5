-- Http on a simulated phone: what a plan says answers, in virtual time.

local device = require "farside.device"
local helper = require "spec.helper"

local URL <const> = "https://api.example.com/"

-- A phone whose app may talk to the server, with code that has Http and Files.
local function phone_with(options)
  options = options or {}
  options.http = options.http or { URL .. "*" }
  return device.open(options)
end

local function start(phone, code)
  assert(phone:run(helper.code("local Http, Files = farside.Plugins.Http, farside.Plugins.Files " .. code)))
  return phone
end

-- Runs code in a timer's turn, and returns what it said.
local function said(phone, code)
  start(phone, "setTimeout(function() " .. code .. " end, 1)")
  phone:advance "10m"
  assert.same({}, helper.errors(phone))
  return helper.said(phone)
end

local function http_story(phone)
  local lines = {}
  for _, entry in ipairs(phone:timeline "http.") do
    lines[#lines + 1] = entry.what .. " " .. entry.why
  end
  return lines
end

-- What a request that fails comes to.
local function failure(phone, request)
  return said(phone, "local r, message, name = " .. request .. " print(r, message, name)")[1]
end

describe("a request", function()
  it("is answered as the plan says, after its latency", function()
    local phone <close> = phone_with()
    phone:respond("GET " .. URL .. "*", { status = 201, headers = { ["X-Key"] = "seven" }, body = '{"a":[1,2]}', latency = "3s" })
    assert.same({ "201", "seven", '{"a":[1,2]}', "2", "https://api.example.com/x?q=1" }, said(phone, [[
      local r = assert(Http.get "https://api.example.com/x?q=1")
      print(r.status) print(r.headers["x-key"]) print(r.body) print(r.json().a[2]) print(r.url)]]))
    assert.same({ "http.begin GET https://api.example.com/x...",
      "http.end 201: 0 bytes sent, 11 received in 3.001 s" }, http_story(phone))
    assert.equal(3002, phone:timeline("http.end")[1].t)
  end)

  it("calls a function where it is given one", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { status = 404, body = "no" })
    start(phone, [[
      local id = Http.post({ url = "https://api.example.com/x", body = "abc" }, function(r, message, name)
        print(r.status, r.body, message, name) end)
      print(math.type(id))]])
    phone:advance "1s"
    assert.same({ "integer", "404\tno\tnil\tnil" }, helper.said(phone))
  end)

  it("waits in the main chunk as well", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { body = "here" })
    start(phone, [[print(Http.get("https://api.example.com").body)]])
    phone:advance "1s"
    assert.same({ "here" }, helper.said(phone))
  end)

  it("sends what it is told to send", function()
    local phone <close> = phone_with()
    local seen = {}
    phone:respond(URL .. "*", function(request)
      seen[#seen + 1] = request
      return { status = 200, body = request.method .. request.body }
    end)
    assert.same({ "POST{\"n\":1}", "PUTxyz", "PATCH", "DELETE" }, said(phone, [[
      local u = "https://api.example.com/"
      print(Http.post{ url = u, json = { n = 1 } }.body)
      print(Http.put{ url = u, body = "xyz", headers = { ["X-Two"] = 2, ["X-Empty"] = "", Authorization = "me" } }.body)
      print(Http.request{ url = u, method = "patch" }.body)
      print(Http.request{ url = u, method = "DELETE" }.body)]]))
    assert.equal("application/json", seen[1].headers["Content-Type"])
    assert.same({ ["X-Two"] = "2", ["X-Empty"] = "", Authorization = "me" }, seen[2].headers)
    assert.equal(3, seen[2].bytes)
    assert.falsy(seen[2].isPartial)
  end)

  it("has no body where it asked for the head alone", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { body = "four" })
    assert.same({ "4\t" }, said(phone, [[
      local r = Http.request{ url = "https://api.example.com/", method = "HEAD" }
      print(r.headers["content-length"], r.body)]]))
  end)

  it("is the newest rule's, as often as that answers", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { body = "old" })
    phone:respond(URL .. "*", { body = "new", times = 2 })
    phone:respond("POST " .. URL .. "*", { body = "post" })
    assert.same({ "new", "new", "old" }, said(phone, [[for _ = 1, 3 do print(Http.get("https://api.example.com/").body) end]]))
  end)

  it("tells of its progress, and not too often", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { rate = "10KB/s", size = "20KB" })
    local lines = said(phone, [[
      local count, last = 0
      local r = Http.post{ url = "https://api.example.com/", body = ("x"):rep(20 * 1024), onProgress = function(p)
        count = count + 1 last = p end }
      print(count > 20 and count < 45) print(last.sent, last.toSend, last.toReceive) print(#r.body)]])
    assert.same({ "true", "20480\t20480\t20480", "20480" }, lines)
    assert.equal(4002, phone:timeline("http.end")[1].t)
  end)

  it("can be cancelled by its number", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { latency = "10s" })
    start(phone, [[
      local id = Http.get("https://api.example.com/", print)
      setTimeout(function() print(Http.cancel(id)) end, 500)
      setTimeout(function() print(Http.cancel(id)) end, 600)]])
    phone:advance "1m"
    assert.same({ "true", "nil\twait api.example.com: it was cancelled\tINTERRUPTED", "false" }, helper.said(phone))
  end)
end)

describe("a request that is refused", function()
  it("is one that nobody has granted", function()
    local phone <close> = device.open {}
    phone:respond(URL .. "*", {})
    assert.equal("nil\tthe script may not talk to https://api.example.com/v1 "
      .. "(to grant it: --grant 'http=https://api.example.com/*')\tDENIED", failure(phone, 'Http.get "https://api.example.com/v1"'))
    assert.same({}, http_story(phone))
  end)

  it("is to no URL", function()
    for url, why in pairs {
      ["ftp://api.example.com/"] = "it must begin with https:// or http://",
      ["file:///etc/passwd"] = "it must begin with https:// or http://",
      ["https://me:you@api.example.com/"] = "it must not name a user",
      ["https://api.example.com/../x"] = "its path has . or .. between slashes",
      ["https://api.example.com/a b"] = "its path has a character that must be escaped",
      ["https://api.example.com/*"] = "a star at its end is for what is granted",
      ["https://*.example.com/"] = "it must name one host",
      ["https://api.example.com/\\0"] = "it has a zero byte",
    } do
      local phone <close> = phone_with()
      local line = failure(phone, ('Http.get "%s"'):format(url))
      assert.truthy(line:find(why, 1, true) and line:find "\tINVALID$", line)
    end
  end)

  it("is a mistake of the script's", function()
    local phone <close> = phone_with()
    for code, why in pairs {
      ["Http.get()"] = "URL, or table of options expected",
      ["Http.get{}"] = "get: url is missing",
      ["Http.get{ url = 7 }"] = "get: url must be a string, not a number",
      ["Http.get{ url = u, colour = 1 }"] = "get has no option 'colour'",
      ["Http.get{ url = u, body = 'x' }"] = "get: a GET sends no body",
      ["Http.post{ url = u, body = 'x', json = 1 }"] = "only one of them can be sent",
      ["Http.post{ url = u, json = print }"] = "post: json cannot be sent",
      ["Http.request{ url = u, method = 'CONNECT' }"] = "there is no method 'CONNECT'",
      ["Http.get{ url = u, headers = { Host = 'x' } }"] = "the header 'Host' is set by the transfer itself",
      ["Http.get{ url = u, headers = { ['a b'] = 'x' } }"] = "'a b' is no name of a header",
      ["Http.get{ url = u, headers = { a = 'x\\r\\ny' } }"] = "the header 'a' has a control character",
      ["Http.get{ url = u, headers = { 'x' } }"] = "headers are names with strings",
      ["Http.get{ url = u, timeout = 5 }"] = "get: timeout must be a duration",
      ["Http.get{ url = u, timeout = '0s' }"] = "get: timeout is no time in which anything could be done",
      ["Http.get{ url = u, maxBytes = -1 }"] = "get: maxBytes must be an integer from 0",
      ["Http.get{ url = u, redirects = 99 }"] = "get: redirects must be an integer from 0 to 50",
      ["Http.download{ url = u }"] = "download: file is missing",
      ["Http.download{ url = u, file = '../x' }"] = "it begins with a dot",
      ["Http.download{ url = u, file = 'a/b' }"] = "it has a slash",
      ["Http.upload{ url = u, file = '' }"] = "it is empty",
      ["Http.get{ url = u, resume = true }"] = "get: resume is for downloads and uploads",
      ["Http.download{ url = u, file = 'a', resume = 'tus' }"] = "download: resume must be a boolean, not a string",
      ["Http.upload{ url = u, file = 'a', resume = true }"] = "upload: resume must be a string, not a boolean",
      ["Http.upload{ url = u, file = 'a', resume = 'ftp' }"] = "there is no resume 'ftp'; there are: range, tus",
      ["Http.upload{ url = u, file = 'a', resume = 'tus', method = 'PUT' }"] = "asked by HEAD and sent by PATCH: leave out method",
      ["Http.upload{ url = u, file = 'a', resume = 'range', offset = 3 }"] = "with resume the server says the offset",
      ["Http.upload{ url = u, file = 'a', partBytes = 3 }"] = "partBytes is for an upload with resume",
      ["Http.upload{ url = u, file = 'a', resume = 'range', partBytes = 0 }"] = "partBytes must be more than 0",
      ["Http.upload{ url = u, file = 'a', resume = 'range', headers = { ['content-Range'] = 'x' } }"] =
        "the header 'content-Range' is set by the transfer itself",
      ["Http.upload{ url = u, file = 'a', resume = 'tus', headers = { ['Upload-Offset'] = 3 } }"] =
        "the header 'Upload-Offset' is set by the transfer itself",
      ["Http.get(u, 7)"] = "function expected, got number",
    } do
      start(phone, "local u = 'https://api.example.com/' print(select(2, pcall(function() " .. code .. " end)))")
      phone:advance(1)
      local line = helper.said(phone)
      line = line[#line]
      assert.truthy(line:find(why, 1, true), code .. ": " .. line)
      phone:kill()
    end
  end)

  it("is one that no rule answers, and nothing real does", function()
    local phone <close> = phone_with()
    phone:respond("POST " .. URL .. "*", {})
    assert.equal("nil\tnothing answers GET https://api.example.com/x, and a simulated phone reaches no real network: "
      .. "phone:respond(\"GET https://api.example.com/x\", { status = 200 })\tNETWORK",
      failure(phone, 'Http.get "https://api.example.com/x"'))
  end)
end)

describe("a redirect", function()
  local GRANTED <const> = { URL .. "*", "https://other.example.com/*" }

  it("is followed, relative ones too, and says in the end where it led", function()
    local phone <close> = phone_with { http = GRANTED }
    phone:respond(URL .. "a/b", { status = 302, headers = { Location = "../c?d#e" } })
    phone:respond(URL .. "c?d", { status = 301, headers = { Location = "//other.example.com/f" } })
    phone:respond("https://other.example.com/f", { body = "end" })
    assert.same({ "end", "https://other.example.com/f" }, said(phone, [[
      local r = Http.get "https://api.example.com/a/b" print(r.body) print(r.url)]]))
  end)

  it("takes a post along only where the server says so, and no secret to another server", function()
    local phone <close> = phone_with { http = GRANTED }
    local seen = {}
    local function see(request)
      seen[#seen + 1] = request.method .. " " .. request.body .. " " .. tostring(request.headers.Authorization)
      return {}
    end
    phone:respond(URL .. "post", { status = 302, headers = { Location = "/end" } })
    phone:respond(URL .. "keep", { status = 307, headers = { Location = "/end" } })
    phone:respond(URL .. "away", { status = 308, headers = { Location = "https://other.example.com/end" } })
    phone:respond(URL .. "end", see)
    phone:respond("https://other.example.com/end", see)
    said(phone, [[for _, path in ipairs { "post", "keep", "away" } do
      Http.post{ url = "https://api.example.com/" .. path, body = "b", headers = { Authorization = "me" } } end]])
    assert.same({ "GET  me", "POST b me", "POST b nil" }, seen)
  end)

  it("to a place that nobody has granted is no way around", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { status = 302, headers = { Location = "http://127.0.0.1:22/" } })
    assert.equal("nil\tit was sent elsewhere: the script may not talk to http://127.0.0.1:22/ "
      .. "(to grant it: --grant 'http=http://127.0.0.1:22/*')\tDENIED", failure(phone, 'Http.get "https://api.example.com/"'))
  end)

  it("to no URL, and one that goes round, end", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "file", { status = 302, headers = { Location = "file:///etc/passwd" } })
    phone:respond(URL .. "round", { status = 302, headers = { Location = "/round" } })
    assert.same({ "NETWORK", "LIMIT\treceive api.example.com: it was sent elsewhere again and again", "302" }, said(phone, [[
      print((select(3, Http.get "https://api.example.com/file")))
      local _, message, name = Http.get "https://api.example.com/round" print(name, message)
      print(Http.get{ url = "https://api.example.com/round", redirects = 0 }.status)]]))
  end)
end)

describe("what goes wrong on the way", function()
  it("has a sentence with phase, host and cause", function()
    for what, sentence in pairs {
      ["error = 'resolve'"] = "resolve api.example.com: no address is known for this name\tNETWORK",
      ["error = 'connect'"] = "connect api.example.com: Connection refused\tNETWORK",
      ["error = 'reset'"] = "wait api.example.com: Connection reset by peer\tNETWORK",
      ["tls = 'expired'"] = "tls api.example.com: SSL certificate problem: certificate has expired\tTLS",
      ["tls = 'untrusted'"] = "tls api.example.com: SSL certificate problem: unable to get local issuer certificate\tTLS",
      ["tls = 'host'"] = "tls api.example.com: SSL: no alternative certificate subject name matches target host name\tTLS",
      ["fail = 1"] = "connect api.example.com: Connection refused\tNETWORK",
      ["dropAfter = 10"] = "send api.example.com: Connection reset by peer\tNETWORK",
      ["dropAfter = 150, size = 100"] = "receive api.example.com: Connection reset by peer\tNETWORK",
      ["stallAfter = 10"] = "send api.example.com: nothing moved for 60.000 s\tTIMEOUT",
      ["latency = '2m'"] = "wait api.example.com: nothing moved for 60.000 s\tTIMEOUT",
      ["size = '1MB', rate = '100KB/s'"] = "receive api.example.com: it was not done within 5.000 s\tTIMEOUT",
      ["size = '9MB'"] = "the answer is larger than 8388608 bytes: download it to a file, or set maxBytes\tLIMIT",
    } do
      local phone <close> = phone_with()
      phone:respond(URL .. "*", load("return {" .. what .. "}")())
      local limit = what:find "rate" and ", timeout = '5s'" or ""
      assert.equal("nil\t" .. sentence,
        failure(phone, "Http.post{ url = 'https://api.example.com/', body = ('x'):rep(100)" .. limit .. "}"))
    end
  end)

  it("is seeded where chance decides", function()
    local function day(seed)
      local phone <close> = phone_with { seed = seed }
      phone:respond(URL .. "*", { fail = 0.5, latency = { "1s", "9s" } })
      said(phone, [[local out = {} for i = 1, 20 do out[i] = Http.get "https://api.example.com/" and "+" or "-" end
        print(table.concat(out))]])
      return helper.said(phone)[1], phone:hash()
    end
    local one, hash = day(7)
    assert.same({ one, hash }, { day(7) })
    assert.truthy(one:find "+" and one:find "-")
    assert.are_not.equal(one, (day(8)))
  end)

  it("is that the network goes away in the middle of a body", function()
    local phone <close> = phone_with()
    local seen
    phone:respond(URL .. "*", { rate = "1KB/s", answer = function(request) seen = request end })
    start(phone, [[setTimeout(function()
      print(Http.post{ url = "https://api.example.com/", body = ("x"):rep(10240) }) end, 1)]])
    phone:advance(5002)
    phone:setNetwork "none"
    assert.same({ "nil\tsend api.example.com: there is no network\tNETWORK" }, helper.said(phone))
    assert.same({ 5120, true }, { seen.bytes, seen.isPartial })
    assert.equal("http.end send api.example.com: there is no network (5120 bytes sent, 0 received in 5.001 s)",
      http_story(phone)[2])
  end)

  it("is that there is none, or another one", function()
    local phone <close> = phone_with { network = "none" }
    phone:respond(URL .. "*", { latency = "5s" })
    start(phone, [[Http.get("https://api.example.com/", print)
      setTimeout(function() Http.get("https://api.example.com/", print) end, 2000)]])
    phone:advance "1s"
    phone:setNetwork "wifi"
    phone:advance "2s"
    phone:setNetwork "metered"
    assert.same({ "nil\tconnect api.example.com: there is no network\tNETWORK",
      "nil\twait api.example.com: the network has changed\tNETWORK" }, helper.said(phone))
  end)

  it("is that the function of the plan fails, or uses the phone", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "a", function() error "broken" end)
    phone:respond(URL .. "b", function() phone:kill() end)
    phone:respond(URL .. "c", function() return 7 end)
    start(phone, [[for _, path in ipairs { "a", "b", "c" } do Http.get("https://api.example.com/" .. path, print) end]])
    phone:advance "1s"
    local lines = helper.said(phone)
    assert.equal(6, #lines)
    for i, why in ipairs { "broken", "may not use the phone", "must return a table" } do
      assert.truthy(lines[2 * i - 1]:find(why, 1, true), lines[2 * i - 1])
      assert.equal("nil\twait api.example.com: the function that answers has failed\tNETWORK", lines[2 * i])
    end
  end)
end)

describe("a transfer of a task", function()
  it("ends with it, at its expiry too", function()
    local phone <close> = phone_with { os = "ios" }
    local partial
    phone:respond(URL .. "*", { rate = "1KB/s", answer = function(request) partial = request.isPartial end })
    start(phone, [[App.addListener("pause", function()
      BackgroundTask.exec(function(task)
        print(Http.post{ url = "https://api.example.com/", body = ("x"):rep(1024 * 100) })
      end, { name = "upload", onExpire = function() print "expiring" end })
    end)]])
    phone:pressHome()
    phone:advance "2m"
    assert.same({ "expiring" }, helper.said(phone))
    assert.same({ "expired" }, helper.states(phone))
    local entry = phone:timeline("http.end")[1]
    assert.truthy(entry.why:find("^it was cancelled with its task %(%d+ bytes sent, 0 received in [23]%d%.%d+ s%)$"), entry.why)
    assert.equal("upload", entry.name)
    assert.is_true(partial)
    assert.equal("suspended", phone:state())
  end)

  it("keeps the app awake until it has ended", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { latency = "5s" })
    start(phone, [[App.addListener("pause", function()
      BackgroundTask.exec(function(task) print(Http.get("https://api.example.com/").status) task:finish() end) end)]])
    phone:pressHome()
    phone:advance "4s"
    assert.equal("background", phone:state())
    phone:advance "2s"
    assert.same({ "200" }, helper.said(phone))
    assert.equal("suspended", phone:state())
  end)

  it("is not taken for a leak, and is named when its time is up", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { latency = "40s", stallAfter = 0 })
    start(phone, [[App.addListener("pause", function()
      BackgroundTask.exec(function() Http.post{ url = "https://api.example.com/", body = "x" } end) end)]])
    phone:pressHome()
    phone:advance "1m"
    assert.truthy(phone:timeline("task.leak")[1].why:find "still waiting for a transfer")
  end)
end)

describe("suspension", function()
  local CODE <const> = [[App.addListener("resume", function() print "resumed" end)
    setTimeout(function() Http.get("https://api.example.com/", function(r, message, name) print(r, message, name) end)
      print(Http.get "https://api.example.com/") end, 1)]]

  it("closes what is open, and the app hears of it at its return", function()
    local phone <close> = phone_with { os = "android" }
    phone:respond(URL .. "*", { latency = "10s" })
    start(phone, CODE)
    phone:advance(2)
    phone:pressHome()
    phone:advance "30s"
    assert.equal("suspended", phone:state())
    assert.same({}, helper.said(phone))
    phone:openApp()
    local line = "nil\twait api.example.com: the app was suspended\tINTERRUPTED"
    local lines = helper.said(phone)
    table.sort(lines)
    assert.same({ line, line, "resumed" }, lines)
  end)

  it("with a transfer open breaks rule RS10 on android, and none on ios", function()
    for os, rules in pairs { android = { "RS10" }, ios = {}, strict = { "RS10" } } do
      local phone <close> = phone_with { os = os }
      phone:respond(URL .. "*", { latency = "50s" })
      start(phone, CODE)
      phone:advance(2)
      phone:pressHome()
      phone:advance "30s"
      local broken = {}
      for i, violation in ipairs(phone:violations()) do
        broken[i] = violation.rule
      end
      assert.same(rules, broken, os)
    end
  end)
end)

describe("many requests", function()
  it("wait for each other, and all come to their end", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { latency = "1s" })
    assert.same({ "1000" }, said(phone, [[
      local left, fine = 1000, 0
      for _ = 1, 1000 do
        Http.get("https://api.example.com/", function(r) left = left - 1 if r then fine = fine + 1 end
          if left == 0 then print(fine) end end)
      end]]))
    local open, most = 0, 0
    for _, entry in ipairs(phone:timeline "http.") do
      open = open + (entry.what == "http.begin" and 1 or -1)
      most = math.max(most, open)
    end
    assert.equal(0, open)
    -- 64 at once, a second each.
    assert.equal(1 + 16 * 1001, phone:timeline("http.end")[1000].t)
  end)
end)

describe("Files", function()
  it("are read and written whole, listed and removed", function()
    local phone <close> = phone_with()
    assert.same({ "true", "abc\\0def", "bc", "f", "", "7", "a.txt,b", "true", "false", "a.txt" }, said(phone, [[
      print(Files.write("a.txt", "abc\0def")) Files.write("b", "")
      print(Files.read "a.txt") print(Files.read("a.txt", 1, 2)) print(Files.read("a.txt", 6)) print(Files.read("a.txt", 99))
      print(Files.size "a.txt") print(table.concat(Files.list(), ","))
      print(Files.remove "b") print(Files.remove "b") print(table.concat(Files.list(), ","))]]))
  end)

  it("are not there, or no names at all", function()
    local phone <close> = phone_with()
    assert.same({ "NOFILE", "NOFILE", "it has a slash", "it begins with a dot", "it begins with a dot" }, said(phone, [[
      print((select(3, Files.read "none"))) print((select(3, Files.size "none")))
      for _, name in ipairs { "a/b", "..", ".hidden" } do
        print(select(2, pcall(Files.read, name)):match ": (it [^:]*)")
      end]]))
  end)
end)

describe("a download", function()
  it("is a file when all of it is there", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { size = "100KB", rate = "10KB/s" })
    start(phone, [[setTimeout(function()
      local r = Http.download{ url = "https://api.example.com/", file = "photo" }
      print(r.status, r.file, r.bytes, r.body, Files.size "photo", table.concat(Files.list(), ","))
    end, 1)
    setTimeout(function() print(table.concat(Files.list(), ","), Files.size "photo.part") end, 5003)]])
    phone:advance "1m"
    assert.same({ "photo.part\t51200", "200\tphoto\t102400\tnil\t102400\tphoto" }, helper.said(phone))
  end)

  it("goes on where it was cut off, when it is still the same thing", function()
    local phone <close> = phone_with()
    local tag, seen = '"one"', {}
    local whole = ("0123456789"):rep(100)
    phone:respond(URL .. "*", { answer = function(request)
      local from = tonumber((request.headers.Range or ""):match "bytes=(%d+)-")
      seen[#seen + 1] = from or "all"
      if from and request.headers["If-Range"] == tag then
        return { status = 206, body = whole:sub(from + 1), headers = { ETag = tag,
          ["Content-Range"] = ("bytes %d-%d/%d"):format(from, #whole - 1, #whole) } }
      end
      return { body = whole, headers = { ETag = tag }, dropAfter = 321 }
    end })
    local lines = said(phone, [[
      local function get() return Http.download{ url = "https://api.example.com/", file = "f" } end
      print(get()) print(Files.size "f.part") print(get().bytes) print(Files.read "f" == ("0123456789"):rep(100))
      print(table.concat(Files.list(), ","))]])
    assert.same({ "nil\treceive api.example.com: Connection reset by peer\tNETWORK", "321", "1000", "true", "f" }, lines)
    assert.same({ "all", 321 }, seen)
  end)

  it("begins anew when it is another thing by now, or when it is told to", function()
    local phone <close> = phone_with()
    local tag, body = '"one"', "aaaaaaaaaa"
    local drop = 4
    phone:respond(URL .. "*", { answer = function() return { body = body, headers = { ETag = tag }, dropAfter = drop } end })
    start(phone, [[function get(options) options = options or {}
      options.url, options.file = "https://api.example.com/", "f"
      Http.download(options, function(r, message) print(r and r.bytes or message, Files.read "f", Files.read "f.part") end) end
      setTimeout(get, 1000) setTimeout(get, 2000) setTimeout(get, 3000)]])
    phone:advance(1500)
    tag, body, drop = '"two"', "bbbbbb", nil
    phone:advance(1000)
    assert.same({ "receive api.example.com: Connection reset by peer\tnil\taaaa",
      "6\tbbbbbb\tnil\tf.part: No such file or directory\tNOFILE" }, helper.said(phone))
  end)

  it("is no file when the server says that it is none", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { status = 404, body = "not here" })
    assert.same({ "404\tnil\tnot here\tNOFILE" }, said(phone, [[
      local r = Http.download{ url = "https://api.example.com/", file = "f" }
      print(r.status, r.file, r.body, (select(3, Files.size "f")))]]))
  end)

  it("is one at a time for each file", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "*", { latency = "1s" })
    assert.same({ "nil\tf is being downloaded already\tBUSY", "200" }, said(phone, [[
      Http.download({ url = "https://api.example.com/", file = "f" }, function(r) print(r.status) end)
      print(Http.download{ url = "https://api.example.com/", file = "f" })]]))
  end)
end)

describe("an upload", function()
  it("sends a file, or what is behind an offset", function()
    local phone <close> = phone_with()
    phone:respond("PUT " .. URL .. "*", function(request) return { body = request.body .. request.bytes } end)
    assert.same({ "abcdef6", "def3", "NOFILE", "INVALID" }, said(phone, [[
      Files.write("f", "abcdef")
      local url = "https://api.example.com/"
      print(Http.upload{ url = url, file = "f" }.body)
      print(Http.upload{ url = url, file = "f", offset = 3 }.body)
      print((select(3, Http.upload{ url = url, file = "g" })))
      print((select(3, Http.upload{ url = url, file = "f", offset = 7 })))]]))
  end)
end)

-- Servers that keep what came, of bodies that were cut off too, and how they
-- were asked.
local function plain_server(phone, options)
  local mine = { have = nil, asked = {} }
  options = options or {}
  phone:respond(URL .. "photo", { rate = options.rate, answer = function(request)
    local range = request.headers["Content-Range"]
    mine.asked[#mine.asked + 1] = request.method .. (range and " " .. range or "") .. (request.isPartial and ", cut off" or "")
    if request.method == "HEAD" then
      return mine.have and { size = #mine.have } or { status = 404 }
    elseif range then
      local from, to, size = range:match "^bytes (%d+)%-(%d+)/(%d+)$"
      assert(tonumber(from) == #(mine.have or "") and (request.isPartial or to - from + 1 == request.bytes))
      mine.size = tonumber(size)
    end
    mine.have = (range and mine.have or "") .. request.body
    return { status = 201 }
  end })
  return mine
end

local function tus_server(phone, options)
  local mine = { have = "", asked = {} }
  options = options or {}
  phone:respond(URL .. "photo", { rate = options.rate, answer = function(request)
    local offset = request.headers["Upload-Offset"]
    mine.asked[#mine.asked + 1] = request.method .. (offset and " " .. offset or "") .. (request.isPartial and ", cut off" or "")
    assert(request.headers["Tus-Resumable"] == "1.0.0")
    if request.method == "PATCH" then
      assert(tonumber(offset) == #mine.have and request.headers["Content-Type"] == "application/offset+octet-stream")
      mine.have = mine.have .. request.body:sub(1, options.most)
    end
    return { status = request.method == "PATCH" and 204 or 200, headers = { ["Upload-Offset"] = #mine.have } }
  end })
  return mine
end

local UPLOAD <const> = "Http.upload{ url = 'https://api.example.com/photo', file = 'photo', resume = '%s'%s }"

local function upload(way, more)
  return UPLOAD:format(way, more and ", " .. more or "")
end

local MAKE <const> = "local list = {} for i = 1, 100000 do list[i] = ('%010d'):format(i) end return table.concat(list)"
local PHOTO <const> = "local PHOTO = (function() " .. MAKE .. " end)() if not Files.size 'photo' then Files.write('photo', PHOTO) end "
local photo <const> = load(MAKE)()

describe("an upload by range", function()
  it("is a plain PUT where nothing is there, and none where all is", function()
    local phone <close> = phone_with()
    local mine = plain_server(phone)
    assert.same({ "201", "200" }, said(phone, "Files.write('photo', 'abcdef') print(" .. upload "range" .. ".status) "
      .. "print(" .. upload "range" .. ".status)"))
    assert.same({ "HEAD", "PUT", "HEAD" }, mine.asked)
    assert.equal("abcdef", mine.have)
    assert.same({ "http.begin PUT https://api.example.com/photo", "http.end 201: 6 bytes sent, 0 received in 0.002 s" },
      { table.unpack(http_story(phone), 1, 2) })
  end)

  it("sends what the server has not got, in parts where it is told to", function()
    local phone <close> = phone_with()
    local mine = plain_server(phone, { rate = "10B/s" })
    mine.have = "ab"
    assert.same({ "201", "10\t10" }, said(phone, "Files.write('photo', 'abcdefghij') local last "
      .. "print(" .. upload("range", "partBytes = 3, onProgress = function(p) last = p end") .. ".status) "
      .. "print(last.sent, last.toSend)"))
    assert.same({ "HEAD", "PUT bytes 2-4/10", "PUT bytes 5-7/10", "PUT bytes 8-9/10" }, mine.asked)
    assert.equal("abcdefghij", mine.have)
    assert.matches("^http.end 201: 8 bytes sent, ", http_story(phone)[2])
  end)

  it("sends a file with nothing in it, once", function()
    local phone <close> = phone_with()
    local mine = plain_server(phone)
    assert.same({ "201", "200" }, said(phone, "Files.write('photo', '') print(" .. upload "range" .. ".status) "
      .. "print(" .. upload "range" .. ".status)"))
    assert.same({ "HEAD", "PUT", "HEAD" }, mine.asked)
  end)

  it("goes on after a network that dies at 07:02 in the middle of the body", function()
    local phone <close> = phone_with() -- It is seven o'clock.
    local mine = plain_server(phone, { rate = "100KB/s" })
    start(phone, PHOTO .. "setTimeout(function() print(" .. upload "range" .. ") end, 115000) "
      .. "setTimeout(function() print(" .. upload "range" .. ".status) end, 180000)")
    phone:at("07:02", function() phone:setNetwork "none" end)
    phone:advance "30s"
    phone:setNetwork "wifi"
    local cut = #mine.have
    phone:advance "1m"
    assert.same({ "nil\tsend api.example.com: there is no network\tNETWORK", "201" }, helper.said(phone))
    assert.same({ "HEAD", "PUT, cut off", "HEAD", ("PUT bytes %d-999999/1000000"):format(cut) }, mine.asked)
    assert.is_true(cut > 400000 and cut < 600000)
    assert.is_true(mine.have == photo)
  end)

  it("ends with whatever is no success", function()
    local phone <close> = phone_with()
    phone:respond("HEAD " .. URL .. "photo", { status = 404 })
    phone:respond("HEAD " .. URL .. "photo", { status = 405, times = 1 })
    phone:respond("PUT " .. URL .. "photo", { status = 507, body = "full" })
    assert.same({ "405", "507\tfull" }, said(phone, "Files.write('photo', 'abc') print(" .. upload "range" .. ".status) "
      .. "local r = " .. upload("range", "partBytes = 2") .. " print(r.status, r.body)"))
  end)

  it("is refused where the server has another file", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "photo", { size = 7 })
    assert.same({ "nil\treceive api.example.com: the server has 7 bytes, and the file 3: that is another one\tINVALID" },
      said(phone, "Files.write('photo', 'abc') print(" .. upload "range" .. ")"))
  end)

  it("sends all where the server does not say how much it has", function()
    local phone <close> = phone_with()
    local methods = {}
    phone:respond(URL .. "photo", function(request)
      methods[#methods + 1] = request.method .. request.bytes
      return { headers = request.method == "HEAD" and { ["Content-Length"] = "many" } or nil }
    end)
    assert.same({ "200" }, said(phone, "Files.write('photo', 'abc') print(" .. upload "range" .. ".status)"))
    assert.same({ "HEAD0", "PUT3" }, methods)
  end)

  it("follows a redirect, and sends there", function()
    local phone <close> = phone_with()
    local mine = plain_server(phone)
    phone:respond(URL .. "old", { status = 307, headers = { Location = "/photo" } })
    assert.same({ "201\thttps://api.example.com/photo" }, said(phone, "Files.write('photo', 'abc') local r = "
      .. upload("range", "partBytes = 2"):gsub("/photo", "/old") .. " print(r.status, r.url)"))
    assert.same({ "HEAD", "PUT bytes 0-1/3", "PUT bytes 2-2/3" }, mine.asked)
  end)
end)

describe("an upload by tus", function()
  it("sends what the server has not got", function()
    local phone <close> = phone_with()
    local mine = tus_server(phone)
    mine.have = "abc"
    assert.same({ "204", "200" }, said(phone, "Files.write('photo', 'abcdef') print(" .. upload "tus" .. ".status) "
      .. "print(" .. upload "tus" .. ".status)"))
    assert.same({ "HEAD", "PATCH 3", "HEAD" }, mine.asked)
    assert.equal("abcdef", mine.have)
  end)

  it("goes on where the server has taken less than it was sent", function()
    local phone <close> = phone_with()
    local mine = tus_server(phone, { most = 4 })
    start(phone, "Files.write('photo', 'abcdefghij') setTimeout(function() print(" .. upload "tus" .. ".status) end, 1) "
      .. "setTimeout(function() print(" .. upload("tus", "partBytes = 3") .. ".status) end, 1000)")
    phone:advance(500)
    assert.equal("abcdefghij", mine.have)
    mine.have = "ab"
    phone:advance "1s"
    assert.same({ "204", "204" }, helper.said(phone))
    assert.same({ "HEAD", "PATCH 0", "PATCH 4", "PATCH 8", "HEAD", "PATCH 2", "PATCH 5", "PATCH 8" }, mine.asked)
    assert.equal("abcdefghij", mine.have)
  end)

  it("ends where the server takes nothing, knows no tus, or no such upload", function()
    local phone <close> = phone_with()
    phone:respond(URL .. "photo", { status = 404 })
    phone:respond(URL .. "photo", { times = 1 })
    phone:respond("PATCH " .. URL .. "photo", { headers = { ["Upload-Offset"] = 0 }, times = 1 })
    phone:respond("HEAD " .. URL .. "photo", { headers = { ["Upload-Offset"] = 0 }, times = 1 })
    assert.same({ "nil\treceive api.example.com: the server has taken nothing of what was sent\tINVALID",
      "nil\treceive api.example.com: the server does not say how much it has: it does not know tus\tINVALID", "404" },
      said(phone, ("Files.write('photo', 'abc') print(%s) print(%s) print(%s.status)"):gsub("%%s", upload "tus")))
  end)

  it("outlives the budget of its task, and goes on at the next visit to the background", function()
    local phone <close> = phone_with { os = "ios" }
    local mine = tus_server(phone, { rate = "20KB/s" })
    start(phone, PHOTO .. [[
      App.addListener("pause", function() BackgroundTask.exec(function(task)
        print(]] .. upload "tus" .. [[.status) task:finish()
      end, { name = "upload", onExpire = function() print "expiring" end }) end)]])
    for visit = 1, 3 do
      phone:pressHome()
      phone:advance "40s"
      assert.equal("suspended", phone:state())
      assert.equal(visit < 2 and "expired" or "finished", helper.states(phone)[visit])
      phone:openApp()
      phone:advance "5s"
    end
    assert.same({ "expiring", "204", "200" }, helper.said(phone))
    assert.same({ "HEAD", "PATCH 0, cut off", "HEAD", "HEAD" },
      { mine.asked[1], mine.asked[2], mine.asked[3], mine.asked[5] })
    assert.is_true(mine.have == photo)
  end)

  it("goes on after a kill, as the durable work that docs/http.md shows", function()
    local file <close> = assert(io.open "docs/http.md")
    local shown = file:read("a"):match "```lua\n(BackgroundTask.define.-)```":gsub("%-%-[^\n]*", ""):gsub("\n", " ")
      :gsub("map.bin", "photo")
    local phone <close> = phone_with { os = "android" }
    local mine = tus_server(phone, { rate = "5KB/s" })
    start(phone, PHOTO .. "local url = 'https://api.example.com/photo' "
      .. "if #BackgroundTask.query{} > 0 then BackgroundTask.enqueue = print end " .. shown)
    for _ = 1, 2 do
      phone:advance "70s"
      phone:kill()
      assert(phone:openApp())
    end
    phone:advance "2h"
    assert.equal("succeeded", phone:work()[1].state)
    local cut = 0
    for _, asked in ipairs(mine.asked) do
      cut = cut + (asked:find "cut off" and 1 or 0)
    end
    assert.equal(2, cut)
    assert.is_true(mine.have == photo)
    phone:kill()
  end)

  it("is created as docs/http.md shows", function()
    local file <close> = assert(io.open "docs/http.md")
    local shown = file:read("a"):match "```lua\n(local function created.-)```":gsub("\n", " ")
    local phone <close> = phone_with { http = { "https://tus.example.com/*" } }
    phone:respond("POST https://tus.example.com/files", { status = 201, times = 1,
      headers = { Location = "https://tus.example.com/files/7" } })
    assert.same({ "https://tus.example.com/files/7", "https://tus.example.com/files/7" }, said(phone,
      "local Storage = farside.Plugins.Storage Files.write('f', 'abc') " .. shown .. " print(created 'f') print(created 'f')"))
  end)
end)

describe("phone:respond", function()
  it("names what it was given wrongly", function()
    local phone <close> = phone_with()
    for why, call in pairs {
      ["is no URL pattern"] = function() phone:respond("example.com", {}) end,
      ["does not begin with a method"] = function() phone:respond("put https://a.example.com/", {}) end,
      ["table such as { status = 200 }"] = function() phone:respond(URL .. "*") end,
      ["status is from 200 to 599"] = function() phone:respond(URL .. "*", { status = 99 }) end,
      ["rate must be a text such as"] = function() phone:respond(URL .. "*", { rate = 7 }) end,
      ["latency must be a duration"] = function() phone:respond(URL .. "*", { latency = 7 }) end,
      ["from the least to the most"] = function() phone:respond(URL .. "*", { latency = { "2s", "1s" } }) end,
      ["fail is a part from 0 to 1"] = function() phone:respond(URL .. "*", { fail = 2 }) end,
      ["there is no tls 'odd'"] = function() phone:respond(URL .. "*", { tls = "odd" }) end,
      ["there is no error 'expired'"] = function() phone:respond(URL .. "*", { error = "expired" }) end,
      ["times is a number from 1"] = function() phone:respond(URL .. "*", { times = 0 }) end,
      ["size is less than"] = function() phone:respond(URL .. "*", { body = "abc", size = 2 }) end,
      ["has no option 'stauts'"] = function() phone:respond(URL .. "*", { stauts = 200 }) end,
      ["an end of a line"] = function() phone:respond(URL .. "*", { headers = { a = "b\r\nc" } }) end,
    } do
      local is_fine, message = pcall(call)
      assert.is_false(is_fine)
      assert.truthy(message:find(why, 1, true), message)
    end
  end)

  it("has nothing to do with what was granted", function()
    assert.has_error(function() device.open { http = { "example.com" } } end)
    assert.has_error(function() device.open { http = 7 } end)
  end)

  it("is granted more by a plan, for apps that are launched from then on", function()
    local phone <close> = device.open { http = { "https://one.example.com/*" } }
    phone:respond("https://*.example.com/*", { status = 204 })
    local code = helper.code [[
      for _, host in ipairs { "one", "two", "three" } do
        local url = "https://" .. host .. ".example.com/"
        local id, _, name = farside.Plugins.Http.get(url, function(response) print(host, response.status) end)
        if not id then print(host, name) end
      end
    ]]
    local function hears(...)
      assert(phone:run(code))
      phone:advance "1s"
      local lines = helper.said(phone)
      phone:kill()
      lines = { table.unpack(lines, #lines - 2) }
      table.sort(lines) -- A refusal comes before an answer.
      assert.same({ ... }, lines)
    end
    hears("one\t204", "three\tDENIED", "two\tDENIED")
    phone:grant { http = { "https://two.example.com/*" } }
    phone:grant { http = { "https://three.example.com/*" } }
    collectgarbage()
    hears("one\t204", "three\t204", "two\t204")
    phone:grant {}
    hears("one\t204", "three\t204", "two\t204")
    for why, call in pairs {
      ["has no option 'tasks'"] = function() phone:grant { tasks = true } end,
      ["table expected, got no value"] = function() phone:grant() end,
      ["http must be a list of URL patterns"] = function() phone:grant { http = "https://a.example.com/" } end,
      ["grant: http is a list of URL patterns, and has a number"] = function() phone:grant { http = { 7 } } end,
      ["grant: http: "] = function() phone:grant { http = { "example.com" } } end,
    } do
      local is_fine, message = pcall(call)
      assert.is_false(is_fine)
      assert.truthy(message:find(why, 1, true), message)
    end
  end)
end)
