# Lua from its sources, and what has to be mended in them.

# The folder of lua.h in what somebody calls the sources of Lua; empty if there is
# none.
function(lua_folder_of tree result)
  set(${result} "" PARENT_SCOPE)
  foreach(folder ${tree}/src ${tree})
    if(EXISTS ${folder}/lua.h)
      set(${result} ${folder} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# The sources of Lua's library.
#
# Lua 5.4.4, which Debian 12 has, goes on with a pointer into a stack that has
# moved when a __concat needed more of it: `"a" .. object .. "b"` in a coroutine
# ends the process. 5.4.5 has the line that stands here.
function(lua_sources_of folder result)
  file(GLOB sources ${folder}/l*.c)
  list(REMOVE_ITEM sources ${folder}/lua.c ${folder}/luac.c ${folder}/ltests.c)
  file(READ ${folder}/lvm.c text)
  string(REPLACE "L->top = top - (n - 1);" "L->top -= n - 1;" mended "${text}")
  if(NOT mended STREQUAL text)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/mended/lvm.c)
    set(there "")
    if(EXISTS ${file})
      file(READ ${file} there)
    endif()
    if(NOT mended STREQUAL there)
      file(WRITE ${file} "${mended}")
    endif()
    list(REMOVE_ITEM sources ${folder}/lvm.c)
    list(APPEND sources ${file})
  endif()
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# What LUA_VERSION_RELEASE is in a lua.h: "4" of 5.4.4; empty if it is no 5.4, or
# not there.
function(lua_release_of folder result)
  set(${result} "" PARENT_SCOPE)
  if(NOT EXISTS "${folder}/lua.h")
    return()
  endif()
  file(STRINGS ${folder}/lua.h minor REGEX "LUA_VERSION_MINOR[ \t]+\"4\"")
  file(STRINGS ${folder}/lua.h release REGEX "define[ \t]+LUA_VERSION_RELEASE[ \t]+\"")
  string(REGEX REPLACE ".*\"([0-9]+)\".*" "\\1" release "${release}")
  if(minor)
    set(${result} "${release}" PARENT_SCOPE)
  endif()
endfunction()
