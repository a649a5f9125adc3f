// kubernetes.yaml: everything that a cluster needs to run an app and lose no request. Pure. docs/deploy/kubernetes.md says why each value is
// what it is.

import { type ExportFile, exportFile } from '../export-file.ts';
import { workersInWords } from './compose.ts';
import { CONTAINER_USER, type Container, graceSeconds, hookSeconds, inImage, memoryInWords } from './container.ts';
import { forKubernetes, forShell, quoted, yaml, yamlList } from './quote.ts';

export interface ClusterRequest {
  /** For Prometheus and its operator. */
  serviceMonitor: boolean;
}

/** The Secret with the token of the admin API, and with what --env named. */
function secretOf({ label }: Container): string {
  return `${label}-secrets`;
}

export function kubernetesFile(containers: readonly Container[], { serviceMonitor }: ClusterRequest): ExportFile {
  return exportFile('kubernetes', 'kubernetes.yaml', 'how a cluster runs it', [
    '#',
    ...containers.flatMap((container) => prerequisites(container, serviceMonitor)),
    '#   kubectl apply -f kubernetes.yaml',
    '#',
    ...separated(containers.flatMap((container) => documents(container, serviceMonitor))),
  ]);
}

function documents(container: Container, serviceMonitor: boolean): string[][] {
  return [
    deployment(container, serviceMonitor),
    service(container),
    disruptionBudget(container),
    autoscaler(container),
    ...(serviceMonitor ? [adminService(container), monitor(container)] : []),
  ];
}

function separated(documents: readonly string[][]): string[] {
  return documents.flatMap((lines) => ['---', ...lines]);
}

/** What has to be there before. */
function prerequisites(container: Container, serviceMonitor: boolean): string[] {
  const literals = [
    ...container.secrets.map((name) => `--from-literal=${name}=…`),
    ...(serviceMonitor ? ['--from-literal=token="$(openssl rand -hex 32)"'] : []),
    ...filesOf(container).map(({ path, key }) => `--from-file=${key}=${forShell(path)}`),
  ];
  return literals.length === 0
    ? []
    : [`#   kubectl create secret generic ${secretOf(container)} ${literals.join(' ')}`];
}

function head(apiVersion: string, kind: string, name: string, label = name, more: readonly string[] = []): string[] {
  return [
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    'metadata:',
    `  name: ${yaml(name)}`,
    '  labels:',
    `    app.kubernetes.io/name: ${yaml(label)}`,
    ...more,
    'spec:',
  ];
}

function selector({ label }: Container, indent: string): string[] {
  return [`${indent}matchLabels:`, `${indent}  app.kubernetes.io/name: ${yaml(label)}`];
}

