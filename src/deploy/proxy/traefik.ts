// A file for Traefik's file provider, with a router and a service for each app. Pure.

import { yaml } from '../container/quote.ts';
import { type ExportFile, exportFile } from '../export-file.ts';
import { type Front, placesOf } from './front.ts';

export function traefikFile(fronts: readonly Front[]): ExportFile {
  return exportFile('traefik', 'traefik.yaml', 'for the folder that Traefik’s file provider watches', [
    'http:',
    '  routers:',
    ...fronts.flatMap(({ label, domain }) => [
      `    ${yaml(label)}:`,
      `      rule: ${rule(domain)}`,
      `      service: ${yaml(label)}`,
      `      middlewares: [${label}-retry]`,
    ]),
    '  middlewares:',
    ...fronts.flatMap(({ label }) => [
      `    ${label}-retry:`,
      '      # What could not be handed over goes to the next place.',
      '      retry: { attempts: 3, initialInterval: 50ms }',
    ]),
    '  services:',
    ...fronts.flatMap((front) => [
      `    ${yaml(front.label)}:`,
      '      loadBalancer:',
      `        serversTransport: ${yaml(front.label)}`,
      ...sticky(front),
      '        servers:',
      ...placesOf(front).map((place) => `          - url: http://${place}`),
    ]),
    '  serversTransports:',
    ...fronts.flatMap(({ label, idleSeconds }) => [
      `    ${yaml(label)}:`,
      '      # Traefik gives an idle connection up before the app does, whose keepAliveTimeout is longer.',
      `      forwardingTimeouts: { dialTimeout: 2s, idleConnTimeout: ${idleSeconds}s }`,
    ]),
  ]);
}

/** It takes `*` for a letter of the name. */
function rule(domain: string): string {
  if (!domain.startsWith('*.')) return `Host(\`${domain}\`)`;
  return `HostRegexp(\`^.+${domain.slice(1).replaceAll('.', '\\.')}$\`)`;
}

/** It knows a client by a cookie of its own only. */
function sticky(front: Front): string[] {
  if (front.sticky === null) return [];
  return [
    '        # A client gets a cookie, and meets the same place with it.',
    `        sticky: { cookie: { name: tutti_${front.label}, httpOnly: true, sameSite: lax } }`,
  ];
}
