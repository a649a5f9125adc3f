// Bundles the primary's side and the CLI into few CommonJS files. A supervisor is ready as soon as its workers are, so what it loads
// before it forks them must be little: 150 ES modules cost over 100 ms, and importing node:http from an ES module makes Node load undici,
// which is a fifth of the primary's memory on Node 24. The code keeps its names and lines, so that a stack trace can be read.
import { writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { out } from './out.mjs';

/** Programs of their own, and the library. */
const programs = ['bin', 'index', 'cli/background', 'config/evaluate', 'logs/workers/log-writer'];
/** What the process tests look at closely. Not published (package.json, `files`). */
const forTests = [
  'app/supervise',
  'app/surroundings',
  'config/app',
  'logs/workers/log-process',
  'logs/workers/read-log',
];

/** Loaded from node_modules, because most never need them and they are large. */
const external = [/^node:/, 'croner', 'jiti', 'yaml'];

const source = join(process.cwd(), 'src');

/** Answers the paths of the files that are in it. */
export async function bundle() {
  const build = await rolldown({
    input: Object.fromEntries([
      ...programs.map((name) => [name, `src/${name}.ts`]),
      ...forTests.map((name) => [`tests/${basename(name)}`, `src/${name}.ts`]),
    ]),
    platform: 'node',
    external,
    // Required by the option below: these files are not for others to import from, but for the doors.
    preserveEntrySignatures: 'allow-extension',
    plugins: [ownPlace, lazyNode],
    transform: { target: 'node20.19' },
  });
  const { output } = await build.write({
    dir: out,
    format: 'cjs',
    comments: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: chunkOf, debugName: 'what is loaded together' }],
    },
  });
  // The package's own type is module; what Node finds in here is not.
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  return output.flatMap(({ moduleIds = [] }) => moduleIds);
}

/** `import.meta.url` is what it was before the bundling: the place in dist/ that corresponds to the source file. */
const ownPlace = {
  name: 'own-place',
  transform(code, id) {
    if (!id.startsWith(source) || !code.includes('import.meta.url')) return null;
    return { code: code.replaceAll('import.meta.url', `__OWN_PLACE__(${JSON.stringify(relative(source, id))})`) };
  },
  renderChunk(code, { fileName }) {
    return code.replaceAll(/__OWN_PLACE__\("(.*?)"\)/g, (_call, file) => {
      const path = relative(dirname(fileName), file.replace(/\.ts$/, '.js'));
      return `require("node:url").pathToFileURL(require("node:path").join(__dirname, ${JSON.stringify(path)})).href`;
    });
  },
};

/**
 * Node's own large modules are loaded where they are used first: most primaries never use these. (An import that stands at the top of
 * a file says what the file is made of; it should not decide what a process pays for.)
 */
const lazyNode = {
  name: 'lazy-node',
  renderChunk(code) {
    const declaration = /^let (node_\w+) = require\("(node:(?:crypto|fs\/promises|http|module|tls|v8))"\);\n/gm;
    let lazy = code;
    for (const [line, name, module] of code.matchAll(declaration)) {
      // A default import is made into another object first; there it stays as it is.
      if (code.includes(`\n${name} = `)) continue;
      const used = new RegExp(`\\b${name}\\b`, 'g');
      lazy = lazy.replace(line, '').replaceAll(used, `require("${module}")`);
    }
    return lazy;
  },
};

/**
 * What `tutti run` needs before the first worker lies in three files, because loading a file costs more than the lines in it:
 * what is typed, what several commands need, and the supervisor itself. The rest lies where the bundler puts it.
 */
function chunkOf(id, graph) {
  const within = (entry) => closure(join(source, entry), graph).has(id);
  if (within('logs/workers/log-writer.ts')) return null;
  if (within('cli/compiled.ts')) return 'compiled';
  if (within('cli/program.ts')) return within('app/supervise.ts') ? 'common' : 'program';
  if (!within('cli/actions/run-foreground.ts')) return null;
  return ['cli/actions/show-status.ts', 'cli/actions/stop-apps.ts', 'cli/actions/start-apps.ts'].some(within)
    ? 'common'
    : 'primary';
}

const closures = new Map();

/** Everything that is loaded with a module, itself included. */
function closure(entry, graph) {
  const known = closures.get(entry);
  if (known !== undefined) return known;
  const found = new Set([entry]);
  for (const id of found) for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) found.add(imported);
  closures.set(entry, found);
  return found;
}
