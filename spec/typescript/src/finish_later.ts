import { Plugins } from '@capacitor/core';
const { App, BackgroundTask } = Plugins;
App.addEventListener('appStateChange', (state) => {
  if (!state.isActive) {
    let taskId = BackgroundTask.exec(async () => {
      setTimeout(() => { BackgroundTask.finish({ taskId }); }, 20000);
    });
  }
})
