import { disruptiveClasses } from '../../core/probe/classes.js';
import type { Plan } from '../../core/model/plan.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type PlaceChange, watchPlaces } from '../../system/state/changes/place-changes.js';

/** In ms: a sender stops within it. */
const everyMs = 50;

/** The places of endpoints that the run sends as. */
export interface Places {
  /** By MAC: the endpoint, and the indexes of its port and bridge. */
  readonly stations: ReadonlyMap<
    string,
    { readonly name: string; readonly port: string; readonly ifindex: number; readonly bridge: number | null }
  >;
  /** The host's interfaces by index. */
  readonly names: ReadonlyMap<number, string>;
}

/** Why the run must stop sending as endpoints. null = it may go on. */
export function displaced({ stations, names }: Places, changes: readonly PlaceChange[]): string | null {
  for (const change of changes) {
    if (change.kind === 'carrier') {
      const port = [...stations.values()].find(({ ifindex }) => ifindex === change.ifindex)?.port;
      if (port !== undefined) return `${port} has no carrier any more`;
      continue;
    }
    const station = stations.get(change.mac);
    // A bridge that is joined to its own learns it, too, where that leads to it
    if (
      station !== undefined &&
      station.ifindex !== change.ifindex &&
      (station.bridge === null || station.bridge === change.bridge)
    )
      return `${change.mac} of ${station.name} is no longer on ${station.port} but on ${names.get(change.ifindex) ?? `the port with index ${change.ifindex}`}: it has moved, and to speak with its MAC would pull it back`;
  }
  return null;
}

/** Senders on this host. None if the plan takes MACs or has events. */
export function placesOf(plan: Plan, indexOf: ReadonlyMap<string, number>): Places {
  const isOnPurpose = plan.steps.some(
    ({ flows, during, changes }) =>
      during.length > 0 || changes.length > 0 || flows.some((flow) => disruptiveClasses.includes(flow.class)),
  );
  const senders = new Set(isOnPurpose ? [] : plan.steps.flatMap(({ flows }) => flows.map(({ sender }) => sender)));
  const placed = plan.endpoints.flatMap(({ name, port, bridge, macs }) => {
    const ifindex = port === null ? undefined : indexOf.get(port);
    return port === null || ifindex === undefined || !senders.has(name)
      ? []
      : [{ name, port, macs, ifindex, bridge: indexOf.get(bridge) ?? null }];
  });
  return {
    stations: new Map(
      placed.flatMap(({ name, port, macs, ifindex, bridge }) =>
        macs.map((mac) => [mac, { name, port, ifindex, bridge }] as const),
      ),
    ),
    names: new Map([...indexOf].map(([name, ifindex]) => [ifindex, name])),
  };
}

/** Aborts with VerifyError `guests-disturbed` if a sender's MAC moves or its port loses carrier. */
export function watchSenders(places: Places, netns: string | null): { readonly signal: AbortSignal; stop(): void } {
  const gone = new AbortController();
  const watch = watchPlaces(netns);
  const timer = setInterval(() => {
    const why = displaced(places, watch.take());
    if (why !== null)
      gone.abort(new VerifyError('guests-disturbed', 3, why, 'the run was stopped at once; run it again'));
  }, everyMs);
  return {
    signal: gone.signal,
    stop() {
      clearInterval(timer);
      watch.close();
    },
  };
}
