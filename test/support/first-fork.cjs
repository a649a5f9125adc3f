// Loaded before everything else in a primary: writes which of Node's own modules are there when the first worker is forked.
const cluster = require('node:cluster');
const { writeFileSync } = require('node:fs');

const { setupPrimary } = cluster;
cluster.setupPrimary = function first(...args) {
  cluster.setupPrimary = setupPrimary;
  writeFileSync(process.env.LOADED_FILE, process.moduleLoadList.join('\n'));
  return setupPrimary.apply(this, args);
};
