// The files for containers: what they say follows from the configuration, and the same configuration always gives the same bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { composeFile, swarmFile } from '../../../src/deploy/container/compose.ts';
import { type Container, labelOf } from '../../../src/deploy/container/container.ts';
import { dockerFiles, type Package } from '../../../src/deploy/container/dockerfile.ts';
import { kubernetesFile } from '../../../src/deploy/container/kubernetes.ts';
import { exportFile, isUntouched } from '../../../src/deploy/export-file.ts';
import { container, packages } from './given.ts';

const dockerfile = (of = container(), its: Partial<Package> = {}): string =>
  dockerFiles(of, { ...packages, ...its })[0]?.text ?? '';

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there.
type Document = any;

function documents(of = container(), serviceMonitor = false): Record<string, Document> {
  const all = parseAllDocuments(kubernetesFile([of], { serviceMonitor }).text).map((one) => {
    assert.deepEqual(one.errors, []);
    return one.toJS() as Document;
  });
  return Object.fromEntries(all.filter(Boolean).map((one) => [`${one.kind} ${one.metadata.name}`, one]));
}

const podOf = (all: Record<string, Document>): Document => all['Deployment web'].spec.template.spec;

test('whoever stops the app waits for the whole drain', () => {
  const slow = container({ drainTimeout: '50s', stopTimeout: '10s' });
  assert.equal(parse(composeFile([slow]).text).services.web.stop_grace_period, '62s');
  // A swarm has no hook, so tutti serves on for 5 s by itself.
  const swarm = parse(swarmFile([slow]).text).services.web;
  assert.equal(swarm.stop_grace_period, '67s');
  assert.equal(swarm.environment.TUTTI_PRE_STOP_DELAY, '5s');
  const pod = podOf(documents(slow));
  const { seconds } = pod.containers[0].lifecycle.preStop.sleep;
  assert.equal(pod.terminationGracePeriodSeconds, 62 + seconds);
});

test('an app that serves on after SIGTERM needs no hook, and the time counts', () => {
  const pod = podOf(documents(container({ preStopDelay: '8s' })));
  assert.equal(pod.containers[0].lifecycle, undefined);
  assert.equal(pod.terminationGracePeriodSeconds, 38);
});

test('the first start has the time that tutti takes to give up', () => {
  const slow = container({ startTimeout: '2m' });
  const { startupProbe } = podOf(documents(slow)).containers[0];
  assert.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 360);
  assert.match(dockerfile(slow), /--start-period=360s/);
  assert.equal(parse(swarmFile([slow]).text).services.web.healthcheck.start_period, '360s');
});

test('one CPU for each worker, and memory for all of them', () => {
  const limits = (of: Container): Document => podOf(documents(of)).containers[0].resources.limits;
  assert.deepEqual(limits(container()), { cpu: '2', memory: '640Mi' });
  assert.deepEqual(limits(container({ workers: 4 })), { cpu: '4', memory: '1088Mi' });
  assert.deepEqual(limits(container({ workers: 1, maxMemory: '300M' })), { cpu: '1', memory: '512Mi' });
  assert.deepEqual(limits(container({ workers: 2, nodeArgs: ['--max-old-space-size=512'] })), {
    cpu: '2',
    memory: '1280Mi',
  });
  const asked = container({}, { cpus: 1.5 }, 512 * 1024 ** 2);
  assert.deepEqual(limits(asked), { cpu: '1500m', memory: '512Mi' });
  const { deploy } = parse(composeFile([asked]).text).services.web;
  assert.deepEqual(deploy.resources.limits, { cpus: '1.5', memory: '512M' });
});

test('where each worker has a port, all of them are open', () => {
  const ports = container({ workers: 3, balance: 'ports' });
  assert.match(dockerfile(ports), /^EXPOSE 3000-3002$/m);
  assert.deepEqual(parse(composeFile([ports]).text).services.web.ports, ['3000-3002:3000-3002']);
});

