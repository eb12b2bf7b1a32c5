// os.time, os.date and os.clock.
//
// On a simulated phone they tell its time, in its zone, and nothing of the
// machine's.
//
// The C library keeps the time zone behind a lock. A script that were thrown
// away while it holds that lock would take the host with it; so these calls
// stand under the shield, and whatever may raise an error stands before or
// after them.

#include "../host/zone.h"
#include "sandbox.h"

#include <limits.h>
#include <string.h>
#include <time.h>

enum { ITEM_BYTES = 250 }; // What one conversion may become.

// -- What time it is ----------------------------------------------------------

static time_t now_s(farside_host *host) {
  if (far_clock_is_virtual(host->clock))
    return (time_t)(host->clock->wall_ms(host->clock) / 1000);
  return time(NULL);
}

static bool shift(const far_zone *zone, time_t seconds, struct tm *date) {
  bool is_summer;
  int offset = far_zone_offset(zone, seconds, &is_summer);
  seconds += offset;
  if (gmtime_r(&seconds, date) == NULL)
    return false;
  date->tm_isdst = is_summer;
  date->tm_gmtoff = offset;
  date->tm_zone = is_summer ? zone->summer : zone->standard;
  return true;
}

// Under the shield.
static bool break_down(const far_zone *zone, time_t seconds, bool is_utc,
                       struct tm *date) {
  if (!is_utc && zone == NULL)
    return localtime_r(&seconds, date) != NULL;
  // Asked in any case: it says which years there are.
  if (gmtime_r(&seconds, date) == NULL)
    return false;
  return is_utc || shift(zone, seconds, date);
}

// Under the shield. As mktime() does, the date is made a proper one.
static time_t put_together(const far_zone *zone, struct tm *date) {
  if (zone == NULL)
    return mktime(date);
  int summer = date->tm_isdst;
  date->tm_isdst = 0;
  time_t local = timegm(date);
  if (local == (time_t)-1)
    return local;
  time_t seconds = (time_t)far_zone_instant(zone, local, summer);
  return shift(zone, seconds, date) ? seconds : (time_t)-1;
}

// -- Tables -------------------------------------------------------------------

static void set_field(lua_State *L, const char *name, int value, int offset) {
  lua_pushinteger(L, (lua_Integer)value + offset);
  lua_setfield(L, -2, name);
}

static void set_fields(lua_State *L, const struct tm *date) {
  set_field(L, "year", date->tm_year, 1900);
  set_field(L, "month", date->tm_mon, 1);
  set_field(L, "day", date->tm_mday, 0);
  set_field(L, "hour", date->tm_hour, 0);
  set_field(L, "min", date->tm_min, 0);
  set_field(L, "sec", date->tm_sec, 0);
  set_field(L, "yday", date->tm_yday, 1);
  set_field(L, "wday", date->tm_wday, 1);
  if (date->tm_isdst < 0)
    return; // Not known.
  lua_pushboolean(L, date->tm_isdst);
  lua_setfield(L, -2, "isdst");
}

// Without a `fallback` (negative), the field must be there.
static int get_field(lua_State *L, const char *name, int fallback, int offset) {
  int is_integer;
  int type = lua_getfield(L, 1, name);
  lua_Integer value = lua_tointegerx(L, -1, &is_integer);
  lua_pop(L, 1);
  if (!is_integer && type != LUA_TNIL)
    return luaL_error(L, "field '%s' is not an integer", name);
  if (!is_integer && fallback < 0)
    return luaL_error(L, "field '%s' missing in date table", name);
  if (!is_integer)
    return fallback;
  bool fits = value >= 0 ? value - offset <= INT_MAX
                         : (lua_Integer)INT_MIN + offset <= value;
  if (!fits)
    return luaL_error(L, "field '%s' is out-of-bound", name);
  return (int)(value - offset);
}

static int get_summer(lua_State *L) {
  int is_summer =
      lua_getfield(L, 1, "isdst") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is_summer;
}

