// server.ts on every core, through the library. `tutti run server.ts` does the same without this file.
import { fileURLToPath } from 'node:url';
import { supervise } from 'tutti';

const app = supervise({ entry: fileURLToPath(new URL('server.ts', import.meta.url)), signals: true });
app.on('event', (event) => console.error(event.type, 'pid' in event ? event.pid : ''));
const { code, reason } = await app.stopped;
console.error(`stopped: ${reason}`);
process.exitCode = code;
