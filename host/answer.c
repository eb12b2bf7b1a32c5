#include "answer.h"

#include "host.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
  TICK_MS = 100,
  CHUNK_BYTES = 64 * 1024,
  ASKED_BYTES_MAX = 16 * 1024 * 1024 // Of a body, for a function.
};

typedef enum stage { BEGIN, SEND, WAIT, RECEIVE, STALLED } stage;

typedef struct hop {
  far_list link;
  far_answers *answers;
  far_transfer *transfer;
  far_answer_rule *rule;
  far_answer answer; // Its text is ours only where a function has made it.
  bool has_text;
  far_timer timer;
  stage stage;
  uint64_t flow_ms; // When the bytes of this stage began to flow,
  uint64_t flowed;  // and how many have,
  uint64_t moved;   // and how many in both.
  char *asked;      // What was sent, for a function.
  size_t asked_bytes, asked_room;
} hop;

struct far_answers {
  far_carrier carrier; // First.
  far_memory *memory;
  farside_host *host;
  const far_world *world;
  far_chance *chance;
  far_list rules; // The newest first.
  far_list hops;
  farside_network network; // As it was when somebody looked.
  bool is_asking;          // A function of the plan's runs.
};

// -- Texts --------------------------------------------------------------------

char *far_answers_text(far_answers *answers, size_t bytes) {
  return far_new(answers->memory, bytes);
}

void far_answers_text_free(far_answers *answers, far_answer *answer) {
  far_free(answers->memory, answer->text, answer->text_bytes);
  answer->text = NULL;
}

static const struct {
  const char *name;
  farside_status status;
  far_phase phase;
  const char *cause; // As libcurl says it.
} mishaps[FAR_MISHAPS] = {
    [FAR_MISHAP_RESOLVE] = {"resolve", FARSIDE_NETWORK, FAR_PHASE_RESOLVE,
                            "no address is known for this name"},
    [FAR_MISHAP_CONNECT] = {"connect", FARSIDE_NETWORK, FAR_PHASE_CONNECT,
                            "Connection refused"},
    [FAR_MISHAP_EXPIRED] = {"expired", FARSIDE_TLS, FAR_PHASE_TLS,
                            "SSL certificate problem: certificate has expired"},
    [FAR_MISHAP_UNTRUSTED] = {"untrusted", FARSIDE_TLS, FAR_PHASE_TLS,
                              "SSL certificate problem: unable to get local "
                              "issuer certificate"},
    [FAR_MISHAP_HOST] = {"host", FARSIDE_TLS, FAR_PHASE_TLS,
                         "SSL: no alternative certificate subject name "
                         "matches target host name"},
    [FAR_MISHAP_RESET] = {"reset", FARSIDE_NETWORK, FAR_PHASE_WAIT,
                          "Connection reset by peer"}};

bool far_mishap_find(const char *name, far_mishap *mishap) {
  for (int i = FAR_MISHAP_NONE + 1; i < FAR_MISHAPS; i++)
    if (strcmp(mishaps[i].name, name) == 0) {
      *mishap = (far_mishap)i;
      return true;
    }
  return false;
}

// -- Hops ---------------------------------------------------------------------

static void hop_free(hop *mine) {
  far_answers *answers = mine->answers;
  mine->transfer->hop = NULL;
  far_list_leave(&mine->link);
  far_timer_deinit(&answers->host->timers, &mine->timer);
  if (mine->has_text)
    far_answers_text_free(answers, &mine->answer);
  far_free(answers->memory, mine->asked, mine->asked_room);
  far_free(answers->memory, mine, sizeof *mine);
}

static bool ask(hop *mine, const far_asked *asked, far_answer *answer) {
  mine->answers->is_asking = true;
  bool is_answered = mine->rule->ask(mine->rule, asked, answer);
  mine->answers->is_asking = false;
  return is_answered;
}

