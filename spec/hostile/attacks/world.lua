-- The world of a script, turned against those who look at it.

--@ globals-gone ends
for k in pairs(_G) do _G[k] = nil end

--@ globals-hostile ends
local print, pcall = print, pcall
setmetatable(_G, {
  __index = function() while true do end end,
  __newindex = function() while true do end end,
  __pairs = function() while true do end end,
})
print(pcall(rawget, _G, "x"))

--@ globals-hostile-timers killed
setmetatable(_G, { __index = function() while true do end end })
setTimeout(function() return undefined end, 1)

--@ globals-full killed|ends
for i = 1, 1e9 do _G[i] = ("x"):rep(100) .. i end

--@ env-gone ends
local print = print
local _ENV = nil
print "still here"

--@ env-hostile killed
local _ENV = setmetatable({}, { __index = function() while true do end end })
return x

--@ loaded-gone ends
for k in pairs(package.loaded) do package.loaded[k] = nil end
print(pcall(require, "string"), pcall(require, "farside"))
print(("x"):rep(3))

--@ loaded-hostile killed
setmetatable(package.loaded, { __index = function() while true do end end, __newindex = function() while true do end end })
print(pcall(require, "farside"))
require "x"

--@ loaded-hostile-report ends
setmetatable(package.loaded, { __index = function() while true do end end })
for k in pairs(package.loaded) do package.loaded[k] = nil end
error "x"

--@ preload-hostile killed
setmetatable(package.preload, { __index = function() while true do end end })
require "nothing"

--@ preload-not-callable ends
package.preload.x = 1
print(pcall(require, "x"))
package.preload.y = setmetatable({}, { __call = 1 })
print(pcall(require, "y"))

--@ string-metatable ends
print(getmetatable "", pcall(setmetatable, "", {}), pcall(function() ("").x = 1 end))
string.rep, string.format, string.gsub = nil, nil, nil
print(pcall(function() return ("x"):rep(2) end))

--@ string-index-replaced killed
setmetatable(string, { __index = function() while true do end end })
return ("x"):nothing()

--@ libraries-gone ends
coroutine.yield, coroutine.resume, table.concat, os.exit = nil, nil, nil, nil
setTimeout, print, error = nil, nil, nil
farside.sleep = nil
App.addListener = nil

--@ protected-metatables ends
local handle = App.addListener("pause", print)
print(getmetatable(handle), getmetatable(io.stdout), getmetatable "")
print(pcall(setmetatable, handle, {}), pcall(setmetatable, io.stdout, {}))
print(pcall(getmetatable(io.stdout).write, 1))

--@ arg-absurd killed|ends
for _, f in ipairs { setTimeout, setInterval, clearTimeout, clearInterval, print, require, load, xpcall, select, tonumber } do
  for _, args in ipairs { {}, { 0 }, { math.mininteger }, { 0 / 0 }, { {} }, { print, 0 / 0 }, { print, -math.huge }, { print, math.huge } } do
    pcall(f, table.unpack(args))
  end
  pcall(f, table.unpack({}, 1, 250))
  pcall(f, table.unpack({}, 1, 100000))
end
for _, library in ipairs { farside, App, BackgroundTask, Log } do
  for name, f in pairs(library) do
    if type(f) == "function" and name ~= "sleep" and name ~= "run" and name ~= "exitApp" then
      for _, args in ipairs { {}, { 0 }, { math.mininteger }, { 0 / 0 }, { {} }, { "x" }, { ("x"):rep(100000) }, { print, {} }, { "x", print } } do
        pcall(f, table.unpack(args))
      end
      pcall(f, table.unpack({}, 1, 250))
      pcall(f, table.unpack({}, 1, 100000))
    end
  end
end

--@ io-absent ends
print(io.open, io.popen, io.lines, io.read, os.execute, os.getenv, dofile, loadfile, package.loadlib, string.dump)
assert(not (io.open or io.popen or os.execute or os.getenv or dofile or loadfile or package.loadlib or string.dump))
