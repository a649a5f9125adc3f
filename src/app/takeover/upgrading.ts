// An app's part in an upgrade, on either side: whether it is a successor, and what it needs to have one. Part of the composition, in the
// primary.

import type { Config } from '../../config/options.ts';
import type { Generations } from '../../host/code/generations.ts';
import type { PrimaryDataPlane } from '../../host/connections/primary-data-plane.ts';
import { HeldBack } from '../../host/held-back.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { SupervisorInput } from '../../supervisor/vocabulary/inputs.ts';
import type { AppControl } from '../control/control.ts';
import type { Observation } from '../core/observation.ts';
import type { ObservedCore } from '../core/observed-core.ts';
import type { LaunchOptions } from '../launch-options.ts';
import type { Succession } from '../orphans/succession.ts';
import type { SupervisionHandle } from '../supervision.ts';
import { Arrival } from './arrival.ts';
import { Handover } from './handover.ts';
import { settleWhenReady } from './inherited.ts';
import { estateOf, prepareMs, upgradeObstacle, within } from './rules.ts';

interface Parts {
  handle: SupervisionHandle;
  core: ObservedCore;
  observation: Observation;
  generations: Generations;
  dataPlane: PrimaryDataPlane;
  control: AppControl;
  automation: { close(): Promise<void> };
  succession: Pick<Succession, 'ready' | 'adopt' | 'endWorkersOf'>;
  snapshot: () => Snapshot;
  dispatch: (input: SupervisorInput) => void;
  /** Signals to this process are no commands of this app any more. */
  obeyNoMore: () => void;
}

export class Upgrading {
  /** It starts beside an older supervisor, whose place it is to take. */
  readonly isSuccessor: boolean;
  readonly firstGeneration: number;
  /** The number of workers to begin with. */
  readonly target: number;
  readonly heldBack: HeldBack;
  readonly handover: Handover;
  readonly #config: Config;
  readonly #options: LaunchOptions;
  /** Called when all of them are made. */
  readonly #parts: () => Parts;

  constructor(config: Config, options: LaunchOptions, parts: () => Parts) {
    const takeover = options.inherited?.takeover ?? null;
    this.isSuccessor = takeover?.reason === 'upgrade';
    this.firstGeneration = (takeover?.generation ?? 0) + 1;
    this.target = within(config.workers, takeover?.workers);
    this.heldBack = new HeldBack(this.isSuccessor);
    this.#config = config;
    this.#options = options;
    this.#parts = parts;
    this.handover = this.#openHandover();
  }

  /** Why no such command may begin now, or null. */
  obstacle(command: string): string | null {
    if (command !== 'stop') return this.handover.obstacle;
    this.handover.stopping();
    return null;
  }

  begin(): void {
    const { inherited = null, control = 'wanted' } = this.#options;
    const { handle, observation, generations, dataPlane, dispatch, control: doors, succession } = this.#parts();
    settleWhenReady(inherited, { ready: handle.ready, report: (event) => handle.report(event) });
    handle.ready.then(
      () => succession.ready(),
      () => {},
    );
    const { takeover = null } = inherited ?? {};
    if (!this.isSuccessor || takeover === null) return;
    new Arrival(handle, {
      from: takeover.from,
      canaryTimeMs: this.#config.canaryTimeMs,
      admit: () => {
        this.heldBack.release();
        return dataPlane.accepting();
      },
      openDoors: () => doors.open(control),
      stepAside: () => dataPlane.letGo(),
      orphaned: () => void succession.adopt(handle.ready.then(() => dataPlane.accepting())).catch(() => {}),
      count: (counts) => observation.restore(counts),
      inherit: ({ previous, events }) => {
        doors.events = events;
        if (previous === null) return;
        generations.pin(previous.forebear.number, previous.program);
        dispatch({ type: 'succeeded', previous: previous.forebear });
      },
    }).begin();
  }

  #openHandover(): Handover {
    const { successor: plan = null } = this.#options;
    const parts = this.#parts;
    return new Handover({
      name: this.#config.name,
      plan,
      obstacle: () => upgradeObstacle(plan, parts().snapshot()),
      sockets: () => parts().dataPlane.handed(),
      heritage: () => parts().core.heritage(),
      estate: () => ({
        counts: parts().observation.save(),
        events: parts().control.events,
        ...estateOf(parts().core.heritage(), parts().generations),
      }),
      prepareMs: () => prepareMs(this.#config, parts().snapshot().target),
      doors: { letGo: () => parts().control.letGo(), openAgain: () => parts().control.openAgain() },
      endWorkersOf: (pid) =>
        void parts()
          .succession.endWorkersOf(pid)
          .catch(() => {}),
      leave: () => {
        const { handle, automation, dataPlane, obeyNoMore } = parts();
        if (this.handover.heirEnded !== null) obeyNoMore();
        void automation.close();
        dataPlane.letGo();
        void handle.stop({}, 'its successor has taken over');
      },
      report: (event) => parts().handle.report(event),
    });
  }
}
