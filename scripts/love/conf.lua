function love.conf(t)
  t.identity = "catch_the_star" -- The save folder, in which Farside keeps its store too.
  t.version = "11.4"
  t.window.title = "Catch the star"
  t.window.width, t.window.height = 480, 360
  t.window.resizable = true
end
