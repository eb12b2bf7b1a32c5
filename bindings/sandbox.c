#include "sandbox.h"

#include <lualib.h>
#include <string.h>

// -- The list -----------------------------------------------------------------

#define STOCK(library, name, reason)                                           \
  { library, name, FAR_NAME_STOCK, NULL, reason }
#define OWN(library, name, function, reason)                                   \
  { library, name, FAR_NAME_OWN, function, reason }
#define HOST(library, name, reason)                                            \
  { library, name, FAR_NAME_HOST, NULL, reason }
#define ABSENT(library, name, reason)                                          \
  { library, name, FAR_NAME_ABSENT, NULL, reason }

static const char pure[] = "touches nothing but its arguments";
static const char bounded[] = "bounded by the length of its arguments";
static const char matcher[] = "may try for ever; the watchdog drops it then";
static const char calls_back[] = "calls back, and the hook stops what it calls";
static const char reads[] = "reads what the script has anyway";
static const char arithmetic[] = "arithmetic on strings of digits";
static const char constant[] = "a constant";
static const char older[] = "of older versions of Lua, and not in every build";
static const char hidden[] = "would read or change what is not the script's";
static const char files[] = "opens files or starts programs of the user's";

const far_visible far_sandbox_names[] = {
    STOCK("_G", "_VERSION", constant),
    STOCK("_G", "assert", pure),
    STOCK("_G", "error", "where it raises, a handler of ours listens"),
    STOCK("_G", "getmetatable", "all but the script's own are protected"),
    STOCK("_G", "ipairs", pure),
    STOCK("_G", "next", pure),
    STOCK("_G", "pairs", calls_back),
    STOCK("_G", "pcall", "what it catches of a kill is raised again"),
    STOCK("_G", "rawequal", pure),
    STOCK("_G", "rawget", pure),
    STOCK("_G", "rawlen", pure),
    STOCK("_G", "rawset", pure),
    STOCK("_G", "select", pure),
    STOCK("_G", "tonumber", pure),
    STOCK("_G", "tostring", calls_back),
    STOCK("_G", "type", pure),
    STOCK("_G", "warn", "goes to the log"),
    OWN("_G", "collectgarbage", far_base_collectgarbage,
        "only \"count\": nobody tunes or stops the collector"),
    OWN("_G", "load", far_base_load,
        "text only, and not more than 1 MiB: the parser is not interrupted"),
    OWN("_G", "require", far_require,
        "finds our modules and the script's own, and no others"),
    OWN("_G", "setmetatable", far_base_setmetatable,
        "refuses __gc: finalizers run where no hook stops them"),
    OWN("_G", "xpcall", far_base_xpcall,
        "a handler of a kill would run where no hook stops it"),
    HOST("_G", "_G", "the globals themselves"),
    HOST("_G", "arg", "the script's name and arguments"),
    HOST("_G", "print", "goes to the log"),
    HOST("_G", "setTimeout", "a timer of ours"),
    HOST("_G", "setInterval", "a timer of ours"),
    HOST("_G", "clearTimeout", "a timer of ours"),
    HOST("_G", "clearInterval", "a timer of ours"),
    ABSENT("_G", "dofile", files),
    ABSENT("_G", "loadfile", files),

    OWN("coroutine", "close", far_coroutine_close,
        "watched, and as deep as the C stack allows"),
    OWN("coroutine", "create", far_coroutine_create, "does not inherit hooks"),
    STOCK("coroutine", "isyieldable", pure),
    OWN("coroutine", "resume", far_coroutine_resume,
        "watched, and passes a suspension and a kill on"),
    HOST("coroutine", "running", "what a script knows is not used again"),
    OWN("coroutine", "status", far_coroutine_status, "the killed are dead"),
    OWN("coroutine", "wrap", far_coroutine_wrap,
        "watched, and passes a suspension and a kill on"),
    STOCK("coroutine", "yield", pure),

    OWN("debug", "getinfo", far_debug_getinfo,
        "what tracebacks show; no function in C, no hook, no local"),
    OWN("debug", "traceback", far_debug_traceback, reads),
    ABSENT("debug", "debug", "reads the terminal"),
    ABSENT("debug", "gethook", hidden),
    ABSENT("debug", "getlocal", hidden),
    ABSENT("debug", "getmetatable", hidden),
    ABSENT("debug", "getregistry", hidden),
    ABSENT("debug", "getupvalue", hidden),
    ABSENT("debug", "getuservalue", hidden),
    ABSENT("debug", "setcstacklimit", hidden),
    ABSENT("debug", "sethook", "would take the watchdog's place"),
    ABSENT("debug", "setlocal", hidden),
    ABSENT("debug", "setmetatable", hidden),
    ABSENT("debug", "setupvalue", hidden),
    ABSENT("debug", "setuservalue", hidden),
    ABSENT("debug", "upvalueid", hidden),
    ABSENT("debug", "upvaluejoin", hidden),

    HOST("io", "stdout", "lines of it go to the log"),
    HOST("io", "stderr", "lines of it go to the log, as warnings"),
    OWN("io", "flush", far_io_flush, "lines of it go to the log"),
    OWN("io", "write", far_io_write, "lines of it go to the log"),
    ABSENT("io", "close", files),
    ABSENT("io", "input", files),
    ABSENT("io", "lines", files),
    ABSENT("io", "open", files),
    ABSENT("io", "output", files),
    ABSENT("io", "popen", files),
    ABSENT("io", "read", "would wait, and the whole app with it"),
    ABSENT("io", "stdin", "would wait, and the whole app with it"),
    ABSENT("io", "tmpfile", files),
    ABSENT("io", "type", "there are no files to tell apart"),

    STOCK("math", "abs", pure),
    STOCK("math", "acos", pure),
    STOCK("math", "asin", pure),
    STOCK("math", "atan", pure),
    STOCK("math", "ceil", pure),
    STOCK("math", "cos", pure),
    STOCK("math", "deg", pure),
    STOCK("math", "exp", pure),
    STOCK("math", "floor", pure),
    STOCK("math", "fmod", pure),
    STOCK("math", "huge", constant),
    STOCK("math", "log", pure),
    STOCK("math", "max", pure),
    STOCK("math", "maxinteger", constant),
    STOCK("math", "min", pure),
    STOCK("math", "mininteger", constant),
    STOCK("math", "modf", pure),
    STOCK("math", "pi", constant),
    STOCK("math", "rad", pure),
    STOCK("math", "random", "its state is the script's own"),
    STOCK("math", "randomseed", "its state is the script's own"),
    STOCK("math", "sin", pure),
    STOCK("math", "sqrt", pure),
    STOCK("math", "tan", pure),
    STOCK("math", "tointeger", pure),
    STOCK("math", "type", pure),
    STOCK("math", "ult", pure),
    ABSENT("math", "atan2", older),
    ABSENT("math", "cosh", older),
    ABSENT("math", "frexp", older),
    ABSENT("math", "ldexp", older),
    ABSENT("math", "log10", older),
    ABSENT("math", "pow", older),
    ABSENT("math", "sinh", older),
    ABSENT("math", "tanh", older),

    OWN("os", "clock", far_os_clock, "to the millisecond: no stopwatch"),
    OWN("os", "date", far_os_date, "under the shield: time zones have a lock"),
    STOCK("os", "difftime", pure),
    HOST("os", "exit", "ends the app, not the host"),
    OWN("os", "time", far_os_time, "under the shield: time zones have a lock"),
    ABSENT("os", "execute", files),
    ABSENT("os", "getenv", "the environment is the user's"),
    ABSENT("os", "remove", files),
    ABSENT("os", "rename", files),
    ABSENT("os", "setlocale", "is the whole process's"),
    ABSENT("os", "tmpname", files),

    HOST("package", "config", constant),
    HOST("package", "loaded", "what was required; only what is listed here"),
    HOST("package", "preload", "our modules, the embedder's, the script's"),
    ABSENT("package", "cpath", "no C is loaded"),
    ABSENT("package", "loadlib", "no C is loaded"),
    ABSENT("package", "path", "modules lie beside the script"),
    ABSENT("package", "searchers", "require() knows where to look"),
    ABSENT("package", "searchpath", "tells which files there are"),

    STOCK("string", "byte", bounded),
    STOCK("string", "char", bounded),
    STOCK("string", "find", matcher),
    STOCK("string", "format", bounded),
    STOCK("string", "gmatch", matcher),
    STOCK("string", "gsub", matcher),
    STOCK("string", "len", pure),
    STOCK("string", "lower", bounded),
    STOCK("string", "match", matcher),
    STOCK("string", "pack", bounded),
    STOCK("string", "packsize", bounded),
    OWN("string", "rep", far_string_rep, "Lua's counts to n even for nothing"),
    STOCK("string", "reverse", bounded),
    STOCK("string", "sub", bounded),
    STOCK("string", "unpack", bounded),
    STOCK("string", "upper", bounded),
    ABSENT("string", "dump", "precompiled code can be made to lie"),

    STOCK("table", "concat", calls_back),
    STOCK("table", "insert", calls_back),
    STOCK("table", "move", calls_back),
    STOCK("table", "pack", bounded),
    STOCK("table", "remove", calls_back),
    STOCK("table", "sort", calls_back),
    STOCK("table", "unpack", bounded),

    STOCK("utf8", "char", bounded),
    STOCK("utf8", "charpattern", constant),
    STOCK("utf8", "codepoint", bounded),
    STOCK("utf8", "codes", bounded),
    STOCK("utf8", "len", bounded),
    STOCK("utf8", "offset", bounded),

    // The metatable that all strings share; nobody sees it.
    STOCK("(string)", "__add", arithmetic),
    STOCK("(string)", "__div", arithmetic),
    STOCK("(string)", "__idiv", arithmetic),
    STOCK("(string)", "__mod", arithmetic),
    STOCK("(string)", "__mul", arithmetic),
    STOCK("(string)", "__pow", arithmetic),
    STOCK("(string)", "__sub", arithmetic),
    STOCK("(string)", "__unm", arithmetic),
    HOST("(string)", "__index", "the string library of this list"),
    HOST("(string)", "__metatable", "locks it"),

    {NULL, NULL, FAR_NAME_ABSENT, NULL, NULL},
};

