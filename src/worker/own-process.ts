// The process object, taken before the application runs, which may replace the global. Runs in the worker.
// (Not `import process from 'node:process'`: the bundler turns that into a copy with a hundred getters.)
export const process = globalThis.process;
