// A spec for busted, in TypeScript.

import '@farside/core/busted';
import { open, type Os } from '@farside/core/device';

const systems: Os[] = ['ios', 'android', 'strict'];

for (const os of systems) {
  describe(`finish_later.ts on ${os}`, () => {
    it('finishes its task 20 s after it was left', () => {
      const phone = open({ os, seed: 7 });
      const app = phone.launch('build/finish_later.lua');
      assert(app);
      phone.advance('5s');
      phone.pressHome();
      phone.advance('1m');
      const [task] = app.tasks();
      assert.finished(task, phone);
      assert.equal('src/finish_later.ts:5', task.origin);
      assert.equal(20000, task.endedAt! - task.beganAt);
      assert.no_leaks(phone);
      assert.no_violations(phone);
      phone.close();
    });
  });
}
