---@meta farside

-- What scripts, specs and plans see, for editors that read LuaCATS annotations
-- (lua-language-server). This file is never run; docs/reference.md says more.
--
-- An editor knows `require "farside"` by this file. For the phone write
--   local device = require "farside.device" --[[@as farside.device]]

-- The tables below only carry declarations.
-- luacheck: ignore 241

-- -- Words --------------------------------------------------------------------

--- The NAME that is the third result of an expected failure.
---@alias farside.status
---| "OK" # it worked
---| "NOMEM" # there is not enough memory
---| "INVALID" # an argument or a setting is wrong
---| "NOTASK" # no task has this id
---| "FINISHED" # the task has ended already
---| "EXPIRED" # the task's time ran out and the host ended it
---| "LIMIT" # the limit is reached
---| "BUSY" # the host is running
---| "CLOSED" # the host is closed
---| "NOFILE" # the file cannot be read
---| "SYNTAX" # the script does not parse
---| "SCRIPT" # the script raised an error
---| "UNSUPPORTED" # this platform cannot do that
---| "INTERRUPTED" # the wait was ended by somebody else
---| "SYSTEM" # the operating system refused
---| "KILLED" # the script was stopped: it used more than it may
---| "DENIED" # the script may not do that
---| "NOSCRIPT" # no script has this name
---| "NOWORK" # no work has this id
---| "STORE" # the store failed
---| "FULL" # there is no room for it in the store
---| "READONLY" # the store cannot be written
---| "CORRUPT" # the store is damaged
---| "LOCKED" # another process owns the store
---| "NEWER" # a newer version has written the store
---| "STALE" # another run has taken over
---| "NETWORK" # the network failed
---| "TIMEOUT" # it took too long
---| "TLS" # there is no secure connection
---| "NOCALL" # no call waits for this answer

--- A time with its units, such as "500ms", "20s" or "1h30m"; units: ms, s, m, h, d.
---@alias farside.duration string

--- Where an app is in its life; a script never sees "gone".
---@alias farside.app_state
---| "active" # in sight and in use
---| "inactive" # in sight, not in use
---| "background" # out of sight; runs while a task is open
---| "suspended" # in memory, and nothing of it runs
---| "gone" # not running

--- Where a task is in its life.
---@alias farside.task_state
---| "pending" # begun; its closure has not run yet
---| "running" # its closure has begun
---| "finished" # ended by finish
---| "failed" # its closure raised an error, or it was stopped for a limit
---| "expired" # the host ended it at its deadline
---| "cancelled" # the app or its script ended first

--- The rules that hold on a phone.
---@alias farside.os
---| "ios"
---| "android"
---| "strict" # the tighter of both
---| "desktop"

--- What scripts may listen to.
---@alias farside.event
---| "appStateChange" # the app became active, or stopped being active
---| "pause" # the app is in the background
---| "resume" # the app comes back
---| "launch" # the app was started; waits for its first listener
---| "appUrlOpen" # the app is asked to open a URL; waits for its first listener
---| "appRestoredResult" # a result that outlived the app; waits for its first listener
---| "backButton" # the back button was pressed
---| "wake" # the system has woken the app in the background
---| "memoryWarning" # the OS wants memory back
---| "storeFault" # the store could not be written, or was damaged; waits for its first listener
---| "message" # somebody has sent something; waits for its first listener
---| "terminate" # the app will end

--- What a phone is connected to.
---@alias farside.network
---| "none"
---| "metered" # somebody pays by the byte
---| "wifi"

--- What a wake-up is for.
---@alias farside.wake_kind
---| "refresh" # short; one waits at a time
---| "processing" # long, and when nobody uses the phone

--- What an entry of the timeline tells of.
---@alias farside.what
---| "app.launch"
---| "app.active"
---| "app.inactive"
---| "app.pause"
---| "app.resume"
---| "app.suspend"
---| "app.terminate"
---| "app.kill"
---| "app.end"
---| "task.begin"
---| "task.run"
---| "task.finish"
---| "task.fail"
---| "task.expiring"
---| "task.expire"
---| "task.cancel"
---| "task.leak"
---| "script.kill"
---| "script.close"
---| "script.reload"
---| "device.network"
---| "device.power"
---| "device.storage"
---| "device.lock"
---| "device.front"
---| "device.motion"
---| "device.doze"
---| "device.bucket"
---| "device.refresh"
---| "device.clock"
---| "device.memory"
---| "device.push"
---| "device.url"
---| "device.swipe"
---| "device.reboot"
---| "wake.plan"
---| "wake.wait"
---| "wake.grant"
---| "wake.cancel"
---| "work.enqueue"
---| "work.run"
---| "work.succeed"
---| "work.retry"
---| "work.fail"
---| "work.cancel"
---| "store.fault"
---| "http.begin"
---| "http.end"
---| "timer.fire"
---| "violation"
---| "log"

-- -- Payloads -----------------------------------------------------------------

---@class farside.event.appStateChange
---@field isActive boolean

---@class farside.event.launch
---@field reason string "killed" after a stop for a limit; "user", unless an embedder says otherwise; "work" of
--- `farside run --once`; on a phone also "url", "push", "fetch" or "processing"
---@field why? string why it was stopped

---@class farside.event.appUrlOpen
---@field url string
---@field [string] any

---@class farside.event.appRestoredResult
---@field pluginId string
---@field methodName string
---@field [string] any