// Who answers by a function hears of what came, though it was cut off.
static void tell_partial(hop *mine) {
  far_answer nothing = {0};
  far_asked asked = {.transfer = mine->transfer,
                     .body = mine->asked,
                     .body_bytes = mine->asked_bytes,
                     .is_partial = true};
  if (mine->rule == NULL || mine->rule->ask == NULL || mine->stage != SEND)
    return;
  mine->stage = STALLED; // Once.
  (void)ask(mine, &asked, &nothing);
  far_answers_text_free(mine->answers, &nothing);
}

static void end(hop *mine) {
  far_transfer *transfer = mine->transfer;
  if (transfer->status != FARSIDE_OK)
    tell_partial(mine);
  hop_free(mine);
  far_transfer_ended(transfer);
}

static void fail(hop *mine, far_phase phase, const char *cause) {
  far_transfer_fail_at(mine->transfer, FARSIDE_NETWORK, phase, cause);
  end(mine);
}

static void suffer(hop *mine, far_mishap mishap) {
  far_transfer_fail_at(mine->transfer, mishaps[mishap].status,
                       mishaps[mishap].phase, mishaps[mishap].cause);
  end(mine);
}

static const char *no_network(const far_answers *answers) {
  if (answers->world->network == FARSIDE_NETWORK_NONE)
    return "there is no network";
  return far_world_is_dozing(answers->world)
             ? "there is no network: the phone is in Doze"
             : NULL;
}

static far_answer_rule *find_rule(const far_answers *answers,
                                  const far_transfer *transfer) {
  for (const far_list *link = answers->rules.next; link != &answers->rules;
       link = link->next) {
    far_answer_rule *rule = far_list_item(link, far_answer_rule, link);
    bool is_meant =
        rule->times > 0 &&
        (rule->method == NULL || strcmp(rule->method, transfer->method) == 0) &&
        far_pattern_covers(&rule->to, &transfer->url.parts);
    if (is_meant)
      return rule;
  }
  return NULL;
}

// -- Bytes flow ---------------------------------------------------------------

static void flow(hop *mine, stage next) {
  mine->stage = next;
  mine->flow_ms = far_host_now_ms(mine->answers->host);
  mine->flowed = 0;
}

static void later(hop *mine, uint64_t ms) {
  far_timers *timers = &mine->answers->host->timers;
  far_timer_start(timers, &mine->timer,
                  far_host_now_ms(mine->answers->host) + ms);
}

// How many bytes may have flowed in this stage by now.
static uint64_t due_bytes(const hop *mine) {
  uint64_t passed_ms = far_host_now_ms(mine->answers->host) - mine->flow_ms;
  uint64_t rate = mine->answer.rate;
  if (rate == 0)
    return FAR_NEVER;
  return rate / 1000 * passed_ms + rate % 1000 * passed_ms / 1000;
}

// The next bytes that may move, of `left`, before something happens to them.
static size_t next_bytes(const hop *mine, uint64_t left) {
  const far_answer *answer = &mine->answer;
  uint64_t due = due_bytes(mine);
  uint64_t count = due > mine->flowed ? due - mine->flowed : 0;
  uint64_t bounds[] = {left, CHUNK_BYTES, answer->drop_bytes - mine->moved,
                       answer->stall_bytes - mine->moved};
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
    count = bounds[i] < count ? bounds[i] : count;
  return (size_t)count;
}

static void count_moved(hop *mine, size_t bytes) {
  mine->flowed += bytes;
  mine->moved += bytes;
}

// Whether the bytes end here; then the hop is gone, or rests for ever.
static bool is_cut(hop *mine, far_phase phase) {
  if (mine->moved == mine->answer.drop_bytes) {
    fail(mine, phase, "Connection reset by peer");
    return true;
  }
  if (mine->moved < mine->answer.stall_bytes)
    return false;
  tell_partial(mine);
  mine->stage = STALLED;
  return true;
}

