-- What the app asks for; `npm run build` copies it beside the script. Less than
-- the usual is always granted.

return {
  version = "0.1.0",
  background = { "task" },
  limits = { memory = "8MB", turn = "200ms" },
}