---@class farside.event.backButton
---@field canGoBack boolean

---@class farside.event.memoryWarning
---@field level string

---@class farside.event.wake
---@field reason "fetch"|"processing"|"push"|string
---@field budgetMs integer milliseconds that it has

---@class farside.event.storeFault
---@field name farside.status
---@field message string what was lost, and where the damaged file is

---@class farside.event.message
---@field from string the name of the script that sent it, or "host"
---@field data any a copy of what was sent

---@class farside.event.terminate
---@field reason string
---@field graceMs integer milliseconds that open tasks have

-- -- App ----------------------------------------------------------------------

--- The app's life.
---@class farside.App
local App = {}

--- Calls a function each time an event happens.
---@param event farside.event
---@param fn fun(payload: table?)
---@return farside.handle handle
---@overload fun(event: "appStateChange", fn: fun(state: farside.event.appStateChange)): farside.handle
---@overload fun(event: "pause", fn: fun()): farside.handle
---@overload fun(event: "resume", fn: fun()): farside.handle
---@overload fun(event: "launch", fn: fun(launch: farside.event.launch)): farside.handle
---@overload fun(event: "appUrlOpen", fn: fun(open: farside.event.appUrlOpen)): farside.handle
---@overload fun(event: "appRestoredResult", fn: fun(result: farside.event.appRestoredResult)): farside.handle
---@overload fun(event: "backButton", fn: fun(button: farside.event.backButton)): farside.handle
---@overload fun(event: "wake", fn: fun(wake: farside.event.wake)): farside.handle
---@overload fun(event: "memoryWarning", fn: fun(warning: farside.event.memoryWarning)): farside.handle
---@overload fun(event: "message", fn: fun(message: farside.event.message)): farside.handle
---@overload fun(event: "terminate", fn: fun(ending: farside.event.terminate)): farside.handle
function App.addListener(event, fn) end

--- The same function as App.addListener: the older spelling.
---@param event farside.event
---@param fn fun(payload: table?)
---@return farside.handle handle
function App.addEventListener(event, fn) end

--- Calls a function the next time an event happens, and only then.
---@param event farside.event
---@param fn fun(payload: table?)
---@return farside.handle handle
function App.once(event, fn) end

--- Removes all listeners of this script, or those of one event.
---@param event? farside.event
function App.removeAllListeners(event) end

--- Tells in which state the app is now.
---@return { isActive: boolean, state: farside.app_state } state
function App.getState() end

--- Tells what the app is called; unknown fields are empty strings.
---@return { name: string, id: string, build: string, version: string } info
function App.getInfo() end

--- Tells with which URL the app was launched, if with one.
---@return { url: string }? launch
function App.getLaunchUrl() end

--- Ends the app as soon as its open tasks have ended or their grace is over.
function App.exitApp() end

--- Sends the app to the background, where the OS lets an app do that.
---@return true? ok
---@return string? message
---@return farside.status? name "UNSUPPORTED"
function App.minimizeApp() end

--- Names one listener; in a `<close>` variable it removes it at the end of the block.
---@class farside.handle
local handle = {}

--- Removes the listener; harmless when it is removed already.
function handle:remove() end

-- -- BackgroundTask -----------------------------------------------------------

--- Keeps the app awake a little longer; not an exit hook and not a job queue.
---@class farside.BackgroundTask
local BackgroundTask = {}

---@class farside.exec_options
---@field name? string shown in the timeline
---@field budget? farside.duration the most time in the background that this task wants
---@field onExpire? fun(task: farside.task) runs shortly before the end

--- One open task, as BackgroundTask.list() shows it.
---@class farside.open_task
---@field taskId integer
---@field name? string
---@field origin string where exec was called: "app.lua:12"
---@field state farside.task_state "pending" or "running"
---@field ageMs integer milliseconds since exec
---@field remainingMs number milliseconds until the host ends it; math.huge while its budget does not run

--- Opens a task, which keeps the app awake, and runs its closure in a later turn.
---@param fn fun(task: farside.task)
---@param options? farside.exec_options
---@return integer? taskId
---@return string? message
---@return farside.status? name "LIMIT" or "DENIED"
function BackgroundTask.exec(fn, options) end

--- The same function as BackgroundTask.exec: it runs the closure now, not before the exit.
---@param fn fun(task: farside.task)
---@param options? farside.exec_options
---@return integer? taskId
---@return string? message
---@return farside.status? name "LIMIT" or "DENIED"
function BackgroundTask.beforeExit(fn, options) end

--- Ends a task, so that the OS may put the app to sleep.
---@param options { taskId: integer }
---@return true? ok
---@return string? message
---@return farside.status? name "NOTASK", "FINISHED" or "EXPIRED"
function BackgroundTask.finish(options) end

--- Lists the open tasks of this script, oldest first.
---@return farside.open_task[] tasks
function BackgroundTask.list() end

--- Tells how many milliseconds are left until the host ends the next open task.
---@return number ms math.huge while budgets do not run
function BackgroundTask.timeRemaining() end

--- A task, as its closure and its onExpire get it.
---@class farside.task
---@field taskId integer
---@field name? string
local task = {}

--- Ends this task, so that the OS may put the app to sleep.
---@return true? ok
---@return string? message
---@return farside.status? name "NOTASK", "FINISHED" or "EXPIRED"
function task:finish() end

