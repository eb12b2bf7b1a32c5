-- For specs in TypeScript: the matchers of Farside.

local module = "farside.busted"
return require(module)
