// Node: node bench/peers/node.js KIND COUNT [N]
const { EventEmitter } = require("node:events");
const kind = process.argv[2];
const count = Number(process.argv[3]);
const n = Number(process.argv[4]);
let done = 0;

// What all threads of the process have computed.
const began = process.cpuUsage();
process.on("exit", () => {
  const used = process.cpuUsage(began);
  console.log(`ns\t${((used.user + used.system) * 1e3) / count}`);
  console.log(`check\t${done}`);
});

const kinds = {
  // setImmediate(), a thousand at a time.
  tasks() {
    const batch = 1000;
    const work = () => {
      done++;
      if (done % batch === 0 && done < count) begin();
    };
    const begin = () => {
      for (let i = 0; i < batch; i++) setImmediate(work);
    };
    begin();
  },

  // All timers are set, for the milliseconds of apps/timers.lua, and fire.
  timers() {
    const spreadMs = 500;
    let seed = 42;
    const fire = () => {
      done++;
    };
    for (let i = 0; i < count; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      setTimeout(fire, 1 + ((seed >> 16) % spreadMs));
    }
  },

  // One event to n listeners; `count` calls in all.
  listeners() {
    const app = new EventEmitter();
    app.setMaxListeners(0);
    for (let i = 0; i < n; i++) app.on("memoryWarning", () => done++);
    for (let i = 0; i < count / n; i++)
      app.emit("memoryWarning", { level: "low" });
  },
};

kinds[kind]();