--- Sets what is called shortly before this task's end.
---@param fn fun(task: farside.task)
---@return true? ok
---@return string? message
---@return farside.status? name "NOTASK", "FINISHED" or "EXPIRED"
function task:onExpire(fn) end

--- Tells how many milliseconds are left until the host ends this task.
---@return number ms math.huge while its budget does not run, 0 when it has ended
function task:remaining() end

-- -- Durable work -------------------------------------------------------------

--- What run(ctx) is given.
---@class farside.ctx
---@field id integer
---@field kind string
---@field input any as it was enqueued
---@field checkpoint any what was saved last; an empty table before
---@field attempt integer from 1 up
---@field key string the same in each attempt, and of no other work
---@field parents table<integer, any> what those of `after` have returned, by their ids
---@field unique? string
---@field slotMs? integer which slot of periodic work this is, in milliseconds since 1970
local ctx = {}

--- Keeps a checkpoint: the next run goes on from there.
---@param value any what JSON can hold, up to 1 MiB
---@return true? ok
---@return string? message
---@return farside.status? name "STALE", "FULL", "READONLY", "CORRUPT" or "STORE"
function ctx:save(value) end

--- Tells how far it is; cheap, and may be lost.
---@param value any what JSON can hold, up to 1 MiB
---@return true? ok
---@return string? message
---@return farside.status? name as ctx:save()
function ctx:progress(value) end

--- Tells whether the run has to come to an end now.
---@return boolean stopping
function ctx:stopping() end

--- Says that this attempt has failed: `return ctx:retry()`.
---@param delay? farside.duration when it is tried again; without one the rules decide
---@param why? string
function ctx:retry(delay, why) end

--- Says that it has failed for good: `return ctx:fail "the account is gone"`.
---@param why? string
function ctx:fail(why) end

---@class farside.retry_rules
---@field max? integer attempts that may fail; default 10
---@field base? farside.duration the first delay; default "30s"
---@field cap? farside.duration the longest delay; default "5h"
---@field policy? "exponential"|"linear"|"fixed"
---@field jitter? number from 0 to 1; default 0.2

---@class farside.kind
---@field run fun(ctx: farside.ctx): any
---@field timeout? farside.duration of one run; default "10m"
---@field retry? farside.retry_rules
---@field crashes? integer in how many runs in a row the app may die; default 3
---@field aliases? string[] older names of the kind

---@class farside.needs
---@field network? "none"|"connected"|"unmetered"
---@field charging? boolean
---@field batteryOk? boolean
---@field storageOk? boolean
---@field idle? boolean

---@class farside.enqueue_options
---@field unique? string of those that share it one runs at a time
---@field existing? "keep"|"replace"|"update"|"append"|"append_or_replace"|"debounce"
---@field delay? farside.duration not before then
---@field deadline? farside.duration failed by then
---@field needs? farside.needs
---@field priority? integer from -10 to 10
---@field group? string groups have their turns one after the other
---@field tags? string[] at most 16
---@field expedited? "or_normal"|"or_drop"|boolean
---@field after? integer|integer[] it waits for those
---@field onParentFail? "fail"|"run"|"hold"
---@field keep? farside.duration how long it is remembered; default "7d"
---@field durable? boolean default true

---@class farside.periodic_options
---@field every? farside.duration
---@field flex? farside.duration
---@field cron? string "0 3 * * 1-5"
---@field zone? string of cron
---@field missed? "once"|"skip"|"all"
---@field existing? "update"|"keep"|"replace"
---@field immediate? boolean
---@field input? any
---@field needs? farside.needs
---@field priority? integer
---@field group? string
---@field tags? string[]
---@field keep? farside.duration
---@field durable? boolean

--- What was asked for and could not be had.
---@class farside.work_effective
---@field everyMs? integer
---@field flexMs? integer
---@field timeoutMs? integer
---@field retryBaseMs? integer
---@field retryCapMs? integer
---@field expedited? boolean

---@class farside.work_receipt
---@field state farside.work_state
---@field existing boolean it was there already
---@field runAtMs? integer
---@field effective farside.work_effective

---@alias farside.work_state
---| "enqueued"
---| "running"
---| "blocked"
---| "succeeded"
---| "failed"
---| "cancelled"

---@class farside.work_filter
---@field state? farside.work_state
---@field kind? string
---@field unique? string
---@field group? string
---@field tag? string

---@class farside.work_period
---@field everyMs? integer
---@field flexMs? integer
---@field cron? string
---@field zone? string
---@field missed "once"|"skip"|"all"
---@field slotMs integer
---@field slotsMissed integer

--- A unit of durable work.
---@class farside.work
---@field id integer
---@field kind string
---@field state farside.work_state
---@field reason? string
---@field why? string
---@field unique? string
---@field group? string
---@field tags string[]
---@field needs farside.needs
---@field priority integer
---@field expedited? string
---@field attempts integer
---@field crashes integer
---@field stops integer
---@field runs integer
---@field generation integer
---@field enqueuedAtMs integer
---@field sinceMs? integer
---@field runAtMs? integer
---@field deadlineMs? integer
---@field parentsOpen? integer
---@field periodic? farside.work_period
---@field input? any
---@field checkpoint? any
---@field progress? any
---@field output? any

