-- What both scripts of this folder ask for. Less than the defaults is always
-- granted; for more, the command line has --limits and --grant.

return {
  version = "1.0.0",
  background = { "task" },
  limits = { memory = "4MB", turn = "200ms", messages = 20 },
}
