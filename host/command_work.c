// farside work: what a store holds of durable work, and what to do about it.

#include "command.h"
#include "host.h"
#include "local_zone.h"
#include "owner.h"
#include "rescue.h"
#include "timer_unit.h"
#include "work_json.h"
#include "work_report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 100 };

// What a verb works with.
typedef struct session {
  const command_line *line;
  const struct work_verb *verb;
  far_memory memory;
  far_store *store;   // To read.
  farside_host *host; // To write, and then the store is its own.
  far_local_zone zone;
  far_work_view view;
  int64_t id; // Zero for none.
} session;

typedef enum mode { READS, WRITES, PRINTS } mode;

typedef struct work_verb {
  const char *name;
  mode mode;
  const char *options; // That it takes, besides --store.
  bool wants_id;
  bool may_filter; // Instead of an id.
  int (*run)(session *mine);
} work_verb;

// -- Complaints ---------------------------------------------------------------

static int mistake(const char *what, const char *word) {
  fprintf(stderr, "farside work: ");
  fprintf(stderr, what, word);
  fprintf(stderr, "\nusage: farside %s\n", work_command.usage);
  return EXIT_USAGE;
}

static int failure(const session *mine, const char *why) {
  fprintf(stderr, "farside work %s: %s\n", mine->verb->name, why);
  return EXIT_SCRIPT_FAILED;
}

static int store_failure(const session *mine) {
  return failure(mine, mine->store->error(mine->store));
}

static int no_such_work(const session *mine) {
  char why[96];
  snprintf(why, sizeof why,
           "there is no work %lld: it never was, or it ended long ago",
           (long long)mine->id);
  return failure(mine, why);
}

// -- Reading ------------------------------------------------------------------

static far_find filter_of(const session *mine) {
  const command_line *line = mine->line;
  far_find find = {.by = FAR_FIND_FILTER,
                   .state = -1,
                   .kind = line->kind,
                   .tag = line->tag,
                   .script = line->of_script};
  for (int state = 0; line->state != NULL && state < FAR_WORK_STATES; state++)
    if (strcmp(line->state, far_work_state_name((far_work_state)state)) == 0)
      find.state = state;
  return find;
}

static farside_status parents_of(const session *mine, const far_work *work,
                                 int64_t parents[FAR_WORK_PARENTS_MAX],
                                 size_t *count) {
  *count = 0;
  return mine->store->parents(mine->store, work->id, parents, count);
}

