-- For require.lua.
error "broken module"
