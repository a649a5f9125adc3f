// The page in a real Chromium, in front of a real supervisor with real workers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { needsBrowser, openPage } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startLoad } from '../support/load.ts';
import { Releases } from '../support/releases.ts';
import { type Rig, type RigOptions, startRig } from '../support/rig.ts';

async function startServed(options: Partial<RigOptions> = {}, admin?: number): Promise<{ rig: Rig; admin: number }> {
  const port = admin ?? (await freePort());
  const flags = { workers: 2, name: 'shop', admin: port, ...options.flags };
  const rig = await startRig({ fixture: 'hello.cjs', ...options, flags });
  // The app does not wait for its page.
  await eventually('the page can be asked for', async () => (await fetch(`http://127.0.0.1:${port}/livez`)).ok);
  return { rig, admin: port };
}

function tokenOf(rig: Rig): string {
  return readFileSync(join(rig.environment().TUTTI_HOME ?? '', 'run/shop.token'), 'utf8').trim();
}

async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** Opens the dialog of a command, confirms it and gives the token if it is asked for. */
async function command(page: Page, rig: Rig, name: string, confirm = name): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: confirm, exact: true }).click();
  const token = page.getByLabel('Token', { exact: true });
  const asked = await token.waitFor({ timeout: 500 }).then(
    () => true,
    () => false,
  );
  if (asked) await giveToken(page, tokenOf(rig));
}

test('it fits every width in both themes, asks nobody else and complains about nothing', needsBrowser, async () => {
  const { rig, admin } = await startServed();
  await using _ = rig;
  const html = await (await fetch(`http://127.0.0.1:${admin}/`)).text();
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/, 'nothing inline');
  for (const theme of ['light', 'dark'] as const) {
    for (const width of [360, 820, 1440]) {
      await using view = await openPage(admin, { width, theme });
      const { page } = view;
      await page.getByRole('heading', { name: 'shop' }).waitFor();
      await page.getByText('2 of 2 ready').waitFor();
      assert.equal(await page.locator('.worker').count(), 2);
      const layout = await page.evaluate(() => {
        const out = [...document.querySelectorAll('main *, header *')].filter((element) => {
          const { right, left, width } = element.getBoundingClientRect();
          return width > 0 && (right > innerWidth + 1 || left < -1) && !element.closest('svg, .uplot, pre');
        });
        const commands = [...document.querySelectorAll('.masthead-commands button')];
        return {
          tooWide: document.documentElement.scrollWidth - innerWidth,
          out: out.map((element) => element.className),
          background: getComputedStyle(document.body.parentElement as HTMLElement).backgroundColor,
          smallest: Math.min(...commands.map((button) => button.getBoundingClientRect().height)),
        };
      });
      assert.equal(layout.tooWide, 0, `${width} ${theme}`);
      assert.deepEqual(layout.out, [], `${width} ${theme}`);
      if (width < 600) assert.ok(layout.smallest >= 44, 'buttons a finger can hit');
      const [lightness = 0] = /[\d.]+/.exec(layout.background)?.map(Number) ?? [];
      assert.equal(lightness > 0.5, theme === 'light', layout.background);
      assert.deepEqual(view.complaints, []);
    }
  }
});

test('a reload under load is watched to its end, and nothing is lost', needsBrowser, async () => {
  const { rig, admin } = await startServed({ flags: { 'canary-time': '500ms' } });
  await using _ = rig;
  await using load = await startLoad({ port: rig.port, keepAlive: 8, fresh: 4 });
  await using view = await openPage(admin);
  const { page } = view;
  await load.more(100);
  await command(page, rig, 'Reload');
  const panel = page.getByRole('region', { name: 'Reload' });
  await panel.waitFor();
  await panel.getByText('gen 2').first().waitFor();
  await page.getByText('serves everywhere').first().waitFor({ timeout: 60_000 });
  await page.locator('.notice.good', { hasText: 'Reload done' }).waitFor();
  await eventually('all cards to be of the new generation', async () => {
    const generations = await page.locator('.worker .generation').allTextContents();
    return generations.length === 2 && generations.every((text) => text === 'gen 2');
  });
  const rate = page.locator('.figure', { hasText: 'Requests' }).locator('.figure-value');
  await eventually('the rate to be shown', async () => Number((await rate.textContent())?.replace(/[,k]/g, '')) > 0);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.deepEqual(view.complaints, []);
});

