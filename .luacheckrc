exclude_files = { "spec/hostile" } -- Odd on purpose.
std = "lua54"
max_line_length = 120
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
files["scripts/plans"] = { globals = { "phone", "expect" } }
files["scripts/template/plan.lua"] = { globals = { "phone", "expect" } }
files["scripts/template/spec"] = { std = "+busted" }
files["scripts/template_typescript/plan.lua"] = { globals = { "phone", "expect" } }
files["scripts/template_typescript/spec"] = { std = "+busted" }
files["spec/hostile/programs"] = { ignore = { "314", "512", "581" } }
