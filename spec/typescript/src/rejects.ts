// What goes wrong in Promises, and who hears of it.

import { App, BackgroundTask, sleep } from '@farside/core';

async function broken(what: string): Promise<void> {
  await sleep(5);
  throw new Error(what);
}

async function brokenAtOnce(what: string): Promise<void> {
  throw new Error(what);
}

void brokenAtOnce('in the main chunk');
void broken('floating');

setTimeout(async () => { await broken('in a timer'); }, 100);

App.addListener('pause', async () => { await brokenAtOnce('in a listener'); });

BackgroundTask.exec(async () => { await broken('in a task'); }, { name: 'fails' });
BackgroundTask.exec(async () => { await brokenAtOnce('at once in a task'); }, { name: 'fails at once' });
BackgroundTask.exec(() => { throw new Error('thrown in a task'); }, { name: 'throws' });

// Somebody listens: nothing is reported of these.
void brokenAtOnce('heard').catch(() => {});
BackgroundTask.exec(async (task) => {
  for (const listen of [
    () => Promise.all([brokenAtOnce('heard by all'), sleep(1)]),
    () => Promise.any([brokenAtOnce('heard by any'), sleep(1).then(() => 1)]).then(() => broken('after any')),
    () => Promise.race([broken('heard by race'), sleep(100)]),
    () => sleep(1).then(() => brokenAtOnce('heard by then')),
    () => Promise.reject('heard as text'),
  ]) {
    try {
      await listen();
    } catch (e) {
      console.log('caught', e instanceof Error ? e.message : e);
    }
  }
  const all = await Promise.allSettled([brokenAtOnce('heard by allSettled'), sleep(1)]);
  console.log(all.map((one) => one.status).join(' '));
  task.finish();
}, { name: 'catches' });