// os.time([table]) --> seconds
int far_os_time(lua_State *L) {
  farside_host *host = far_script_of(L)->host;
  far_shield *shield = &host->watch.shield;
  time_t seconds;
  if (lua_isnoneornil(L, 1)) {
    seconds = now_s(host);
  } else {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct tm date = {.tm_year = get_field(L, "year", -1, 1900)};
    date.tm_mon = get_field(L, "month", -1, 1);
    date.tm_mday = get_field(L, "day", -1, 0);
    date.tm_hour = get_field(L, "hour", 12, 0);
    date.tm_min = get_field(L, "min", 0, 0);
    date.tm_sec = get_field(L, "sec", 0, 0);
    date.tm_isdst = get_summer(L);
    far_shield_up(shield);
    seconds = put_together(host->zone, &date);
    far_shield_down(shield);
    set_fields(L, &date);
  }
  if (seconds == (time_t)-1)
    return luaL_error(L, "time result cannot be represented in this "
                         "installation");
  lua_pushinteger(L, (lua_Integer)seconds);
  return 1;
}

// -- Formats ------------------------------------------------------------------

// How long the conversion behind a '%' is; zero for none that C has.
static size_t conversion_bytes(const char *at, const char *end) {
  static const char plain[] = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
  static const char after_e[] = "cCxXyY", after_o[] = "deHImMSuUVwWy";
  size_t left = (size_t)(end - at);
  if (left >= 1 && *at != '\0' && strchr(plain, *at) != NULL)
    return 1;
  if (left < 2 || at[1] == '\0')
    return 0;
  const char *modified = *at == 'E' ? after_e : *at == 'O' ? after_o : "";
  return strchr(modified, at[1]) != NULL ? 2 : 0;
}

static void check_format(lua_State *L, const char *at, const char *end) {
  while (at < end) {
    if (*at++ != '%')
      continue;
    size_t bytes = conversion_bytes(at, end);
    if (bytes == 0)
      luaL_argerror(
          L, 1, lua_pushfstring(L, "invalid conversion specifier '%%%s'", at));
    at += bytes;
  }
}

static void push_date(lua_State *L, far_shield *shield, const char *at,
                      const char *end, const struct tm *date) {
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  while (at < end) {
    if (*at != '%') {
      luaL_addchar(&text, *at++);
      continue;
    }
    char format[4] = "%", item[ITEM_BYTES];
    size_t bytes = conversion_bytes(++at, end);
    memcpy(format + 1, at, bytes);
    at += bytes;
    far_shield_up(shield);
    size_t written = strftime(item, sizeof item, format, date);
    far_shield_down(shield);
    luaL_addlstring(&text, item, written);
  }
  luaL_pushresult(&text);
}

// os.date([format [, time]]) --> string or table
int far_os_date(lua_State *L) {
  farside_host *host = far_script_of(L)->host;
  far_shield *shield = &host->watch.shield;
  size_t bytes;
  const char *format = luaL_optlstring(L, 1, "%c", &bytes);
  const char *end = format + bytes;
  time_t seconds =
      lua_isnoneornil(L, 2) ? now_s(host) : (time_t)luaL_checkinteger(L, 2);
  bool is_utc = *format == '!';
  format += is_utc;
  bool is_table = strcmp(format, "*t") == 0;
  struct tm date;
  far_shield_up(shield);
  bool is_date = break_down(host->zone, seconds, is_utc, &date);
  far_shield_down(shield);
  if (!is_date)
    return luaL_error(L, "date result cannot be represented in this "
                         "installation");
  if (is_table) {
    lua_createtable(L, 0, 9);
    set_fields(L, &date);
    return 1;
  }
  check_format(L, format, end);
  push_date(L, shield, format, end, &date);
  return 1;
}

// os.clock() --> seconds of processor time, to the millisecond: a finer clock
// tells a script about its neighbours. None passes in virtual time: there it is
// the clock.
int far_os_clock(lua_State *L) {
  const farside_host *host = far_script_of(L)->host;
  if (far_clock_is_virtual(host->clock)) {
    lua_pushnumber(L, (lua_Number)far_host_now_ms(host) / 1000);
    return 1;
  }
  clock_t now = clock();
  lua_pushnumber(L, (lua_Number)(now / (CLOCKS_PER_SEC / 1000)) / 1000);
  return 1;
}
