# libfarside: the core for engines, with a Lua 5.4 and a libuv of its own.
#
# An engine has a Lua already, of another version and under the same names, and
# perhaps a libuv. So nothing of ours may be seen from outside but farside_*:
# everything is compiled hidden, the shared library exports by a list, and the
# static one is a single object in which all other names are local. What is used
# of the system (SQLite, libcurl) can be given as sources or an archive instead.

# A folder that somebody has named is what he takes it for, or he hears so here.
function(engine_needs variable file advice)
  if("${${variable}}" STREQUAL "")
    message(FATAL_ERROR "${variable} is not given. ${advice}")
  endif()
  if(NOT EXISTS ${${variable}}/${file})
    message(FATAL_ERROR
      "${variable}: there is no ${file} in ${${variable}}. ${advice}")
  endif()
endfunction()

# The number that a header gives its version must be at least this one.
function(engine_needs_version variable header name least spoken)
  file(STRINGS ${${variable}}/${header} line REGEX "^#define[ \t]+${name}[ \t]")
  string(REGEX REPLACE "^#define[ \t]+${name}[ \t]+([0-9a-fx]+).*" "\\1" number "${line}")
  math(EXPR number "${number}")
  if(number LESS ${least})
    message(FATAL_ERROR "${variable}: ${${variable}} is older than ${spoken}.")
  endif()
endfunction()

file(STRINGS ${PROJECT_SOURCE_DIR}/host/farside.h abi REGEX "^#define FARSIDE_ABI ")
string(REGEX REPLACE "[^0-9]" "" FARSIDE_ABI "${abi}")

# What was not written here is compiled without our warnings.
add_library(engine_parts OBJECT)
set_target_properties(engine_parts PROPERTIES C_CLANG_TIDY "")
target_compile_options(engine_parts PRIVATE -w -ffunction-sections -fdata-sections)
add_library(engine_headers INTERFACE)
set(engine_libraries) # Of the system, for -l.
set(engine_requires)  # The same, for pkg-config.
set(engine_archives)  # That become part of libfarside.

# Lua. A C module for Lua 5.4 looks for lua_* in the process, where it would find
# another Lua, or none: so scripts here load none (no LUA_USE_DLOPEN, no path).
include(host/lua.cmake)
lua_folder_of("${FARSIDE_LUA_DIR}" lua_tree)
if(NOT lua_tree)
  engine_needs(FARSIDE_LUA_DIR lua.h "It is the folder of Lua's sources, or their src/.")
endif()
lua_release_of(${lua_tree} lua_version)
if(lua_version STREQUAL "")
  message(FATAL_ERROR "FARSIDE_LUA_DIR: the Lua in ${FARSIDE_LUA_DIR} is not 5.4.")
endif()
lua_sources_of(${lua_tree} lua_sources)
target_sources(engine_parts PRIVATE ${lua_sources})
target_compile_definitions(engine_parts PRIVATE
  LUA_USE_POSIX LUA_COMPAT_5_3 LUA_CPATH_DEFAULT="")
target_include_directories(engine_headers SYSTEM INTERFACE ${lua_tree})
# Debian's asks where C modules are on this machine, of a header that no other
# processor has. There are none.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/lua/lua5.4-deb-multiarch.h
  "#define DEB_HOST_MULTIARCH \"\"\n")
target_include_directories(engine_headers SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/lua)

# libuv, by its own build.
engine_needs(FARSIDE_UV_DIR include/uv.h "libfarside needs a libuv of its own: its sources.")
function(add_libuv)
  set(BUILD_TESTING OFF)
  set(CMAKE_C_FLAGS "${CMAKE_C_FLAGS} -w -ffunction-sections -fdata-sections")
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5) # Older trees ask for less.
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
  set(CMAKE_SUPPRESS_DEVELOPER_WARNINGS ON CACHE INTERNAL "" FORCE)
  add_subdirectory(${FARSIDE_UV_DIR} ${CMAKE_CURRENT_BINARY_DIR}/libuv EXCLUDE_FROM_ALL)
endfunction()
add_libuv()
list(APPEND engine_archives uv_a)
target_include_directories(engine_headers SYSTEM INTERFACE ${FARSIDE_UV_DIR}/include)

