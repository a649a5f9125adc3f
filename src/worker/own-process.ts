// The process object as it was before the application's code, which can put another in the place of the global one. Runs in the worker.
// (Not by `import process from 'node:process'`: the bundler makes a copy of it for that, with a hundred getters.)
export const process = globalThis.process;
