import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { grafanaDashboard, grafanaExpressions } from '../../../scripts/docs/grafana.ts';
import { families } from '../../../src/metrics/families.ts';

const rulesPath = fileURLToPath(new URL('../../../docs/prometheus-alerts.yml', import.meta.url));
const storiesPath = fileURLToPath(new URL('./alerts.promtool.yml', import.meta.url));

interface Rules {
  groups: { name: string; rules: { alert?: string; record?: string; expr: string }[] }[];
}

/** False, and the test skipped, where promtool is not installed. */
function promtool(t: TestContext, ...args: string[]): boolean {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  if (error) {
    t.skip('promtool is not installed');
    return false;
  }
  assert.equal(status, 0, stdout + stderr);
  return true;
}

function namesIn(expr: string): string[] {
  return expr.match(/\btutti_\w+/g) ?? [];
}

function isPublished(name: string): boolean {
  if (name in families) return true;
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return base in families && families[base as keyof typeof families].type === 'histogram';
}

test('alert rules and dashboard ask only for metrics that exist', () => {
  const rules = parse(readFileSync(rulesPath, 'utf8')) as Rules;
  const alerts = rules.groups.flatMap((group) => group.rules.map((rule) => rule.expr));
  const names = [...alerts, ...grafanaExpressions()].flatMap(namesIn);
  assert.ok(names.length > 40);
  assert.deepEqual(
    names.filter((name) => !isPublished(name)),
    [],
  );
});

test('promtool accepts the alert rules', (t) => {
  promtool(t, 'check', 'rules', rulesPath);
});

test('the alerts come when they should, and not before', (t) => {
  promtool(t, 'test', 'rules', storiesPath);
});

test('Prometheus parses every expression of the dashboard', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const rules = grafanaExpressions().map((expr, index) => ({
    record: `panel_${index}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
  }));
  const file = join(folder, 'panels.yml');
  writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
  promtool(t, 'check', 'rules', file);
});

test('no panel of the dashboard lies over another', () => {
  const { panels } = JSON.parse(grafanaDashboard()) as {
    panels: { title: string; gridPos: { x: number; y: number; w: number; h: number } }[];
  };
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.equal(taken.get(`${x} ${y}`), undefined, title);
        taken.set(`${x} ${y}`, title);
      }
    }
  }
});