int far_sandbox_list(lua_State *L) {
  static const char *const origins[] = {"stock", "own", "host", "absent"};
  lua_newtable(L);
  const far_visible *row = far_sandbox_names;
  for (lua_Integer i = 1; row->name != NULL; row++, i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, row->library);
    lua_setfield(L, -2, "library");
    lua_pushstring(L, row->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, origins[row->origin]);
    lua_setfield(L, -2, "origin");
    lua_pushstring(L, row->reason);
    lua_setfield(L, -2, "reason");
    lua_rawseti(L, -2, i);
  }
  return 1;
}

// -- Building -----------------------------------------------------------------

static const luaL_Reg sources[] = {
    {LUA_GNAME, luaopen_base},        {LUA_COLIBNAME, luaopen_coroutine},
    {LUA_MATHLIBNAME, luaopen_math},  {LUA_OSLIBNAME, luaopen_os},
    {LUA_STRLIBNAME, luaopen_string}, {LUA_TABLIBNAME, luaopen_table},
    {LUA_UTF8LIBNAME, luaopen_utf8},  {NULL, NULL},
};

// Pushes a table with Lua's own libraries by name. They were opened in a world
// that nobody will see.
static void push_sources(lua_State *L) {
  for (const luaL_Reg *source = sources; source->name != NULL; source++) {
    luaL_requiref(L, source->name, source->func, 0);
    lua_pop(L, 1);
  }
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_setfield(L, -3, "(string)");
  lua_pop(L, 1);
}

