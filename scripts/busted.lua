-- require "farside.busted": what a spec of background code asserts again and
-- again. What fails shows the phone's day.

local assert = require "luassert"
local say = require "say"

local ROWS <const> = 60 -- A day may be long, and its end tells the most.

-- Lists in columns, as `farside simulate` does it: without timers and the like.
local function table_of(all)
  local lines, entries = {}, {}
  for _, entry in ipairs(all) do
    entries[#entries + 1] = entry.level ~= "debug" and entry or nil
  end
  local first = math.max(1, #entries - ROWS + 1)
  if first > 1 then
    lines[1] = ("(%d older entries)"):format(first - 1)
  end
  for i = first, #entries do
    local entry = entries[i]
    local subject = entry.task and (entry.name or "#" .. entry.task) or ""
    local place = entry.where and (entry.level ~= "info" or entry.what == "task.begin") and entry.where or nil
    local said = entry.rule and ("%s: %s"):format(entry.rule, entry.why) or entry.why
    local why = place and said and place .. ": " .. said or place or said or ""
    local line = ("%9.3f s  %-10s  %-13s  %-12s  %s"):format(entry.t / 1000, entry.state, entry.what, subject, why)
    lines[#lines + 1] = line:match "^(.-)%s*$"
  end
  return table.concat(lines, "\n")
end

local function day_of(phone)
  return "\nThe phone's timeline:\n" .. table_of(phone:timeline())
end

-- Whatever has a timeline is a phone.
local function check_phone(name, phone, level)
  local ok, timeline = pcall(function() return phone.timeline end)
  if not ok or type(timeline) ~= "function" then
    error(("assert.%s needs a phone of farside.device, not a %s"):format(name, type(phone)), level + 2)
  end
end

local function check_task(name, task, level)
  if type(task) ~= "table" or task.state == nil or task.taskId == nil then
    error(("assert.%s needs a task, such as phone:tasks()[1], not a %s"):format(name, type(task)), level + 2)
  end
end

-- What is shown as it is, not as a Lua value in quotes.
local function verbatim(text)
  return setmetatable({}, { __tostring = function() return text end })
end

say:set("assertion.farside.matcher", "")

-- Makes assert.name. The matcher says whether it holds, what is wrong if it
-- does not, and what if it should not.
local function register(name, check, matcher)
  assert:register("assertion", name, function(state, arguments, level)
    check(name, arguments[1], level or 1)
    local holds, wrong, wrong_if_not = matcher(table.unpack(arguments, 1, arguments.n))
    state.failure_message = verbatim(holds and wrong_if_not or wrong)
    return holds
  end, "assertion.farside.matcher", "assertion.farside.matcher")
end

local function subject_of(task)
  return ("task %s (%s)"):format(task.name or "#" .. task.taskId, task.origin or "?")
end

local function check_state(task, wanted, phone)
  local day = phone and day_of(phone) or ""
  local subject = subject_of(task)
  return task.state == wanted,
    ("%s is %s, expected %s%s"):format(subject, task.state, wanted, day),
    ("%s is %s, expected anything else%s"):format(subject, task.state, day)
end

-- assert.task_state(task, state [, phone])
register("task_state", check_task, check_state)

-- assert.finished(task [, phone])
register("finished", check_task, function(task, phone)
  return check_state(task, "finished", phone)
end)

-- A leak that was finished after all is none.
local function leaks_of(phone)
  local state_of, leaks = {}, {}
  for _, task in ipairs(phone:tasks()) do
    state_of[task.taskId] = task.state
  end
  for _, entry in ipairs(phone:timeline "task.leak") do
    if state_of[entry.task] ~= "finished" then
      leaks[#leaks + 1] = ("task.leak %s %s: %s"):format(entry.name or "#" .. entry.task, entry.where, entry.why)
    end
  end
  return leaks
end

-- What broke a rule and is more than a warning, and scripts that were stopped.
local function violations_of(phone)
  local found = {}
  for _, broken in ipairs(phone:violations()) do
    if broken.isFailure then
      local cost = broken.outcome.code and (" (%s, %s)"):format(broken.outcome.kind, broken.outcome.code) or ""
      found[#found + 1] = ("%s, %s: %s%s: %s%s"):format(broken.rule, broken.title, broken.where or "",
        broken.name and " task " .. broken.name or "", broken.why, cost)
    end
  end
  for _, entry in ipairs(phone:timeline "script.kill") do
    found[#found + 1] = ("%s %s: %s"):format(entry.what, entry.where or "", entry.why or "")
  end
  return found
end

local function check_none(phone, found, what)
  return #found == 0,
    ("expected no %s:\n%s%s"):format(what, table.concat(found, "\n"), day_of(phone)),
    ("expected a %s%s"):format(what, day_of(phone))
end

-- assert.no_leaks(phone)
register("no_leaks", check_phone, function(phone)
  return check_none(phone, leaks_of(phone), "leak")
end)

-- assert.no_violations(phone)
register("no_violations", check_phone, function(phone)
  return check_none(phone, violations_of(phone), "broken rule")
end)

return { timeline = table_of }
