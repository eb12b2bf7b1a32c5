// Farside inside LÖVE, as its package has it: the game of scripts/love, played,
// minimised, frozen, closed and killed.
//
//   love_test LIBRARY SOURCE [CASE]   LOVE_KILLS=100: more of it
//
// LIBRARY is libfarside, SOURCE the checkout. Each case has a folder, a home
// and a server of its own. Where a window is needed it is a real one, in an X
// server of the test's own with a window manager; else SDL draws without a
// screen. Whatever is waited for is a line, a request or a file.

#include "check.h"
#include "child.h"
#include "farside.h"
#include "http_server.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 120 * 1000, MISSING = 77 };

static const char *library, *source;
static char folder[64]; // Of the case that runs: game/ and home/.
static http_server *server;
static child love;

// -- The game -----------------------------------------------------------------

static void shell(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...) {
  char command[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(command, sizeof command, format, args);
  va_end(args);
  if (system(command) != 0) {
    perror(command);
    exit(1);
  }
}

static void serve_at(const char *path) {
  char address[64];
  snprintf(address, sizeof address, "http://127.0.0.1:%d%s",
           http_server_port(server), path);
  setenv("SCORE_SERVER", address, 1);
}

static void begin_case(void) {
  strcpy(folder, "/tmp/love_test.XXXXXX");
  if (mkdtemp(folder) == NULL)
    exit(1);
  shell("mkdir %s/home && cp -rL %s/scripts/love %s/game", folder, source,
        folder);
  shell("cd %s/game && mv main.lua game.lua && cp %s/spec/love/*.lua .", folder,
        source);
  char home[80];
  snprintf(home, sizeof home, "%s/home", folder);
  setenv("HOME", home, 1);
  unsetenv("XDG_DATA_HOME");
  setenv("FARSIDE_LIBRARY", library, 1);
  server = http_server_open();
  serve_at("/note");
}

static void end_case(void) {
  child_kill(&love);
  http_server_close(server);
  shell("rm -r %s", folder);
}

static bool start_love(void) {
  char game[80];
  snprintf(game, sizeof game, "%s/game", folder);
  bool is_loaded =
      child_start(&love, (const char *const[]){"love", game, NULL}) &&
      child_expect(&love, "loaded\n");
  love.seen = 0; // Two threads begin: what they say comes in any order.
  return is_loaded;
}

static bool tell(const char *line) {
  return child_tell(&love, line);
}

static bool expect(const char *text) {
  return child_expect(&love, text);
}

// Points are made, and Farside has said that they are in its store.
static bool play(int score) {
  char line[64], kept[64];
  snprintf(line, sizeof line, "catch(%d)", score);
  snprintf(kept, sizeof kept, "kept %d\n", score);
  return tell(line) && expect(kept);
}

// The score that a start finds.
static bool starts_with(int score) {
  char shown[64];
  snprintf(shown, sizeof shown, "shown: %d,", score);
  return start_love() && expect("kept ") && tell("show()") && expect(shown);
}

static bool is_uploaded(const char *score) {
  if (http_server_await(server, score, WAIT_MS))
    return true;
  printf("it was not uploaded: %s; LÖVE said:\n%s\n", score, love.text);
  return false;
}

// Another background script than the game's, one that tells all it hears.
static void use_listener(void) {
  shell("mv %s/game/listener.lua %s/game/background.lua", folder, folder);
}

// What the store holds, or begins with, read by somebody else. The file has one
// owner, so LÖVE must be gone.
static void on_entry(void *user, const farside_entry *entry) {
  if (strcmp(entry->what, "log") == 0)
    snprintf(user, 64, "%s", entry->why);
}

static bool store_has(const char *values) {
  static const char code[] =
      "local Storage = require('farside').Plugins.Storage "
      "print(Storage.get 'score', Storage.get 'uploaded')";
  char path[160], said[64] = "";
  snprintf(path, sizeof path,
           "%s/home/.local/share/love/catch_the_star/farside.db", folder);
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = said;
  farside_host *host = NULL;
  bool is_open = farside_host_open(&config, &host) == FARSIDE_OK &&
                 farside_open_store(host, path) == FARSIDE_OK &&
                 farside_load_buffer(host, "background.lua", code,
                                     sizeof code - 1, 0, NULL) == FARSIDE_OK;
  if (!is_open || strncmp(said, values, strlen(values)) != 0)
    printf("the store has \"%s\"; %s\n", said, host ? farside_error(host) : "");
  farside_host_close(host);
  return is_open && strncmp(said, values, strlen(values)) == 0;
}

// -- Without a screen ---------------------------------------------------------

static bool hears_of_focus_and_visibility(void) {
  use_listener();
  return start_love() && expect("heard launch\n") &&
         tell("love.event.push('focus', false)") &&
         expect("heard appStateChange false\n") &&
         tell("love.event.push('focus', true)") &&
         expect("heard appStateChange true\n") &&
         tell("love.event.push('visible', false)") &&
         expect("heard appStateChange false\n") && expect("heard pause\n") &&
         tell("love.event.push('visible', true)") && expect("heard resume\n") &&
         expect("heard appStateChange true\n") && tell("love.event.quit()") &&
         expect("quit\n") && child_wait(&love) == 0;
}

// The same news may come twice, and in any order.
static bool hears_of_each_change_once(void) {
  use_listener();
  return start_love() && tell("love.event.push('visible', false)") &&
         tell("love.event.push('focus', false)") &&
         tell("love.event.push('visible', false)") && expect("heard pause\n") &&
         tell("love.event.push('focus', true)") &&
         tell("love.event.push('visible', true)") &&
         expect("heard appStateChange true\n") && tell("ask('count')") &&
         expect("heard 4 changes\n");
}

static bool hears_of_low_memory(void) {
  use_listener();
  return start_love() && tell("love.event.push('lowmemory')") &&
         expect("heard memoryWarning low\n");
}

// A phone tells SDL, and LÖVE passes nothing on: its main loop stops at once.
static bool hears_what_sdl_hears(void) {
  use_listener();
  return start_love() && tell("push_sdl(0x103)") &&
         expect("heard appStateChange false\n") && tell("push_sdl(0x104)") &&
         expect("heard pause\n") && tell("push_sdl(0x105)") &&
         tell("push_sdl(0x106)") && expect("heard resume\n") &&
         expect("heard appStateChange true\n") && tell("push_sdl(0x102)") &&
         expect("heard memoryWarning low\n");
}

static bool quits_when_the_game_does(void) {
  use_listener();
  return start_love() && tell("refuses_to_quit = true") &&
         tell("love.event.quit()") && expect("quit refused\n") &&
         tell("ask('hold')") && expect("holding\n") &&
         tell("refuses_to_quit = false") && tell("love.event.quit()") &&
         expect("quit\n") && expect("heard terminate\n") &&
         expect("let go\n") && child_wait(&love) == 0;
}

static bool quits_though_a_task_does_not_end(void) {
  use_listener();
  setenv("GRACE", "0.2", 1);
  bool is_fine = start_love() && tell("ask('cling')") && expect("clinging\n") &&
                 tell("love.event.quit()") && expect("heard terminate\n") &&
                 child_wait(&love) == 0;
  unsetenv("GRACE");
  return is_fine;
}

static bool restarts(void) {
  return start_love() && play(3) && tell("love.event.quit('restart')") &&
         expect("quit\n") && expect("kept 3\n") && play(5);
}

static bool starts_again_after_a_stop(void) {
  return start_love() && play(3) && tell("farside.stop()") &&
         tell("say(farside.send { score = 4 })") &&
         expect("said: nil, Farside is not here: it was stopped, CLOSED\n") &&
         tell("love.load()") && expect("kept 3\n") && play(5) &&
         tell("say(farside.start {})") &&
         expect("said: nil, Farside has been started already, BUSY\n");
}

static bool costs_an_idle_frame_next_to_nothing(void) {
  return start_love() && expect("kept 0\n") && tell("measure()") &&
         expect("idle: less than 1 %");
}

static bool runs_without_a_window(void) {
  char game[80];
  snprintf(game, sizeof game, "%s/game", folder);
  shell("cd %s && mv headless.lua main.lua && echo 'function love.conf(t) "
        "for name in pairs(t.modules) do t.modules[name] = false end end' "
        ">conf.lua",
        game);
  return child_start(&love, (const char *const[]){"love", game, NULL}) &&
         expect("started\ttrue\n") && expect("kept 0\n") &&
         child_wait(&love) == 7;
}

// -- Messages and calls -------------------------------------------------------

static bool messages_cross_as_they_are(void) {
  use_listener();
  return start_love() &&
         tell("farside.send { echo = { 1, 2.5, 'a\\n\\0\\227\\130\\172', true, "
              "{ deep = { {} } } } }") &&
         expect("echo: [1,2.5,\"a\\n\\u0000\xe3\x82\xac\",true,{\"deep\":[{}]}]"
                "\n") &&
         tell("say(farside.send { 1, print })") &&
         expect("said: nil, only nil, booleans") &&
         tell("say(farside.send('\\255'))") && expect("said: nil,") &&
         tell("say(farside.send({}, 'nobody'))") && expect("said: true");
}

static bool messages_may_be_large(void) {
  use_listener();
  return start_love() && tell("farside.send { echo = ('x'):rep(1e6) }") &&
         expect("echo: 1000000 bytes\n") &&
         tell("farside.send { echo = 'x' }") && expect("echo: 1 bytes\n") &&
         tell("say(farside.send(('x'):rep(2e6)))") && expect("said: nil, ") &&
         expect("LIMIT\n");
}

static bool calls_are_answered(void) {
  use_listener();
  return start_love() && tell("ask('Game.add', { a = 40, b = 2 })") &&
         expect("answer: 42\n") && tell("ask('Game.refuse', { why = 'no' })") &&
         expect("answer: nil, no") && tell("ask('Game.fail')") &&
         expect("answer: nil, ") && expect("it is broken") &&
         tell("ask('Game.later')") && expect("asked later\n") &&
         tell("answer_later()") && expect("answer: at last\n");
}

static bool the_game_notifies(void) {
  use_listener();
  return start_love() &&
         tell("farside.notify('Game', 'level', { number = 3 })") &&
         expect("heard level 3\n");
}

// -- The main loop stands still -----------------------------------------------

static bool uploads_while_the_loop(const char *how) {
  char line[64];
  snprintf(line, sizeof line, "freeze_when_hidden('%s')", how);
  return start_love() && play(7) && tell(line) &&
         tell("love.event.push('visible', false)") &&
         expect(strcmp(how, "spin") == 0 ? "spinning\n" : "frozen\n") &&
         is_uploaded("{\"score\":7}");
}

static bool uploads_while_the_loop_sleeps(void) {
  if (!uploads_while_the_loop("freeze") || child_has_said(&love, "news: 7"))
    return false;
  child_kill(&love);
  return store_has("7\t");
}

static bool uploads_while_the_loop_spins(void) {
  return uploads_while_the_loop("spin");
}

static bool uploads_when_only_sdl_hears_of_it(void) {
  return start_love() && play(7) && tell("push_sdl(0x104) freeze()") &&
         expect("frozen\n") && is_uploaded("{\"score\":7}");
}

// -- Killed -------------------------------------------------------------------

static bool keeps_what_it_said_it_kept(void) {
  if (!start_love() || !play(4))
    return false;
  child_kill(&love);
  return starts_with(4) && is_uploaded("{\"score\":4}");
}

static bool kills_lose_nothing(void) {
  int kills = getenv("LOVE_KILLS") ? atoi(getenv("LOVE_KILLS")) : 5;
  for (int i = 1; i <= kills; i++) {
    char hurry[64];
    snprintf(hurry, sizeof hurry, "catch(%d)", 1000 * i);
    if (!start_love() || !play(3 * i) || !tell(hurry))
      return false;
    child_kill(&love);
    if (!start_love() || !expect("kept "))
      return false;
    int kept = atoi(love.text + love.seen);
    if (kept < 3 * i || kept > 1000 * i) {
      printf("%d were kept, of %d at least\n", kept, 3 * i);
      return false;
    }
    child_kill(&love);
    shell("rm -r %s/home/.local", folder);
  }
  return true;
}

// -- Without Farside ----------------------------------------------------------

static void remove_library(void) {
  setenv("FARSIDE_LIBRARY", "/nowhere/libfarside.so", 1);
}

static bool the_game_runs_without_it(void) {
  remove_library();
  return start_love() && tell("show()") &&
         expect("shown: 0, This game forgets: Farside is not here: ") &&
         tell("say(farside.send { score = 1 })") &&
         expect("said: nil, Farside is not here: ") && tell("catch(2)") &&
         expect("caught 2\n") && tell("love.event.quit()") &&
         child_wait(&love) == 0;
}

static bool a_game_without_it_forgets(void) {
  remove_library();
  if (!start_love() || !tell("catch(7) freeze_when_hidden()") ||
      !expect("caught 7\n") || !tell("love.event.push('visible', false)") ||
      !expect("frozen\n"))
    return false;
  child_kill(&love);
  return start_love() && tell("show()") && expect("shown: 0,");
}

// -- Where the library is -----------------------------------------------------

static bool it_is_found_in_the_folder_of_the_game(void) {
  unsetenv("FARSIDE_LIBRARY");
  shell("cp %s %s/game/libfarside.so", library, folder);
  return start_love() && play(2);
}

static bool it_is_found_beside_a_love_file(void) {
  unsetenv("FARSIDE_LIBRARY");
  shell("cp %s %s/libfarside.so", library, folder);
  shell("cd %s/game && cmake -E tar cf ../game.love --format=zip . && "
        "rm -r ../game && mv ../game.love ../game",
        folder);
  return start_love() && play(2);
}

static bool it_is_found_where_the_system_looks(void) {
  unsetenv("FARSIDE_LIBRARY");
  shell("mkdir %s/lib && cp %s %s/lib/libfarside.so", folder, library, folder);
  char path[80];
  snprintf(path, sizeof path, "%s/lib", folder);
  setenv("LD_LIBRARY_PATH", path, 1);
  bool is_fine = start_love() && play(2);
  unsetenv("LD_LIBRARY_PATH");
  return is_fine;
}

// -- The page ----------------------------------------------------------------

static bool the_page_works(void) {
  char game[80];
  snprintf(game, sizeof game, "%s/game", folder);
  shell("cp %s/docs/love.md %s/page.md && mv %s/page.lua %s/main.lua", source,
        game, game, game);
  return child_start(&love, (const char *const[]){"love", game, NULL}) &&
         expect("background: it happens\n");
}

// -- What goes wrong ----------------------------------------------------------

static bool a_wrong_library_is_named(void) {
  setenv("FARSIDE_LIBRARY", "/etc/passwd", 1);
  return start_love() && tell("show()") && expect("/etc/passwd");
}

static bool a_script_that_does_not_parse_is_named(void) {
  shell("echo 'local x = = 1' >%s/game/background.lua", folder);
  return start_love() && tell("show()") && expect("background.lua:1:");
}

static bool an_option_that_nobody_reads_is_refused(void) {
  return start_love() &&
         tell("farside.stop() farside.start { scirpt = 'background.lua' }") &&
         expect("wrong: ") && expect("scirpt");
}

// -- In a window --------------------------------------------------------------

static child screen, manager, other;

// Runs xdotool and waits for what it prints, if anything.
static bool x(const char *const *argv, const char *says) {
  child xdotool;
  bool is_fine = child_start(&xdotool, argv) &&
                 (says == NULL || child_expect(&xdotool, says));
  return child_wait(&xdotool) == 0 && is_fine;
}

static bool open_screen(void) {
  if (!child_start(&screen, (const char *const[]){"Xvfb", "-displayfd", "1",
                                                  "-screen", "0", "800x600x24",
                                                  "-nolisten", "tcp", NULL}) ||
      !child_expect(&screen, "\n"))
    return false;
  char display[32];
  snprintf(display, sizeof display, ":%d", atoi(screen.text));
  setenv("DISPLAY", display, 1);
  return child_start(&manager,
                     (const char *const[]){"openbox", "--sm-disable",
                                           "--startup", "echo ready", NULL}) &&
         child_expect(&manager, "ready\n");
}

static void close_screen(void) {
  child_kill(&other);
  child_kill(&love);
  child_kill(&manager);
  child_kill(&screen);
  unsetenv("DISPLAY");
}

static char window[32]; // Of the game.

static bool open_window(void) {
  char pid[32];
  if (!open_screen() || !start_love())
    return false;
  snprintf(pid, sizeof pid, "%d", (int)love.pid);
  child search;
  bool is_found =
      child_start(&search,
                  (const char *const[]){"xdotool", "search", "--sync",
                                        "--onlyvisible", "--pid", pid, NULL}) &&
      child_expect(&search, "\n");
  snprintf(window, sizeof window, "%ld", atol(search.text));
  child_wait(&search);
  bool is_in_front =
      is_found && tell("awaits_focus = true") && expect("in front\n");
  love.seen = 0;
  return is_in_front;
}

static bool window_is(const char *verb) {
  return x((const char *const[]){"xdotool", verb, window, NULL}, NULL);
}

static bool in_window(bool (*play_it)(void)) {
  unsetenv("SDL_VIDEODRIVER");
  bool is_fine = play_it();
  if (!is_fine)
    printf("the window manager said:\n%s\n", manager.text);
  close_screen();
  setenv("SDL_VIDEODRIVER", "offscreen", 1);
  return is_fine;
}

// The desktop's rules are told as they come: the order of focus and visibility
// is the window manager's.
static bool is_minimised_and_restored(void) {
  use_listener();
  for (int i = 0; i < 2; i++)
    if ((i == 0 ? !open_window() || !expect("heard launch\n") : false) ||
        !window_is("windowminimize") ||
        !expect("heard appStateChange false\n") || !expect("heard pause\n") ||
        !window_is("windowmap") || !expect("heard resume\n") ||
        !expect("heard appStateChange true\n"))
      return false;
  return true;
}

// Another game comes to the front, and goes.
static bool loses_the_focus(void) {
  use_listener();
  shell("mkdir %s/other && echo \"function love.focus() print('in front') "
        "io.stdout:flush() end\" >%s/other/main.lua",
        folder, folder);
  char path[80];
  snprintf(path, sizeof path, "%s/other", folder);
  if (!open_window() || !expect("heard launch\n") ||
      !child_start(&other, (const char *const[]){"love", path, NULL}) ||
      !child_expect(&other, "in front") ||
      !expect("heard appStateChange false\n"))
    return false;
  child_kill(&other);
  return expect("heard appStateChange true\n") && tell("ask('count')") &&
         expect("heard 2 changes\n"); // No pause: it was in sight.
}

static bool is_closed(void) {
  use_listener();
  return open_window() && expect("heard launch\n") && tell("ask('hold')") &&
         expect("holding\n") &&
         x((const char *const[]){"xdotool", "key", "alt+F4", NULL}, NULL) &&
         expect("quit\n") && expect("heard terminate\n") &&
         expect("let go\n") && child_wait(&love) == 0;
}

// Minimised, frozen, and killed before the server has said anything.
static bool killed_while_minimised(int score) {
  char caught[32], line[64];
  snprintf(caught, sizeof caught, "caught %d\n", score);
  snprintf(line, sizeof line, "catch(%d) freeze_when_hidden()", score);
  if (!open_window() || !tell(line) || !expect(caught) ||
      !window_is("windowminimize") || !expect("frozen\n"))
    return false;
  return true;
}

static bool killed_while_minimised_it_has_lost_nothing(void) {
  serve_at("/note/silent");
  if (!killed_while_minimised(7) || !is_uploaded("{\"score\":7}"))
    return false;
  close_screen();
  if (!store_has("7\tnil"))
    return false;
  http_server_close(server);
  server = http_server_open();
  serve_at("/note");
  return open_screen() && starts_with(7) && is_uploaded("{\"score\":7}");
}

static bool killed_while_minimised_without_it_all_is_lost(void) {
  remove_library();
  if (!killed_while_minimised(7))
    return false;
  close_screen();
  return open_screen() && start_love() && tell("show()") && expect("shown: 0,");
}

// So that nobody says that it never keeps anything.
static bool closed_without_it_the_score_is_kept(void) {
  remove_library();
  if (!open_window() || !tell("catch(7)") || !expect("caught 7\n") ||
      !x((const char *const[]){"xdotool", "key", "alt+F4", NULL}, NULL) ||
      !expect("quit\n") || child_wait(&love) != 0)
    return false;
  return start_love() && tell("show()") && expect("shown: 7,");
}

static bool uploads_when_it_is_minimised(void) {
  if (!open_window() || !play(7) || !tell("freeze_when_hidden()") ||
      !window_is("windowminimize") || !expect("frozen\n") ||
      !is_uploaded("{\"score\":7}"))
    return false;
  return !child_has_said(&love, "7 points are uploaded");
}

// -- All of it ----------------------------------------------------------------

typedef struct test {
  const char *name;
  bool (*run)(void);
  bool needs_window;
} test;

#define CASE(name)                                                             \
  { #name, name, false }
#define WINDOW(name)                                                           \
  { #name, name, true }

static const test tests[] = {
    CASE(hears_of_focus_and_visibility),
    CASE(hears_of_each_change_once),
    CASE(hears_of_low_memory),
    CASE(hears_what_sdl_hears),
    CASE(quits_when_the_game_does),
    CASE(quits_though_a_task_does_not_end),
    CASE(restarts),
    CASE(starts_again_after_a_stop),
    CASE(costs_an_idle_frame_next_to_nothing),
    CASE(runs_without_a_window),
    CASE(messages_cross_as_they_are),
    CASE(messages_may_be_large),
    CASE(calls_are_answered),
    CASE(the_game_notifies),
    CASE(uploads_while_the_loop_sleeps),
    CASE(uploads_while_the_loop_spins),
    CASE(uploads_when_only_sdl_hears_of_it),
    CASE(keeps_what_it_said_it_kept),
    CASE(kills_lose_nothing),
    CASE(the_game_runs_without_it),
    CASE(a_game_without_it_forgets),
    CASE(it_is_found_in_the_folder_of_the_game),
    CASE(it_is_found_beside_a_love_file),
    CASE(it_is_found_where_the_system_looks),
    CASE(the_page_works),
    CASE(a_wrong_library_is_named),
    CASE(a_script_that_does_not_parse_is_named),
    CASE(an_option_that_nobody_reads_is_refused),
    WINDOW(is_minimised_and_restored),
    WINDOW(loses_the_focus),
    WINDOW(is_closed),
    WINDOW(uploads_when_it_is_minimised),
    WINDOW(killed_while_minimised_it_has_lost_nothing),
    WINDOW(killed_while_minimised_without_it_all_is_lost),
    WINDOW(closed_without_it_the_score_is_kept),
};

static bool is_there(const char *program) {
  char command[64];
  snprintf(command, sizeof command, "command -v %s >/dev/null", program);
  bool is_found = system(command) == 0;
  if (!is_found)
    printf("skipped: %s is not installed\n", program);
  return is_found;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: love_test LIBRARY SOURCE [CASE]\n");
    return 2;
  }
  const char *only = argc > 3 ? argv[3] : "";
  library = argv[1];
  source = argv[2];
  if (!is_there("love") || !is_there("Xvfb") || !is_there("openbox") ||
      !is_there("xdotool"))
    return MISSING;
  signal(SIGPIPE, SIG_IGN); // A game that has died is told what it cannot hear.
  setenv("ALSOFT_DRIVERS", "null", 1);
  setenv("SDL_VIDEODRIVER", "offscreen", 1);
  unsetenv("DISPLAY");
  unsetenv("WAYLAND_DISPLAY");
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    if (strstr(tests[i].name, only) == NULL)
      continue;
    begin_case();
    bool is_fine =
        tests[i].needs_window ? in_window(tests[i].run) : tests[i].run();
    check_in(is_fine, tests[i].name);
    if (!is_fine)
      printf("LÖVE said:\n%s\n", love.text);
    end_case();
  }
  return check_end();
}
