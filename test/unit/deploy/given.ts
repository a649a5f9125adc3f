// Apps as the files for containers and proxies are made from: a small program on a machine of two CPUs, and what a test says otherwise.

import { memoryOf } from '../../../src/cli/export/memory.ts';
import { loadGiven } from '../../../src/config/app.ts';
import type { AppOptions, Config } from '../../../src/config/options.ts';
import { type Container, type ContainerRequest, containerOf } from '../../../src/deploy/container/container.ts';
import type { Package } from '../../../src/deploy/container/dockerfile.ts';
import { type Front, type FrontRequest, frontOf } from '../../../src/deploy/proxy/front.ts';

const limits = { cpus: 2, allCpus: 2, quota: null, memoryBytes: null };
const around = { cwd: process.cwd(), env: {}, limits: () => limits, node: process.execPath };

export function configOf(options: AppOptions = {}): Config {
  return loadGiven({ entry: 'test/fixtures/hello.cjs', name: 'web', ...options }, around).config;
}

export function container(
  options: AppOptions = {},
  asked: Partial<ContainerRequest> = {},
  memoryBytes: number | null = null,
): Container {
  const config = configOf(options);
  return containerOf(config, {
    image: 'web:1',
    args: ['server.js'],
    isOneOfSeveral: false,
    options: {},
    secrets: [],
    envFiles: [],
    port: null,
    cpus: null,
    memory: memoryOf(config, memoryBytes),
    replicas: null,
    ...asked,
  });
}

export const packages: Package = {
  nodeMajor: 24,
  manager: 'npm',
  manifests: ['package.json', 'package-lock.json'],
  hasLock: true,
  needsSources: false,
  hasBuild: false,
  hasPassword: false,
  hasTutti: true,
  tuttiVersion: '1.0.0',
};

export function front(options: AppOptions = {}, asked: Partial<FrontRequest> = {}): Front {
  const config = configOf({ workers: 3, ...options });
  return frontOf(config, { port: 3000, domain: null, machines: [], sticky: null, ...asked });
}