// When to look again: soon, or when the last of `left` bytes has flowed.
static void wait_for_bytes(hop *mine, uint64_t left) {
  uint64_t rate = mine->answer.rate;
  uint64_t need = mine->flowed + left;
  uint64_t whole_ms =
      need / rate * 1000 + (need % rate * 1000 + rate - 1) / rate;
  uint64_t passed_ms = far_host_now_ms(mine->answers->host) - mine->flow_ms;
  uint64_t ms = whole_ms > passed_ms ? whole_ms - passed_ms : 1;
  later(mine, ms < TICK_MS ? ms : TICK_MS);
}

// What is kept of a body is for a function; what there is no memory for is cut.
static void keep_asked(hop *mine, const char *data, size_t bytes) {
  if (mine->rule->ask == NULL || mine->asked_bytes + bytes > ASKED_BYTES_MAX)
    return;
  size_t room = mine->asked_room ? mine->asked_room : CHUNK_BYTES;
  while (room < mine->asked_bytes + bytes)
    room *= 2;
  if (room != mine->asked_room) {
    char *fresh =
        far_resize(mine->answers->memory, mine->asked, mine->asked_room, room);
    if (fresh == NULL)
      return;
    mine->asked = fresh;
    mine->asked_room = room;
  }
  memcpy(mine->asked + mine->asked_bytes, data, bytes);
  mine->asked_bytes += bytes;
}

static void begin_answer(hop *mine);

static void send_body(hop *mine) {
  far_transfer *transfer = mine->transfer;
  char data[CHUNK_BYTES];
  for (;;) {
    uint64_t left = transfer->send_bytes - transfer->sent;
    if (left == 0 || is_cut(mine, FAR_PHASE_SEND))
      break;
    size_t bytes = next_bytes(mine, left);
    if (bytes == 0) {
      wait_for_bytes(mine, left);
      return;
    }
    ptrdiff_t given = far_transfer_give(transfer, data, bytes);
    if (given < 0) {
      end(mine);
      return;
    }
    keep_asked(mine, data, (size_t)given);
    count_moved(mine, (size_t)given);
  }
  if (transfer->hop == mine && mine->stage == SEND)
    begin_answer(mine);
}

static bool take_zeros(hop *mine, size_t bytes) {
  static const char zeros[CHUNK_BYTES];
  return far_transfer_take(mine->transfer, zeros, bytes);
}

static void receive_body(hop *mine) {
  far_transfer *transfer = mine->transfer;
  const far_answer *answer = &mine->answer;
  bool has_body = strcmp(transfer->method, "HEAD") != 0;
  size_t real = answer->text_bytes - answer->headers_bytes;
  for (;;) {
    uint64_t at = mine->flowed;
    uint64_t left = has_body ? answer->body_bytes - at : 0;
    if (left == 0)
      break;
    if (is_cut(mine, FAR_PHASE_RECEIVE))
      return;
    size_t bytes = next_bytes(mine, left);
    if (bytes == 0) {
      wait_for_bytes(mine, left);
      return;
    }
    if (at < real && at + bytes > real)
      bytes = (size_t)(real - at);
    bool is_taken =
        at < real ? far_transfer_take(transfer,
                                      answer->text + answer->headers_bytes + at,
                                      bytes)
                  : take_zeros(mine, bytes);
    if (!is_taken)
      break;
    count_moved(mine, bytes);
  }
  end(mine);
}

// -- From stage to stage ------------------------------------------------------

static bool take_head(hop *mine) {
  far_transfer *transfer = mine->transfer;
  const far_answer *answer = &mine->answer;
  char line[64];
  int bytes = snprintf(line, sizeof line, "HTTP/1.1 %d", answer->status);
  bool is_taken = far_transfer_take_line(transfer, line, (size_t)bytes);
  for (size_t at = 0; at < answer->headers_bytes && is_taken;
       at += strlen(answer->text + at) + 1)
    is_taken = far_transfer_take_line(transfer, answer->text + at,
                                      strlen(answer->text + at));
  bytes = snprintf(line, sizeof line, "Content-Length: %" PRIu64,
                   answer->body_bytes);
  return is_taken && far_transfer_take_line(transfer, line, (size_t)bytes) &&
         far_transfer_take_line(transfer, "", 0);
}