// Calls `each` for those that the filter finds, the newest first.
static farside_status
walk(session *mine, uint64_t limit,
     farside_status (*each)(session *mine, const far_work *work, void *user),
     void *user) {
  far_store *store = mine->store;
  far_find find = filter_of(mine);
  far_work work = {0};
  farside_status status = FARSIDE_OK;
  find.is_newest_first = true;
  for (uint64_t i = 0; i < limit && status == FARSIDE_OK; i++) {
    status = store->find(store, &find, &work);
    if (status == FARSIDE_OK)
      status = each(mine, &work, user);
    far_work_deinit(store->memory, &work);
  }
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

typedef struct listing {
  far_work_table table;
  int64_t count;
} listing;

static farside_status measure(session *mine, const far_work *work, void *user) {
  (void)mine;
  listing *all = user;
  all->count++;
  far_work_table_measure(&all->table, work);
  return FARSIDE_OK;
}

static farside_status put_row(session *mine, const far_work *work, void *user) {
  const listing *all = user;
  far_work_table_row(stdout, &all->table, work, &mine->view);
  return FARSIDE_OK;
}

static farside_status put_object(session *mine, const far_work *work,
                                 void *user) {
  (void)user;
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count;
  farside_status status = parents_of(mine, work, parents, &count);
  if (status == FARSIDE_OK)
    far_work_json(stdout, work, parents, count);
  return status;
}

// How many there are of each state, and how many of them were not shown.
static farside_status put_sum(const session *mine, int64_t shown) {
  int64_t counts[FAR_WORK_STATES], all = 0;
  far_store *store = mine->store;
  farside_status status = store->count(store, mine->line->of_script, counts);
  if (status != FARSIDE_OK)
    return status;
  const char *separator = shown > 0 ? "\n" : "";
  for (int i = 0; i < FAR_WORK_STATES; i++) {
    all += counts[i];
    if (counts[i] == 0)
      continue;
    printf("%s%lld %s", separator, (long long)counts[i],
           far_work_state_name((far_work_state)i));
    separator = ", ";
  }
  const command_line *line = mine->line;
  bool is_all = !line->state && !line->kind && !line->tag;
  if (all == 0)
    printf("there is no work here");
  else if (is_all && shown < all)
    printf("; the newest %lld are shown: --limit N shows more",
           (long long)shown);
  else if (shown == 0)
    printf("; none of it was asked for");
  printf("\n");
  return FARSIDE_OK;
}

static int list(session *mine) {
  uint64_t limit = mine->line->limit ? mine->line->limit : LIMIT;
  farside_status status;
  if (mine->line->is_json) {
    status = walk(mine, limit, put_object, NULL);
  } else {
    listing all = {.count = 0};
    status = walk(mine, limit, measure, &all);
    if (status == FARSIDE_OK && all.count > 0) {
      far_work_table_head(stdout, &all.table, &mine->view);
      status = walk(mine, limit, put_row, &all);
    }
    if (status == FARSIDE_OK)
      status = put_sum(mine, all.count);
  }
  return status == FARSIDE_OK ? EXIT_FINE : store_failure(mine);
}

// Loads the unit that was asked for, and does something with it.
static int with_unit(session *mine,
                     farside_status (*each)(session *mine,
                                            const far_work *work)) {
  far_work work = {0};
  farside_status status = mine->store->load(mine->store, mine->id, &work);
  if (status == FARSIDE_NOWORK)
    return no_such_work(mine);
  if (status == FARSIDE_OK)
    status = each(mine, &work);
  far_work_deinit(mine->store->memory, &work);
  return status == FARSIDE_OK ? EXIT_FINE : store_failure(mine);
}

static farside_status show_unit(session *mine, const far_work *work) {
  if (mine->line->is_json)
    return put_object(mine, work, NULL);
  int64_t parents[FAR_WORK_PARENTS_MAX];
  size_t count;
  farside_status status = parents_of(mine, work, parents, &count);
  if (status == FARSIDE_OK)
    far_work_show(stdout, work, parents, count, &mine->view);
  return status;
}

static int show(session *mine) {
  return with_unit(mine, show_unit);
}

static farside_status explain_unit(session *mine, const far_work *work) {
  if (mine->line->is_json)
    far_work_explain_json(stdout, work, &mine->view);
  else
    far_work_explain(stdout, work, &mine->view);
  return FARSIDE_OK;
}

static int explain(session *mine) {
  return with_unit(mine, explain_unit);
}

static farside_status put_runs(session *mine, const far_work *work) {
  far_store *store = mine->store;
  far_run run = {0};
  int64_t token = INT64_MAX;
  farside_status status = FARSIDE_OK;
  bool is_json = mine->line->is_json, has_any = false;
  uint64_t limit = mine->line->limit ? mine->line->limit : LIMIT;
  while (limit-- > 0 && (status = store->run_before(store, work->id, token,
                                                    &run)) == FARSIDE_OK) {
    if (!is_json && !has_any)
      far_work_run_row(stdout, NULL, &mine->view);
    if (is_json)
      far_work_run_json(stdout, &run);
    else
      far_work_run_row(stdout, &run, &mine->view);
    has_any = true;
    token = run.token;
    far_run_deinit(store->memory, &run);
  }
  if (!is_json && !has_any)
    printf("work %lld has not run yet\n", (long long)work->id);
  return status == FARSIDE_NOWORK ? FARSIDE_OK : status;
}

static int history(session *mine) {
  return with_unit(mine, put_runs);
}

// -- Writing ------------------------------------------------------------------

static int host_failure(const session *mine) {
  return failure(mine, farside_error(mine->host));
}

// One line: what was done, and to how many.
static int put_count(const session *mine, const char *done, int64_t count) {
  if (mine->line->is_json)
    printf("{\"%s\":%lld}\n", done, (long long)count);
  else
    printf("%s: %lld\n", done, (long long)count);
  return EXIT_FINE;
}

static bool has_filter(const command_line *line) {
  return line->state || line->kind || line->tag || line->of_script;
}

static int cancel(session *mine) {
  int64_t count = 0;
  far_find find = filter_of(mine);
  farside_status status =
      mine->id != 0 ? far_queue_cancel_one(mine->host, NULL, mine->id, &count)
                    : far_queue_cancel(mine->host, find.script, &find, &count);
  if (status == FARSIDE_OK)
    status = far_batch_flush(mine->host);
  if (status != FARSIDE_OK)
    return host_failure(mine);
  if (mine->id != 0 && count == 0 && !mine->line->is_json)
    fprintf(stderr, "farside work cancel: work %lld has ended already\n",
            (long long)mine->id);
  return put_count(mine, "cancelled", count);
}

// Of those that a filter finds: what has failed, unless it asks for what was
// cancelled.
static farside_status redrive_unit(session *mine, const far_work *work,
                                   void *user) {
  int64_t *count = user;
  bool is_wanted = work->state == FAR_WORK_FAILED ||
                   (work->state == FAR_WORK_CANCELLED && mine->line->state);
  if (!is_wanted)
    return FARSIDE_OK;
  ++*count;
  return far_queue_redrive(mine->host, NULL, work->id);
}

static int redrive(session *mine) {
  int64_t count = 1;
  farside_status status;
  if (mine->id != 0) {
    status = far_queue_redrive(mine->host, NULL, mine->id);
  } else {
    count = 0;
    status = walk(mine, UINT64_MAX, redrive_unit, &count);
  }
  if (status == FARSIDE_OK)
    status = far_batch_flush(mine->host);
  return status == FARSIDE_OK ? put_count(mine, "redriven", count)
                              : host_failure(mine);
}

static int prune(session *mine) {
  int64_t count = 0;
  farside_status status =
      far_queue_prune(mine->host, mine->line->of_script, &count);
  if (status == FARSIDE_OK)
    status = far_batch_flush(mine->host);
  return status == FARSIDE_OK ? put_count(mine, "pruned", count)
                              : host_failure(mine);
}

// -- Opening ------------------------------------------------------------------

// A store that is not there is not made only to say that it is empty.
static int look_at_file(session *mine) {
  char why[PATH_MAX + 64], path[PATH_MAX];
  struct stat about;
  const char *problem = NULL;
  if (realpath(mine->line->store, path) == NULL || stat(path, &about) != 0)
    problem = errno == ENOENT ? "there is no such file" : strerror(errno);
  else if (S_ISDIR(about.st_mode))
    problem = "it is a folder";
  if (problem != NULL) {
    snprintf(why, sizeof why, "%s: %s", mine->line->store, problem);
    return failure(mine, why);
  }
  mine->view.owner = far_owner_pid(path);
  return EXIT_FINE;
}

static int open_reading(session *mine) {
  char why[1024];
  const far_store_config config = {.path = mine->line->store,
                                   .is_readonly = true};
  far_memory_init(&mine->memory, NULL, NULL);
  if (far_store_open_sqlite(&mine->memory, &config, &mine->store, why,
                            sizeof why) != FARSIDE_OK)
    return failure(mine, why);
  return EXIT_FINE;
}

static void on_entry(void *user, const farside_entry *entry) {
  const session *mine = user;
  if (strcmp(entry->what, "store.fault") == 0)
    (void)failure(mine, entry->why);
}

// Whoever changes a row must own the file: then nobody's app runs, and what
// runs by the store has died.
static int open_writing(session *mine) {
  farside_config config;
  farside_config_init(&config);
  config.on_entry = on_entry;
  config.user = mine;
  if (farside_host_open(&config, &mine->host) != FARSIDE_OK)
    return failure(mine, "not enough memory");
  farside_status status = farside_open_store(mine->host, mine->line->store);
  if (status == FARSIDE_LOCKED) {
    char why[1200];
    snprintf(why, sizeof why,
             "%s: end that first, or let the app do it "
             "(BackgroundTask.%s)",
             farside_error(mine->host), mine->verb->name);
    return failure(mine, why);
  }
  if (status == FARSIDE_OK)
    status = far_rescue(&mine->host->queue);
  if (status != FARSIDE_OK)
    return host_failure(mine);
  mine->store = mine->host->queue.store;
  return EXIT_FINE;
}

static int64_t wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int with_store(session *mine) {
  int result = look_at_file(mine);
  if (result == EXIT_FINE)
    result =
        mine->verb->mode == READS ? open_reading(mine) : open_writing(mine);
  far_local_zone_look(&mine->zone);
  mine->view.now = (far_moment){.wall_ms = wall_ms(),
                                .profile = FAR_PROFILE_DESKTOP,
                                .zone = &mine->zone.zone};
  mine->view.has_color = command_has_color();
  if (result == EXIT_FINE)
    result = mine->verb->run(mine);
  if (mine->host == NULL)
    far_store_close(mine->store);
  farside_host_close(mine->host);
  return result;
}

// -- The unit of a timer ------------------------------------------------------

// This very program.
static const char *program(char path[PATH_MAX]) {
  return realpath("/proc/self/exe", path) ? path : "farside";
}

// Absolute, though there may be no such file yet. False when there is no such
// folder either.
static bool place_of(const char *name, char path[PATH_MAX]) {
  if (realpath(name, path) != NULL)
    return true;
  const char *slash = strrchr(name, '/');
  const char *base = slash ? slash + 1 : name;
  char folder[PATH_MAX], whole[PATH_MAX];
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - name + 1) : 1,
           slash ? name : ".");
  return realpath(folder, whole) != NULL && *base != '\0' &&
         (size_t)snprintf(path, PATH_MAX, "%s/%s",
                          strcmp(whole, "/") == 0 ? "" : whole,
                          base) < PATH_MAX;
}

