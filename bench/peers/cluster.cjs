// Hand-written node:cluster, as most people write it. POLICY=none shares the handle, anything else is round-robin.
const cluster = require('node:cluster');

cluster.schedulingPolicy = process.env.POLICY === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  require(process.env.SERVER);
}
