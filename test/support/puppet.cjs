// Preloaded into supervisors by NODE_OPTIONS: signals one of two at one step of an upgrade, or one at a step of its own, which the file
// TUTTI_TEST_PUPPET names as `<side> <moment> <message> <victim> [<signal>]`; without a signal it is KILL. The file is gone when that has happened.
//
//   old: the supervisor that is upgraded, next: its successor; `sends`: before a message is on its way, `sent`: when it is, `hears`: before it is
//   taken in. And one: any supervisor, by what it says to a worker and hears from it.

'use strict';

const { readFileSync, rmSync } = require('node:fs');
const childProcess = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');

const orders = process.env.TUTTI_TEST_PUPPET;
const isSupervisor = /background\.js$/.test(process.argv[1] ?? '');

if (orders !== undefined && isSupervisor) {
  if (process.env.TUTTI_TAKEOVER !== undefined) {
    // Later it is the old one of another upgrade, and its parent may have been dead for long.
    const old = process.ppid;
    watch(process, 'next', () => old);
  }
  const { fork, spawn } = childProcess;
  // Before node:cluster takes it.
  childProcess.fork = (...args) => {
    const child = fork(...args);
    watch(child, 'one', () => child.pid);
    return child;
  };
  childProcess.spawn = (program, args, options) => {
    const child = spawn(program, args, options);
    if (options?.env?.TUTTI_TAKEOVER !== undefined) watch(child, 'old', () => child.pid);
    return child;
  };
  syncBuiltinESMExports();
}

/** `end`: this side's end of the channel. */
function watch(end, side, other) {
  const { emit, send } = end;
  end.emit = function heard(event, message, ...rest) {
    if (event === 'message' || event === 'internalMessage') at(side, 'hears', message, other);
    return emit.call(this, event, message, ...rest);
  };
  end.send = function said(message, ...rest) {
    at(side, 'sends', message, other);
    const isSent = send.call(this, message, ...rest);
    at(side, 'sent', message, other);
    return isSent;
  };
}

function at(side, moment, message, other) {
  let order;
  try {
    order = readFileSync(orders, 'utf8').split(' ');
  } catch {
    return;
  }
  if (order.slice(0, 3).join() !== [side, moment, message?.tutti ?? message?.cmd].join()) return;
  rmSync(orders);
  process.kill(order[3] === side ? process.pid : other(), order[4] ?? 'SIGKILL');
}
