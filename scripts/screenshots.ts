// Takes the pictures of the page that README and docs show, from the real product under load:  node --import tsx scripts/screenshots.ts
// Needs a built dist/ and a Chromium.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPage, type View, type ViewOptions } from '../test/support/browser.ts';
import { freePort } from '../test/support/free-port.ts';
import { startLoad } from '../test/support/load.ts';
import { root, startRig } from '../test/support/rig.ts';

const images = join(root, 'docs/images');
mkdirSync(images, { recursive: true });

const admin = await freePort();
await using rig = await startRig({
  fixture: 'shop.cjs',
  flags: { name: 'shop', workers: 4, admin, 'log-file': 'shop.log', 'log-format': 'json', 'canary-time': '2s' },
});
await using load = await startLoad({
  port: rig.port,
  keepAlive: 24,
  fresh: 4,
  gets: true,
  thinkMs: 30,
  freshThinkMs: 60,
});
const token = readFileSync(join(rig.environment().TUTTI_HOME ?? '', 'run/shop.token'), 'utf8').trim();

// A history that is worth looking at: some minutes of load, a deploy and a crash.
await load.more(9_000);
await rig.reload();
await load.more(5_000);
await rig.fetch('/crash').catch(() => {});
await load.more(120_000);

for (const theme of ['light', 'dark'] as const) {
  await picture(`page-${theme}`, { theme, width: 1280, height: 1120 });
  await picture(`page-${theme}-phone`, { theme, width: 390, height: 844, scale: 2 });
}
await picture('page-reload', { theme: 'light', width: 1280, height: 560 }, async ({ page }) => {
  await page.evaluate((value) => sessionStorage.setItem('tutti-token', value), token);
  await page.getByRole('button', { name: 'Reload', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reload' }).click();
  await page.getByText('replacing workers, new before old').waitFor();
  await page.locator('.reload-process.moving').first().waitFor();
});
await load.stop();

async function picture(name: string, options: ViewOptions, prepare?: (view: View) => Promise<void>): Promise<void> {
  await using view = await openPage(admin, options);
  await load.more(600);
  await prepare?.(view);
  await view.page.screenshot({ path: join(images, `${name}.png`) });
  console.log(`wrote docs/images/${name}.png`);
}
