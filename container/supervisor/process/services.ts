// The services of a session, as it wants them: starts them in order, stops those that it no longer wants.
import type { ServiceStatus } from "../../../src/contract/execute.ts";
import type { Service as Definition } from "../../../src/contract/session.ts";
import { readListeningSockets } from "../linux/listening-sockets.ts";
import { SERVICE_MARK } from "./environment.ts";
import type { Freezer } from "./freezer.ts";
import type { Launcher, Started } from "./launcher.ts";
import { listeningPorts, serviceOwner } from "./process-table.ts";
import type { ProcessTable } from "./process-table.ts";
import { Service } from "./service.ts";
import { ofOwner, terminate } from "./termination.ts";

export interface ServicesOptions {
  readonly startMs: number;
  readonly workspace: string;
  readonly launcher: Launcher;
  readonly table: ProcessTable;
  readonly freezer: Freezer;
  /** Called when something was started. */
  readonly onStart: () => void;
}

const LOOK_EVERY_MS = 20;

export class Services {
  readonly #options: ServicesOptions;
  /** In the order in which they are wanted. */
  #services: readonly Service[] = [];
  /** The last list that was asked for; an older one is given up where it is. */
  #turn = 0;
  #lane: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor(options: ServicesOptions) {
    this.#options = options;
  }

  /** Lists that are being put into effect. */
  get pending(): number {
    return this.#pending;
  }

  statuses(): ServiceStatus[] {
    return this.#services.map((service) => service.status());
  }

  /**
   * Stops those that are gone from the list or differ, then starts what does not run. One with a port is waited for
   * before the next is started, all together for `startMs`; then the others are started all the same.
   */
  async put(definitions: readonly Definition[]): Promise<ServiceStatus[]> {
    this.#turn += 1;
    const turn = this.#turn;
    this.#pending += 1;
    const done = this.#lane.then(() => this.#replace(definitions, turn));
    this.#lane = done.catch(() => {});
    try {
      await done;
      return this.statuses();
    } finally {
      this.#pending -= 1;
    }
  }

  /** It will be killed, and this is why. */
  blame(name: string, reason: string): void {
    this.#services.find(({ definition }) => definition.name === name)?.blame(reason);
  }

  /** Without starting them again. */
  async shutDown(): Promise<void> {
    await this.put([]);
  }

  async #replace(definitions: readonly Definition[], turn: number): Promise<void> {
    const wanted = new Set(definitions.map(fingerprint));
    const [kept, gone] = [
      this.#services.filter(({ definition }) => wanted.has(fingerprint(definition))),
      this.#services.filter(({ definition }) => !wanted.has(fingerprint(definition))),
    ];
    await Promise.all(gone.map((service) => service.stop()));
    this.#services = kept;
    const deadline = performance.now() + this.#options.startMs;
    const services: Service[] = [];
    for (const definition of definitions) {
      if (turn !== this.#turn) break;
      const same = fingerprint(definition);
      const service = kept.find((each) => fingerprint(each.definition) === same) ?? this.#open(definition);
      services.push(service);
      this.#services = [...services, ...kept.filter((each) => !services.includes(each))];
      await service.tried;
      if (definition.port === undefined) continue;
      while (!service.looksReady() && performance.now() < deadline && turn === this.#turn) {
        await Bun.sleep(LOOK_EVERY_MS);
      }
    }
  }

  #open(definition: Definition): Service {
    const { launcher, table, freezer, workspace, onStart } = this.#options;
    const { name, command, env, port } = definition;
    const owner = serviceOwner(name);
    const launch = (): Started => {
      const argv = ["/bin/sh", "-c", command];
      const started = launcher.start({ owner, argv, workingDir: workspace, env: { ...env, [SERVICE_MARK]: name } });
      onStart();
      return started;
    };
    return new Service({
      definition,
      start: (isWanted) => freezer.start(() => (isWanted() ? launch() : null)),
      clear: async () => {
        await freezer.running();
        return await terminate(table, ofOwner(owner));
      },
      isListening: () => {
        const sockets = readListeningSockets();
        if (![...sockets.values()].some((each) => each === port)) return false;
        const processes = table.scan().filter((entry) => entry.owner === owner);
        return [...listeningPorts(processes, sockets).values()].some(
          (ports) => port !== undefined && ports.includes(port),
        );
      },
    });
  }
}

/** Equal for services that need not be started anew. */
function fingerprint({ name, command, port, env }: Definition): string {
  return JSON.stringify([name, command, port ?? null, Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
