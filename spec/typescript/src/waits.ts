// async and await over sleep, Http, durable work and Storage, in a task.

import { BackgroundTask, FarsideError, Http, Log, Storage, sleep } from '@farside/core';

interface Photo { path: string }

BackgroundTask.define<Photo>('upload', {
  timeout: '1m',
  retry: { base: '30s', max: 3 },
  run: async (ctx) => {
    await ctx.save({ step: 1 });
    await sleep(2000);
    if (ctx.attempt === 1) {
      throw new Error(`attempt ${ctx.attempt} of ${ctx.input.path}`);
    }
    await ctx.progress(0.5);
    return { done: ctx.checkpoint.step };
  },
});

BackgroundTask.exec(async (task) => {
  const slept = await Promise.all([sleep(20).then(() => 'long'), sleep(10).then(() => 'short')]);
  Log.info('slept', ...slept);

  const answer = await Http.get('https://api.example.com/list');
  Log.info(answer.status, answer.json<{ names: string[] }>().names.join('+'));
  try {
    await Http.post({ url: 'https://api.example.com/broken', json: { a: 1 }, timeout: '5s' });
  } catch (e) {
    if (e instanceof FarsideError) {
      Log.info('caught', e.code, e.name);
    }
  }

  const { id, existing } = await BackgroundTask.enqueue('upload', { path: 'cat.jpg' }, { unique: 'cat' });
  Log.info('enqueued', existing, BackgroundTask.get(id).state);
  try {
    BackgroundTask.get((id + 1) as typeof id);
  } catch (e) {
    Log.info('caught', (e as FarsideError).code);
  }

  Storage.set('settings', { theme: 'dark' });
  Log.info(Storage.get<{ theme: string }>('settings')?.theme, Storage.get('nothing') === undefined);
  Log.info('kept', Storage.transaction(() => { Storage.set('n', 7); return Storage.get<number>('n'); }));
  BackgroundTask.watch({ id }, (work) => { Log.info('work is', work.state); });
  Log.info('finished', task.finish(), task.finish());
}, { name: 'waits', budget: '20s', onExpire: async (task) => { await sleep(1); task.finish(); } });