# jansson.
if(FARSIDE_JANSSON_DIR)
  engine_needs(FARSIDE_JANSSON_DIR src/jansson_config.h.in "It is the folder of jansson's sources.")
  set(json_inline inline)
  set(json_have_long_long 1)
  set(json_have_localeconv 1) # An engine may set a locale: 0,5 is no number.
  set(json_have_atomic_builtins 1)
  set(json_have_sync_builtins 1)
  configure_file(${FARSIDE_JANSSON_DIR}/src/jansson_config.h.in
    ${CMAKE_CURRENT_BINARY_DIR}/jansson/jansson_config.h @ONLY)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/jansson/jansson_private_config.h "// See engine.cmake.\n")
  file(GLOB jansson_sources ${FARSIDE_JANSSON_DIR}/src/*.c)
  target_sources(engine_parts PRIVATE ${jansson_sources})
  set_source_files_properties(${jansson_sources} PROPERTIES COMPILE_DEFINITIONS
    "HAVE_STDINT_H;HAVE_UNISTD_H;HAVE_FCNTL_H;HAVE_SCHED_H;HAVE_SYS_TIME_H;HAVE_SYS_TYPES_H;HAVE_OPEN;HAVE_CLOSE;HAVE_READ;HAVE_GETPID;HAVE_GETTIMEOFDAY;HAVE_SCHED_YIELD;HAVE_LOCALE_H;HAVE_ATOMIC_BUILTINS;USE_URANDOM")
  target_include_directories(engine_headers SYSTEM INTERFACE
    ${CMAKE_CURRENT_BINARY_DIR}/jansson ${FARSIDE_JANSSON_DIR}/src)
else()
  target_link_libraries(engine_headers INTERFACE PkgConfig::JANSSON)
  list(APPEND engine_libraries ${JANSSON_LIBRARIES})
  list(APPEND engine_requires jansson)
endif()

# SQLite, as its one file.
if(FARSIDE_SQLITE_DIR)
  engine_needs(FARSIDE_SQLITE_DIR sqlite3.c "It comes with sqlite-amalgamation-….zip, \
or is made of SQLite's sources by `./configure && make sqlite3.c`.")
  engine_needs(FARSIDE_SQLITE_DIR sqlite3.h "It lies beside sqlite3.c.")
  engine_needs_version(FARSIDE_SQLITE_DIR sqlite3.h SQLITE_VERSION_NUMBER 3037000 3.37)
  target_sources(engine_parts PRIVATE ${FARSIDE_SQLITE_DIR}/sqlite3.c)
  set_source_files_properties(${FARSIDE_SQLITE_DIR}/sqlite3.c PROPERTIES
    COMPILE_DEFINITIONS "SQLITE_THREADSAFE=1;SQLITE_OMIT_LOAD_EXTENSION;SQLITE_OMIT_DEPRECATED")
  target_include_directories(engine_headers SYSTEM INTERFACE ${FARSIDE_SQLITE_DIR})
else()
  target_link_libraries(engine_headers INTERFACE PkgConfig::SQLITE)
  list(APPEND engine_libraries ${SQLITE_LIBRARIES})
  list(APPEND engine_requires sqlite3)
endif()

# libcurl: an archive of its own, position independent. Its libcurl.pc says what it
# needs in turn, such as -lssl.
set(curl_flags)
if(FARSIDE_HTTP AND FARSIDE_CURL_DIR)
  set(advice "It is where libcurl was installed, position independent: its sources, \
built by `cmake -D BUILD_SHARED_LIBS=OFF -D CMAKE_POSITION_INDEPENDENT_CODE=ON`.")
  engine_needs(FARSIDE_CURL_DIR include/curl/curl.h "${advice}")
  engine_needs(FARSIDE_CURL_DIR lib/libcurl.a "${advice}")
  engine_needs_version(FARSIDE_CURL_DIR include/curl/curlver.h LIBCURL_VERSION_NUM 0x075700 7.87)
  list(APPEND engine_archives ${FARSIDE_CURL_DIR}/lib/libcurl.a)
  set(curl_pc ${FARSIDE_CURL_DIR}/lib/pkgconfig/libcurl.pc)
  if(EXISTS ${curl_pc})
    find_package(PkgConfig REQUIRED)
    execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --static --libs ${curl_pc}
      OUTPUT_VARIABLE curl_flags COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(curl_flags UNIX_COMMAND "${curl_flags}")
    list(REMOVE_ITEM curl_flags -lcurl -lgcc -lgcc_s -lc)
  endif()
  target_include_directories(engine_headers SYSTEM INTERFACE ${FARSIDE_CURL_DIR}/include)
elseif(FARSIDE_HTTP AND FARSIDE_CURL STREQUAL "link")
  target_link_libraries(engine_headers INTERFACE PkgConfig::CURL)
  list(APPEND engine_libraries ${CURL_LIBRARIES})
  list(APPEND engine_requires libcurl)
elseif(FARSIDE_HTTP)
  target_include_directories(engine_headers SYSTEM INTERFACE ${CURL_INCLUDE_DIRS})
endif()

target_link_libraries(engine_parts PRIVATE engine_headers)

# Our own, against these headers.
add_library(engine_core OBJECT ${core_sources})
target_include_directories(engine_core PUBLIC host)
target_link_libraries(engine_core PRIVATE farside_options engine_headers)
target_compile_options(engine_core PRIVATE -ffunction-sections -fdata-sections)
target_compile_definitions(engine_core PRIVATE FARSIDE_ENGINE)
if(FARSIDE_HTTP)
  target_sources(engine_core PRIVATE host/libcurl.c)
  target_compile_definitions(engine_core PRIVATE FARSIDE_HTTP)
  if(FARSIDE_CURL_DIR OR FARSIDE_CURL STREQUAL "link")
    target_compile_definitions(engine_core PRIVATE FARSIDE_CURL_LINKED)
  endif()
endif()
set(engine_objects $<TARGET_OBJECTS:engine_core> $<TARGET_OBJECTS:engine_parts>)

find_package(Threads REQUIRED)
set(engine_system ${curl_flags} ${CMAKE_THREAD_LIBS_INIT} m ${CMAKE_DL_LIBS})
if(NOT APPLE AND NOT ANDROID)
  list(APPEND engine_system rt)
endif()

# libfarside.so. It is never unmapped: an engine may let go of it while its
# thread runs.
add_library(farside_shared SHARED ${engine_objects})
set_target_properties(farside_shared PROPERTIES OUTPUT_NAME farside
  VERSION ${PROJECT_VERSION} SOVERSION ${FARSIDE_ABI} LINKER_LANGUAGE C)
target_link_libraries(farside_shared PRIVATE engine_headers ${engine_archives} ${engine_system})
if(FARSIDE_SANITIZE)
  target_link_options(farside_shared PRIVATE -fsanitize=${FARSIDE_SANITIZE})
endif()
if(APPLE)
  # dyld never unmaps what has thread-local variables, and ours has.
  target_link_options(farside_shared PRIVATE
    -exported_symbols_list ${PROJECT_SOURCE_DIR}/host/farside.symbols -dead_strip)
  set_property(TARGET farside_shared APPEND PROPERTY LINK_DEPENDS
    ${PROJECT_SOURCE_DIR}/host/farside.symbols)
else()
  # A script may be jumped out of anywhere, but not out of the dynamic linker.
  target_link_options(farside_shared PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/host/farside.map
    -Wl,-z,nodelete -Wl,-z,now -Wl,--gc-sections
    -Wl,-Bsymbolic) # It calls its own farside_*, whatever else is loaded.
  set_property(TARGET farside_shared APPEND PROPERTY LINK_DEPENDS
    ${PROJECT_SOURCE_DIR}/host/farside.map)
  if(NOT FARSIDE_SANITIZE)
    target_link_options(farside_shared PRIVATE -Wl,-z,defs)
  endif()
endif()

# libfarside.a: one object, in which every other name is local.
set(static_library ${CMAKE_CURRENT_BINARY_DIR}/libfarside.a)
set(archive_files)
foreach(archive ${engine_archives})
  if(TARGET ${archive})
    list(APPEND archive_files $<TARGET_FILE:${archive}>)
  else()
    list(APPEND archive_files ${archive})
  endif()
endforeach()
if(APPLE)
  set(link_static ${CMAKE_LINKER} -r -o farside_static.o ${engine_objects} -all_load ${archive_files}
    -exported_symbols_list ${PROJECT_SOURCE_DIR}/host/farside.symbols)
  set(hide_static ${CMAKE_COMMAND} -E true)
else()
  set(link_static ${CMAKE_C_COMPILER} -r -nostdlib -o farside_static.o ${engine_objects}
    -Wl,--whole-archive ${archive_files} -Wl,--no-whole-archive)
  set(hide_static ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=farside_* farside_static.o)
endif()
add_custom_command(
  OUTPUT ${static_library}
  COMMAND ${link_static}
  COMMAND ${hide_static}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${static_library}
  COMMAND ${CMAKE_AR} rcs ${static_library} farside_static.o
  DEPENDS engine_core engine_parts ${engine_objects} ${engine_archives}
  COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(farside_static ALL DEPENDS ${static_library})

# -- What is installed ---------------------------------------------------------

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(link_flags)
foreach(library ${engine_system})
  if(library MATCHES "^[-/]")
    string(APPEND link_flags " ${library}")
  else()
    string(APPEND link_flags " -l${library}")
  endif()
endforeach()
string(REPLACE ";" ", " requires "${engine_requires}")
set(static_libraries ${engine_libraries} ${engine_system})
file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(host/farside.pc.in farside.pc @ONLY)
configure_file(host/farside-static.pc.in farside-static.pc @ONLY)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/farside)
configure_package_config_file(host/farside-config.cmake.in farside-config.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(farside-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)

install(TARGETS farside_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES host/farside.h host/platform.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/farside)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/farside.pc ${CMAKE_CURRENT_BINARY_DIR}/farside-static.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/farside-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/farside-config-version.cmake DESTINATION ${package_dir})
