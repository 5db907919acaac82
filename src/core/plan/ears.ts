import type { Observer, Plan, StepPlan } from '../model/plan.js';
import type { LinkedDevice } from '../model/state.js';
import type { TimelineEntry } from '../model/timeline.js';

/** A place to listen that is no port, found when a step began: a device that stands on a bridge or on a port. */
export interface Ear {
  readonly observer: Observer;
  readonly device: string;
  /** Path of its network namespace; null = that of the bridges. */
  readonly space: string | null;
}

/** Kinds of link that get frames of what they stand on (ip-link(8)). */
const above: ReadonlySet<string> = new Set(['macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'vlan']);
/** Those that a guest has, wherever they are. */
const taps: ReadonlySet<string> = new Set(['macvtap', 'ipvtap']);

/**
 * In the bridges' own namespace such a device is the host's, unless a virtual machine has it or it is another bridge's
 * port.
 */
function isSomebodys({ kind, space, master }: LinkedDevice): boolean {
  return above.has(kind) && (space !== null || taps.has(kind) || master !== null);
}

/** The endpoint whose port's other end is in a namespace: whatever is there is its own; undefined = none, or several. */
function partiesOf(step: StepPlan, devices: readonly LinkedDevice[]): (space: string | null) => string | undefined {
  const portOf = new Map(devices.filter(({ space }) => space === null).map(({ ifindex, name }) => [ifindex, name]));
  const observerOf = new Map(step.observers.map(({ interface: port, name }) => [port, name]));
  const owners = new Map<string, Set<string>>();
  for (const { space, kind, lower } of devices) {
    const owner = kind === 'veth' && space !== null ? observerOf.get(portOf.get(lower ?? -1) ?? '') : undefined;
    if (space === null || owner === undefined) continue;
    owners.set(space, (owners.get(space) ?? new Set()).add(owner));
  }
  return (space) => {
    const all = [...(owners.get(space ?? '') ?? [])];
    return all.length === 1 ? all[0] : undefined;
  };
}

/**
 * Who beside the ports gets frames of a step's bridges: a macvlan, an ipvlan or a VLAN device on the bridge or on a port
 * that is in another namespace, a virtual machine's macvtap, a VLAN device that is another bridge's port. `devices`:
 * those of the bridges' namespace and those elsewhere that stand on one of them. Pure.
 */
export function earsAbove(step: StepPlan, devices: readonly LinkedDevice[]): readonly Ear[] {
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const own = devices.filter(({ space }) => space === null);
  const byIndex = new Map(own.map((device) => [device.ifindex, device]));
  const bridgeOf = ({ name, master }: LinkedDevice): string | undefined => {
    if (bridges.has(name)) return name;
    const bridge = byIndex.get(master ?? -1)?.name ?? '';
    return bridges.has(bridge) ? bridge : undefined;
  };
  const partyOf = partiesOf(step, devices);
  const taken = new Set(step.observers.flatMap(({ name, interface: device }) => [name, device]));
  const nameOf = (wanted: string): string => {
    let name = wanted;
    for (let number = 2; taken.has(name); number += 1) name = `${wanted}#${number}`;
    taken.add(name);
    return name;
  };
  return devices.filter(isSomebodys).flatMap((device): readonly Ear[] => {
    const lower = byIndex.get(device.lower ?? -1);
    const bridge = lower === undefined ? undefined : bridgeOf(lower);
    // one that is a port of the step's bridges itself is observed as such
    if (!device.up || lower === undefined || bridge === undefined || bridgeOf(device) !== undefined) return [];
    const name = nameOf(`${device.name}@${lower.name}`);
    const party = partyOf(device.space);
    return [
      {
        device: device.name,
        space: device.space,
        observer: {
          name,
          interface: name,
          bridge,
          place: 'above',
          role: 'guest',
          macs: device.mac === '' ? [] : [device.mac],
          judged: true,
          ...(party === undefined ? {} : { party }),
        },
      },
    ];
  });
}

/** The plan with the ears that steps found, each behind the observers of its step; the same where none was found. */
export function planWithEars(plan: Plan, timeline: readonly TimelineEntry[]): Plan {
  const found = timeline.flatMap((entry) => (entry.event === 'ear' ? [entry] : []));
  if (found.length === 0) return plan;
  return {
    ...plan,
    steps: plan.steps.map((step) => {
      const ears = found.filter((entry) => entry.step === step.index).map(({ observer }) => observer);
      return ears.length === 0 ? step : { ...step, observers: [...step.observers, ...ears] };
    }),
  };
}