test('a refused deploy stays on the page until a reload succeeds, and nothing lies over it', needsBrowser, async () => {
  using releases = new Releases().deploy('1');
  const { rig, admin } = await startServed({ fixture: releases.entry });
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  releases.write('1', 'throws-on-boot.cjs');
  await command(page, rig, 'Reload');
  const refusal = page.getByRole('alert', { name: 'Refused deploy' });
  const isWhole = async () => {
    await refusal.getByText('2 of 2 workers run the old code (generation 1)').waitFor();
    await refusal.getByText('boom on boot').first().waitFor();
    assert.match((await refusal.locator('pre').textContent()) ?? '', /server\.cjs:\d+:\d+\n[\s\S]*> +\d+ \| .*throw/);
    await refusal.getByText('a worker that dies now is started from what is there').waitFor();
    await page.getByRole('status').getByText('deploy refused').waitFor();
  };
  await isWhole();
  assert.equal(await page.locator('.notice').count(), 0);
  assert.deepEqual(await page.locator('.worker .generation').allTextContents(), ['gen 1', 'gen 1']);
  await page.reload();
  await isWhole();
  assert.equal(await page.getByRole('region', { name: 'Reload' }).count(), 0);

  releases.write('1', 'hello.cjs');
  await command(page, rig, 'Reload');
  await page.getByText('serves everywhere').first().waitFor({ timeout: 60_000 });
  await refusal.waitFor({ state: 'detached' });
  assert.deepEqual(
    view.complaints.filter((text) => !text.includes('409 (Conflict)')),
    [],
  );
});

test(
  'a notice lies at the end of the page, where all that is under it can be scrolled away from it',
  needsBrowser,
  async () => {
    const { rig, admin } = await startServed();
    await using _ = rig;
    await using view = await openPage(admin, { height: 500 });
    const { page } = view;
    await command(page, rig, 'Recycle slot 0', 'Recycle');
    await page.locator('.notice.good', { hasText: 'Recycle of slot 0 done' }).waitFor();
    const isClear = await page.evaluate(() => {
      scrollTo(0, document.documentElement.scrollHeight);
      const [main, notices] = ['main', '.notices'].map((name) => document.querySelector(name)?.getBoundingClientRect());
      return (main?.bottom ?? 0) <= (notices?.top ?? 0);
    });
    assert.ok(isClear);
  },
);

test('a killed worker is seen in less than two seconds', needsBrowser, async () => {
  const { rig, admin } = await startServed();
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  const [victim = 0] = rig.ready();
  await page.getByText(`pid ${victim} ·`).waitFor();
  const killed = performance.now();
  process.kill(victim, 'SIGKILL');
  await page.getByText(`(pid ${victim}) was killed from outside`).waitFor();
  const seenMs = performance.now() - killed;
  assert.ok(seenMs < 2_000, `seen after ${seenMs} ms`);
  await page.locator('.worker', { hasText: '1 restart' }).waitFor();
  await page.getByText(`pid ${victim} ·`).waitFor({ state: 'detached' });
  assert.deepEqual(view.complaints, []);
});

test('a worker is recycled and the app is scaled from the page', needsBrowser, async () => {
  const { rig, admin } = await startServed();
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  const before = rig.ready();
  await command(page, rig, 'Recycle slot 0', 'Recycle');
  await page.locator('.notice.good', { hasText: 'Recycle of slot 0 done' }).waitFor();
  assert.equal(rig.ready().filter((pid) => before.includes(pid)).length, 1);

  await page.getByRole('button', { name: 'Scale', exact: true }).click();
  await page.getByRole('button', { name: 'One more' }).click();
  await page.getByRole('button', { name: 'Scale to 3' }).click();
  await page.locator('.worker[data-slot="2"]').getByText('ready').waitFor();
  assert.deepEqual(view.complaints, []);
});

