// The Dockerfile of an app and its .dockerignore. Pure. docs/deploy/docker.md says what each line is for.

import { type ExportFile, exportFile } from '../export-file.ts';
import { CONTAINER_USER, type Container, portRange, STATE_FOLDER } from './container.ts';
import { forEnv, forIgnore } from './quote.ts';

/** What the folder of the image's build holds beside the program. */
export interface Package {
  /** The major version of Node.js in the image. */
  nodeMajor: number;
  /** None: there is no package.json. */
  manager: 'npm' | 'pnpm' | 'yarn' | 'yarn-berry' | null;
  /** The files that say which packages are installed. */
  manifests: readonly string[];
  hasLock: boolean;
  /** Packages lie in the folder itself (file:, workspaces), so that all of it is needed to install them. */
  needsSources: boolean;
  hasBuild: boolean;
  /** .npmrc says a password itself, and not the variable that has it. */
  hasPassword: boolean;
  /** It is among the packages that are installed in production. */
  hasTutti: boolean;
  /** The version that is installed otherwise. */
  tuttiVersion: string;
}

interface Commands {
  install: string;
  installAll: string;
  prune: string;
  build: string;
  /** What the images of Node.js do not bring. */
  setUp: string | null;
}

const commands: Record<NonNullable<Package['manager']>, Commands> = {
  npm: {
    install: 'npm ci --omit=dev',
    installAll: 'npm ci',
    prune: 'npm prune --omit=dev',
    build: 'npm run build',
    setUp: null,
  },
  pnpm: {
    install: 'pnpm install --frozen-lockfile --prod',
    installAll: 'pnpm install --frozen-lockfile',
    prune: 'CI=true pnpm prune --prod',
    build: 'pnpm run build',
    setUp: 'npm install --global pnpm@10',
  },
  yarn: {
    install: 'yarn install --frozen-lockfile --production',
    installAll: 'yarn install --frozen-lockfile',
    prune: 'yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline',
    build: 'yarn run build',
    setUp: null,
  },
  'yarn-berry': {
    install: 'yarn workspaces focus --all --production',
    installAll: 'yarn install --immutable',
    prune: 'yarn workspaces focus --all --production',
    build: 'yarn run build',
    setUp: 'npm install --global --force corepack && corepack enable',
  },
};

/** Answers through the admin port on loopback, which nobody outside the container reaches. Without curl, and without a shell. */
export function healthCommand({ adminPort }: Container): string[] {
  const ask = `require('http').get('http://127.0.0.1:${adminPort}/readyz',(a)=>process.exit(a.statusCode===200?0:1)).on('error',()=>process.exit(1))`;
  return ['node', '-e', ask];
}

/** Seconds. Six failures in a row make half a minute: tutti has replaced a worker long before. */
export const healthTimes = { interval: 5, timeout: 3, retries: 6 };

/** What the image says to every container: the application's port, and where tutti answers and keeps its files. */
export function imageEnvironment(container: Container): Record<string, string> {
  return {
    NODE_ENV: 'production',
    PORT: String(container.port),
    TUTTI_ADMIN: `127.0.0.1:${container.adminPort}`,
    TUTTI_HOME: STATE_FOLDER,
    ...container.options,
  };
}

export function dockerFiles(container: Container, packages: Package): ExportFile[] {
  return [
    exportFile('docker', 'Dockerfile', 'how the image is built', dockerfile(container, packages)),
    exportFile('docker', '.dockerignore', 'what has no place in an image', dockerignore(container, packages)),
  ];
}

