// Every metric that tutti publishes, as one table: docs/metrics.md is generated from it, and a sample that is not in it does not
// compile. Labels name slots, never pids: a series outlives the processes behind it. Runs in the primary.

export type FamilyType = 'counter' | 'gauge' | 'histogram';

export interface Family {
  type: FamilyType;
  help: string;
  labels: readonly string[];
  section: 'Supervisor' | 'Workers' | 'Requests and connections' | 'Runtime of the workers' | 'What the supervisor did';
}

const supervisor = (type: FamilyType, help: string, labels: readonly string[] = []): Family => ({
  type,
  help,
  labels,
  section: 'Supervisor',
});
const worker = (type: FamilyType, help: string, labels: readonly string[] = ['slot']): Family => ({
  type,
  help,
  labels,
  section: 'Workers',
});
const traffic = (type: FamilyType, help: string, labels: readonly string[] = ['slot']): Family => ({
  type,
  help,
  labels,
  section: 'Requests and connections',
});
const runtime = (type: FamilyType, help: string, labels: readonly string[] = ['slot']): Family => ({
  type,
  help,
  labels,
  section: 'Runtime of the workers',
});
const deed = (type: FamilyType, help: string, labels: readonly string[] = []): Family => ({
  type,
  help,
  labels,
  section: 'What the supervisor did',
});

