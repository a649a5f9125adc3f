// What scripts/node-suite.mjs compares with: node:cluster by hand. node bare-primary.cjs FILE [flag …]
const cluster = require('node:cluster');
const path = require('node:path');

const [exec, ...flags] = process.argv.slice(2);
cluster.setupPrimary({ exec, execArgv: [...flags, '--require', path.join(__dirname, 'bare-worker.cjs')], args: [] });
cluster.fork().on('exit', (code) => process.exit(code ?? 1));
