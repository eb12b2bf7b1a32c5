// A plugin of an engine's, with types of its own.

import { Plugins, type EnginePlugin, type FarsideError } from '@farside/core';

declare module '@farside/core' {
  interface PluginRegistry {
    Score: EnginePlugin & {
      submit(this: void, value: { points: number }): Promise<{ rank: number }>;
      submit(this: void, value: { points: number }, fn: (this: void, answer?: { rank: number }) => void): true;
    };
  }
}

const { BackgroundTask, Score } = Plugins;

Score.addListener('beaten', (by: string) => { console.log('beaten by', by); });
BackgroundTask.exec(async (task) => {
  console.log((await Score.submit({ points: 7 })).rank);
  try {
    await Score.submit({ points: -1 });
  } catch (e) {
    console.log((e as FarsideError).code, (e as FarsideError).message);
  }
  Score.submit({ points: 8 }, (answer) => {
    console.log('called with', answer?.rank);
    task.finish();
  });
});
