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
  add_test(NAME trees COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/trees_test.sh
                              ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER}
                              $<TARGET_FILE:http_serve>)
  set_tests_properties(trees PROPERTIES SKIP_RETURN_CODE 77)
  set_target_properties(http_serve PROPERTIES EXCLUDE_FROM_ALL OFF)
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

# The module for an engine's Lua, in the same programs. It is compiled against
# that Lua's headers, as an installed tree would be.
set(installed ${CMAKE_CURRENT_BINARY_DIR}/include)
foreach(header farside.h platform.h)
  configure_file(${PROJECT_SOURCE_DIR}/host/${header} ${installed}/farside/${header} COPYONLY)
endforeach()
set(engines ${PROJECT_SOURCE_DIR}/bindings/engines)
function(add_shim name headers lua farside)
  add_executable(shim_${name} engine/shim_test.c ${engines}/farside_engine.c)
  target_include_directories(shim_${name} PRIVATE ${engines} ${installed})
  target_include_directories(shim_${name} SYSTEM PRIVATE ${headers})
  target_link_libraries(shim_${name} PRIVATE farside_options ${lua} ${farside} m ${CMAKE_DL_LIBS})
  target_link_options(shim_${name} PRIVATE -rdynamic)
  add_test(NAME shim_${name} COMMAND shim_${name} ${engines} ${here}/shim.lua)
endfunction()
add_shim(luajit "${LUAJIT_INCLUDE_DIRS}" PkgConfig::LUAJIT farside_shared)
add_shim(lua51 "${LUA51_INCLUDE_DIRS}" PkgConfig::LUA51 farside_shared)
add_shim(lua54 "${LUA_INCLUDE_DIRS}" PkgConfig::LUA farside_shared)
set(whole_lua51 -Wl,--whole-archive ${LUA51_ARCHIVE} -Wl,--no-whole-archive)
add_shim(lua51_static "${LUA51_INCLUDE_DIRS}" "${whole_lua51}" "${static}")
add_dependencies(shim_lua51_static farside_static)

# Solar2D's name of it, and Defold's extension: whether they compile.
add_library(shim_solar2d MODULE ${engines}/farside_engine.c)
target_compile_definitions(shim_solar2d PRIVATE FARSIDE_ENGINE_OPEN=luaopen_plugin_farside)
target_include_directories(shim_solar2d PRIVATE ${installed})
target_include_directories(shim_solar2d SYSTEM PRIVATE ${LUA51_INCLUDE_DIRS})
target_link_libraries(shim_solar2d PRIVATE farside_options farside_shared)
find_program(CLANGXX clang++)
if(CLANGXX)
  set(cxx ${CLANGXX} -std=c++11 -fsyntax-only -Wall -Wextra -Werror -I${installed} -I${engines}
    -isystem ${LUA51_INCLUDE_DIRS})
  add_test(NAME defold COMMAND ${cxx} -I${here}/defold ${engines}/defold/src/farside_extension.cpp)
  add_test(NAME cxx COMMAND ${cxx} -x c++ ${engines}/farside_engine.c)
endif()
