-- farside new: what it makes works at once.

local program = require "spec.program"

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  return code or 0, text
end

local PROGRAM <const> = program.absolute()
local RUNNER <const> = PROGRAM:gsub("[^/]+$", "spec/spec_runner")

describe("farside new", function()
  local folder

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end)

  after_each(function()
    os.execute("chmod -R u+w " .. folder .. " && rm -r " .. folder)
  end)

  local function inside(words, where)
    return output_of(("cd %s/%s && %s"):format(folder, where or "", words))
  end

  it("makes an app that passes its plan and its specs", function()
    local code, out = inside(PROGRAM .. " new field_notes")
    assert.equal(0, code, out)
    assert.matches("farside simulate field_notes.lua\n", out)
    local _, files = inside("find . -type f | sort", "field_notes")
    assert.equal("./.busted\n./.luacheckrc\n./README.md\n./farside.lua\n./field_notes.lua\n./field_notes.plan.lua\n"
      .. "./spec/field_notes_spec.lua\n", files)
    local _, left = inside("grep -r my_app . | wc -l", "field_notes")
    assert.equal("0", left:match "%d+")
    for _, os_name in ipairs { "ios", "android", "strict" } do
      local words = " simulate field_notes.lua --seeds 5 --os "
      code, out = inside(PROGRAM .. words .. os_name, "field_notes")
      assert.equal(0, code, out)
    end
    code, out = inside(PROGRAM .. " simulate field_notes.lua --for 24h --check", "field_notes")
    assert.equal(0, code, out)
    code, out = inside(RUNNER, "field_notes")
    assert.equal(0, code, out)
    assert.matches("6 successes / 0 failures / 0 errors", out)
  end)

  it("takes another folder", function()
    local code = inside(PROGRAM .. " new notes --dir elsewhere")
    assert.equal(0, code)
    assert.equal(0, (inside("test -f elsewhere/notes.lua -a -f elsewhere/spec/notes_spec.lua -a ! -e notes")))
  end)

  it("refuses in one sentence, and leaves what is there alone", function()
    local cases = {
      { "new", "which name%?" },
      { "new 9lives", "must begin with a letter" },
      { "new a/b", "must begin with a letter" },
      { "new ''", "must begin with a letter" },
      { "new plan", "another file of the folder has it" },
      { "new two words", "one name too many" },
      { "new there", "the folder there: there is something already" },
      { "new notes --dir no/such", "cannot make the folder no/such: No such file" },
      { "new notes --os ios", "there is no option %-%-os" },
    }
    assert(os.execute("mkdir " .. folder .. "/there"))
    for _, case in ipairs(cases) do
      local code, out = inside(PROGRAM .. " " .. case[1])
      assert.equal(2, code, case[1])
      assert.matches(case[2], out)
    end
    local _, left = inside "find . | sort"
    assert.equal(".\n./there\n", left)
  end)
end)
