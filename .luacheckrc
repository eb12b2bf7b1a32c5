exclude_files = {
  "spec/hostile", -- Odd on purpose.
  "scripts/love/farside.lua", -- The one of bindings.
}
std = "lua54"
max_line_length = 120
files["bindings/love"] = { std = "luajit+love", globals = { "love" } }
files["scripts/love/main.lua"] = { std = "luajit+love" }
files["scripts/love/conf.lua"] = { std = "luajit+love" }
files["spec/love"] = { std = "luajit+love", globals = { "love" } }
files["spec/love/listener.lua"] = { std = "lua54" }
files["scripts"] = {
  globals = { "setTimeout", "setInterval", "clearTimeout", "clearInterval" },
}
files["scripts/types.lua"] = { ignore = { "111", "112", "113", "121", "131", "211", "212" } }
files["bench/apps"] = { globals = { "setTimeout", "clearTimeout" } }
files["spec"] = {
  std = "+busted",
  max_line_length = 140, -- Code of scripts stands there as one line.
  globals = { "setTimeout", "setInterval", "clearTimeout", "clearInterval" },
}
files["scripts/*.plan.lua"] = { globals = { "phone", "expect" } }
files["scripts/template/my_app.plan.lua"] = { globals = { "phone", "expect" } }
files["scripts/template/spec"] = { std = "+busted" }
files["scripts/template_typescript/plan.lua"] = { globals = { "phone", "expect" } }
files["scripts/template_typescript/spec"] = { std = "+busted" }
files["spec/hostile/programs"] = { ignore = { "314", "512", "581" } }
files["spec/engine"] = { std = "luajit", read_globals = { "LIBRARY", "HOSTS", "BINDINGS" } }
files["bindings/engines"] = { std = "luajit", read_globals = { "Runtime" } }
