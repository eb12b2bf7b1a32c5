std = "lua54"
globals = { "setTimeout", "setInterval", "clearTimeout", "clearInterval" }
files["plan.lua"] = { globals = { "phone", "expect" } }
files["spec"] = { std = "+busted" }