---@class farside.past_run
---@field attempt integer
---@field outcome "running"|"succeeded"|"retry"|"failed"|"stopped"|"crashed"|"cancelled"
---@field why? string
---@field begunAtMs integer
---@field endedAtMs? integer
---@field slotMs? integer

---@class farside.obstacle
---@field what "time"|"need"|"parents"|"no_handler"|"unique"|"busy"|"app"|"ended"
---@field text string
---@field need? string
---@field sinceMs? integer
---@field untilMs? integer

---@class farside.explanation
---@field text string all of it as a sentence
---@field [integer] farside.obstacle

--- Says how work of a kind runs.
---@param kind string
---@param options farside.kind
function BackgroundTask.define(kind, options) end

--- Writes a unit of work to the store: it runs when its time has come, whatever is killed in between.
---@param kind string
---@param input? any what JSON can hold, up to 1 MiB
---@param options? farside.enqueue_options
---@return integer? id
---@return farside.work_receipt|string info
---@return farside.status? name "UNSUPPORTED", "NOWORK", "LIMIT", "FULL", "READONLY", "CORRUPT" or "STORE"
function BackgroundTask.enqueue(kind, input, options) end

--- Writes work that is enqueued again after each run.
---@param name string its unique name
---@param kind string
---@param options farside.periodic_options
---@return integer? id
---@return farside.work_receipt|string info
---@return farside.status? name as BackgroundTask.enqueue()
function BackgroundTask.periodic(name, kind, options) end

--- One of these.
---@class farside.cancel_which
---@field id? integer
---@field unique? string
---@field tag? string
---@field group? string
---@field kind? string
---@field all? boolean

--- Cancels what has not ended.
---@param which farside.cancel_which
---@return integer? count
---@return string? message
---@return farside.status? name "NOWORK", or as BackgroundTask.enqueue()
function BackgroundTask.cancel(which) end

--- Tells what is known of a unit.
---@param id integer
---@return farside.work? work
---@return string? message
---@return farside.status? name "NOWORK"
function BackgroundTask.get(id) end

---@class farside.query_filter: farside.work_filter
---@field limit? integer default 100, at most 1000
---@field after? integer the id to go on behind

--- Lists units of this script, oldest first.
---@param filter? farside.query_filter
---@return farside.work[]? work
---@return string? message
---@return farside.status? name
function BackgroundTask.query(filter) end

--- Lists the runs of a unit, the newest first.
---@param id integer
---@return farside.past_run[]? runs
---@return string? message
---@return farside.status? name "NOWORK"
function BackgroundTask.history(id) end

--- Tells everything that stands in the way of a unit.
---@param id integer
---@return farside.explanation? explanation
---@return string? message
---@return farside.status? name "NOWORK"
function BackgroundTask.explain(id) end

---@class farside.watch_filter: farside.work_filter
---@field id? integer

--- Calls a function when something has changed, once that is in the store.
---@param filter? farside.watch_filter
---@param fn fun(work: farside.work)
---@return farside.handle handle
function BackgroundTask.watch(filter, fn) end

--- Gives work that has failed or was cancelled another chance.
---@param id integer
---@return true? ok
---@return string? message
---@return farside.status? name "INVALID", "NOWORK", or as BackgroundTask.enqueue()
function BackgroundTask.redrive(id) end

--- Forgets what has ended and nobody waits for.
---@return integer? count
---@return string? message
---@return farside.status? name
function BackgroundTask.prune() end

-- -- Storage ------------------------------------------------------------------

--- Values that survive the app; each script has its own.
---@class farside.Storage
local Storage = {}

--- Reads a value; nil where there is none.
---@param key string
---@return any value
---@return string? message
---@return farside.status? name
function Storage.get(key) end

--- Tells whether there is a value.
---@param key string
---@return boolean? has
---@return string? message
---@return farside.status? name
function Storage.has(key) end

--- Keeps a value: it survives a kill and a loss of power when this returns.
---@param key string of 1 to 1024 bytes
---@param value any what JSON can hold, up to 1 MiB
---@return true? ok
---@return string? message
---@return farside.status? name "UNSUPPORTED", "FULL", "READONLY", "CORRUPT" or "STORE"
function Storage.set(key, value) end

--- Takes a value away.
---@param key string
---@return boolean? was_there
---@return string? message
---@return farside.status? name
function Storage.remove(key) end

--- Lists the keys that begin with a prefix, in the order of their bytes.
---@param prefix? string
---@return string[]? keys
---@return string? message
---@return farside.status? name
function Storage.keys(prefix) end

--- Takes away all values of this script.
---@return true? ok
---@return string? message
---@return farside.status? name
function Storage.clear() end

--- Calls a function whose changes are kept all together, or not at all where it raises an error.
---@param fn fun(...: any): ...
---@param ... any handed to the function
---@return any ... what the function returns
function Storage.transaction(fn, ...) end

-- -- Http ---------------------------------------------------------------------

--- What is asked for.
---@class farside.http_options
---@field url string
---@field method? "GET"|"HEAD"|"POST"|"PUT"|"PATCH"|"DELETE"|"OPTIONS" default: as the function is called, or "GET"
---@field headers? table<string, string|number>
---@field body? string what is sent
---@field json? any a value that is sent
---@field file? string a file that is sent, or that a download becomes
---@field offset? integer where to begin in the file
---@field timeout? farside.duration for all of it; default: none
---@field connectTimeout? farside.duration until there is a connection; default "30s"
---@field stallTimeout? farside.duration for how long nothing may move; default "60s"
---@field maxBytes? integer the longest body that is kept in memory; default 8 MiB
---@field redirects? integer how many are followed, up to 50; default 10
---@field resume? boolean|"range"|"tus" of a download: goes on where it was cut off; default true. Of an upload: how
---the server is asked what it has; default: not at all
---@field partBytes? integer of an upload with resume: the most that one request sends
---@field onProgress? fun(progress: farside.http_progress)