// Everything was sent: what does the server make of it?
static void begin_answer(hop *mine) {
  far_answers *answers = mine->answers;
  far_answer *answer = &mine->answer;
  mine->stage = WAIT; // Nothing of it is partial any more.
  if (mine->rule->ask != NULL) {
    far_asked asked = {.transfer = mine->transfer,
                       .body = mine->asked,
                       .body_bytes = mine->asked_bytes};
    mine->has_text = true;
    answer->text = NULL; // The function's own, and not the rule's.
    answer->text_bytes = answer->headers_bytes = 0;
    answer->body_bytes = 0;
    if (!ask(mine, &asked, answer)) {
      fail(mine, FAR_PHASE_WAIT, "the function that answers has failed");
      return;
    }
  }
  far_transfer_reached(mine->transfer, FAR_PHASE_WAIT);
  if (answer->mishap == FAR_MISHAP_RESET) {
    suffer(mine, answer->mishap);
    return;
  }
  later(mine, far_chance_draw(answers->chance, answer->latency_ms,
                              answer->latency_most_ms, false));
}

static void begin_hop(hop *mine) {
  far_answers *answers = mine->answers;
  far_transfer *transfer = mine->transfer;
  const char *fault = no_network(answers);
  if (fault != NULL) {
    fail(mine, FAR_PHASE_CONNECT, fault);
    return;
  }
  mine->rule = find_rule(answers, transfer);
  if (mine->rule == NULL) {
    char url[256];
    far_url_print(&transfer->url, url, sizeof url);
    far_transfer_fail(transfer, FARSIDE_NETWORK,
                      "nothing answers %s %s, and a simulated phone reaches no "
                      "real network: phone:respond(\"%s %s\", { status = 200 "
                      "})",
                      transfer->method, url, transfer->method, url);
    end(mine);
    return;
  }
  if (mine->rule->times != FAR_NEVER)
    mine->rule->times--;
  mine->answer = mine->rule->answer;
  const far_answer *answer = &mine->answer;
  bool is_late = answer->mishap == FAR_MISHAP_RESET;
  if (answer->mishap != FAR_MISHAP_NONE && !is_late) {
    suffer(mine, answer->mishap);
    return;
  }
  if (answer->fail_permille > 0 &&
      far_chance_draw(answers->chance, 0, 999, false) >=
          1000 - answer->fail_permille) {
    suffer(mine, FAR_MISHAP_CONNECT);
    return;
  }
  far_transfer_reached(transfer, FAR_PHASE_SEND);
  flow(mine, SEND);
  send_body(mine);
}

static void go_on(far_timer *timer, uint64_t now_ms) {
  hop *mine = far_list_item(timer, hop, timer);
  (void)now_ms;
  switch (mine->stage) {
  case BEGIN:
    begin_hop(mine);
    break;
  case SEND:
    send_body(mine);
    break;
  case WAIT:
    if (!take_head(mine)) {
      end(mine);
      break;
    }
    flow(mine, RECEIVE);
    receive_body(mine);
    break;
  case RECEIVE:
    receive_body(mine);
    break;
  case STALLED:
    break;
  }
}

// -- The carrier --------------------------------------------------------------

