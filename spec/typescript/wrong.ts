// Each line that is marked must not compile, and each other must.

import { App, BackgroundTask, Http, Plugins, Storage, type Duration } from '@farside/core';
import { open } from '@farside/core/device';

const { Log } = Plugins;
const id = BackgroundTask.exec((task) => { task.finish(); }, { budget: '20s', name: 'fine' });
BackgroundTask.finish({ taskId: id });
BackgroundTask.finish({ taskId: 7 }); // error 2322
BackgroundTask.finish(); // error 2554
BackgroundTask.finish({}); // error 2345
BackgroundTask.finish({ taskId: setTimeout(() => {}, 1) }); // error 2322
BackgroundTask.exec(); // error 2554
BackgroundTask.exec(() => {}, { budget: 20 }); // error 2322
BackgroundTask.exec(() => {}, { budget: '20' }); // error 2322
BackgroundTask.exec(() => {}, { bugdet: '20s' }); // error 2561
const long: Duration[] = ['1h30m', '1d2h3m', '500ms', '1.5h'];
App.addListener('appStateChanged', () => {}); // error 2345
App.addListener('appStateChange', (state) => { state.active; }); // error 2551
App.addListener('pause', 7); // error 2345
App.on('pause', () => {}); // error 2339
BackgroundTask.define('k', { run: async (ctx) => ctx.retry('1m', 'busy'), timeout: 60 }); // error 2322
BackgroundTask.define('k', { run: async (ctx) => { await ctx.save({ at: 1 }); } });
BackgroundTask.enqueue('k', {}, { needs: { network: 'wifi' } }); // error 2322
BackgroundTask.enqueue('k', {}, { existing: 'append', needs: { network: 'unmetered' } });
BackgroundTask.cancel({}); // error 2345
BackgroundTask.get(7); // error 2345
Http.get({ url: 'https://example.com/', timeout: 5 }); // error 2322
Http.download('https://example.com/'); // error 2345
Http.download({ url: 'https://example.com/', file: 'a.zip' });
Storage.set('key', undefined); // error 2345
Log.trace('x'); // error 2339
open({ os: 'windows' }); // error 2322
open().setNetwork('5g'); // error 2345
open().advance('1m');
clearTimeout(id); // error 2345
setTimeout('code', 1); // error 2345
App.addEventListener('terminate', ({ graceMs }) => { Log.info(graceMs, long); });
