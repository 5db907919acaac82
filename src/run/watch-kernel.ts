import { hostOf } from '../core/model/host-names.js';
import type { StepPlan } from '../core/model/plan.js';
import type { HostState, LinkState, PassingCarriers, SenderBehind } from '../core/model/state.js';
import type { SettingChange } from '../core/model/timeline.js';
import { type RuleWatch, watchRuleChanges } from '../system/state/changes/rule-changes.js';
import { watchOvs } from '../system/state/changes/ovs-changes.js';
import { type SettingChangeWatch, watchSettingChanges } from '../system/state/changes/setting-changes.js';
import { type BehindWatch, watchBehind } from '../system/state/hear-guests.js';
import { type PlaceWatch, watchPlaces } from '../system/state/changes/place-changes.js';
import { type CarrierWatch, watchCarriers } from '../system/state/changes/carrier-changes.js';
import type { RunContext } from './context.js';
import { FarWatch } from './hosts/watch-far.js';

/** Kernel reports between two snapshots. */
export interface KernelWatch {
  readonly rules: Pick<RuleWatch, 'take'>;
  readonly settings: Pick<SettingChangeWatch, 'take'>;
  /** Of the bridges' namespace on this host. */
  readonly carriers: Pick<CarrierWatch, 'take'>;
  /** Guests behind bridge devices here, from `begin` on. */
  readonly behind: Pick<BehindWatch, 'take'>;
  /** Called when promiscuous devices and their numbers are known. */
  begin(links: readonly LinkState[]): void;
  /** Changes that could not be heard, and why. */
  unheard(): readonly string[];
  /** Adds other hosts' news to `rules`, `settings` and `unheard`. */
  fetch(): Promise<void>;
  /** Adds transient devices of other hosts. */
  withPassing(state: HostState): HostState;
  close(): void;
}

function watchedSpaces({ fabric }: RunContext, step: StepPlan): ReadonlyMap<string | null, string | null> {
  return new Map(
    step.observers.flatMap(({ interface: device, by }) => {
      if (by?.device !== undefined) return []; // what a guest does in its own namespace is its affair
      const { host, netns } = fabric.observingPlace(device);
      return host === undefined ? [[netns, hostOf(device)] as const] : [];
    }),
  );
}

/** From a step's first change to its first snapshot. Without changes nothing can be undone. */
export class ChangeWatch {
  private readonly watches: readonly { readonly host: string | null; readonly watch: SettingChangeWatch }[];

  constructor(context: RunContext, step: StepPlan) {
    const spaces = step.changes.length === 0 ? [] : [...watchedSpaces(context, step)];
    this.watches = spaces.map(([netns, host]) => ({ host, watch: watchSettingChanges(netns, false) }));
  }

  /** Changed more than once since the last call. */
  take(): readonly SettingChange[] {
    return settingsHeard(this.watches);
  }

  close(): void {
    for (const { watch } of this.watches) watch.close();
  }
}

function settingsHeard(
  watches: readonly { readonly host: string | null; readonly watch: SettingChangeWatch }[],
): readonly SettingChange[] {
  return watches.flatMap(({ host, watch }) =>
    watch.take().map((change) => (host === null ? change : { ...change, host })),
  );
}

/** A lab's guests are all in the plan: listens only on this host. */
class LateBehindWatch {
  readonly #home: string | null | undefined;
  readonly #bridges: ReadonlySet<string>;
  #watch: BehindWatch | null = null;

  constructor({ plan }: RunContext, step: StepPlan, spaces: ReadonlyMap<string | null, string | null>) {
    const [home] = [...spaces].flatMap(([netns, host]) => (host === null ? [netns] : []));
    this.#home = plan.provider === 'host' ? home : undefined;
    this.#bridges = new Set(step.observers.map(({ bridge }) => bridge));
  }