static farside_status begin(far_carrier *carrier, far_transfer *transfer) {
  far_answers *answers = (far_answers *)(void *)carrier;
  hop *fresh = far_new(answers->memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->answers = answers;
  fresh->transfer = transfer;
  if (far_timer_init(&answers->host->timers, &fresh->timer, FAR_TIMER_HOST,
                     go_on) != FARSIDE_OK) {
    far_free(answers->memory, fresh, sizeof *fresh);
    return FARSIDE_NOMEM;
  }
  far_list_append(&answers->hops, &fresh->link);
  transfer->hop = fresh;
  later(fresh, 1); // Virtual time moves with every hop.
  return FARSIDE_OK;
}

static void cancel(far_carrier *carrier, far_transfer *transfer) {
  hop *mine = transfer->hop;
  (void)carrier;
  tell_partial(mine);
  hop_free(mine);
}

static void rest(far_carrier *carrier) {
  (void)carrier;
}

farside_status far_answers_open(far_memory *memory, farside_host *host,
                                const far_world *world, far_chance *chance,
                                far_answers **answers) {
  far_answers *fresh = far_new(memory, sizeof *fresh);
  *answers = fresh;
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  fresh->memory = memory;
  fresh->host = host;
  fresh->world = world;
  fresh->chance = chance;
  fresh->network = world->network;
  fresh->carrier = (far_carrier){
      .begin = begin, .cancel = cancel, .rest = rest, .close = rest};
  far_list_init(&fresh->rules);
  far_list_init(&fresh->hops);
  host->transfers.carrier = &fresh->carrier;
  return FARSIDE_OK;
}

static void rule_free(far_answers *answers, far_answer_rule *rule) {
  far_list_leave(&rule->link);
  if (rule->forget != NULL)
    rule->forget(rule);
  far_answers_text_free(answers, &rule->answer);
  far_string_free(answers->memory, rule->method);
  far_string_free(answers->memory, rule->pattern);
  far_free(answers->memory, rule, sizeof *rule);
}

void far_answers_silence(far_answers *answers) {
  for (const far_list *link = answers->rules.next; link != &answers->rules;
       link = link->next) {
    far_answer_rule *rule = far_list_item(link, far_answer_rule, link);
    if (rule->ask == NULL)
      continue;
    rule->forget(rule);
    rule->ask = NULL;
    rule->forget = NULL;
    rule->times = 0;
  }
}

bool far_answers_is_asking(const far_answers *answers) {
  return answers->is_asking;
}

void far_answers_close(far_answers *answers) {
  if (answers == NULL)
    return;
  while (!far_list_is_empty(&answers->rules))
    rule_free(answers,
              far_list_item(answers->rules.next, far_answer_rule, link));
  far_free(answers->memory, answers, sizeof *answers);
}

farside_status far_answers_add(far_answers *answers,
                               const far_answer_rule *rule) {
  far_answer_rule *fresh = far_new(answers->memory, sizeof *fresh);
  if (fresh == NULL)
    return FARSIDE_NOMEM;
  *fresh = *rule;
  fresh->method = far_string_new(answers->memory, rule->method);
  fresh->pattern = far_string_new(answers->memory, rule->pattern);
  bool is_short =
      fresh->pattern == NULL || (fresh->method == NULL && rule->method != NULL);
  if (is_short || far_pattern_read(fresh->pattern, &fresh->to) != NULL) {
    far_string_free(answers->memory, fresh->method);
    far_string_free(answers->memory, fresh->pattern);
    far_free(answers->memory, fresh, sizeof *fresh);
    return FARSIDE_NOMEM;
  }
  // In front.
  far_list_append(answers->rules.next, &fresh->link);
  return FARSIDE_OK;
}

bool far_answers_step(far_answers *answers) {
  const char *fault = no_network(answers);
  farside_network before = answers->network;
  answers->network = answers->world->network;
  // From the cables to the cells an address is lost, and with it what is open.
  if (fault == NULL && before == FARSIDE_NETWORK_WIFI &&
      answers->network == FARSIDE_NETWORK_METERED)
    fault = "the network has changed";
  if (fault == NULL || far_list_is_empty(&answers->hops))
    return false;
  while (!far_list_is_empty(&answers->hops)) {
    hop *mine = far_list_item(answers->hops.next, hop, link);
    if (mine->stage == BEGIN && no_network(answers) == NULL)
      return true; // It has only just begun.
    far_phase phase = mine->transfer->phase;
    fail(mine, phase < FAR_PHASE_CONNECT ? FAR_PHASE_CONNECT : phase, fault);
  }
  return true;
}
