// The site of a Caddyfile for an app. Pure.

import { type ExportFile, exportFile } from '../export-file.ts';
import { type Front, placesOf } from './front.ts';

export function caddyFile(fronts: readonly Front[]): ExportFile {
  return exportFile('caddy', 'Caddyfile', 'for /etc/caddy/, or to import there', [
    '# WebSockets need no setting, and certificates come by themselves.',
    ...fronts.flatMap((front) => ['', ...site(front)]),
  ]);
}

function site(front: Front): string[] {
  const { domain, idleSeconds } = front;
  return [
    `${domain} {`,
    `\treverse_proxy ${placesOf(front).join(' ')} {`,
    ...policy(front).map((line) => `\t\t${line}`),
    '\t\t# A place that cannot be reached is not the end: the next one is tried for so long. What was sent is repeated only if it is a GET.',
    '\t\tlb_try_duration 5s',
    '\t\tlb_try_interval 50ms',
    '\t\ttransport http {',
    '\t\t\tdial_timeout 2s',
    '\t\t\t# Caddy gives an idle connection up before the app does, whose keepAliveTimeout is longer.',
    `\t\t\tkeepalive ${idleSeconds}s`,
    '\t\t}',
    '\t}',
    '}',
  ];
}

/** A cookie is always one that Caddy sets itself. */
function policy({ sticky, label }: Front): string[] {
  switch (sticky?.by) {
    case 'address':
      return ['# The same client meets the same place.', 'lb_policy ip_hash'];
    case 'own-cookie':
      return ['# A client gets a cookie, and meets the same place with it.', `lb_policy cookie tutti_${label}`];
    case 'header':
      return ['# Requests with the same header meet the same place.', `lb_policy header ${sticky.name}`];
    default:
      return [];
  }
}
