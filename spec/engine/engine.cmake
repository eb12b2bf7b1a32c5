# libfarside inside programs that have a Lua of their own.
if(NOT TARGET farside_shared)
  return()
endif()
set(here ${CMAKE_CURRENT_SOURCE_DIR}/engine)

# As it is installed, used from an empty folder.
if(NOT FARSIDE_SANITIZE)
  add_test(NAME install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install_test.sh
                                ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
                                ${CMAKE_C_COMPILER})
endif()

pkg_check_modules(LUAJIT REQUIRED IMPORTED_TARGET luajit)
pkg_check_modules(LUA51 REQUIRED IMPORTED_TARGET lua5.1)
find_library(LUAJIT_ARCHIVE NAMES libluajit-5.1.a REQUIRED)
find_library(LUA51_ARCHIVE NAMES liblua5.1.a REQUIRED)
find_library(LUA54_ARCHIVE NAMES liblua5.4.a REQUIRED)
find_library(UV_ARCHIVE NAMES libuv_a.a REQUIRED)

# A program with one Lua and Farside, in this order of linking.
function(add_beside name headers lua uv farside)
  add_executable(beside_${name} engine/beside_test.c engine/guest.c)
  target_include_directories(beside_${name} PRIVATE ../host)
  target_include_directories(beside_${name} SYSTEM PRIVATE ${headers})
  target_link_libraries(beside_${name} PRIVATE farside_options ${lua} ${uv}
    ${farside} m ${CMAKE_DL_LIBS})
  target_link_options(beside_${name} PRIVATE -rdynamic)
  add_test(NAME beside_${name} COMMAND beside_${name})
endfunction()
set(static ${PROJECT_BINARY_DIR}/libfarside.a ${engine_libraries})
add_beside(luajit "${LUAJIT_INCLUDE_DIRS}" PkgConfig::LUAJIT PkgConfig::UV farside_shared)
add_beside(lua51 "${LUA51_INCLUDE_DIRS}" PkgConfig::LUA51 PkgConfig::UV farside_shared)
add_beside(lua54 "${LUA_INCLUDE_DIRS}" PkgConfig::LUA PkgConfig::UV farside_shared)
add_beside(luajit_static "${LUAJIT_INCLUDE_DIRS}" ${LUAJIT_ARCHIVE} ${UV_ARCHIVE} "${static}")
add_beside(lua51_static "${LUA51_INCLUDE_DIRS}" ${LUA51_ARCHIVE} ${UV_ARCHIVE} "${static}")
add_beside(lua54_static "${LUA_INCLUDE_DIRS}" ${LUA54_ARCHIVE} ${UV_ARCHIVE} "${static}")
foreach(name luajit_static lua51_static lua54_static)
  add_dependencies(beside_${name} farside_static)
endforeach()

# Loaded at run time into a program with LuaJIT, twice under different names.
set(copy ${CMAKE_CURRENT_BINARY_DIR}/libfarside_copy.so)
add_custom_command(OUTPUT ${copy}
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:farside_shared> ${copy}
  DEPENDS farside_shared)
add_custom_target(farside_copy ALL DEPENDS ${copy})
add_executable(load_test engine/load_test.c engine/guest.c)
target_include_directories(load_test PRIVATE ../host)
target_link_libraries(load_test PRIVATE farside_options PkgConfig::LUAJIT ${CMAKE_DL_LIBS})
add_dependencies(load_test farside_copy)
add_test(NAME load COMMAND load_test $<TARGET_FILE:farside_shared> ${copy}
                       ${here}/cycles.lua)
