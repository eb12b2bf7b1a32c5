-- farside.device for TypeScript: simulated phones, for specs and plans. A name in
-- a variable, because tstl looks for a file where it reads one in a require.

local module = "farside.device"
return require(module)
