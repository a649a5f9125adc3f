// A CPU profile as a page of its own: a flame graph in one HTML file that needs nothing else. Runs in the CLI.

import { readFileSync } from 'node:fs';

export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  timeDeltas: number[];
}

interface Flame {
  name: string;
  place: string;
  /** Microseconds, those of the children included. */
  value: number;
  children: Flame[];
}

export function flameGraphHtml(profile: CpuProfile, title: string): string {
  const script = readFileSync(new URL('./flame/flame.js', import.meta.url), 'utf8');
  const style = readFileSync(new URL('./flame/flame.css', import.meta.url), 'utf8');
  // In a script element nothing but its end tag has a meaning.
  const data = JSON.stringify(flameTree(profile)).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #1f2430; background: #fff; }
h1 { font-size: 1.1rem; font-weight: 600; margin: 0 0 .75rem; }
header { display: flex; gap: .75rem; flex-wrap: wrap; align-items: center; margin-bottom: .75rem; }
input, button { font: inherit; padding: .3rem .6rem; border: 1px solid #c9cdd6; border-radius: 6px; background: #fff; }
#details { min-height: 1.5rem; color: #4b5263; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<header>
<input id="search" type="search" placeholder="Find a function" aria-label="Find a function">
<button id="reset" type="button">Show all</button>
<span id="details" role="status"></span>
</header>
<div id="chart"></div>
<script type="application/json" id="profile">${data}</script>
<script>${script.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}

/** Time by stack, idle time left out. Recursion stays as deep as it was. */
export function flameTree(profile: CpuProfile): Flame {
  const own = new Map<number, number>();
  profile.samples.forEach((id, i) => {
    own.set(id, (own.get(id) ?? 0) + Math.max(0, profile.timeDeltas[i] ?? 0));
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const build = (id: number): Flame | null => {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === '(idle)') return null;
    const children = (node.children ?? []).map(build).filter((flame) => flame !== null && flame.value > 0) as Flame[];
    const value = (own.get(id) ?? 0) + children.reduce((sum, flame) => sum + flame.value, 0);
    const { functionName, url, lineNumber } = node.callFrame;
    return {
      name: functionName || '(anonymous)',
      place: url === '' ? '' : `${url}:${lineNumber + 1}`,
      value,
      children,
    };
  };
  const [root] = profile.nodes;
  return (root && build(root.id)) ?? { name: '(root)', place: '', value: 0, children: [] };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
