// A program of its own that uses the library: argv[2] holds the options; messages { id, method, args } call the handle.
// Events are printed as JSON lines, as `tutti run --json` does.
import { supervise } from '../../dist/index.js';

const app = supervise({ signals: true, ...JSON.parse(process.argv[2]) });

app.on('event', (event) => console.log(JSON.stringify(event)));
app.ready.catch((error) => console.error(error.message));

process.on('message', async ({ id, method, args }) => {
  try {
    const value = method === 'inspect' ? inspect() : await app[method](...args);
    process.send({ id, value });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});

const { code } = await app.stopped;
process.exitCode = code;
process.disconnect();

/** What must not grow: the resources that keep a loop alive, the listeners of shared emitters, and the heap. */
function inspect() {
  globalThis.gc?.();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const listeners = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
  return { resources, listeners, heapUsedBytes: process.memoryUsage().heapUsed };
}