--- How far a transfer has come, in bytes of its bodies.
---@class farside.http_progress
---@field sent integer
---@field toSend integer
---@field received integer
---@field toReceive? integer

--- What has come of a request; an answer of any status is one.
---@class farside.http_response
---@field status integer
---@field headers table<string, string> names in lower case
---@field url string where it came from in the end
---@field body? string of all but a download that is done
---@field json? fun(): any, string?, farside.status? the body as a value
---@field file? string of a download that is done
---@field bytes? integer likewise

---@alias farside.http_fn fun(response?: farside.http_response, message?: string, name?: farside.status)

--- Requests that end with the task they belong to.
---@class farside.Http
local Http = {}

--- Asks for something: waits in a coroutine, or calls a function.
---@param options farside.http_options|string
---@param fn? farside.http_fn
---@return (farside.http_response|integer)? response or an id, with a function
---@return string? message
---@return farside.status? name
function Http.request(options, fn) end

--- The same; the method is GET.
---@param options farside.http_options|string
---@param fn? farside.http_fn
---@return (farside.http_response|integer)? response
---@return string? message
---@return farside.status? name
function Http.get(options, fn) end

--- The same; the method is POST.
---@param options farside.http_options|string
---@param fn? farside.http_fn
---@return (farside.http_response|integer)? response
---@return string? message
---@return farside.status? name
function Http.post(options, fn) end

--- The same; the method is PUT.
---@param options farside.http_options|string
---@param fn? farside.http_fn
---@return (farside.http_response|integer)? response
---@return string? message
---@return farside.status? name
function Http.put(options, fn) end

--- Writes what comes to a file, and goes on where it was cut off.
---@param options farside.http_options with `file`
---@param fn? farside.http_fn
---@return (farside.http_response|integer)? response
---@return string? message
---@return farside.status? name
function Http.download(options, fn) end

--- Sends a file, and with `resume` goes on from where the server has it.
---@param options farside.http_options with `file`
---@param fn? farside.http_fn
---@return (farside.http_response|integer)? response
---@return string? message
---@return farside.status? name
function Http.upload(options, fn) end

--- Ends a request that has a function.
---@param id integer
---@return boolean was_there
function Http.cancel(id) end

-- -- Files --------------------------------------------------------------------

--- What a script downloads and uploads, in a folder of its own.
---@class farside.Files
local Files = {}

--- Lists the names, sorted.
---@return string[]? names
---@return string? message
---@return farside.status? name
function Files.list() end

--- Tells how long a file is.
---@param name string
---@return integer? bytes
---@return string? message
---@return farside.status? name
function Files.size(name) end

--- Reads a file, or a part of it.
---@param name string
---@param from? integer counted from zero
---@param count? integer
---@return string? text
---@return string? message
---@return farside.status? name
function Files.read(name, from, count) end

--- Writes a file: all of it is there, or what was there before.
---@param name string
---@param text string
---@return true? ok
---@return string? message
---@return farside.status? name
function Files.write(name, text) end

--- Removes a file.
---@param name string
---@return boolean? was_there
---@return string? message
---@return farside.status? name
function Files.remove(name) end

-- -- Log ----------------------------------------------------------------------

--- What a script has to say.
---@class farside.Log
local Log = {}

--- Writes an entry of level debug to the timeline.
---@param ... any joined as print does it
function Log.debug(...) end

--- Writes an entry of level info to the timeline, as print does in a hosted script.
---@param ... any joined as print does it
function Log.info(...) end

--- Writes an entry of level warn to the timeline.
---@param ... any joined as print does it
function Log.warn(...) end

--- Writes an entry of level error to the timeline.
---@param ... any joined as print does it
function Log.error(...) end

-- -- The module ---------------------------------------------------------------

--- A plugin of the engine's: its methods are the engine's choice. A method takes a
--- value, and a function to be called with the answer if it is not to wait.
---@class farside.EnginePlugin
---@field addListener fun(event: string, fn: fun(value: any)): farside.handle
---@field addEventListener fun(event: string, fn: fun(value: any)): farside.handle
---@field once fun(event: string, fn: fun(value: any)): farside.handle
---@field removeAllListeners fun(event?: string)
---@field [string] fun(...): any, string?, string?

---@class farside.Plugins
---@field App farside.App
---@field BackgroundTask farside.BackgroundTask
---@field Log farside.Log
---@field Storage farside.Storage
---@field Http farside.Http
---@field Files farside.Files

--- Where a Lua app works while nobody is looking.
---@class farside
---@field version string such as "0.1.0"
---@field name string what this script is called among its host's
---@field Plugins farside.Plugins
local farside = {}

--- Calls a function once, after some milliseconds.
---@param fn fun(...: any)
---@param ms? number milliseconds; at the soonest after 1
---@param ... any handed to the function
---@return integer id
function farside.setTimeout(fn, ms, ...) end

