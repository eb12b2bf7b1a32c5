-- What durable work is to do, as plainly as it can be said: no store, no index, no arithmetic on slots, everything looked
-- at each time. The queue is compared with it after every step (work_model_spec). Times are milliseconds: `now` is the
-- clock on the wall, `t` one that nobody can set.
local model = {}
model.__index = model
local AT_ONCE <const>, PLACES <const>, MISSED_MAX <const>, STOP_MS <const>, MINUTE <const> = 4, 100, 100, 5000, 60000
local DAY <const> = 1440 * MINUTE

-- `outcome(id, begun_ms)` tells how a run ends: { ms =, how = "succeeded", "retry" or "failed", delay = }.
function model.new(now, outcome)
  return setmetatable({ now = now, t = 0, outcome = outcome, units = {}, going = {}, kinds = {}, service = 0,
    is_open = true, met = { network = true, unmetered = true, storageOk = true } }, model)
end

local function is_final(unit) return unit.state == "succeeded" or unit.state == "failed" or unit.state == "cancelled" end
local function is_retry(unit) return unit.reason == "retry" or unit.reason == "crashed" end
local function turn(self, unit, state, reason) unit.state, unit.reason, unit.since = state, reason, self.now end
local function wait_until(unit, at) unit.run_at, unit.tag = at, nil end -- Without a tag it is not ready.

-- "*", "*/20" or "5", of a minute and of an hour; UTC.
local function fits(field, value)
  local step = tonumber(field:match "^%*/(%d+)$")
  return field == "*" or tonumber(field) == value or (step and value % step == 0)