test('a pod has no right that a server does not need, and writes to /tmp alone', () => {
  const pod = podOf(documents());
  assert.equal(pod.automountServiceAccountToken, false);
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' });
  assert.deepEqual(pod.containers[0].securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  assert.deepEqual(pod.containers[0].volumeMounts, [{ name: 'tmp', mountPath: '/tmp' }]);
});

test('the probes ask the admin port, which the node reaches', () => {
  const [main] = podOf(documents(container({ admin: 9500 }))).containers;
  const ports = Object.fromEntries(main.ports.map((port: Document) => [port.name, port.containerPort]));
  const env = Object.fromEntries(main.env.map((one: Document) => [one.name, one.value]));
  assert.deepEqual(ports, { http: 3000, admin: 9500 });
  assert.equal(env.TUTTI_ADMIN, '0.0.0.0:9500');
  assert.deepEqual(main.readinessProbe.httpGet, { path: '/readyz', port: 'admin' });
  assert.deepEqual(main.livenessProbe.httpGet, { path: '/livez', port: 'admin' });
});

test('a rollout never has fewer pods than before, and a drained node takes one at a time', () => {
  const all = documents();
  assert.deepEqual(all['Deployment web'].spec.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  assert.equal(all['PodDisruptionBudget web'].spec.maxUnavailable, 1);
  assert.equal(all['HorizontalPodAutoscaler web'].spec.minReplicas, 2);
  assert.equal(all['Service web'].spec.ports[0].targetPort, 'http');
});

test('Prometheus is given the token that the supervisor is given', () => {
  const all = documents(container(), true);
  const token = podOf(all).containers[0].env.find(({ name }: Document) => name === 'TUTTI_TOKEN');
  const { credentials } = all['ServiceMonitor web'].spec.endpoints[0].authorization;
  assert.deepEqual(token.valueFrom.secretKeyRef, credentials);
  assert.equal(documents()['ServiceMonitor web'], undefined);
});

test('what was typed is a variable everywhere, and of a secret its name alone', () => {
  const odd = container(
    {},
    { options: { TUTTI_PROBE: '/a?x=$(HOME)&y=\x24{Z}' }, secrets: ['KEY'], envFiles: ['.env'] },
  );
  const env = podOf(documents(odd)).containers[0].env;
  const probe = env.find(({ name }: Document) => name === 'TUTTI_PROBE');
  assert.equal(probe.value, '/a?x=$$(HOME)&y=\x24{Z}');
  assert.deepEqual(parse(composeFile([odd]).text).services.web.environment, {
    TUTTI_PROBE: '/a?x=$$(HOME)&y=$\x24{Z}',
    KEY: '\x24{KEY?}',
  });
  assert.match(dockerfile(odd), /TUTTI_PROBE="\/a\?x=\\\$\(HOME\)&y=\\\$\{Z\}"/);
  assert.doesNotMatch(dockerfile(odd), /KEY/);
  const swarm = parse(swarmFile([odd]).text);
  assert.deepEqual(swarm.services.web.secrets, [{ source: 'web-env', target: '/app/.env', mode: 0o444 }]);
});

test('packages are installed as the project installs them', () => {
  const runs = (its: Partial<Package>): string[] =>
    dockerfile(container(), its)
      .split('\n')
      .filter((line) => line.startsWith('RUN '));
  assert.deepEqual(runs({}), ['RUN npm ci --omit=dev']);
  assert.deepEqual(runs({ hasBuild: true }), ['RUN npm ci', 'RUN npm run build && npm prune --omit=dev']);
  assert.deepEqual(runs({ hasLock: false }), ['RUN npm install --omit=dev']);
  assert.deepEqual(runs({ hasTutti: false }), ['RUN npm ci --omit=dev', 'RUN npm install --global tutti@1.0.0']);
  assert.deepEqual(runs({ manager: null, hasTutti: false }), ['RUN npm install --global tutti@1.0.0']);
  assert.deepEqual(runs({ manager: 'pnpm', hasBuild: true }), [
    'RUN npm install --global pnpm@10',
    'RUN pnpm install --frozen-lockfile',
    'RUN pnpm run build && CI=true pnpm prune --prod',
  ]);
});

test('nothing stands between the engine and tutti', () => {
  const lines = dockerfile().split('\n');
  assert.deepEqual(lines.slice(-3, -1), ['ENTRYPOINT ["tutti", "run"]', 'CMD ["server.js"]']);
  assert.ok(lines.includes('USER 1000:1000') && lines.includes('STOPSIGNAL SIGTERM'));
});

test('names become what DNS and YAML take for a name', () => {
  assert.equal(labelOf('My_App.v2'), 'my-app-v2');
  assert.equal(labelOf('42'), 'app-42');
  assert.equal(labelOf('_'), 'app');
  assert.ok(labelOf('a'.repeat(80)).length <= 50);
  for (const name of ['on', 'no', 'null', 'y', 'true']) {
    const [label] = Object.keys(parse(composeFile([container({ name })]).text, { version: '1.1' }).services);
    assert.equal(label, name);
  }
});

test('the same input gives the same bytes, and a change by hand is seen', () => {
  assert.equal(
    kubernetesFile([container()], { serviceMonitor: true }).text,
    kubernetesFile([container()], { serviceMonitor: true }).text,
  );
  const { text } = exportFile('docker', 'Dockerfile', 'a test', ['FROM x', '']);
  assert.equal(isUntouched(text), true);
  assert.equal(isUntouched(text.replace('FROM x', 'FROM y')), false);
  assert.equal(isUntouched('FROM x\n'), false);
  assert.equal(isUntouched(''), false);
});
