-- All operators.
local m = {}
local function new(v) return setmetatable({ v = v }, m) end
local function v(x) return type(x) == "table" and x.v or x end
for name, f in pairs {
  add = function(a, b) return a + b end, sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end, div = function(a, b) return a / b end,
  mod = function(a, b) return a % b end, idiv = function(a, b) return a // b end,
  pow = function(a, b) return a ^ b end, band = function(a, b) return a & b end,
  bor = function(a, b) return a | b end, bxor = function(a, b) return a ~ b end,
  shl = function(a, b) return a << b end, shr = function(a, b) return a >> b end,
} do
  m["__" .. name] = function(a, b) return new(f(v(a), v(b))) end
end
m.__unm = function(a) return new(-a.v) end
m.__bnot = function(a) return new(~a.v) end
m.__len = function(a) return a.v * 2 end
m.__eq = function(a, b) return a.v == b.v end
m.__lt = function(a, b) return v(a) < v(b) end
m.__le = function(a, b) return v(a) <= v(b) end
m.__concat = function(a, b) return v(a) .. "|" .. v(b) end
m.__call = function(self, a, ...) return self.v + a, ... end
m.__tostring = function(self) return "<" .. self.v .. ">" end
m.__index = function(self, k) return k .. self.v end
local a, b = new(12), new(5)
print((a + b).v, (a - 1).v, (2 * b).v, (a / b).v, (a % b).v, (a // b).v, (b ^ 2).v)
print((a & b).v, (a | b).v, (a ~ b).v, (a << 1).v, (a >> 1).v, (-a).v, (~b).v, #a)
print(a == b, a == new(12), a ~= b, a < b, a <= b, a > b, a >= b, a < 100, 1 <= b)
print(a .. b, a .. "x", "x" .. b, 1 .. a, a .. b .. "z", "p" .. a .. "q" .. b)
print(a(1, 2, 3), tostring(a), a.name, a[1])