--- Calls a function every so many milliseconds, until it is cleared.
---@param fn fun(...: any)
---@param ms? number milliseconds; at the least 1
---@param ... any handed to the function
---@return integer id
function farside.setInterval(fn, ms, ...) end

--- Cancels a timer; harmless for nil and for one that has fired.
---@param id? integer
function farside.clearTimeout(id) end

--- The same function as farside.clearTimeout.
---@param id? integer
function farside.clearInterval(id) end

--- Suspends the running coroutine for some milliseconds, while others go on.
---@param ms number milliseconds
---@return true? ok
---@return string? message
---@return farside.status? name "INTERRUPTED"
function farside.sleep(ms) end

--- Calls a function with `done`, and suspends the running coroutine until somebody calls that.
---@param start fun(done: fun(...: any))
---@return any ... what done was given
function farside.await(start) end

--- Drives the loop in plain Lua until the app has ended or nothing is left to wait for.
---@return true? ok
---@return string? message
---@return farside.status? name "EXPIRED", "BUSY" or "SYSTEM"
function farside.run() end

--- What a script uses and may use; a limit that is off is math.huge.
---@class farside.usage
---@field memoryBytes integer its memory now
---@field memoryPeakBytes integer the most that it ever was
---@field memoryLimitBytes number
---@field cpuMs integer what its turns have computed, in milliseconds of the processor
---@field turnLimitMs number
---@field taskLimitMs number
---@field messages integer those that wait for it
---@field messageLimit number

--- Sends a copy of a value to another script, or to the host, "host".
---@param to string the name of a script
---@param value any nil, booleans, numbers, strings, and tables of them
---@return true? ok
---@return string? message
---@return farside.status? name "NOSCRIPT", "LIMIT", "UNSUPPORTED" or "NOMEM"
function farside.postMessage(to, value) end

--- Opens the file in which durable work is kept; in plain Lua only.
---@param path? string without one it is kept in memory
---@return true? ok
---@return string? message
---@return farside.status? name "DENIED", "BUSY", "LOCKED", "NEWER", "NOFILE", "READONLY" or "STORE"
function farside.openStore(path) end

--- In plain Lua: luv, on the loop that farside.run() drives; call it before anybody requires luv.
---@return table? luv
---@return string? message
---@return farside.status? name "UNSUPPORTED", "BUSY" or "NOFILE"
function farside.loop() end

--- Lists the names of all scripts of this host, in the order of loading.
---@return string[] names
function farside.scripts() end

--- Tells what this script uses, and what it may use.
---@return farside.usage usage
function farside.usage() end

-- -- Globals of a hosted script -----------------------------------------------

--- farside.setTimeout: calls a function once, after some milliseconds.
---@param fn fun(...: any)
---@param ms? number milliseconds; at the soonest after 1
---@param ... any handed to the function
---@return integer id
function setTimeout(fn, ms, ...) end

--- farside.setInterval: calls a function every so many milliseconds, until it is cleared.
---@param fn fun(...: any)
---@param ms? number milliseconds; at the least 1
---@param ... any handed to the function
---@return integer id
function setInterval(fn, ms, ...) end

--- farside.clearTimeout: cancels a timer; harmless for nil and for one that has fired.
---@param id? integer
function clearTimeout(id) end

--- farside.clearInterval: the same function as clearTimeout.
---@param id? integer
function clearInterval(id) end

-- -- farside.device -----------------------------------------------------------

--- What `require "farside.device"` gives: simulated phones, for specs and plans.
---@class farside.device
local device = {}

---@class farside.device_options
---@field os? farside.os the rules; default "ios"
---@field seed? integer from what is drawn what the OS leaves open; default 42
---@field policy? "random"|"earliest"|"latest"|"never" how it is drawn; default "random"
---@field network? farside.network default "wifi"
---@field battery? number its charge, from 0 to 1; default 1
---@field timeZone? string a place, or a TZ of POSIX; default "UTC"
---@field grace? farside.duration how long open tasks have at the end; default: as the profile says
---@field launchUrl? string what App.getLaunchUrl() answers
---@field limits? string what the app may use: "memory=8MB,turn=100ms"
---@field trust? boolean the full libraries of Lua, instead of the sandbox
---@field ram? string how much memory the phone has: "256MB"; default: as the profile says
---@field allow? string[] rules that may be broken: { "BG10" }
---@field http? string[] URL patterns that the app may talk to; default: none
---@field plugins? table<string, table<string, farside.plugin_method>> the app's plugins
---@field strict? boolean a warning fails assert.no_violations too

--- What a plugin's method of a phone does; returning nothing, it answers later.
---@alias farside.plugin_method fun(value: any, answer: farside.plugin_answer): ...

---@class farside.plugin_answer
---@field resolve fun(value?: any): true?, string?, farside.status?
---@field reject fun(message?: string, name?: string): true?, string?, farside.status?

--- One entry of the timeline.
---@class farside.entry
---@field t integer milliseconds since the phone was opened
---@field what farside.what
---@field level "debug"|"info"|"warn"|"error"
---@field state farside.app_state
---@field script? string the script's name
---@field task? integer the task's id
---@field work? integer the id of durable work
---@field name? string the task's name, or the kind of the work
---@field where? string where the task was begun, or the script stopped: "app.lua:12"
---@field why? string a sentence, a log message or a traceback
---@field rule? string of a violation: "BG01"
---@field severity? "error"|"warning" likewise
---@field outcome? farside.outcome likewise

