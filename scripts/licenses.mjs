// Whose code is in dist/, with their licences, which want to go with it: of the primary's side, the flame graph and the page.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { out } from './out.mjs';

/** `modules`: the paths of all files that a bundler took. */
export function writeLicenses(modules) {
  const folders = new Set();
  for (const id of modules) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|$)/i.test(each));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const head = 'tutti contains code of these packages.\n';
  writeFileSync(
    join(out, 'THIRD-PARTY-LICENSES.txt'),
    [head, ...new Set(texts.sort())].join(`\n${'-'.repeat(80)}\n\n`),
  );
}
