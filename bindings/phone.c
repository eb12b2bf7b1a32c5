// What the user and the world do to a simulated phone: more methods of `phone`.

#include "bindings.h"
#include "device.h"
#include "fields.h"
#include "work.h"
#include <string.h>

// -- Arguments ----------------------------------------------------------------

void far_check_zone(lua_State *L, const char *name, far_zone *zone) {
  if (far_zone_read(name, zone))
    return;
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (size_t i = 0; far_zone_place(i) != NULL; i++) {
    luaL_addstring(&list, i ? ", " : "");
    luaL_addstring(&list, far_zone_place(i));
  }
  luaL_pushresult(&list);
  luaL_error(L,
             "there is no time zone '%s'; write a TZ such as "
             "\"CET-1CEST,M3.5.0,M10.5.0/3\", or one of: %s",
             name, lua_tostring(L, -1));
}

farside_network far_check_network(lua_State *L, const char *name) {
  farside_network network;
  if (!far_network_find(name, &network))
    luaL_error(L, "there is no network '%s'; there are: none, metered, wifi",
               name);
  return network;
}

int far_check_battery(lua_State *L, lua_Number charge) {
  if (!(charge >= 0 && charge <= 1))
    luaL_error(L, "the battery has a charge from 0 to 1, not %f", charge);
  return (int)(charge * 1000 + 0.5);
}

static bool check_switch(lua_State *L) {
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  return lua_toboolean(L, 2);
}

static farside_wake check_wake(lua_State *L, const char *name) {
  if (strcmp(name, "refresh") == 0)
    return FARSIDE_WAKE_REFRESH;
  if (strcmp(name, "processing") != 0)
    luaL_error(L,
               "there is no kind of wake-up '%s'; there are: refresh, "
               "processing",
               name);
  return FARSIDE_WAKE_PROCESSING;
}

// -- The user -----------------------------------------------------------------

// phone:lock()
static int lock(lua_State *L) {
  far_device_lock(far_check_phone(L));
  return 0;
}

// phone:unlock()
static int unlock(lua_State *L) {
  far_device_unlock(far_check_phone(L));
  return 0;
}

// phone:cover(), phone:openAppSwitcher()
static int cover(lua_State *L) {
  far_device_cover(far_check_phone(L), true);
  return 0;
}

// phone:uncover()
static int uncover(lua_State *L) {
  far_device_cover(far_check_phone(L), false);
  return 0;
}

// phone:swipeAway()
static int swipe_away(lua_State *L) {
  far_device_swipe_away(far_check_phone(L));
  return 0;
}

// phone:reboot()
static int reboot(lua_State *L) {
  far_device_reboot(far_check_phone(L));
  return 0;
}

// phone:setLowPower(isOn)
static int set_low_power(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_switch(device, FAR_SWITCH_LOW_POWER, check_switch(L));
  return 0;
}

// phone:setBackgroundRefresh(isOn)
static int set_background_refresh(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_switch(device, FAR_SWITCH_REFRESH_OFF, !check_switch(L));
  return 0;
}

// phone:setMoving(isMoving)
static int set_moving(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_switch(device, FAR_SWITCH_MOVING, check_switch(L));
  return 0;
}

// What a URL has to percent-encode has no place in one.
static bool is_url(const char *url) {
  if (*url == '\0')
    return false;
  for (; *url != '\0'; url++)
    if (*url <= ' ' || *url > '~' || *url == '"' || *url == '\\')
      return false;
  return true;
}

static int push_result(lua_State *L, far_device *device,
                       farside_status status) {
  if (status == FARSIDE_OK)
    return far_push_status(L, status);
  return far_push_failure(L, status, "%s",
                          farside_error(far_device_host(device)));
}

// phone:openUrl(url) --> true | nil, message, name
static int open_url(lua_State *L) {
  far_device *device = far_check_phone(L);
  const char *url = luaL_checkstring(L, 2);
  luaL_argcheck(L, is_url(url), 2,
                "a URL has no spaces, quotes, backslashes and letters that are "
                "not ASCII: encode them");
  return push_result(L, device, far_device_open_url(device, url));
}

// phone:expire()
static int expire(lua_State *L) {
  far_device_expire(far_check_phone(L));
  return 0;
}

// -- The world ----------------------------------------------------------------

// phone:setNetwork(name)
static int set_network(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_set_network(device, far_check_network(L, luaL_checkstring(L, 2)));
  return 0;
}

// phone:flap(duration)
static int flap(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_flap(device, far_check_duration(L, 2, "flap: the time"));
  return 0;
}

// phone:setBattery(charge)
static int set_battery(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_set_battery(device, far_check_battery(L, luaL_checknumber(L, 2)));
  return 0;
}

// phone:plug()
static int plug(lua_State *L) {
  far_device_switch(far_check_phone(L), FAR_SWITCH_PLUGGED, true);
  return 0;
}

// phone:unplug()
static int unplug(lua_State *L) {
  far_device_switch(far_check_phone(L), FAR_SWITCH_PLUGGED, false);
  return 0;
}