// A new world: globals, and package.loaded, which knows them.
static void renew(lua_State *L) {
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, LUA_GNAME);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, LUA_GNAME);
  lua_pop(L, 1);
}

// Pushes the new library of that name; all but one are globals as well.
static void push_library(lua_State *L, const char *name) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  bool is_new = !luaL_getsubtable(L, -1, name);
  lua_remove(L, -2);
  if (is_new) {
    lua_pushvalue(L, -1);
    lua_setglobal(L, name);
  }
}

static bool is_virtual(lua_State *L, int box) {
  return box != 0 &&
         far_clock_is_virtual(far_script_of_box(L, box)->host->clock);
}

// A function of C without upvalues is known by where the program lies, which
// is another place in each run. With one it is an object like others, and lies
// in the script's own memory. pairs() returns the `next` that it knows.
static void settle(lua_State *L) {
  lua_CFunction function = lua_tocfunction(L, -1);
  if (function == NULL)
    return;
  if (lua_getupvalue(L, -1, 1) != NULL) {
    lua_pop(L, 1);
    return;
  }
  lua_pushnil(L);
  lua_pushcclosure(L, function, 1);
  lua_remove(L, -2);
}

// Puts one row of the list into the library on the top.
static void add(lua_State *L, int box, int source, const far_visible *row) {
  if (row->origin == FAR_NAME_OWN) {
    far_push_function(L, box, row->function);
  } else {
    lua_getfield(L, source, row->library);
    lua_getfield(L, -1, row->name);
    lua_remove(L, -2);
    if (is_virtual(L, box) && strcmp(row->name, "next") != 0)
      settle(L);
  }
  lua_setfield(L, -2, row->name);
}

static bool is_of_strings(const far_visible *row) {
  return row->library[0] == '(';
}

// Whatever a script reaches through a string is on the list too, and a script
// cannot change what its strings are to C.
static void set_string_metatable(lua_State *L, int source) {
  lua_pushliteral(L, "");
  lua_createtable(L, 0, 12);
  for (const far_visible *row = far_sandbox_names; row->name != NULL; row++)
    if (is_of_strings(row) && row->origin == FAR_NAME_STOCK)
      add(L, 0, source, row);
  push_library(L, LUA_STRLIBNAME);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

void far_sandbox_open(lua_State *L, int box) {
  push_sources(L);
  int source = lua_gettop(L);
  renew(L);
  for (const far_visible *row = far_sandbox_names; row->name != NULL; row++) {
    if (is_of_strings(row))
      continue;
    push_library(L, row->library);
    if (row->origin == FAR_NAME_STOCK || row->origin == FAR_NAME_OWN)
      add(L, box, source, row);
    lua_pop(L, 1);
  }
  set_string_metatable(L, source);
  push_library(L, "io");
  far_set_streams(L, box);
  push_library(L, LUA_LOADLIBNAME);
  far_set_package(L);
  lua_settop(L, source - 1);
}

// Pushes a copy of the table on the top of the stack.
static void push_copy(lua_State *L) {
  int table = lua_gettop(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, table + 1);
  }
}

void far_sandbox_seal(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  int table = lua_gettop(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    push_copy(L);
    lua_remove(L, -2);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, table + 1);
  }
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_settop(L, table - 1);
}
