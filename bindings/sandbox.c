#include "sandbox.h"

#include "stock.h"
#include <lualib.h>
#include <string.h>

enum { LIBRARIES = 9 }; // That are globals.

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
    OWN("_G", "print", far_print, "goes to the log"),
    OWN("_G", "setTimeout", far_timers_set_timeout, "a timer of ours"),
    OWN("_G", "setInterval", far_timers_set_interval, "a timer of ours"),
    OWN("_G", "clearTimeout", far_timers_clear, "a timer of ours"),
    OWN("_G", "clearInterval", far_timers_clear, "a timer of ours"),
    HOST("_G", "_G", "the globals themselves"),
    HOST("_G", "arg", "the script's name and arguments"),
    ABSENT("_G", "dofile", files),
    ABSENT("_G", "loadfile", files),

    OWN("coroutine", "close", far_coroutine_close,
        "watched, and as deep as the C stack allows"),
    OWN("coroutine", "create", far_coroutine_create, "does not inherit hooks"),
    STOCK("coroutine", "isyieldable", pure),
    OWN("coroutine", "resume", far_coroutine_resume,
        "watched, and passes a suspension and a kill on"),
    OWN("coroutine", "running", far_coroutine_running,
        "what a script knows is not used again"),
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
    OWN("os", "exit", far_os_exit, "ends the app, not the host"),
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

static bool is_of_strings(const far_visible *row) {
  return row->library[0] == '(';
}

static bool is_of_globals(const far_visible *row) {
  return strcmp(row->library, LUA_GNAME) == 0;
}

// A function of C without upvalues is known by where the program lies, which
// is another place in each run. With one it is an object like others, and lies
// in the script's own memory. pairs() returns the `next` that it knows.
static void settle(lua_State *L, const far_visible *row) {
  lua_CFunction function = lua_tocfunction(L, -1);
  if (function == NULL || strcmp(row->name, "next") == 0)
    return;
  lua_pushnil(L);
  lua_pushcclosure(L, function, 1);
  lua_remove(L, -2);
}

// Pushes the function or the constant of a row. `objects` has what Lua makes
// anew in each state. False for what somebody else puts there, or nobody.
static bool push_value(lua_State *L, int box, int objects,
                       const far_visible *row) {
  if (row->origin == FAR_NAME_OWN) {
    far_push_function(L, box, row->function);
    return true;
  }
  if (row->origin != FAR_NAME_STOCK)
    return false;
  if (!far_stock_push(L, row))
    lua_getfield(L, objects, row->name);
  else if (!lua_isnil(L, box) && !is_of_strings(row))
    settle(L, row);
  return true;
}

// Pushes the library that begins with this row. Returns the row behind it.
static const far_visible *push_library(lua_State *L, int box, int objects,
                                       const far_visible *row) {
  int count = is_of_globals(row) ? LIBRARIES : 0;
  const far_visible *end = row;
  for (; end->name && strcmp(end->library, row->library) == 0; end++)
    count += end->origin != FAR_NAME_ABSENT;
  lua_createtable(L, 0, count);
  for (; row != end; row++)
    if (push_value(L, box, objects, row))
      lua_setfield(L, -2, row->name);
  return end;
}

// Pushes what Lua makes anew in each state: the functions that share its
// generator of random numbers.
static void push_objects(lua_State *L) {
  static const char *const names[] = {"random", "randomseed"};
  lua_pushcfunction(L, luaopen_math);
  lua_call(L, 0, 1);
  lua_createtable(L, 0, 2);
  for (size_t i = 0; i < 2; i++) {
    lua_getfield(L, -2, names[i]);
    lua_setfield(L, -2, names[i]);
  }
  lua_remove(L, -2);
}

// Whatever a script reaches through a string is on the list too, and a script
// cannot change what its strings are to C. The metatable is on the top.
static void set_string_metatable(lua_State *L) {
  lua_getglobal(L, LUA_STRLIBNAME);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  lua_pushliteral(L, "");
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

// Makes the library on the top a global, and known to package.loaded.
static void set_library(lua_State *L, int box, const far_visible *row) {
  if (is_of_globals(row)) {
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  }
  lua_pushvalue(L, -1);
  lua_setglobal(L, row->library);
  if (strcmp(row->library, LUA_IOLIBNAME) == 0)
    far_set_streams(L, box);
  else if (strcmp(row->library, LUA_LOADLIBNAME) == 0)
    far_set_package(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_insert(L, -2);
  lua_setfield(L, -2, row->library);
  lua_pop(L, 1);
}

// -- Names --------------------------------------------------------------------
//
// Lua finds the names of functions, for tracebacks and messages, in a table of
// the registry. What a script knows as package.loaded, and the libraries in it,
// it can fill: so it is never that table.

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

// Where functions are objects, they are remembered as they are now.
static void copy_names(lua_State *L) {
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

// The registry's __index: Lua asks for the table, and there is none so far.
// Upvalue 1 has the objects.
static int make_names(lua_State *L) {
  enum { KEY = 2, BOX };
  if (lua_type(L, KEY) != LUA_TSTRING ||
      strcmp(lua_tostring(L, KEY), LUA_LOADED_TABLE) != 0)
    return 0;
  lua_settop(L, BOX); // There is none.
  lua_createtable(L, 0, LIBRARIES + 1);
  for (const far_visible *row = far_sandbox_names; !is_of_strings(row);) {
    const char *library = row->library;
    row = push_library(L, BOX, lua_upvalueindex(1), row);
    lua_setfield(L, -2, library);
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  return 1;
}

// Where they are addresses, they can be found again at any time: most scripts
// never raise an error. The objects are on the top.
static void make_names_late(lua_State *L) {
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, make_names, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, LUA_REGISTRYINDEX);
}

// -- Opening ------------------------------------------------------------------

void far_sandbox_open(lua_State *L, int box) {
  if (!far_stock_find(&far_script_of_box(L, box)->host->memory))
    luaL_error(L, "not enough memory");
  push_objects(L);
  int objects = lua_gettop(L);
  lua_createtable(L, 0, LIBRARIES + 2); // `farside` will come.
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  const far_visible *row = far_sandbox_names;
  while (row->name != NULL) {
    const far_visible *next = push_library(L, box, objects, row);
    if (is_of_strings(row))
      set_string_metatable(L);
    else
      set_library(L, box, row);
    row = next;
  }
  if (lua_isnil(L, box)) {
    make_names_late(L);
  } else {
    far_set_virtual_time(L, box);
    copy_names(L);
  }
  lua_settop(L, objects - 1);
}