  begin(links: readonly LinkState[]): void {
    if (this.#home !== undefined) this.#watch ??= watchBehind(links, this.#home, this.#bridges);
  }

  take(): readonly SenderBehind[] {
    return this.#watch?.take() ?? [];
  }

  unheard(): readonly string[] {
    return (this.#watch?.unheard ?? []).map((bridge) => `guests behind ${bridge}: it cannot be listened on`);
  }

  close(): void {
    this.#watch?.close();
  }
}

/** In ms. The judge knows it (core/judge/count/tally.ts). */
const stationsEveryMs = 50;
/** A guest that invents MACs must not fill the timeline. Reports the omission. */
const maxStations = 4096;

class StationWatch {
  readonly #context: RunContext;
  readonly #step: StepPlan;
  readonly #watches: readonly PlaceWatch[];
  #timer: NodeJS.Timeout | undefined;
  #observers: ReadonlyMap<number, string> = new Map();
  #written = 0;
  readonly #missed = new Set<string>();

  /** The opener closes `watches`. */
  constructor(context: RunContext, step: StepPlan, watches: readonly PlaceWatch[]) {
    this.#context = context;
    this.#step = step;
    this.#watches = watches;
  }

  begin(links: readonly LinkState[]): void {
    if (this.#watches.length === 0 || this.#timer !== undefined) return;
    const names = new Map(this.#step.observers.map(({ interface: port, name }) => [port, name]));
    this.#observers = new Map(
      links.flatMap(({ name, ifindex }) => {
        const observer = names.get(name);
        return observer === undefined ? [] : [[ifindex, observer] as const];
      }),
    );
    this.#timer = setInterval(() => this.#look(), stationsEveryMs);
  }

  #look(): void {
    const { plan, timeline } = this.#context;
    for (const change of this.#watches.flatMap((watch) => watch.take())) {
      if (change.kind !== 'moved') continue;
      if (plan.endpoints.some(({ macs }) => macs.includes(change.mac))) continue;
      if (this.#written >= maxStations) {
        this.#miss(`more than ${maxStations}`);
        break;
      }
      this.#written += 1;
      const observer = this.#observers.get(change.ifindex) ?? null;
      timeline.log(this.#step.index, { event: 'station-learned', mac: change.mac, observer });
    }
    if (this.#watches.some((watch) => watch.hasLost())) this.#miss('more at once than the kernel keeps');
  }

  #miss(why: string): void {
    if (this.#missed.has(why)) return;
    this.#missed.add(why);
    const text = `MACs that the bridge learned are not all known: ${why}`;
    this.#context.timeline.log(this.#step.index, {
      event: 'fault',
      fault: { code: 'state-unread', observers: [], text },
    });
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#look();
  }
}

function joinPassing(parts: readonly PassingCarriers[]): PassingCarriers {
  return {
    packetSockets: parts.flatMap((part) => part.packetSockets),
    logGroups: parts.flatMap((part) => part.logGroups),
    legacyTables: parts.flatMap((part) => part.legacyTables),
    sharedTaps: Object.fromEntries(parts.flatMap((part) => Object.entries(part.sharedTaps))),
    programs: parts.flatMap((part) => part.programs),
    packetHandlers: parts.flatMap((part) => part.packetHandlers),
  };
}

interface Closable {
  close(): void;
}

/** Last opened first: it may need those before. */
function closeAll(opened: Closable[]): void {
  for (const watch of opened.splice(0).reverse()) watch.close();
}

/**
 * Watches rules and settings in each of this machine's namespaces with observers, but not guests' own. Other hosts
 * watch themselves.
 */
export async function watchKernel(context: RunContext, step: StepPlan): Promise<KernelWatch> {
  const opened: Closable[] = [];
  try {
    return await openAll(context, step, opened);
  } catch (error) {
    closeAll(opened);
    throw error;
  }
}

async function openAll(context: RunContext, step: StepPlan, opened: Closable[]): Promise<KernelWatch> {
  const keep = <T extends Closable>(watch: T): T => {
    opened.push(watch);
    return watch;
  };
  const far = await FarWatch.open(context, step);
  const hosts = watchedSpaces(context, step);
  const spaces = [...hosts.keys()];
  const rules = spaces.map((netns) => keep(watchRuleChanges(netns)));
  const isRouted = step.observers.some(({ routed }) => routed === true);
  const settings = [...hosts].map(([netns, host]) => ({ host, watch: keep(watchSettingChanges(netns, isRouted)) }));
  const carriers = [...hosts].flatMap(([netns, host]) => (host === null ? [keep(watchCarriers(netns))] : []));
  const switches = context.plan.bridges.flatMap(({ kind, name }) => (kind === 'ovs' ? [name] : []));
  const ovs = switches.length === 0 ? [] : [keep(await watchOvs(new Set(switches)))];
  const watches = [...rules, ...carriers, ...settings.map(({ watch }) => watch), ...ovs];
  const behind = keep(new LateBehindWatch(context, step, hosts));
  const places = step.listenMs === null ? [] : spaces.map((netns) => keep(watchPlaces(netns)));
  const stations = keep(new StationWatch(context, step, places));
  return {
    behind,
    begin(links) {
      behind.begin(links);
      stations.begin(links);
    },
    carriers: { take: async () => joinPassing(await Promise.all(carriers.map((watch) => watch.take()))) },
    rules: { take: () => [...rules.flatMap((watch) => watch.take()), ...far.takeRules()] },
    settings: {
      take: () => [...settingsHeard(settings), ...ovs.flatMap((watch) => watch.take()), ...far.takeSettings()],
    },
    fetch: () => far.fetch(),
    withPassing: (state) => far.withPassing(state),
    unheard: () => [...new Set([...[...watches, behind].flatMap((watch) => watch.unheard()), ...far.unheard()])],
    close: () => closeAll(opened),
  };
}