function deployment(container: Container, serviceMonitor: boolean): string[] {
  const { label, image, args, isOneOfSeveral, replicas, drainMs, stopMs, port, adminPort } = container;
  const hook = hookSeconds(container);
  return [
    ...head('apps/v1', 'Deployment', container.label),
    `  # Where the autoscaler below is in charge, take this line out: each apply would set it back.`,
    `  replicas: ${replicas}`,
    '  revisionHistoryLimit: 5',
    '  # A rollout that does not come on is reported as failed; the old pods serve on.',
    `  progressDeadlineSeconds: ${Math.max(600, seconds(container.startMs) + 60)}`,
    '  # Never fewer than before: the new pod first.',
    '  strategy:',
    '    type: RollingUpdate',
    '    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }',
    '  selector:',
    ...selector(container, '    '),
    '  template:',
    '    metadata:',
    '      labels:',
    `        app.kubernetes.io/name: ${yaml(label)}`,
    '    spec:',
    '      automountServiceAccountToken: false',
    `      # ${hook > 0 ? `${hook} s of preStop, ` : ''}${time(drainMs)} for the requests, ${time(stopMs)} for the application's own clean-up, and a margin. Kubernetes' own 30 s would cut that short.`,
    `      terminationGracePeriodSeconds: ${graceSeconds(container, hook)}`,
    '      securityContext:',
    '        runAsNonRoot: true',
    `        runAsUser: ${CONTAINER_USER}`,
    `        runAsGroup: ${CONTAINER_USER}`,
    '        seccompProfile: { type: RuntimeDefault }',
    '      # Not all pods of a version on one machine, or in one zone; but rather there than nowhere.',
    '      topologySpreadConstraints:',
    ...['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].flatMap((key) => [
      `        - topologyKey: ${key}`,
      '          maxSkew: 1',
      '          whenUnsatisfiable: ScheduleAnyway',
      '          labelSelector:',
      ...selector(container, '            '),
      '          matchLabelKeys: [pod-template-hash]',
    ]),
    '      containers:',
    `        - name: ${yaml(label)}`,
    `          image: ${yaml(image)}`,
    ...(isOneOfSeveral ? [`          args: ${yamlList(args.map(forKubernetes))}`] : []),
    '          ports:',
    `            - { name: http, containerPort: ${port} }`,
    `            - { name: admin, containerPort: ${adminPort} }`,
    ...variables(container, serviceMonitor),
    ...resources(container),
    ...probes(container),
    ...(hook === 0
      ? ['          # No preStop: tutti itself serves on after SIGTERM (preStopDelay).']
      : [
          '          # Balancers hear of the end of a pod while it ends: until then it serves as ever. Kubernetes before 1.30 has no sleep: take',
          '          # these lines out there, and set preStopDelay.',
          '          lifecycle:',
          `            preStop: { sleep: { seconds: ${hook} } }`,
        ]),
    '          securityContext:',
    '            allowPrivilegeEscalation: false',
    '            readOnlyRootFilesystem: true',
    '            capabilities: { drop: [ALL] }',
    '          volumeMounts:',
    '            - { name: tmp, mountPath: /tmp }',
    ...filesOf(container).map(
      ({ path, key }) =>
        `            - { name: files, mountPath: ${quoted(inImage(path))}, subPath: ${quoted(key)}, readOnly: true }`,
    ),
    '      volumes:',
    "        # tutti's control socket, and Node.js' cache of compiled code.",
    '        - { name: tmp, emptyDir: {} }',
    ...(container.envFiles.length === 0
      ? []
      : [`        - { name: files, secret: { secretName: ${yaml(secretOf(container))} } }`]),
  ];
}

function variables(container: Container, serviceMonitor: boolean): string[] {
  const secret = (name: string, key: string): string =>
    `            - { name: ${yaml(name)}, valueFrom: { secretKeyRef: { name: ${yaml(secretOf(container))}, key: ${yaml(key)} } } }`;
  return [
    '          env:',
    '            # The probes come from the node. On every address tutti answers /livez and /readyz to everybody, and all else to who has its token.',
    '            # In a cluster of IPv6 only: [::]',
    `            - { name: TUTTI_ADMIN, value: "0.0.0.0:${container.adminPort}" }`,
    `            - { name: PORT, value: "${container.port}" }`,
    ...Object.entries(container.options)
      .filter(([name]) => name !== 'TUTTI_ADMIN')
      .map(([name, value]) => `            - { name: ${name}, value: ${quoted(forKubernetes(value))} }`),
    ...container.secrets.map((name) => secret(name, name)),
    ...(serviceMonitor
      ? [
          '            # The token with which Prometheus reads the metrics. The workers do not have it.',
          secret('TUTTI_TOKEN', 'token'),
        ]
      : []),
  ];
}

function resources(container: Container): string[] {
  const { cpus, memory, workers } = container;
  const amounts = `cpu: ${quantity(cpus)}, memory: ${memory.bytes / 1024 ** 2}Mi`;
  return [
    `          # ${workersInWords(workers)}. With workers: auto, tutti starts one for each CPU of the limit; without a limit, one for each CPU of the node.`,
    '          # A whole number of CPUs, so that no worker is throttled while another one sleeps. Requested as much, because the autoscaler goes by it.',
    `          # ${memoryInWords(container)} Requested as much as allowed: a node that runs short of it kills.`,
    '          resources:',
    `            requests: { ${amounts} }`,
    `            limits: { ${amounts} }`,
  ];
}

