// Errors and origins point at this file.

import { App, BackgroundTask } from '@farside/core';
import { fail } from './parts/fail';

App.addListener('pause', () => {
  const anything: any = undefined;
  console.log(anything.field);
});

App.addListener('resume', () => {
  fail('from another file');
});

BackgroundTask.exec(
  () => {
    BackgroundTask.exec((task) => { task.finish(); });
  },
  { name: 'kept open' },
);

setTimeout(() => {
  let n = 0;
  for (;;) { n++; }
}, 2000);
