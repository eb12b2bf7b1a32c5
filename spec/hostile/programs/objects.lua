-- Classes, inheritance, methods.
local Animal = {}
Animal.__index = Animal
function Animal.new(name) return setmetatable({ name = name }, Animal) end
function Animal:speak() return self.name .. " says " .. self:sound() end
function Animal.sound() return "..." end
local Dog = setmetatable({}, {
  __index = Animal,
  __call = function(class, name) return setmetatable(Animal.new(name), class) end,
})
Dog.__index = Dog
function Dog.sound() return "woof" end
print(Animal.new("it"):speak(), Dog("Rex"):speak())
local Stack = {}
Stack.__index = Stack
function Stack:push(...)
  for _, v in ipairs { ... } do self[#self + 1] = v end
  return self
end
function Stack:pop() return table.remove(self) end
Stack.__tostring = function(s) return "[" .. table.concat(s, " ") .. "]" end
local s = setmetatable({}, Stack):push(1, 2, 3)
print(tostring(s), s:pop(), tostring(s))
local cache = setmetatable({}, { __mode = "k" })
cache[s] = "kept"
print(cache[s])
