import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { dashboardAssets, dashboardHeaders } from '../../../src/dashboard/assets.ts';
import { plainText } from '../../../src/dashboard/page/state/plain-text.ts';

test('the page is index.html at /, and only what carries a hash is kept by browsers', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'assets/index-abc.js'), '1');
  writeFileSync(join(folder, 'notes.txt'), 'not a part of the page');
  const assets = dashboardAssets(folder);
  assert.deepEqual(
    { ...assets('/'), body: null },
    { contentType: 'text/html; charset=utf-8', body: null, cacheSeconds: 0 },
  );
  assert.ok((assets('/assets/index-abc.js')?.cacheSeconds ?? 0) > 1e7);
  for (const path of ['/index.html', '/notes.txt', '/../package.json', '/assets/../index.html', '//', '']) {
    assert.equal(assets(path), null, path);
  }
});

test('without a built page there is none, and nothing fails', () => {
  assert.equal(dashboardAssets(join(tmpdir(), 'there-is-no-such-folder'))('/'), null);
});

test('the policy allows nothing inline and nobody else', () => {
  const policy = dashboardHeaders['content-security-policy'] ?? '';
  assert.match(policy, /^default-src 'none'/);
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
});

test('all of the page is smaller than 100 kB on its way', (t) => {
  const assets = dashboardAssets(fileURLToPath(new URL('../../../dist/dashboard/page', import.meta.url)));
  const html = assets('/');
  if (!html) return t.skip('the page is not built');
  const text = Buffer.from(html.body).toString('utf8');
  const paths = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1] ?? '');
  assert.ok(paths.length >= 3);
  let bytes = gzipSync(html.body).length;
  for (const path of paths) {
    const asset = assets(path);
    assert.ok(asset, path);
    bytes += gzipSync(asset.body).length;
  }
  assert.ok(bytes < 100_000, `${bytes} bytes`);
});

test('plainText() takes out what is meant for a terminal and nothing else', () => {
  const esc = String.fromCharCode(27);
  assert.equal(plainText(`${esc}[1;32mgreen${esc}[0m [not] 100% ${esc}[2K`), 'green [not] 100% ');
  assert.equal(plainText(`${esc}]8;;http://x${String.fromCharCode(7)}link${esc}]8;;${esc}\\`), 'link');
  assert.equal(plainText('<b>&amp;</b>\tÄ 日本'), '<b>&amp;</b>\tÄ 日本');
  assert.equal(plainText(`a${String.fromCharCode(0)}b\r`), 'ab');
});
