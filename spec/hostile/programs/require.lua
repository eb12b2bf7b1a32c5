-- Modules of its own.
local counter = require "module_counter"
print(counter.name, counter.next(), counter.next())
print(require "module_counter" == counter, package.loaded.module_counter == counter)
print((pcall(require, "module_broken")))
print((pcall(require, "module_broken")))
package.preload.given = function(name, where) return { name = name, where = where } end
print(require("given").name, require("given").where)
for v in counter.each(3) do print(v) end
