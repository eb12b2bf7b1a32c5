-- The program, as the specs use it: run to its end, or beside the spec. Who
-- waits here waits for an answer, and never for a time.

local program = { path = os.getenv "FARSIDE" or "build/release/farside" }

local garbage, jobs = {}, {}

function program.write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

function program.read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

-- What a file says so far: "" where there is none yet.
function program.peek(path)
  local file <close> = io.open(path, "r")
  return file and file:read "a" or ""
end

-- A path for a file that is gone after program.clean().
function program.temporary(extension)
  local path = os.tmpname()
  garbage[#garbage + 1] = path
  if extension then
    path = path .. extension
    garbage[#garbage + 1] = path
  end
  return path
end

-- What a shell command prints, without the last line's end.
function program.shell(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read "a":gsub("\n$", ""))
end

-- The program's path from the root, for who runs it in another folder.
function program.absolute()
  return program.shell("realpath " .. program.path)
end

-- Runs a command line to its end; returns the exit code, standard output,
-- standard error. `input` is a file, `before` what stands before the program.
-- The time is for one that never ends, and no measure of anything.
function program.run(words, input, before)
  local out, err = os.tmpname(), os.tmpname()
  local _, how, code = os.execute(("%s timeout 300 %s %s >%s 2>%s <%s"):format(before or "", program.path, words, out,
    err, input or "/dev/null"))
  local output, errors = program.read(out), program.read(err)
  os.remove(out)
  os.remove(err)
  assert(how == "exit", how)
  return code, output, errors
end

-- Begins a command line, which goes on while the spec does.
function program.start(words)
  local job = { out = program.temporary(), err = program.temporary(), code = program.temporary() }
  job.pid = tonumber(program.shell(("exec 3>&1; { %s %s >%s 2>%s </dev/null 3>&- & echo $! >&3; exec 3>&-; "
    .. "wait $!; echo $? >%s; } >/dev/null 2>&1 &"):format(program.path, words, job.out, job.err, job.code)))
  jobs[#jobs + 1] = job
  return job
end

-- Waits until there is a result, and returns it.
function program.wait_for(what, condition)
  local end_s = os.time() + 300
  repeat
    local result = condition()
    if result then
      return result
    end
    os.execute "sleep 0.02"
  until os.time() > end_s
  error("waited in vain: " .. what, 2)
end

-- Waits until a job has printed a text.
function program.says(job, text)
  program.wait_for(text .. "\n" .. program.peek(job.err), function()
    return program.peek(job.out):find(text, 1, true)
  end)
end

-- Waits until a job has ended; returns its exit code.
function program.ended(job)
  return program.wait_for("the end", function() return tonumber(program.peek(job.code)) end)
end

function program.send(signal, pid)
  os.execute(("kill -%s %d"):format(signal, pid))
end

-- Ends what goes on still, and removes its files: for after_each().
function program.clean()
  for _, job in ipairs(jobs) do
    if program.peek(job.code) == "" then
      os.execute(("kill -9 %d 2>/dev/null"):format(job.pid))
      program.ended(job)
    end
  end
  for _, path in ipairs(garbage) do
    os.remove(path)
  end
  garbage, jobs = {}, {}
end

package.loaded["spec.program"] = program
return program