end
local function after_slot(unit, slot)
  if unit.every then return slot + unit.every end
  local minute, hour = unit.cron:match "^(%S+) (%S+)"
  repeat
    slot = slot // MINUTE * MINUTE + MINUTE
  until fits(minute, slot // MINUTE % 60) and fits(hour, slot // (60 * MINUTE) % 24)
  return slot
end

-- That slot, or the soonest where the clock was set back by more than a day since.
local function sane(self, unit, slot)
  return unit.cron and slot > after_slot(unit, self.now) + DAY and after_slot(unit, self.now) or slot
end
local function next_slot(self, unit) return sane(self, unit, after_slot(unit, unit.slot)) end
local function due(unit, slot) return unit.flex and slot + unit.every - unit.flex or slot end
local function begin_slot(unit, slot)
  unit.slot, unit.attempts = slot, 0
  if is_retry(unit) then unit.reason = nil end
end

-- Leaves the slots behind that get no run any more. `is_first_look`: its time has come just now.
local function slide(self, unit, is_first_look)
  local slots, after = { unit.slot }, after_slot(unit, unit.slot)
  while due(unit, after) <= self.now do
    slots[#slots + 1], after = after, after_slot(unit, after)
  end
  local last = #slots
  local to = unit.missed == "all" and math.max(1, last - MISSED_MAX + 1) or last
  if is_first_look and unit.missed == "skip" and last > 1 and not (unit.flex and self.now < after) then
    to, slots[last + 1] = last + 1, after
  end
  if to == 1 then return end
  unit.slots_missed = unit.slots_missed + to - 1 - ((is_retry(unit) or unit.reason == "crash_loop") and 1 or 0)
  begin_slot(unit, slots[to])
  if to > last then wait_until(unit, due(unit, after)) end
end
local function begin(self, unit, delay, is_immediate)
  local from = self.now + (delay or 0)
  if unit.missed then unit.slot = (is_immediate or unit.flex) and from or after_slot(unit, from) end
  wait_until(unit, unit.missed and not is_immediate and due(unit, unit.slot) or from)
end

-- Its end, or that of its slot.
local function finish(self, unit, state, reason)
  if not unit.missed or reason == "crash_loop" then return turn(self, unit, state, reason) end
  begin_slot(unit, next_slot(self, unit))
  turn(self, unit, "enqueued")
  wait_until(unit, due(unit, unit.slot))
end
-- In the order of that field, and else of their ids.
local function list_of(self, fits_one, field)
  local list = {}
  for _, unit in ipairs(self.units) do
    if fits_one(unit) then list[#list + 1] = unit end
  end
  field = field or "id"
  table.sort(list, function(a, b) return a[field] < b[field] or (a[field] == b[field] and a.id < b.id) end)
  return list
end
local function children_of(self, parent)
  return list_of(self, function(unit) return unit.state == "blocked" and unit.parents[parent.id] end)
end

local function parent_ended(self, unit, parent)
  if parent.state == "succeeded" or unit.on_parent_fail == "run" then
    unit.open = unit.open - 1
    if unit.open > 0 then return end
    begin(self, unit, unit.delay)
    turn(self, unit, "enqueued")
  elseif unit.on_parent_fail ~= "hold" then
    turn(self, unit, parent.state, parent.state == "failed" and "parent_failed" or "parent_cancelled")
  elseif unit.reason ~= "held" then
    turn(self, unit, "blocked", "held")
  end
end
-- Whoever waits for it hears that it has ended; and whoever waits for those.
local function settle(self, unit)
  for _, child in ipairs(is_final(unit) and children_of(self, unit) or {}) do
    if child.state == "blocked" then parent_ended(self, child, unit) settle(self, child) end
  end
end
local function give_up(self, unit)
  local waits = unit.state == "enqueued" or unit.state == "blocked"
  if not waits or not unit.deadline or unit.deadline > self.now then return end
  turn(self, unit, "failed", "deadline")
  settle(self, unit)
end
local function end_run(self, unit, how, delay)
  local rules, is_crash = unit.rules, how == "crashed"
  unit.crashes = is_crash and unit.crashes + 1 or 0
  unit.attempts = how == "retry" and unit.attempts + 1 or unit.attempts
  local policy, nth = is_crash and "exponential" or rules.policy, is_crash and unit.crashes or unit.attempts
  local times = policy == "exponential" and 1 << math.max(nth - 1, 0) or policy == "linear" and nth or 1
  local at = self.now + (delay or math.min(rules.base * times, rules.cap))
  local failure = how == "failed" and "refused" or how == "retry" and unit.attempts > rules.max and "attempts"
    or is_crash and unit.crashes >= rules.crashes and "crash_loop" or nil
  if how == "succeeded" or failure then
    finish(self, unit, failure and "failed" or how, failure)
  elseif unit.missed and unit.missed ~= "all" and due(unit, next_slot(self, unit)) <= at then
    finish(self, unit) -- The next slot wins.
  else
    turn(self, unit, "enqueued", how)
    wait_until(unit, at)
  end
  settle(self, unit)
  give_up(self, unit)
end

-- Everything that stands in its way, as `explain` calls it.
function model:obstacles(unit)
  if is_final(unit) or unit.state == "running" then return { ended = is_final(unit) or nil } end
  local found = { no_handler = not self.kinds[unit.kind], busy = #self.going >= AT_ONCE, app = not self.is_open,
    parents = unit.state == "blocked", time = unit.state == "enqueued" and not unit.tag and unit.run_at > self.now }
  for need in pairs(unit.needs) do
    found[need == "unmetered" and not self.met.network and "network" or need] = not self.met[need]
  end
  for _, run in ipairs(self.going) do
    if run.unit == unit or (unit.unique and run.unit.unique == unit.unique) then found.unique = true end
  end
  for name, is_so in pairs(found) do found[name] = is_so or nil end
  return found
end

-- Those whose time has come, in that order, are numbered on: behind the others of their group, and who was started.
local function promote(self)
  local function is_due(unit) return unit.state == "enqueued" and not unit.tag and unit.run_at <= self.now end
  for _, unit in ipairs(list_of(self, is_due, "run_at")) do
    if unit.missed then slide(self, unit, true) end
    local last = self.service
    for _, other in ipairs(self.units) do
      if other.state == "enqueued" and other.tag and other.group == unit.group then last = math.max(last, other.tag) end
    end
    unit.tag = unit.run_at <= self.now and last + 1 or nil
  end
end

-- Its rank, where it can start; not while an older run of it, which was cancelled, has not come to its end.
local function rank_of(self, unit)
  return unit.state == "enqueued" and unit.tag and not next(self:obstacles(unit)) and unit.tag - unit.priority * PLACES
end
local function start_next(self)
  local best
  for _, unit in ipairs(list_of(self, function(unit) return rank_of(self, unit) end)) do
    if not best or rank_of(self, unit) < rank_of(self, best) then best = unit end
  end
  if not best then return false end
  if best.missed then slide(self, best) end
  best.rules, best.runs, self.service = self.kinds[best.kind], best.runs + 1, math.max(self.service, best.tag)
  turn(self, best, "running")
  local said = self.outcome(best.id, self.now)
  table.insert(self.going, { unit = best, nth = best.runs, ends = self.t + said.ms, said = said })
  return true
end
function model:look() -- What can happen now happens; to be called after each of the following.
  if not self.is_open then return end
  for _, unit in ipairs(list_of(self, function(unit) return unit.deadline end, "deadline")) do give_up(self, unit) end
  promote(self)
  repeat until not start_next(self)
end

local function insert(self, unit, after)
  unit.id, unit.parents, unit.open = #self.units + 1, {}, 0
  unit.attempts, unit.crashes, unit.runs, unit.generation, unit.slots_missed = 0, 0, 0, 0, 0
  self.units[unit.id] = unit
  for _, id in ipairs(after) do unit.parents[id] = true end
  for _ in pairs(unit.parents) do unit.open = unit.open + 1 end
  begin(self, unit, unit.delay, unit.immediate)
  turn(self, unit, after[1] and "blocked" or "enqueued", after[1] and "parents" or nil)
  for _, id in ipairs(after) do
    if is_final(self.units[id]) and unit.state == "blocked" then parent_ended(self, unit, self.units[id]) end
  end
end
local function cancel(self, unit, reason)
  if is_final(unit) then return end
  turn(self, unit, "cancelled", reason)
  for _, run in ipairs(self.going) do
    run.ends = run.unit == unit and math.min(run.ends, self.t + STOP_MS) or run.ends
  end
  settle(self, unit)
end
local TAKEN_OVER <const> = { "kind", "needs", "priority", "group", "every", "flex", "cron", "missed", "deadline" }
local function update(self, unit, with)
  local is_same, is_same_flex = unit.every == with.every and unit.cron == with.cron, unit.flex == with.flex
  for _, field in ipairs(TAKEN_OVER) do unit[field] = with[field] end
  unit.generation = unit.generation + 1
  if unit.state == "running" then
    if not is_same then unit.slot = self.now end -- This run was for the first of its new slots.
  elseif not is_same then
    begin(self, unit)
    begin_slot(unit, unit.slot)
  elseif not is_same_flex and unit.state == "enqueued" and not unit.reason then
    wait_until(unit, due(unit, unit.slot))
  elseif unit.tag then
    wait_until(unit, self.now) -- It queues again.
  end
end

-- `unit`: kind, unique, needs, priority, group, on_parent_fail, delay, deadline; if periodic missed, immediate, and every, flex or cron.
function model:enqueue(unit, existing, after)
  local live = list_of(self, function(one) return unit.unique and one.unique == unit.unique and not is_final(one) end)
  local first, last = live[1], live[#live]
  if first and existing == "debounce" and first.state == "running" then
    first, existing = last, #live == 1 and "append" or existing -- What runs cannot be put off.
  elseif first and existing == "append_or_replace" then
    existing = last.reason == "held" and "replace" or "append"
  end
  if not first or existing == "append" or existing == "replace" then
    for _, other in ipairs(existing == "replace" and live or {}) do cancel(self, other, "replaced") end
    after[#after + 1] = first and existing == "append" and last.id or nil
    insert(self, unit, after)
  elseif existing ~= "keep" then
    update(self, first, unit)
    first.delay = existing == "debounce" and unit.delay or first.delay
    if existing == "debounce" then begin(self, first, unit.delay) end
  end
end
function model:cancel(is_meant) -- The newest first: nobody is cancelled for a parent that was meant, too.
  local list = list_of(self, is_meant)
  for i = #list, 1, -1 do cancel(self, list[i], "cancelled") end
end
function model:redrive(unit)
  if unit.state ~= "failed" and unit.state ~= "cancelled" then return end
  if unit.missed then slide(self, unit) end
  unit.attempts, unit.crashes, unit.open = 0, 0, 0
  unit.deadline = unit.deadline and unit.deadline > self.now and unit.deadline or nil
  turn(self, unit, "enqueued", "redriven")
  wait_until(unit, unit.missed and math.max(self.now, due(unit, unit.slot)) or self.now)
  for _, child in ipairs(children_of(self, unit)) do
    if child.on_parent_fail == "run" then child.open = child.open + 1 end
    if child.reason == "held" then turn(self, child, "blocked", "parents") end
  end
end
-- What was to happen after some time happens after that; what at a time of day, at that.
function model:set_clock(by)
  self.now = self.now + by
  for _, unit in ipairs(self.units) do
    local waits = unit.state == "enqueued" and not unit.tag
    if waits then unit.run_at = unit.run_at + by end
    if waits and unit.cron and not is_retry(unit) then
      unit.slot = sane(self, unit, unit.slot)
      unit.run_at = unit.slot
    end
    if unit.every and (waits or unit.state == "running") then unit.slot = unit.slot + by end
    if unit.deadline and not is_final(unit) then unit.deadline = unit.deadline + by end
  end
end

function model:kill() self.is_open, self.going, self.kinds = false, {}, {} end
function model:open(kinds)
  self.is_open, self.kinds = true, kinds
  for _, unit in ipairs(list_of(self, function(one) return one.state == "running" end)) do end_run(self, unit, "crashed") end
end

function model:advance(ms)
  while ms > 0 do
    local step = ms -- How long nothing happens.
    local function sooner(wait) step = math.min(step, math.max(wait, 1)) end
    for _, run in ipairs(self.going) do sooner(run.ends - self.t) end
    for _, unit in ipairs(self.is_open and self.units or {}) do
      local waits = unit.state == "enqueued"
      if waits and not unit.tag and #self.going < AT_ONCE then sooner(unit.run_at - self.now) end
      if unit.deadline and (waits or unit.state == "blocked") then sooner(unit.deadline - self.now) end
    end
    self.now, self.t, ms = self.now + step, self.t + step, ms - step
    table.sort(self.going, function(a, b) return a.ends < b.ends end)
    while self.going[1] and self.going[1].ends <= self.t do
      local run = table.remove(self.going, 1)
      if run.unit.state == "running" and run.unit.runs == run.nth then end_run(self, run.unit, run.said.how, run.said.delay) end
      self:look()
    end
    self:look()
  end
end

return model