static int install_timer(session *mine) {
  const command_line *line = mine->line;
  char own[PATH_MAX], store[PATH_MAX], script[PATH_MAX], folder[PATH_MAX];
  char why[PATH_MAX + 64];
  const char *args[SCRIPTS_MAX + 1] = {NULL};
  size_t count = 0;
  if (line->script_count < 2)
    return mistake("which script is to run%s?", "");
  if (realpath(line->scripts[1], script) == NULL || access(script, R_OK) != 0) {
    snprintf(why, sizeof why, "%s cannot be read: %s", line->scripts[1],
             strerror(errno));
    return failure(mine, why);
  }
  if (!place_of(line->store, store)) {
    snprintf(why, sizeof why, "%s: there is no such folder", line->store);
    return failure(mine, why);
  }
  snprintf(folder, sizeof folder, "%s", script);
  *strrchr(folder, '/') = '\0';
  for (size_t i = 2; i < line->script_count; i++)
    args[count++] = line->scripts[i];
  for (int i = 0; i < line->argc && count < SCRIPTS_MAX; i++)
    args[count++] = line->argv[i];
  const far_timer_unit unit = {.program = program(own),
                               .store = store,
                               .script = script,
                               .folder = *folder ? folder : "/",
                               .args = args,
                               .arg_count = count};
  return far_timer_unit_print(stdout, &unit)
             ? EXIT_FINE
             : failure(mine, "no unit can hold a name with a new line");
}