--- What the OS does when a rule is broken.
---@class farside.outcome
---@field kind "none"|"warning"|"throttle"|"refusal"|"rejection"|"kill"
---@field code? string as the reports of the OS have it: "0x2182bad2"
---@field os? farside.os which OS that is; in phone:violations() only
---@field what? string in words; likewise

--- A rule that is broken, at one place of the script.
---@class farside.violation
---@field rule string "BG01"
---@field title string
---@field severity "error"|"warning"
---@field isFailure boolean whether it fails a simulation
---@field t integer when it was broken first, on the phone's clock
---@field last integer when it was broken last
---@field count integer how often
---@field script? string
---@field task? integer
---@field name? string the task's name
---@field where? string "app.lua:12"
---@field why string a sentence about this case
---@field outcome farside.outcome
---@field advice string what to do instead

--- One task, open or ended, as the timeline tells it.
---@class farside.past_task
---@field taskId integer
---@field name? string
---@field origin string where exec was called: "app.lua:12"
---@field state farside.task_state
---@field beganAt integer milliseconds on the phone's clock
---@field endedAt? integer milliseconds on the phone's clock

--- Opens a phone, on which no app runs yet.
---@param options? farside.device_options
---@return farside.phone phone
function device.open(options) end

--- A phone with one app, in virtual time; in a `<close>` variable it closes itself.
---@class farside.phone
local phone = {}

--- What apps that are launched from now on may do besides, as `--grant`.
---@param what { http: string[]? } URL patterns
function phone:grant(what) end

--- What apps that are launched from now on find as Plugins.NAME, as an engine would offer it.
---@param name string
---@param methods table<string, farside.plugin_method> said again, they take the place of those before
function phone:plugin(name, methods) end

--- The user starts the app: loads a script from a file.
---@param path? string default: the last one, or the SCRIPT of the command line
---@param ... string the script's arguments
---@return farside.app? app
---@return string? message
---@return farside.status? name "BUSY", "NOFILE", "SYNTAX", "SCRIPT", "KILLED", "DENIED", "INVALID" or "NOMEM"
function phone:launch(path, ...) end

--- The user starts the app: loads a script from a string.
---@param code string
---@param name? string shown in messages; default "app.lua"
---@return farside.app? app
---@return string? message
---@return farside.status? name "BUSY", "SYNTAX", "SCRIPT", "KILLED" or "NOMEM"
function phone:run(code, name) end

--- The user presses the home button: the app goes to the background.
function phone:pressHome() end

--- The user comes back to the app, which is launched anew when it is gone.
---@return (true|farside.app)? ok
---@return string? message
---@return farside.status? name as of phone:launch
function phone:openApp() end

--- Lets virtual time pass, and everything happen that is due on the way.
---@param duration farside.duration|integer a duration, or milliseconds
function phone:advance(duration) end

--- The OS kills the app without a word to it.
---@param why? string for the timeline
function phone:kill(why) end

--- The user ends the app, which hears of it unless it is suspended.
function phone:quit() end

--- Tells the app what happened, as an engine does.
---@param event farside.event any but "launch"
---@param json? string one JSON object
---@return true? ok
---@return string? message
---@return farside.status? name "INVALID" or "NOMEM"
function phone:post(event, json) end

--- The screen goes off: the app in front goes to the background.
function phone:lock() end

--- The user unlocks the phone: the app that was in front comes back.
function phone:unlock() end

--- Another app is on top: the app is inactive, and not in the background.
function phone:cover() end

--- The same as phone:cover().
function phone:openAppSwitcher() end

--- Nothing is on top of the app any more.
function phone:uncover() end

--- The user ends the app by force.
function phone:swipeAway() end

--- The phone is switched off and on, and is locked.
function phone:reboot() end

--- Something opens a URL of the app's, which is launched or comes to the front.
---@param url string printable ASCII without quotes and backslashes
---@return true? ok
---@return string? message
---@return farside.status? name as of phone:launch
function phone:openUrl(url) end

--- A push arrives that shows nothing and wakes the app.
---@return true? ok
---@return string? message
---@return farside.status? name "LIMIT" or "DENIED"
function phone:push() end

--- Connects the phone, or cuts it off.
---@param name farside.network
function phone:setNetwork(name) end

--- The network comes and goes for a while.
---@param duration farside.duration
function phone:flap(duration) end

--- Sets the charge of the battery.
---@param charge number from 0 to 1
function phone:setBattery(charge) end

--- The charger is plugged in.
function phone:plug() end

--- The charger is unplugged.
function phone:unplug() end

--- Switches low power mode.
---@param isOn boolean
function phone:setLowPower(isOn) end

--- Storage is low, or no more.
---@param isLow boolean
function phone:setStorageLow(isLow) end

--- The user's switch for waking the app in the background.
---@param isOn boolean
function phone:setBackgroundRefresh(isOn) end

--- The phone is carried about, or lies still.
---@param isMoving boolean
function phone:setMoving(isMoving) end

--- The OS is short of memory: the app hears memoryWarning, or is killed asleep.
---@param level? "moderate"|"low"|"critical" default "critical"
function phone:lowMemory(level) end

--- Moves the clock on the wall, which timers do not see.
---@param step string|integer a duration that may have a sign, or milliseconds
function phone:setClock(step) end

