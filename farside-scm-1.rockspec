rockspec_format = "3.0"
package = "farside"
version = "scm-1"
source = {
  url = "git+https://github.com/farside-lua/farside.git",
}
description = {
  summary = "Where a Lua app works while nobody is looking",
  detailed = [[
    App lifecycle and background tasks for Lua: closures that may finish their
    work before the OS puts the app to sleep, and a simulated phone to test
    them on in virtual time.
  ]],
  license = "MIT",
}
dependencies = {
  "lua >= 5.4, < 5.5",
}
-- libcurl is found by CMake: its header lies elsewhere on each system.
external_dependencies = {
  UV = { header = "uv.h", library = "uv" },
  JANSSON = { header = "jansson.h", library = "jansson" },
  SQLITE = { header = "sqlite3.h", library = "sqlite3" },
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    FARSIDE_MODULE_ONLY = "ON",
    FARSIDE_LUA_INCDIR = "$(LUA_INCDIR)",
  },
  -- By LuaRocks and not by CMake, which would not hear of the folder of a rock
  -- that is packed.
  install_pass = false,
  install = { lib = { farside = "build.luarocks/farside.so" } },
}
-- With Debian's busted, which LuaRocks does not know: `eval "$(luarocks path)"`
-- before it.
test = {
  type = "command",
  script = "spec/rock.lua",
}
