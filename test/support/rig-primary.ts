// A primary of its own, for tests that kill it: starts one worker (WorkerOptions as JSON in the argument) and says in one line
// which process it is and where it listens. SIGUSR2 has it drain the worker; it says when that is done, and orders no end.

import { RigWorker, type WorkerOptions } from './worker-rig.ts';

const worker = new RigWorker(JSON.parse(process.argv[2] ?? '{}') as WorkerOptions);
process.on('SIGUSR2', async () => {
  await worker.beginDrain();
  process.stdout.write('draining\n');
  await worker.input('worker-drained');
  process.stdout.write('drained\n');
});
// Last: whoever reads this line may send the signal at once.
process.stdout.write(`${JSON.stringify({ pid: worker.pid, port: await worker.port() })}\n`);
// Lives until it is killed.
setInterval(() => {}, 2 ** 30);