function probes({ startMs }: Container): string[] {
  return [
    '          # Until every worker is ready. tutti gives up by itself when each has failed three times.',
    '          startupProbe:',
    '            httpGet: { path: /readyz, port: admin }',
    '            periodSeconds: 1',
    `            failureThreshold: ${seconds(startMs) + 10}`,
    '          # At least half of the workers serve, and no stop has begun.',
    '          readinessProbe:',
    '            httpGet: { path: /readyz, port: admin }',
    '            periodSeconds: 2',
    '            timeoutSeconds: 2',
    '            failureThreshold: 2',
    '          # The supervisor turns its loop. What happens to workers, or to a database, is no reason to kill the pod: tutti replaces workers itself.',
    '          livenessProbe:',
    '            httpGet: { path: /livez, port: admin }',
    '            periodSeconds: 10',
    '            timeoutSeconds: 5',
    '            failureThreshold: 3',
  ];
}

function service(container: Container): string[] {
  return [
    ...head('v1', 'Service', container.label),
    '  selector:',
    `    app.kubernetes.io/name: ${yaml(container.label)}`,
    '  ports:',
    '    - { name: http, port: 80, targetPort: http }',
  ];
}

function disruptionBudget(container: Container): string[] {
  return [
    '# A node that is emptied waits until the pod that it ended is back elsewhere. Pods that are not well do not hold it up.',
    ...head('policy/v1', 'PodDisruptionBudget', container.label),
    '  maxUnavailable: 1',
    '  unhealthyPodEvictionPolicy: AlwaysAllow',
    '  selector:',
    ...selector(container, '    '),
  ];
}

function autoscaler(container: Container): string[] {
  const { label, replicas } = container;
  return [
    '# By CPU, which every cluster knows (metrics-server). The event loop says it earlier: docs/deploy/kubernetes.md has the rules for that.',
    ...head('autoscaling/v2', 'HorizontalPodAutoscaler', container.label),
    '  scaleTargetRef:',
    '    apiVersion: apps/v1',
    '    kind: Deployment',
    `    name: ${yaml(label)}`,
    `  minReplicas: ${replicas}`,
    `  maxReplicas: ${Math.max(10, replicas * 5)}`,
    '  behavior:',
    '    # Up at once, down when it has been quiet for five minutes.',
    '    scaleDown: { stabilizationWindowSeconds: 300 }',
    '  metrics:',
    '    - type: ContainerResource',
    '      containerResource:',
    '        name: cpu',
    `        container: ${yaml(label)}`,
    '        target: { type: Utilization, averageUtilization: 65 }',
  ];
}

const metricsLabel = 'app.kubernetes.io/component: metrics';

/** Beside that of the clients, for whom the admin port is not. */
function adminService({ label, adminPort }: Container): string[] {
  return [
    '# Where Prometheus finds the admin port of each pod, also of one that is not ready.',
    ...head('v1', 'Service', `${label}-metrics`, label, [`    ${metricsLabel}`]),
    '  clusterIP: None',
    '  publishNotReadyAddresses: true',
    '  selector:',
    `    app.kubernetes.io/name: ${yaml(label)}`,
    '  ports:',
    `    - { name: admin, port: ${adminPort}, targetPort: admin }`,
  ];
}

function monitor(container: Container): string[] {
  const { label } = container;
  return [
    ...head('monitoring.coreos.com/v1', 'ServiceMonitor', label),
    '  selector:',
    ...selector(container, '    '),
    `      ${metricsLabel}`,
    '  endpoints:',
    '    - port: admin',
    '      path: /metrics',
    '      authorization:',
    `        credentials: { name: ${yaml(secretOf(container))}, key: token }`,
  ];
}

/** The files of variables, each under a key of its own. A Secret takes letters, digits, dashes, underscores and dots. */
function filesOf({ envFiles, secrets }: Container): { path: string; key: string }[] {
  const taken = new Set([...secrets, 'token']);
  return envFiles.map((path) => {
    const plain = path
      .slice(path.lastIndexOf('/') + 1)
      .replace(/[^\w.-]/g, '-')
      .replace(/^\.+(?=\.)/, '');
    let key = plain;
    for (let next = 2; taken.has(key); next++) key = `${plain}-${next}`;
    taken.add(key);
    return { path, key };
  });
}

/** In Kubernetes' words: 2, 1500m. */
function quantity(cpus: number): string {
  return Number.isInteger(cpus) ? `"${cpus}"` : `${Math.round(cpus * 1000)}m`;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

function time(ms: number): string {
  return `${seconds(ms)} s`;
}
