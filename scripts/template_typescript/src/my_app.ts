// Saves what is not saved yet when the app goes to the background.
//
//   npm run build
//   farside simulate build/my_app.lua --os strict     a simulated phone
//   farside run build/my_app.lua                      here; press Ctrl-Z

import { App, BackgroundTask, sleep, type Task } from '@farside/core';

const PARTS = 10;
const PART_MS = 500; // How long one part takes to be saved.

let saved = 0; // The checkpoint: how many parts are safe.

async function savePart() {
  await sleep(PART_MS); // Here one part would be written.
  saved++;
}

async function save(task: Task) {
  let outOfTime = false;
  task.onExpire(() => { outOfTime = true; });
  while (saved < PARTS && !outOfTime) {
    await savePart();
  }
  console.log(`${saved} of ${PARTS} parts are saved`);
  task.finish(); // Otherwise the app is held awake until its time is up.
}

App.addListener('pause', () => {
  if (saved < PARTS) {
    BackgroundTask.exec((task) => save(task), { name: 'save' });
  }
});
