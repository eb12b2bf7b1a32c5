-- Expedited work is first as long as there is quota, and after that like any other, or not at all.

local device = require "farside.device"
local helper = require "spec.helper"

-- Enqueues one unit that is like any other, and twelve that say how they are expedited; android has quota for ten a day.
local function start_order(how)
  local phone <close> = device.open { os = "android" }
  assert(phone:run(helper.code([[
    BackgroundTask.define("one", { run = function(ctx) farside.sleep(1000) print(ctx.input) end })
    BackgroundTask.enqueue("one", "plain")
    for i = 1, 12 do
      BackgroundTask.enqueue("one", "expedited", { expedited = "HOW", keep = "1000d" })
    end
  ]]):gsub("HOW", how)))
  phone:advance "1m"
  local order, dropped = {}, 0
  for i, word in ipairs(helper.said(phone)) do
    order[i] = word
  end
  for _, unit in ipairs(phone:work()) do
    dropped = dropped + (unit.reason == "no_quota" and 1 or 0)
  end
  return order, dropped
end

local function place_of(word, order)
  for i, other in ipairs(order) do
    if other == word then
      return i
    end
  end
end

describe("expedited work", function()
  it("is first while there is quota, and then like any other", function()
    local order, dropped = start_order "or_normal"
    assert.equal(13, #order)
    assert.equal(11, place_of("plain", order))
    assert.equal(0, dropped)
  end)

  it("that says or_drop is cancelled when others have used the quota up", function()
    local order, dropped = start_order "or_drop"
    assert.equal(11, #order)
    assert.equal(2, dropped)
  end)

  it("is refused, or like any other, when there is none at all, and says so", function()
    local phone <close> = device.open { os = "android" }
    assert(phone:run(helper.code [[
      BackgroundTask.define("one", { run = function() end })
      for i = 1, 10 do BackgroundTask.enqueue("one", nil, { expedited = "or_normal" }) end
      setTimeout(function()
        print(select(3, BackgroundTask.enqueue("one", nil, { expedited = "or_drop" })))
        local _, info = BackgroundTask.enqueue("one", nil, { expedited = "or_normal" })
        print(info.effective.expedited)
      end, 1000)
      setTimeout(function()
        local _, info = BackgroundTask.enqueue("one", nil, { expedited = "or_normal" })
        print(info.effective.expedited)
      end, 24 * 60 * 60 * 1000 + 1000)
    ]]))
    phone:advance "25h"
    assert.same({ "LIMIT", "false", "nil" }, helper.said(phone))
  end)
end)