// phone:setStorageLow(isLow)
static int set_storage_low(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_device_switch(device, FAR_SWITCH_STORAGE_LOW, check_switch(L));
  return 0;
}

// phone:lowMemory([level])
static int low_memory(lua_State *L) {
  static const char *const levels[] = {"moderate", "low", "critical", NULL};
  far_device *device = far_check_phone(L);
  int level = luaL_checkoption(L, 2, "critical", levels);
  far_device_low_memory(device, levels[level]);
  return 0;
}

// phone:push() --> true | nil, message, name
static int push(lua_State *L) {
  far_device *device = far_check_phone(L);
  return push_result(L, device, far_device_push(device));
}

// -- Time ---------------------------------------------------------------------

// Milliseconds, or a duration that may have a sign.
static int64_t check_step(lua_State *L) {
  if (lua_type(L, 2) == LUA_TNUMBER)
    return luaL_checkinteger(L, 2);
  const char *text = luaL_checkstring(L, 2);
  bool is_back = *text == '-';
  lua_pushstring(L, text + (is_back || *text == '+'));
  uint64_t ms = far_check_duration(L, -1, "setClock: the step");
  luaL_argcheck(L, ms <= INT64_MAX, 2, "that is more time than there is");
  return is_back ? -(int64_t)ms : (int64_t)ms;
}

// phone:setClock(step): "1h", "-30m", or a number of milliseconds.
static int set_clock(lua_State *L) {
  const int64_t last_ms = INT64_C(253402300799000); // The end of 9999.
  far_device *device = far_check_phone(L);
  int64_t step_ms = check_step(L), wall_ms = far_device_wall_ms(device);
  luaL_argcheck(L, step_ms >= -wall_ms && step_ms <= last_ms - wall_ms, 2,
                "the clock shows 1970 to 9999");
  far_device_move_clock(device, step_ms);
  return 0;
}

// phone:setTimeZone(name)
static int set_time_zone(lua_State *L) {
  far_device *device = far_check_phone(L);
  far_zone zone;
  far_check_zone(L, luaL_checkstring(L, 2), &zone);
  far_device_set_zone(device, &zone);
  return 0;
}

// "07:02" or "07:02:30", in seconds; negative for anything else.
static int time_of_day(const char *text) {
  int parts[3] = {0}, count = 0;
  for (;; text++) {
    if (count == 3 || text[0] < '0' || text[0] > '9' || text[1] < '0' ||
        text[1] > '9')
      return -1;
    parts[count++] = (text[0] - '0') * 10 + (text[1] - '0');
    text += 2;
    if (*text != ':')
      break;
  }
  bool is_time = *text == '\0' && count >= 2 && parts[0] < 24 &&
                 parts[1] < 60 && parts[2] < 60;
  return is_time ? (parts[0] * 60 + parts[1]) * 60 + parts[2] : -1;
}

// phone:at(time [, fn]): lets time pass until the clock on the wall shows it,
// then calls fn(phone).
static int at(lua_State *L) {
  far_device *device = far_check_phone(L);
  int day_s = time_of_day(luaL_checkstring(L, 2));
  luaL_argcheck(L, day_s >= 0, 2, "a time of day such as \"07:02\" expected");
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TFUNCTION);
  far_device_advance(device, far_device_until_ms(device, day_s));
  if (lua_isnoneornil(L, 3))
    return 0;
  lua_settop(L, 3);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

// phone:setCost([name,] cost)
static int set_cost(lua_State *L) {
  far_device *device = far_check_phone(L);
  const char *name = lua_isnoneornil(L, 3) ? NULL : luaL_checkstring(L, 2);
  uint64_t ms = far_check_duration(L, name ? 3 : 2, "setCost: the cost");
  farside_status status = far_device_set_cost(device, name, ms);
  if (status != FARSIDE_OK)
    return luaL_error(L, "setCost: %s", farside_error(far_device_host(device)));
  return 0;
}

// -- Wake-ups -----------------------------------------------------------------

static bool flag(lua_State *L, const char *name) {
  (void)far_field(L, 2, "scheduleWake", name, LUA_TBOOLEAN);
  return lua_toboolean(L, -1);
}

// phone:scheduleWake{ kind=, after=, network=, charging= }
//   --> true | nil, message, name
static int schedule_wake(lua_State *L) {
  static const char *const names[] = {"kind", "after", "network", "charging",
                                      NULL};
  far_device *device = far_check_phone(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  far_check_fields(L, 2, "scheduleWake", names);
  uint64_t after_ms = 0;
  if (lua_getfield(L, 2, "after") != LUA_TNIL)
    after_ms = far_check_duration(L, -1, "scheduleWake: after");
  luaL_argcheck(L, after_ms <= INT64_MAX / 1000, 2,
                "that is more time than there is");
  lua_getfield(L, 2, "kind");
  farside_wake kind = check_wake(L, luaL_optstring(L, -1, "refresh"));
  bool needs_network = flag(L, "network");
  farside_status status = far_device_schedule_wake(
      device, kind, after_ms, needs_network, flag(L, "charging"));
  if (status == FARSIDE_OK)
    far_device_settle(device);
  return push_result(L, device, status);
}

// phone:cancelWake([kind])
static int cancel_wake(lua_State *L) {
  far_device *device = far_check_phone(L);
  farside_wake kind = check_wake(L, luaL_optstring(L, 2, "refresh"));
  far_device_cancel_wake(device, kind);
  return 0;
}

// -- What it is like ----------------------------------------------------------

static void set_string(lua_State *L, const char *field, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, field);
}

