rockspec_format = "3.0"
package = "notes"
version = "scm-1"
source = { url = "file://." }
description = { summary = "A user of the rock, for its test", license = "MIT" }
dependencies = { "lua >= 5.4, < 5.5", "farside" }
build = { type = "builtin", modules = { notes = "notes.lua" } }
