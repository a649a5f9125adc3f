// A plain server. It knows nothing of processes, cores or tutti.
import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 8000);
const holdMs = Number(process.env.HOLD_MS ?? 300);

createServer((_request, response) => {
  setTimeout(() => response.end(`Hello world from process ${process.pid}.`), holdMs);
}).listen(port);