function dockerfile(container: Container, packages: Package): string[] {
  const { image } = container;
  const ports = portRange(container);
  return [
    '#',
    `#   docker build -t ${image} .`,
    `#   docker run --rm --init -p ${ports}:${ports} ${image}`,
    '',
    '# The image of both stages. Another one, such as that of a registry of your own: --build-arg NODE_IMAGE=…',
    `ARG NODE_IMAGE=node:${packages.nodeMajor}-slim`,
    '',
    ...buildStage(packages),
    `FROM \${NODE_IMAGE}`,
    'WORKDIR /app',
    ...(packages.hasTutti
      ? []
      : [
          '# tutti is not among the dependencies of package.json. Once it is (npm install tutti), this line can go.',
          `RUN npm install --global tutti@${packages.tuttiVersion}`,
        ]),
    '# tutti answers on this address inside the container only. Its socket and token lie in /tmp, where any user may write.',
    ...environment(container, packages),
    packages.manager === null ? 'COPY . .' : 'COPY --from=build /app .',
    '# Not root, and not the owner of the files: a program that was talked into it cannot change its own code.',
    `USER ${CONTAINER_USER}:${CONTAINER_USER}`,
    `EXPOSE ${ports}`,
    '# tutti drains at SIGTERM: give docker stop as long as that takes (compose.yaml and swarm.yaml do).',
    'STOPSIGNAL SIGTERM',
    '# Ready: at least half of the workers serve. What fails within the start period does not count.',
    `HEALTHCHECK --interval=${healthTimes.interval}s --timeout=${healthTimes.timeout}s --start-period=${Math.ceil(container.startMs / 1000)}s --retries=${healthTimes.retries} CMD ${JSON.stringify(healthCommand(container))}`,
    '# No shell and no npm stands between the engine and tutti: signals and exit codes arrive.',
    'ENTRYPOINT ["tutti", "run"]',
    ...(container.isOneOfSeveral
      ? [`# Several apps are in this image. To run another one: docker run ${image} --name <app>`]
      : []),
    `CMD ${JSON.stringify(container.args)}`,
  ];
}

function buildStage({ manager, manifests, hasLock, hasBuild, needsSources }: Package): string[] {
  if (manager === null) return [];
  const { install, installAll, prune, build, setUp } = commands[manager];
  const noLock = manager === 'npm' && !hasLock;
  const first = hasBuild ? installAll : install;
  return [
    `FROM \${NODE_IMAGE} AS build`,
    'WORKDIR /app',
    ...(setUp === null ? [] : [`RUN ${setUp}`]),
    ...(needsSources
      ? ['# Some packages lie in this folder, so all of it is needed to install them.', 'COPY . .']
      : [
          '# First only what says which packages are installed: a change of the code does not install them again.',
          `COPY ${manifests.join(' ')} ./`,
        ]),
    ...(noLock ? ['# Without package-lock.json each build may install other versions. Commit one.'] : []),
    `RUN ${noLock ? first.replace('npm ci', 'npm install') : first}`,
    ...(needsSources ? [] : ['COPY . .']),
    ...(hasBuild ? ['# What only the build needs, stays here.', `RUN ${build} && ${prune}`] : []),
    '',
  ];
}

function environment(container: Container, { hasTutti }: Package): string[] {
  const all = Object.entries(imageEnvironment(container)).map(([name, value]) => `${name}=${forEnv(value)}`);
  const lines = [...all, ...(hasTutti ? ['PATH=/app/node_modules/.bin:$PATH'] : [])];
  return lines.map((line, at) => `${at === 0 ? 'ENV' : '   '} ${line}${at === lines.length - 1 ? '' : ' \\'}`);
}

function dockerignore({ envFiles }: Container, { hasPassword }: Package): string[] {
  return [
    '# Installed in the image, for its system.',
    '**/node_modules',
    '',
    '# Secrets come when a container starts.',
    '**/.env',
    '**/.env.*',
    ...(hasPassword ? ['**/.npmrc'] : []),
    ...envFiles.filter((path) => !path.startsWith('/') && !/^(.*\/)?\.env(\.[^/]*)?$/.test(path)).map(forIgnore),
    '',
    '# No part of the program.',
    '.git',
    '.github',
    '**/*.log',
    '**/coverage',
    '.dockerignore',
    'Dockerfile',
    'compose.yaml',
    'swarm.yaml',
    'kubernetes.yaml',
  ];
}