// -- The command --------------------------------------------------------------

#define FILTER " --kind --tag --script "

static const work_verb verbs[] = {
    {"list", READS, " --state --limit --json" FILTER, .run = list},
    {"show", READS, " --json ", .wants_id = true, .run = show},
    {"explain", READS, " --json ", .wants_id = true, .run = explain},
    {"history", READS, " --json --limit ", .wants_id = true, .run = history},
    {"cancel", WRITES, " --state --json" FILTER, .wants_id = true,
     .may_filter = true, .run = cancel},
    {"redrive", WRITES, " --state --json" FILTER, .wants_id = true,
     .may_filter = true, .run = redrive},
    {"prune", WRITES, " --script --json ", .run = prune},
    {"install-timer", PRINTS, "", .run = install_timer},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static const work_verb *find_verb(const char *name) {
  for (size_t i = 0; i < VERBS; i++)
    if (strcmp(verbs[i].name, name) == 0)
      return &verbs[i];
  return NULL;
}

static int no_verb(const char *name) {
  if (name != NULL)
    fprintf(stderr, "farside work: there is no '%s'; there are:", name);
  else
    fprintf(stderr, "farside work: what is to be done? There are:");
  for (size_t i = 0; i < VERBS; i++)
    fprintf(stderr, "%s %s", i ? "," : "", verbs[i].name);
  fprintf(stderr, "\nusage: farside %s\n", work_command.usage);
  return EXIT_USAGE;
}

// An option that this verb would not heed; NULL for none.
static const char *stray_option(const work_verb *verb,
                                const command_line *line) {
  const struct {
    const char *name;
    bool is_given;
  } all[] = {{" --state ", line->state != NULL},
             {" --kind ", line->kind != NULL},
             {" --tag ", line->tag != NULL},
             {" --script ", line->of_script != NULL},
             {" --limit ", line->limit != 0},
             {" --json ", line->is_json}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].is_given && strstr(verb->options, all[i].name) == NULL)
      return all[i].name;
  return NULL;
}

