std = "lua54"
globals = { "setTimeout", "setInterval", "clearTimeout", "clearInterval" }
files["my_app.plan.lua"] = { globals = { "phone", "expect" } }
files["spec"] = { std = "+busted" }