--- Says what local time is for the app.
---@param name string a place such as "Europe/Berlin", or a TZ of POSIX
function phone:setTimeZone(name) end

--- Lets time pass until the clock on the wall next shows a time of day.
---@param time string "07:02" or "07:02:30"
---@param fn? fun(phone: farside.phone) called then
function phone:at(time, fn) end

---@class farside.wake_options
---@field kind? farside.wake_kind default "refresh"
---@field after? farside.duration at the soonest; default at once
---@field network? boolean it needs a network
---@field charging? boolean it needs a charger

--- Asks the OS to wake the app, as an app does.
---@param options farside.wake_options
---@return true? ok
---@return string? message
---@return farside.status? name "LIMIT"
function phone:scheduleWake(options) end

--- Takes back the requests of a kind.
---@param kind? farside.wake_kind default "refresh"
function phone:cancelWake(kind) end

--- What a phone is like at an instant.
---@class farside.world
---@field network farside.network
---@field battery number
---@field isPlugged boolean
---@field isLowPower boolean
---@field isStorageLow boolean
---@field isLocked boolean
---@field isMoving boolean
---@field isCovered boolean
---@field isForceQuit boolean the user has ended the app: it is not woken
---@field wasUnlocked boolean since the phone was switched on
---@field backgroundRefresh boolean
---@field doze "off"|"light"|"light window"|"deep"|"deep window"
---@field bucket "active"|"working"|"frequent"|"rare"|"restricted"
---@field timeZone string
---@field utcOffset integer seconds east of Greenwich
---@field isSummerTime boolean
---@field wallMs integer milliseconds since 1970

--- Tells what the phone is like now.
---@return farside.world world
function phone:world() end

--- Lists the durable work of all its scripts.
---@param filter? farside.work_filter
---@return farside.work[] work
function phone:work(filter) end

--- Tells what stands in the way of that work.
---@param id integer
---@return farside.explanation? explanation
---@return string? message
---@return farside.status? name "NOWORK"
function phone:explain(id) end

--- What a request looks like to a function that answers it.
---@class farside.http_asked
---@field method string
---@field url string
---@field headers table<string, string>
---@field body string its first 16 MiB
---@field bytes integer
---@field isPartial boolean it was cut off: nobody hears the answer

--- How a request is answered.
---@class farside.http_answer
---@field status? integer from 200 to 599; default 200
---@field headers? table<string, string>
---@field body? string
---@field size? integer|string bytes of the body: behind `body` come zeros
---@field latency? farside.duration|farside.duration[] or between two
---@field rate? string "200KB/s"; default: at once
---@field fail? number how often nobody listens, from 0 to 1
---@field dropAfter? integer|string bytes behind which the connection is gone
---@field stallAfter? integer|string bytes behind which nothing moves any more
---@field tls? "expired"|"untrusted"|"host"
---@field error? "resolve"|"connect"|"reset"
---@field times? integer how often the rule answers
---@field answer? fun(request: farside.http_asked): farside.http_answer?

--- Says what answers the requests of the app; the newest comes first.
---@param pattern string "PUT https://api.example.com/*"; without a method: any
---@param answer farside.http_answer|fun(request: farside.http_asked): farside.http_answer?
function phone:respond(pattern, answer) end

--- Tells the app that something has happened to one of its plugins.
---@param plugin string
---@param event string
---@param value? any
---@param isRetained? boolean whether it waits for its first listener
function phone:notify(plugin, event, value, isRetained) end

--- Lists what happened, or only what begins with a word.
---@param what? farside.what|string
---@return farside.entry[] entries
function phone:timeline(what) end

--- Lists all tasks since the phone was opened, ended ones too.
---@return farside.past_task[] tasks
function phone:tasks() end

--- Tells in which state the app is now.
---@return farside.app_state state
function phone:state() end

--- Lists which rules the app has broken, each cause once.
---@return farside.violation[]
function phone:violations() end

--- The system takes its time back: the end of all open tasks is announced now.
function phone:expire() end

--- Says how long each turn of the tasks of a name computes; without a name, of all others.
---@param name string|farside.duration
---@param cost? farside.duration
---@overload fun(self: farside.phone, cost: farside.duration)
function phone:setCost(name, cost) end

--- Tells the phone's time.
---@return integer ms milliseconds since it was opened
function phone:now() end

--- Gives the fingerprint of the timeline so far.
---@return string hash 16 hexadecimal digits
function phone:hash() end

--- Closes the phone; raises an error when the app still has a task open.
function phone:close() end

--- A view of the phone's app, as phone:launch and phone:run give it.
---@class farside.app
local app = {}

--- Lists all tasks since the phone was opened: phone:tasks().
---@return farside.past_task[] tasks
function app:tasks() end

--- Tells in which state the app is now: phone:state().
---@return farside.app_state state
function app:state() end

-- -- Plans and specs ----------------------------------------------------------

--- In a plan, which also has a global `phone`: notes a failure when the value is
--- false or nil, and goes on. Returns its arguments.
---@type fun(value: any, message?: string, ...: any): ...: any
expect = nil

--- What `require "farside.busted"` adds to luassert.
---@class luassert
---@field finished fun(task: farside.past_task, phone?: farside.phone)
---@field task_state fun(task: farside.past_task, state: farside.task_state, phone?: farside.phone)
---@field no_leaks fun(phone: farside.phone)
---@field no_violations fun(phone: farside.phone)

return farside
