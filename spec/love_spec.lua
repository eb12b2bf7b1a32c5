-- What of bindings/love can be seen without LÖVE: its JSON, and that it declares
-- what farside.h declares. love_test.c plays it in LÖVE.

local farside = dofile "bindings/love/farside.lua"
local json = require "spec.json"

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

describe("the JSON of the module for LÖVE", function()
  it("is what other readers read", function()
    local value = {
      text = 'quotes "\\" and \b\f\n\r\t\0\127 and ガ and 😀',
      numbers = { 0, -1, 0.1, 1e300, 2 ^ 53, -2 ^ 53, 8e6, 1 / 3 },
      truth = { true, false },
      deep = { { { {} } } },
    }
    assert.same(value, json.decode(farside.encode(value)))
    assert.same(value, farside.decode(farside.encode(value)))
  end)

  it("writes whole numbers as whole numbers", function()
    assert.equal("[7,-7,8000000,9007199254740992]", farside.encode { 7, -7, 8e6, 2 ^ 53 })
  end)

  it("reads whatever is JSON", function()
    local text = ' { "a" : [ 1 , -2.5e3, null, "\\u00e9\\ud83d\\ude00\\/\\"" ] , "b" : { } , "c" : true } '
    assert.same({ a = { 1, -2500, nil, "é😀/\"" }, b = {}, c = true }, farside.decode(text))
    assert.is_nil(farside.decode "null")
    assert.is_false(farside.decode "false")
    assert.same({}, farside.decode "[]")
  end)

  it("says where a text is none", function()
    for _, text in ipairs { "", "{", "[1", "[1,", "[1 2]", '"a', "tru", "1 2", '"\\u12"', '{"a" 1}', "{1:2}", "-", "{}x" } do
      local ok, message = pcall(farside.decode, text)
      assert.is_false(ok, text)
      assert.truthy(message:find "^no JSON at byte %d+: ", message)
    end
  end)

  it("refuses what cannot cross", function()
    local circle = {}
    circle.circle = circle
    for value, why in pairs {
      [print] = "and no function",
      [{ 1, nil, 3, x = 4 }] = "neither a list without holes",
      [{ [1.5] = 1 }] = "neither a list without holes",
      [circle] = "nested deeper than 100",
      [{ 0 / 0 }] = "not finite",
      [math.huge] = "not finite",
    } do
      local ok, message = pcall(farside.encode, value)
      assert.is_false(ok)
      assert.truthy(message:find(why, 1, true), message)
    end
  end)
end)

describe("what the module for LÖVE declares", function()
  local function squeeze(text)
    return (text:gsub("//[^\n]*", ""):gsub("%s+", " "):gsub(" ?([();,*{}]) ?", "%1"))
  end

  local header <const> = squeeze(read "host/farside.h"):gsub("farside_status farside_", "int farside_")
    :gsub("%(farside_status status%)", "(int status)")
  local source <const> = read "bindings/love/farside.lua"
  local declarations <const> = source:match "DECLARATIONS = %[%[\n(.-)%]%]"

  it("is in farside.h, word for word", function()
    local count = 0
    for declaration in (squeeze(declarations) .. " "):gmatch "[^{};]+%b{}[^;]*;" do
      assert.truthy(header:find(declaration, 1, true), declaration)
      count = count + 1
    end
    for declaration in squeeze(declarations):gsub("%b{}", "{}"):gmatch "[^;]+%([^;]+%);" do
      assert.truthy(header:find(declaration, 1, true), declaration)
      count = count + 1
    end
    assert.truthy(count >= 15)
  end)

  it("is of the same version", function()
    assert.equal(read("host/farside.h"):match "#define FARSIDE_ABI (%d+)", source:match "\nlocal ABI = (%d+)")
  end)
end)