export const families = {
  tutti_info: supervisor('gauge', 'Always 1; the labels say what runs.', ['app', 'version', 'node']),
  tutti_state: supervisor('gauge', '1 for the state the supervisor is in, 0 for the others.', ['state']),
  tutti_uptime_seconds: supervisor('gauge', 'Age of the supervisor.'),
  tutti_generation: supervisor('gauge', 'Generation that new workers belong to; grows with every reload and rollback.'),
  tutti_circuit_open: supervisor('gauge', '1 while early deaths of workers have stopped parallel starts, else 0.'),
  tutti_reload_in_progress: supervisor('gauge', '1 while workers are being replaced by a reload or rollback, else 0.'),
  tutti_supervisor_cpu_seconds_total: supervisor('counter', 'CPU time of the supervisor itself.', ['mode']),
  tutti_supervisor_resident_memory_bytes: supervisor('gauge', 'Resident memory of the supervisor itself.'),
  tutti_cpu_quota_cores: supervisor('gauge', 'CPUs that the quota of the container grants; missing without one.'),
  tutti_cpu_periods_total: supervisor('counter', "The quota's periods in which the container ran."),
  tutti_cpu_throttled_periods_total: supervisor('counter', 'Those of them in which the quota was used up.'),
  tutti_cpu_throttled_seconds_total: supervisor('counter', 'How long threads of the container waited for its quota.'),
  tutti_memory_limit_bytes: supervisor('gauge', 'Memory limit of the container; missing without one.'),
  tutti_memory_used_bytes: supervisor(
    'gauge',
    'Memory of the container without the file cache; at the limit the kernel kills.',
  ),
  tutti_oom_kills_total: supervisor(
    'counter',
    'Processes of the container that the kernel has killed for its memory limit.',
  ),
  tutti_app_metrics_left_out: supervisor(
    'gauge',
    "Values of the application's own metrics that are not on this page, because they are more than the limits allow.",
  ),

  tutti_workers_wanted: worker('gauge', 'Number of workers the supervisor is to keep.', []),
  tutti_workers: worker('gauge', 'Workers and empty slots by state.', ['state']),
  tutti_worker_up: worker(
    'gauge',
    '1 if a ready worker of the slot gives signs of life, else 0: nothing there, starting, draining or hung.',
  ),
  tutti_worker_generation: worker('gauge', 'Newest generation that runs in the slot.'),
  tutti_worker_uptime_seconds: worker('gauge', 'Age of the newest worker of the slot.'),
  tutti_worker_exits_total: worker('counter', 'Ends of workers by reason.', ['slot', 'reason']),
  tutti_worker_restarts_total: worker('counter', 'Unplanned exits after which the slot was filled again, by reason.', [
    'slot',
    'reason',
  ]),
  tutti_worker_suspect_total: worker('counter', 'Times a worker of the slot gave no sign of life for 5 seconds.'),
  tutti_worker_recycles_total: worker('counter', 'Planned replacements of single workers.'),
  tutti_worker_preload_failures_total: worker(
    'counter',
    "Failures of tutti's own code in the workers of the slot, which the application did not notice.",
  ),

  tutti_http_requests_total: traffic(
    'counter',
    'Finished HTTP requests by class of status; aborted: the client left.',
    ['slot', 'status'],
  ),
  tutti_http_request_duration_seconds: traffic(
    'histogram',
    'Time from the parsed head of a request to the end of its answer.',
  ),
  tutti_http_requests_active: traffic('gauge', 'HTTP requests in flight.'),
  tutti_connections: traffic('gauge', 'Open connections.'),
  tutti_transfers_total: traffic(
    'counter',
    'Connections passed between workers: sent, adopted (also one’s own that came back), refused.',
    ['slot', 'result'],
  ),
  tutti_requests_replayed_total: traffic(
    'counter',
    'Requests that a worker of the slot was serving when it died, and that run again in another.',
    ['slot'],
  ),

  tutti_worker_event_loop_delay_p99_seconds: runtime(
    'gauge',
    '99th percentile of event loop delay in the last second.',
  ),
  tutti_worker_event_loop_utilization_ratio: runtime('gauge', 'Share of time the event loop was busy, 0 to 1.'),
  tutti_worker_gc_duration_seconds_total: runtime('counter', 'Time spent in garbage collection by kind.', [
    'slot',
    'kind',
  ]),
  tutti_worker_gc_runs_total: runtime('counter', 'Garbage collections by kind.', ['slot', 'kind']),
  tutti_worker_heap_used_bytes: runtime('gauge', 'Used V8 heap.'),
  tutti_worker_heap_total_bytes: runtime('gauge', 'V8 heap taken from the system.'),
  tutti_worker_heap_limit_bytes: runtime('gauge', 'Size at which V8 gives up.'),
  tutti_worker_external_memory_bytes: runtime('gauge', 'Memory of buffers and other objects outside the V8 heap.'),
  tutti_worker_resident_memory_bytes: runtime('gauge', 'Resident memory (RSS); pages shared by workers count in each.'),
  tutti_worker_proportional_memory_bytes: runtime(
    'gauge',
    'Proportional memory (PSS, Linux): shared pages are divided among those who share them.',
  ),
  tutti_worker_cpu_seconds_total: runtime('counter', 'CPU time.', ['slot', 'mode']),

  tutti_worker_boot_seconds: deed('histogram', 'Time from the start of a worker until it was ready.'),
  tutti_worker_drain_seconds: deed('histogram', 'Time from the begin of a drain until nothing was left to wait for.'),
  tutti_drains_incomplete_total: deed('counter', 'Drains that ended with something still open.'),
  tutti_reloads_total: deed('counter', 'Reloads and rollbacks by result.', ['kind', 'result']),
  tutti_reload_duration_seconds: deed('histogram', 'Duration of reloads that succeeded.'),
  tutti_scalings_total: deed('counter', 'Changes of the number of workers.', ['direction']),
  tutti_circuit_openings_total: deed('counter', 'Times the circuit opened.'),
  tutti_port_closings_total: deed(
    'counter',
    'Times the ports were closed because no worker was ready for holdTimeout.',
  ),
  tutti_incidents_total: deed('counter', 'Incident reports written.'),
} as const satisfies Record<string, Family>;

/** Buckets that are published: few, because each is a series per slot. All of them are bounds of the workers' own histogram. */
export const requestBoundsSeconds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30] as const;

export type FamilyName = keyof typeof families;
