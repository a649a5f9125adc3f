const { createRequire } = require('node:module');
const throng = createRequire(`${process.env.PEERS}/package.json`)('throng');

throng({ worker: () => require(process.env.SERVER), count: Number(process.env.WORKERS), lifetime: Infinity });
