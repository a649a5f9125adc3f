// The manifest in the eyes of Kubernetes' own schemas: what is missing, of the wrong type, or no quantity. Unknown fields it does not see.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { kubernetesFile } from '../../../src/deploy/container/kubernetes.ts';
import { container } from './given.ts';

const kinds: Record<string, string> = {
  Deployment: 'apps/v1/Deployment',
  Service: 'v1/Service',
  PodDisruptionBudget: 'policy/v1/PodDisruptionBudget',
  HorizontalPodAutoscaler: 'autoscaling/v2/HorizontalPodAutoscaler',
};

// biome-ignore lint/suspicious/noExplicitAny: a manifest, of whatever kind.
type Manifest = any;

function manifests(cpus: number | null, envFiles: string[]): Manifest[] {
  const asked = { isOneOfSeveral: true, options: { TUTTI_PROBE: '/' }, secrets: ['KEY'], envFiles, cpus, replicas: 3 };
  const { text } = kubernetesFile([container({}, asked)], { serviceMonitor: true });
  const all = parseAllDocuments(text).map((one) => one.toJS());
  return all.filter((one) => one !== null && one.kind !== 'ServiceMonitor');
}

async function validate(manifest: Manifest): Promise<void> {
  const path = kinds[manifest.kind];
  assert.ok(path !== undefined, manifest.kind);
  const [kind = ''] = path.split('/').slice(-1);
  // The package has types for all of Kubernetes, which the compiler need not read.
  const name = `kubernetes-models/${path}`;
  const { [kind]: Model } = await import(name);
  new Model(manifest).validate();
}

test('every manifest is what Kubernetes takes', async () => {
  for (const [cpus, envFiles] of [
    [null, []],
    [0.25, ['.env', 'conf/more.env']],
  ] as [number | null, string[]][]) {
    const all = manifests(cpus, envFiles);
    assert.equal(all.length, 5);
    for (const manifest of all) await validate(manifest);
  }
});

test('what Kubernetes refuses is seen here', async () => {
  const [deployment] = manifests(null, []);
  const [main] = deployment.spec.template.spec.containers;
  main.resources.limits.memory = '1 GB';
  await assert.rejects(validate(deployment));
  main.resources.limits.memory = '1Gi';
  main.readinessProbe.periodSeconds = '2s';
  await assert.rejects(validate(deployment));
});
