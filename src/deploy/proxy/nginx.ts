// The configuration with which nginx stands in front of an app. Pure. docs/deploy/nginx.md says what was measured with it.

import { type ExportFile, exportFile } from '../export-file.ts';
import { type Front, placesOf } from './front.ts';

/** Idle connections that each process of nginx keeps. */
const KEPT = 64;
/** With two, a request can meet two connections in a row that a worker which died has left behind: 1 of 41,000 under kills. */
const LEAST_ROWS = 4;

export function nginxFile(front: Front): ExportFile {
  const { app, label, domain, idleSeconds } = front;
  return exportFile('nginx', `${app}.conf`, 'what nginx includes: /etc/nginx/conf.d/', [
    ...stickyMaps(front),
    '# A WebSocket is passed on as one; everything else keeps its connection to the app.',
    `map $http_upgrade $tutti_${label}_connection {`,
    "    '' '';",
    '    default upgrade;',
    '}',
    '',
    `upstream tutti_${label} {`,
    ...stickyHash(front),
    ...servers(front),
    '    # Connections that each process of nginx keeps for the next request. nginx gives an idle one up before the app does: the app’s',
    '    # keepAliveTimeout is longer. The other way round, requests would go into connections that are just being closed.',
    `    keepalive ${KEPT};`,
    `    keepalive_timeout ${idleSeconds}s;`,
    '}',
    '',
    'server {',
    '    listen 80;',
    '    listen [::]:80;',
    `    server_name ${domain};`,
    '',
    '    location / {',
    `        proxy_pass http://tutti_${label};`,
    '        proxy_http_version 1.1;',
    `        proxy_set_header Connection $tutti_${label}_connection;`,
    '        proxy_set_header Upgrade $http_upgrade;',
    '        proxy_set_header Host $host;',
    '        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    '        proxy_set_header X-Forwarded-Proto $scheme;',
    '',
    '        # A request whose worker died, or that could not be handed over, goes to the next place. Not a POST, LOCK or PATCH that was',
    '        # sent: it may have been carried out (the word non_idempotent would allow it).',
    '        proxy_next_upstream error timeout;',
    '        proxy_next_upstream_tries 3;',
    '        proxy_next_upstream_timeout 30s;',
    '        # The app accepts at once, also during a reload.',
    '        proxy_connect_timeout 2s;',
    '        # How long the app may be silent within an answer or a WebSocket: ping more often than that.',
    '        proxy_read_timeout 60s;',
    ...setCookie(front),
    '    }',
    '}',
  ]);
}

function servers(front: Front): string[] {
  const places = placesOf(front);
  const { machines, ports, sticky } = front;
  if (machines.length > 1 && sticky === null) {
    return [
      '    # A machine that fails three times is left alone for 5 s. The second row, so that nginx never finds that nobody is left.',
      ...places.map((place) => `    server ${place} max_fails=3 fail_timeout=5s;`),
      ...places.map((place) => `    server ${place} max_fails=0 backup;`),
    ];
  }
  if (machines.length > 1) {
    return [
      '    # A place that fails ten times within 2 s is left alone for as long: its machine is gone.',
      ...places.map((place) => `    server ${place} max_fails=10 fail_timeout=2s;`),
    ];
  }
  const rows = Array.from({ length: Math.ceil(LEAST_ROWS / places.length) }, () => places).flat();
  return [
    ports.length > 1
      ? '    # One for each worker. max_fails=0: a worker that died is back before nginx would look again, and its clients belong to it.'
      : '    # All workers are behind this one port.',
    ...(rows.length > places.length
      ? [
          '    # It stands here several times, because nginx goes only to another row than those that failed: to that of a worker that died, and to',
          '    # those whose kept connections it had.',
        ]
      : []),
    ...rows.map((place) => `    server ${place} max_fails=0;`),
  ];
}

function stickyMaps({ sticky, label }: Front): string[] {
  const map = (from: string, to: string, lines: readonly string[]): string[] => [
    `map ${from} $tutti_${label}_${to} {`,
    ...lines.map((line) => `    ${line};`),
    '}',
  ];
  const known = '# A client that does not name itself is known by its address.';
  switch (sticky?.by) {
    case 'own-cookie':
      return [
        '# A client without the cookie gets one, and is known by it from then on.',
        ...map(`$cookie_tutti_${label}`, 'client', ["'' $request_id", `default $cookie_tutti_${label}`]),
        ...map(`$cookie_tutti_${label}`, 'cookie', [
          `'' "tutti_${label}=$request_id; Path=/; HttpOnly; SameSite=Lax"`,
          "default ''",
        ]),
        '',
      ];
    case 'cookie': {
      const pattern = `"~(?:^|;\\s*)${sticky.name.replace(/\./g, '\\.')}=([^;]+)"`;
      return [known, ...map('$http_cookie', 'client', ['default $remote_addr', `${pattern} $1`]), ''];
    }
    case 'header': {
      const header = `$http_${sticky.name.toLowerCase().replace(/-/g, '_')}`;
      return [known, ...map(header, 'client', ["'' $remote_addr", `default ${header}`]), ''];
    }
    default:
      return [];
  }
}

function stickyHash({ sticky, label }: Front): string[] {
  if (sticky === null) return [];
  const key = sticky.by === 'address' ? '$remote_addr' : `$tutti_${label}_client`;
  return [
    '    # The same client meets the same place. When one comes or goes, only its own clients change.',
    `    hash ${key} consistent;`,
  ];
}

function setCookie({ sticky, label }: Front): string[] {
  if (sticky?.by !== 'own-cookie') return [];
  return ['', `        add_header Set-Cookie $tutti_${label}_cookie;`];
}