static bool read_id(const char *word, int64_t *id) {
  char *end;
  errno = 0;
  long long number = strtoll(word, &end, 10);
  *id = number;
  return *word >= '0' && *word <= '9' && *end == '\0' && errno == 0 &&
         number > 0;
}

static int check_state(const command_line *line) {
  char all[160] = "";
  if (line->state == NULL)
    return EXIT_FINE;
  for (int i = 0; i < FAR_WORK_STATES; i++) {
    const char *name = far_work_state_name((far_work_state)i);
    if (strcmp(line->state, name) == 0)
      return EXIT_FINE;
    size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", name);
  }
  return mistake("--state needs one of: %s", all);
}

static int check(session *mine) {
  const command_line *line = mine->line;
  const work_verb *verb = mine->verb;
  const char *stray = stray_option(verb, line);
  if (stray != NULL) {
    char what[64];
    snprintf(what, sizeof what, "%s takes no%s", verb->name, stray);
    what[strlen(what) - 1] = '\0';
    return mistake("%s", what);
  }
  if (line->store == NULL)
    return mistake("which store? --store FILE%s", "");
  if (verb->mode == PRINTS)
    return EXIT_FINE;
  size_t most = verb->wants_id ? 2 : 1;
  if (line->script_count > most || line->argc > 0)
    return mistake("what is %s?", line->script_count > most
                                      ? line->scripts[most]
                                      : line->argv[0]);
  if (verb->wants_id && line->script_count == 2) {
    if (!read_id(line->scripts[1], &mine->id))
      return mistake("an ID is a whole number from 1 on, not %s",
                     line->scripts[1]);
    if (verb->may_filter && has_filter(line))
      return mistake("an ID says all: --state, --kind, --tag and --script do "
                     "not go with it%s",
                     "");
  } else if (verb->wants_id && !(verb->may_filter && has_filter(line))) {
    return mistake(verb->may_filter
                       ? "%s what? An ID, or --kind, --tag, --script, --state"
                       : "%s which work? Its ID is missing",
                   verb->name);
  }
  return check_state(line);
}

static int work(const command_line *line) {
  session mine = {.line = line};
  if (line->script_count == 0)
    return no_verb(NULL);
  mine.verb = find_verb(line->scripts[0]);
  if (mine.verb == NULL)
    return no_verb(line->scripts[0]);
  int result = check(&mine);
  if (result == EXIT_FINE)
    result =
        mine.verb->mode == PRINTS ? install_timer(&mine) : with_store(&mine);
  int written = command_end_output(&work_command);
  return result == EXIT_FINE ? written : result;
}

const far_command work_command = {
    .name = "work",
    .usage =
        "work list|show|explain|history|cancel|redrive|prune --store FILE\n"
        "       [ID] [--state STATE] [--kind KIND] [--tag TAG] [--script "
        "NAME]\n"
        "       [--limit N] [--json]\n"
        "       farside work install-timer --store FILE SCRIPT [ARG ...]",
    .what = "look into a store of durable work, and change what is in it",
    .help =
        "Reads the file of an app that runs, and of one that does not:\n"
        "\n"
        "  list              the newest first; --state, --kind, --tag and\n"
        "                    --script choose, --limit N shows more than 100\n"
        "  show ID           all that is known of one\n"
        "  explain ID        what it waits for, and when it can run next\n"
        "  history ID        its runs\n"
        "\n"
        "Changes the file of an app that does not run:\n"
        "\n"
        "  cancel ID         or all that --state, --kind, --tag and --script\n"
        "                    choose\n"
        "  redrive ID        gives what has failed, or was cancelled, another\n"
        "                    chance; of many, what has failed\n"
        "  prune             forgets what has ended; of one --script, or of "
        "all\n"
        "\n"
        "  --json            one JSON object a line\n"
        "\n"
        "Prints, and changes nothing:\n"
        "\n"
        "  install-timer     the units of systemd, and a line for crontab,\n"
        "                    that run what is due of SCRIPT every quarter\n"
        "\n"
        "Exits with 1 when the file cannot be used, or has no such work.\n",
    .options = " --store --state --kind --tag --script --limit --json ",
    .takes_words = true,
    .run = work};
