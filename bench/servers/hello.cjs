// The unmodified server that every contestant runs. Without a route it answers at once; the routes are for single measurements.
const http = require('node:http');

const bodies = new Int32Array(new SharedArrayBuffer(4));
http
  .createServer((request, response) => {
    switch (request.url) {
      case '/block': // holds this process's loop for 1.5 s after the answer is out
        response.end(String(process.pid));
        setTimeout(() => Atomics.wait(bodies, 0, 0, 1500), 20);
        return;
      case '/work': {
        // about 1 ms of computing
        let sum = 0;
        for (let i = 0; i < 700_000; i++) sum = (sum + i * i) % 1_000_003;
        response.end(String(sum));
        return;
      }
      case '/slow':
        setTimeout(() => response.end(String(process.pid)), 200);
        return;
      case '/crash':
        setTimeout(() => {
          throw new Error('a request that kills');
        }, 1);
        return;
      case '/memory':
        response.end(JSON.stringify(process.memoryUsage()));
        return;
      default:
        response.setHeader('content-type', 'text/plain');
        response.end(String(process.pid));
    }
  })
  .listen(Number(process.env.PORT ?? 8000));
