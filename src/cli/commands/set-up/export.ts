// tutti export: files for what runs around an app, made from its configuration.

import type { CommandFile } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';
import { addServiceOptions, forTheUnit } from '../../shared/service-options.ts';

export const exportTo: CommandFile = {
  name: 'export',
  group: 'Set up',
  summary: 'Make the files with which Docker, a swarm, Kubernetes or systemd runs an app, or a proxy stands before it.',
  examples: [
    ['tutti export docker server.js --out .', 'a Dockerfile and what belongs to it, in this folder'],
    ['tutti export compose --memory 1G --out .', 'for every app of the tutti.config file of this folder'],
    ['tutti export kubernetes server.js --cpus 2 | kubectl apply -f -', 'two workers in each pod'],
    [
      'tutti export nginx server.js --balance ports --sticky cookie',
      'each worker has a port, and a client keeps its one',
    ],
    ['tutti export systemd server.js --socket 3000 --run-as www-data', 'the units, for this machine or another one'],
  ],
  configure: (command) => {
    const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [
      ...(before ?? []),
      text,
    ];
    command
      .argument('<to>', 'docker, compose, swarm, kubernetes, systemd, nginx, caddy or traefik')
      .argument('[entry-or-app...]', 'programs, or names of apps; arguments of a program stand after --')
      .option('--out <folder>', 'Write the files there, instead of printing them. (not systemd)')
      .option('--force', 'Overwrite files that somebody else wrote or has changed.')
      .option('--image <name>', 'Name of the image (default: the app’s name and its version in package.json)')
      .option('--port <port>', 'Port that the app listens on, in PORT (default: PORT in env, else 3000)')
      .option('--cpus <n>', 'CPUs of a container (default: one for each worker; 2 with workers auto)')
      .option('--memory <size>', 'Memory of a container (default: for a heap of 192M in each worker, or for maxMemory)')
      .option('--replicas <n>', 'How many containers a swarm or Kubernetes runs. (default: 2)')
      .option(
        '--domain <name>',
        'Name by which clients reach the app through a proxy (default: the app’s, .example.com)',
      )
      .option('--machine <address>', 'Where a proxy finds the app (default: 127.0.0.1). May be repeated.', collect)
      .option(
        '--sticky <by>',
        'What keeps a client with a worker, with balance ports: ip, cookie, cookie:NAME or header:NAME',
      )
      .option('--service-monitor', 'Have the operator of Prometheus collect the metrics (Kubernetes).');
    addServiceOptions(command);
    command.option('--user', 'For the systemd of one user.');
    addAppOptions(command, forTheUnit);
  },
  action: async ({ positionals: [to = '', ...words], rest, options, terminal }) => {
    const { exportFiles } = await import('../../export/export-files.ts');
    return exportFiles({ to, words, args: rest, options, terminal });
  },
};
