// Load in the network of an engine, as the balancer in front of it would send it: node client.mjs TARGET. TARGET is an address, or the path of a file with one
// in each line, read anew twice a second, so that it learns late of what is gone. Keep-alive connections and new ones; ends when stdin does, and prints what it counted.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [, , target] = process.argv;
const result = { answered: 0, failed: {}, versions: {} };
let addresses = [];
let isOver = false;
const look = () => {
  try {
    addresses = target.includes('/') ? readFileSync(target, 'utf8').split('\n').filter(Boolean) : [target];
  } catch {
    // Not written yet.
  }
};
look();
const timer = setInterval(look, 500);
process.stdin.resume().once('end', () => {
  isOver = true;
});

const kept = new Agent({ keepAlive: true, maxSockets: 8 });
let turn = 0;
function one(path, agent) {
  const host = addresses[turn++ % addresses.length];
  return new Promise((done) => {
    const failed = (error) => {
      const code = `${error.code ?? error.message} ${path}${sent.reusedSocket ? ' kept' : ''}`;
      result.failed[code] = (result.failed[code] ?? 0) + 1;
      done();
    };
    const sent = request({ host, port: 3000, path, agent, timeout: 20_000 }, (response) => {
      let text = '';
      response.on('error', failed);
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => {
        result.answered += 1;
        const version = /"version":"(\w+)"/.exec(text)?.[1] ?? path;
        result.versions[version] = (result.versions[version] ?? 0) + 1;
        done();
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', failed);
    sent.end();
  });
}

async function client(path, agent, pauseMs) {
  while (!isOver) {
    if (addresses.length > 0) await one(path, agent);
    await new Promise((next) => setTimeout(next, pauseMs));
  }
}

await Promise.all([
  ...Array.from({ length: 6 }, () => client('/', kept, 5)),
  ...Array.from({ length: 3 }, () => client('/', false, 20)),
  ...Array.from({ length: 3 }, () => client('/slow', false, 5)),
]);
clearInterval(timer);
kept.destroy();
console.log(JSON.stringify(result));
process.exit(0);
