// Imported for its effect: what the tests of this file start through the library, or with their own environment, keeps its sockets,
// tokens and incidents in a folder of this file's own, so that test files can run side by side and leave nothing in the home of
// whoever runs them.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-home-')));
process.env.TUTTI_HOME = home;
process.env.TUTTI_ALLOW_ROOT = 'true';
process.on('exit', () => rmSync(home, { recursive: true, force: true }));
