// Whether a program forks workers of its own. Under tutti it runs as a worker (cluster.isWorker), so what its primary branch does –
// fork, schedule, listen, collect – never happens, and nothing else would tell.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const loadsCluster = /(?:require\(\s*|from\s*|import\(\s*)['"](?:node:)?cluster['"]/;
const forks = /\bfork\s*\(|\bsetup(?:Primary|Master)\s*\(/;
/** Packages that do it for their caller. */
const wrapper = /(?:require\(\s*|from\s*|import\(\s*)['"](throng|recluster|cluster-master|sticky-cluster)['"]/;

/** What to tell of the program in this file: nothing if it does not fork, or cannot be read. */
export function selfClusteringWarnings(entry: string): string[] {
  let text: string;
  try {
    text = readFileSync(entry, 'utf8');
  } catch {
    return [];
  }
  const name = wrapper.exec(text)?.[1];
  if (name === undefined && !(loadsCluster.test(text) && forks.test(text))) return [];
  const how = name === undefined ? 'node:cluster' : name;
  return [
    `${basename(entry)} forks workers of its own with ${how}. Under tutti only its worker branch runs, in every worker, and its primary branch never does. Name the file that the workers run, or run the app with node alone`,
  ];
}
