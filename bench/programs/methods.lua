-- Methods through a metatable, one level of inheritance.
local began <const> = os.clock()
local Account = {}
Account.__index = Account
function Account:deposit(n)
  self.balance = self.balance + n
end
local Saver = setmetatable({}, { __index = Account })
Saver.__index = Saver
function Saver:tick()
  self:deposit(self.rate)
end
local account = setmetatable({ balance = 0, rate = 2 }, Saver)
for _ = 1, 9000000 do
  account:tick()
end
print("check", account.balance)
print("cpu_ns", (os.clock() - began) * 1e9)
