-- require "farside.busted": what a spec of background code asserts again and
-- again. What fails shows the phone's day.

local assert = require "luassert"
local say = require "say"

local ROWS <const> = 60 -- A day may be long, and its end tells the most.

-- Lists in columns, as `farside simulate` does it.
local function table_of(entries)
  local lines = {}
  local first = math.max(1, #entries - ROWS + 1)
  if first > 1 then
    lines[1] = ("(%d older entries)"):format(first - 1)
  end
  for i = first, #entries do
    local entry = entries[i]
    local subject = entry.task and (entry.name or "#" .. entry.task) or ""
    local place = entry.where and (entry.level ~= "info" or entry.what == "task.begin") and entry.where or nil
    local why = place and entry.why and place .. ": " .. entry.why or place or entry.why or ""
    lines[#lines + 1] = ("%9.3f s  %-10s  %-13s  %-12s  %s"):format(
      entry.t / 1000, entry.state, entry.what, subject, why):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local function day_of(phone)
  return "\nThe phone's timeline:\n" .. table_of(phone:timeline())
end

-- Whatever has a timeline is a phone.
local function check_phone(name, phone)
  local ok, timeline = pcall(function() return phone.timeline end)
  if not ok or type(timeline) ~= "function" then
    error(("assert.%s needs a phone of farside.device, not a %s"):format(name, type(phone)), 4)
  end
end

local function check_task(name, task)
  if type(task) ~= "table" or task.state == nil or task.taskId == nil then
    error(("assert.%s needs a task, such as phone:tasks()[1], not a %s"):format(name, type(task)), 4)
  end
end

-- Makes assert.name and assert.no_…: the matcher returns whether it holds, and
-- the sentence of its failure.
local function register(name, matcher)
  local key = "assertion.farside." .. name
  say:set(key .. ".positive", "%s")
  say:set(key .. ".negative", "%s")
  assert:register("assertion", name, function(state, arguments)
    local holds, sentence = matcher(table.unpack(arguments, 1, arguments.n))
    -- The sentence is shown as it is, not as a Lua value.
    state.failure_message = sentence
    return holds
  end, key .. ".positive", key .. ".negative")
end

local function describe_task(task)
  return ("task %s (%s)"):format(task.name or "#" .. task.taskId, task.origin or "?")
end

-- assert.task_state(task, state [, phone])
register("task_state", function(task, state, phone)
  check_task("task_state", task)
  local sentence = ("expected %s to be %s, and it is %s"):format(describe_task(task), state, task.state)
  return task.state == state, sentence .. (phone and day_of(phone) or "")
end)

-- assert.finished(task [, phone])
register("finished", function(task, phone)
  check_task("finished", task)
  local sentence = ("expected %s to be finished, and it is %s"):format(describe_task(task), task.state)
  return task.state == "finished", sentence .. (phone and day_of(phone) or "")
end)

-- A leak that was finished after all is none.
local function leaks_of(phone)
  local state_of, leaks = {}, {}
  for _, task in ipairs(phone:tasks()) do
    state_of[task.taskId] = task.state
  end
  for _, entry in ipairs(phone:timeline "task.leak") do
    if state_of[entry.task] ~= "finished" then
      leaks[#leaks + 1] = ("task %s (%s): %s"):format(entry.name or "#" .. entry.task, entry.where, entry.why)
    end
  end
  return leaks
end

-- assert.no_leaks(phone)
register("no_leaks", function(phone)
  check_phone("no_leaks", phone)
  local leaks = leaks_of(phone)
  return #leaks == 0, "expected no leaks, and there are:\n" .. table.concat(leaks, "\n") .. day_of(phone)
end)

-- What a rule was broken by, where the phone does not list it itself.
local function violations_of(phone)
  local found = {}
  if phone.violations then
    for i, violation in ipairs(phone:violations()) do
      local id = violation.rule or violation.id or violation.name or ""
      found[i] = ("%s %s: %s"):format(id, violation.where or "", violation.why or violation.what or "")
    end
    return found
  end
  for _, what in ipairs { "task.expire", "script.kill" } do
    for _, entry in ipairs(phone:timeline(what)) do
      found[#found + 1] = ("%s %s: %s"):format(entry.what, entry.where or "", entry.why or "")
    end
  end
  table.move(leaks_of(phone), 1, #leaks_of(phone), #found + 1, found)
  return found
end

-- assert.no_violations(phone)
register("no_violations", function(phone)
  check_phone("no_violations", phone)
  local found = violations_of(phone)
  return #found == 0, "expected no broken rule, and there are:\n" .. table.concat(found, "\n") .. day_of(phone)
end)

return { timeline = table_of }