static void set_flag(lua_State *L, const char *field, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, field);
}

static void set_clocks(lua_State *L, far_device *device) {
  const far_zone *zone = &far_device_world(device)->zone;
  int64_t wall_ms = far_device_wall_ms(device);
  bool is_summer;
  set_string(L, "timeZone", zone->name);
  lua_pushinteger(L, far_zone_offset(zone, wall_ms / 1000, &is_summer));
  lua_setfield(L, -2, "utcOffset");
  set_flag(L, "isSummerTime", is_summer);
  lua_pushinteger(L, wall_ms);
  lua_setfield(L, -2, "wallMs");
}

// phone:world() --> { network=, battery=, … }
static int world(lua_State *L) {
  far_device *device = far_check_phone(L);
  const far_world *now = far_device_world(device);
  lua_createtable(L, 0, 18);
  set_string(L, "network", far_network_name(now->network));
  lua_pushnumber(L, now->battery_permille / 1000.0);
  lua_setfield(L, -2, "battery");
  set_flag(L, "isPlugged", now->on[FAR_SWITCH_PLUGGED]);
  set_flag(L, "isLowPower", now->on[FAR_SWITCH_LOW_POWER]);
  set_flag(L, "isStorageLow", now->on[FAR_SWITCH_STORAGE_LOW]);
  set_flag(L, "isLocked", now->on[FAR_SWITCH_LOCKED]);
  set_flag(L, "isMoving", now->on[FAR_SWITCH_MOVING]);
  set_flag(L, "isCovered", now->on[FAR_SWITCH_COVERED]);
  set_flag(L, "isForceQuit", now->on[FAR_SWITCH_FORCE_QUIT]);
  set_flag(L, "backgroundRefresh", !now->on[FAR_SWITCH_REFRESH_OFF]);
  set_flag(L, "wasUnlocked", !now->on[FAR_SWITCH_SEALED]);
  set_string(L, "doze", far_doze_name(now->doze));
  set_string(L, "bucket", far_bucket_name(now->bucket));
  set_clocks(L, device);
  return 1;
}

// -- Its durable work ---------------------------------------------------------

// phone:work([{ state=, kind=, unique=, group=, tag= }]) --> list of units
static int work(lua_State *L) {
  static const char *const fields[] = {"state", "kind", "unique",
                                       "group", "tag",  NULL};
  farside_host *host = far_device_host(far_check_phone(L));
  far_find find = {.by = FAR_FIND_FILTER, .state = -1};
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    far_check_fields(L, 2, "work", fields);
    far_check_filter(L, 2, "work", &find);
  }
  lua_newtable(L);
  int list = lua_gettop(L);
  for (lua_Integer i = 1; far_queue_show_next(host, &find) == FARSIDE_OK; i++) {
    far_push_work(L, far_push_shown(L, host));
    lua_rawseti(L, list, i);
    lua_settop(L, list);
  }
  return 1;
}

// phone:explain(id) --> what stands in its way | nil, message, name
static int explain(lua_State *L) {
  farside_host *host = far_device_host(far_check_phone(L));
  farside_status status = far_queue_show(host, NULL, luaL_checkinteger(L, 2));
  if (status != FARSIDE_OK)
    return far_push_failure(L, status, "%s", farside_error(host));
  far_push_obstacles(L, host, far_push_shown(L, host));
  return 1;
}

const luaL_Reg far_phone_verbs[] = {
    {"lock", lock},
    {"unlock", unlock},
    {"cover", cover},
    {"openAppSwitcher", cover},
    {"uncover", uncover},
    {"swipeAway", swipe_away},
    {"reboot", reboot},
    {"expire", expire},
    {"openUrl", open_url},
    {"setNetwork", set_network},
    {"flap", flap},
    {"setBattery", set_battery},
    {"plug", plug},
    {"unplug", unplug},
    {"setLowPower", set_low_power},
    {"setStorageLow", set_storage_low},
    {"setBackgroundRefresh", set_background_refresh},
    {"setMoving", set_moving},
    {"lowMemory", low_memory},
    {"push", push},
    {"setClock", set_clock},
    {"setTimeZone", set_time_zone},
    {"at", at},
    {"setCost", set_cost},
    {"scheduleWake", schedule_wake},
    {"cancelWake", cancel_wake},
    {"world", world},
    {"work", work},
    {"explain", explain},
    {"respond", far_respond},
    {"notify", far_notify},
    {NULL, NULL},
};
