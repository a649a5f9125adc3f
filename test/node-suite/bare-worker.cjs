// A worker of node:cluster never ends by itself, a test has to: its channel is let go when its listen() calls had time to be answered.
const { execArgv, channel } = process;
execArgv.splice(execArgv.indexOf('--require'), 2);
setTimeout(() => channel?.unref(), 500);