test('a profile of a serving worker is saved as a file', needsBrowser, async () => {
  const { rig, admin } = await startServed();
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  await page.getByRole('button', { name: 'Profile slot 1' }).click();
  await page.getByLabel('Seconds').fill('1');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Record' }).click();
  await giveToken(page, tokenOf(rig));
  const file = await download;
  assert.equal(file.suggestedFilename(), 'slot-1.cpuprofile');
  const profile: unknown = JSON.parse(readFileSync(await file.path(), 'utf8'));
  assert.ok(typeof profile === 'object' && profile !== null && 'nodes' in profile);
  await page.locator('.notice.good', { hasText: 'Profile of slot 1 saved' }).waitFor();
  assert.deepEqual(view.complaints, []);
});

test('an incident is shown with its stack', needsBrowser, async () => {
  const { rig, admin } = await startServed({ fixture: 'shop.cjs' });
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  await rig.fetch('/crash').catch(() => {});
  const incident = page.locator('.incident');
  await incident.getByText("Cannot read properties of undefined (reading 'price')").first().waitFor();
  await incident.locator('summary').click();
  await incident.locator('pre', { hasText: 'shop.cjs' }).waitFor();
  assert.deepEqual(view.complaints, []);
});

test('the token is asked once, a wrong one again, and all of it works by keyboard', needsBrowser, async () => {
  const { rig, admin } = await startServed();
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  for (let tab = 0; tab < 10 && (await focused()) !== 'Reload'; tab += 1) await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Reload');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Reload', 'the focus is where it was');

  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Reload' }).press('Enter');
  await page.getByLabel('Token', { exact: true }).fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('That token was not accepted.').waitFor();
  await page.getByLabel('Token', { exact: true }).fill(tokenOf(rig));
  await page.keyboard.press('Enter');
  await page.locator('.notice.good', { hasText: 'Reload done' }).waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), [], 'the token is not kept for other tabs');
});

test('it survives the end of the supervisor and shows the next one', needsBrowser, async () => {
  const { rig, admin } = await startServed();
  await using first = rig;
  await using view = await openPage(admin);
  const { page } = view;
  await page.getByText(String(first.pid)).first().waitFor();
  await first.end();
  await page.getByText('no connection').waitFor();
  const { rig: second } = await startServed({}, admin);
  await using _ = second;
  await page.getByText('2 of 2 ready').waitFor();
  await page.getByText('The supervisor was started anew.').waitFor();
  await page.locator('.masthead-facts', { hasText: String(second.pid) }).waitFor();
  assert.deepEqual(
    view.complaints.filter((text) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(text)),
    [],
  );
});

test('log lines are text, whatever is in them', needsBrowser, async () => {
  const { rig, admin } = await startServed({ fixture: 'writes-markup.cjs', flags: { 'log-file': 'app.log' } });
  await using _ = rig;
  await using view = await openPage(admin);
  const { page } = view;
  await rig.fetch('/');
  const log = page.getByRole('log');
  await log.getByText('<img src=x onerror="window.hacked=true">').first().waitFor();
  await log.getByText('green and plain').first().waitFor();
  assert.equal(await log.locator('img, b, script').count(), 0);
  assert.equal(await page.evaluate(() => 'hacked' in window), false);
  assert.doesNotMatch((await log.textContent()) ?? '', new RegExp(String.fromCharCode(27)));

  await page.getByLabel('Show only lines with this text').fill('green');
  await eventually('the filter to hold', async () => {
    const shown = await log.locator('.log-text').allTextContents();
    return shown.length > 0 && shown.every((text) => text.includes('green'));
  });
  assert.deepEqual(view.complaints, []);
});
