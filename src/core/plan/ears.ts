import type { Observer, Plan, StepPlan } from '../model/plan.js';
import { type EarProgram, type LinkedDevice, pairKinds } from '../model/state.js';
import type { TimelineEntry } from '../model/timeline.js';

/** An observer that is no port, found as a step began: a device on a bridge or port. */
export interface Ear {
  readonly observer: Observer;
  readonly device: string;
  /** Path of its network namespace; null = the bridges'. */
  readonly space: string | null;
}

/** Each namespace with ears, or with guests of lower devices, has capture helpers of some 50 MB. */
export const maxSpaces = 16;

/**
 * Kinds of link (ip-link(8)) that get no frames of their IFLA_LINK: a pair's is its other end, tunnels send by it and
 * receive what they unwrap. All others count: macsec gets a copy of each frame without a SecTAG (handle_not_macsec,
 * drivers/net/macsec.c).
 */
const aside: ReadonlySet<string | null> = new Set([
  ...[...pairKinds, 'vxcan'],
  ...['gre', 'ip6gre', 'ip6tnl', 'ipip', 'sit', 'vti', 'vti6', 'xfrm'],
  ...['erspan', 'gretap', 'ip6erspan', 'ip6gretap'],
  ...['amt', 'bareudp', 'geneve', 'gtp', 'l2tpeth', 'pfcp', 'vxlan'],
]);
/** A guest's in any namespace. */
const taps: ReadonlySet<string> = new Set(['macvtap', 'ipvtap']);

/**
 * In the bridges' namespace such a device is the host's, unless a virtual machine's, another bridge's port, or in mode
 * passthru: then the host's stack takes every frame on it as its own (PACKET_HOST, macvlan_handle_frame of
 * drivers/net/macvlan.c), readable by any socket.
 */
function isSomebodys({ kind, space, master, mode }: LinkedDevice): boolean {
  return !aside.has(kind) && (space !== null || taps.has(kind) || master !== null || mode === 'passthru');
}

/**
 * No two on a lower device have the same MAC (macvlan_addr_busy), or as ipvlans, which share it, the same address
 * (ipvlan_addr_busy).
 */
function isDeviceOf({ by, bridge, macs }: Observer, lower: string, { mac, ips }: LinkedDevice): boolean {
  if (by?.device === undefined || bridge !== lower) return false;
  if (by.addresses === undefined) return macs.includes(mac);
  return by.addresses.some((address) => ips?.includes(address) === true);
}

/** The endpoints whose ports' other ends, or whose devices on a lower one, are in a namespace own all there. */
export function partiesBehind(
  step: Pick<StepPlan, 'observers'>,
  devices: readonly LinkedDevice[],
): (space: string | null) => readonly string[] {
  const portOf = new Map(devices.filter(({ space }) => space === null).map(({ ifindex, name }) => [ifindex, name]));
  const observerOf = new Map(step.observers.map(({ interface: port, hop, name }) => [hop?.near ?? port, name]));
  const owners = new Map<string, Set<string>>();
  for (const device of devices) {
    const { space, kind, lower } = device;
    if (space === null) continue;
    const port = portOf.get(lower ?? -1) ?? '';
    const owner = pairKinds.includes(kind)
      ? observerOf.get(port)
      : step.observers.find((observer) => isDeviceOf(observer, port, device))?.name;
    if (owner === undefined) continue;
    owners.set(space, (owners.get(space) ?? new Set()).add(owner));
  }
  return (space) => [...(owners.get(space ?? '') ?? [])];
}

interface DeviceAbove {
  readonly device: LinkedDevice;
  /** Its lower device: a bridge of the step, its port, or a device on such. */
  readonly lower: LinkedDevice;
  readonly bridge: string;
}

function devicesAbove(step: StepPlan, devices: readonly LinkedDevice[]): readonly DeviceAbove[] {
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const local = devices.filter(({ space }) => space === null);
  const byIndex = new Map(local.map((device) => [device.ifindex, device]));
  const routedTo = new Map(
    step.observers.flatMap((observer) =>
      observer.routed === true ? [[observer.interface, observer.bridge] as const] : [],
    ),
  );
  const bridgeOf = ({ name, master }: LinkedDevice): string | undefined => {
    const segment = bridges.has(name) ? name : routedTo.get(name);
    if (segment !== undefined) return segment;
    const bridge = byIndex.get(master ?? -1)?.name ?? '';
    return bridges.has(bridge) ? bridge : undefined;
  };
  /** Ends of pairs and tunnels have no lower device. */
  const bridgeBelow = (lower: LinkedDevice): string | undefined => {
    const passed = new Set<LinkedDevice>();
    let at: LinkedDevice | undefined = lower;
    while (at !== undefined && !passed.has(at)) {
      const bridge = bridgeOf(at);
      if (bridge !== undefined || aside.has(at.kind)) return bridge;
      passed.add(at);
      at = byIndex.get(at.lower ?? -1);
    }
    return undefined;
  };
  return devices.filter(isSomebodys).flatMap((device): readonly DeviceAbove[] => {
    const lower = byIndex.get(device.lower ?? -1);
    const bridge = lower === undefined ? undefined : bridgeBelow(lower);
    if (!device.up || lower === undefined || bridge === undefined) return [];
    // ports of the step's bridges are observed as such; elsewhere names and numbers are others'
    if (device.space === null && bridgeOf(device) !== undefined) return [];
    if (step.observers.some((observer) => isDeviceOf(observer, bridge, device))) return [];
    return [{ device, lower, bridge }];
  });
}

function keyOf({ space, spaceId = space ?? '', ifindex }: LinkedDevice): string {
  return `${spaceId} ${ifindex}`;
}

/**
 * Devices that got frames of a step's bridges without being possible observers at its start: they came, went up, or
 * received frames and are down again. `began`: devices then; `ended`: after the last probe. `nameOf`: names across
 * hosts. Pure.
 */
export function unheardDevices(
  step: StepPlan,
  began: readonly LinkedDevice[],
  ended: readonly LinkedDevice[],
  nameOf: (device: string) => string = (device) => device,
): readonly string[] {
  const known = new Map(began.map((device) => [keyOf(device), device]));
  const heard = new Set(devicesAbove(step, began).map(({ device }) => keyOf(device)));
  const receivedAt = (device: LinkedDevice | undefined): number => device?.received ?? 0;
  const wasUp = ended.map((device) =>
    !device.up && receivedAt(device) > receivedAt(known.get(keyOf(device))) ? { ...device, up: true } : device,
  );
  return devicesAbove(step, wasUp)
    .filter(({ device }) => !heard.has(keyOf(device)))
    .map(({ device, lower }) => {
      const { name, kind, space } = device;
      const came = known.get(keyOf(device))?.lower === device.lower ? 'came up on' : 'came to stand on';
      const where = space === null ? 'the namespace of the bridges' : space;
      return `${kind} ${nameOf(name)} in ${where} ${came} ${nameOf(lower.name)} while the step ran: no observer listened there`;
    });
}

/**
 * XDP programs on observed devices in other namespaces, which run before packet sockets (do_xdp_generic in
 * __netif_receive_skb_core, net/core/dev.c). The state has those of the bridges' own namespace. `nameOf` as in
 * `unheardDevices`. Pure.
 */
export function programsAtEars(
  step: StepPlan,
  devices: readonly LinkedDevice[],
  nameOf: (device: string) => string,
): readonly EarProgram[] {
  const ears = new Set(devicesAbove(step, devices).map(({ device }) => device));
  const lowers = new Map(devices.filter(({ space }) => space === null).map(({ ifindex, name }) => [ifindex, name]));
  const isObserved = (device: LinkedDevice): boolean =>
    step.observers.some((observer) => isDeviceOf(observer, lowers.get(device.lower ?? -1) ?? '', device));
  return devices.flatMap((device) => {
    const { space, name, xdpId } = device;
    if (space === null || xdpId === undefined || !(ears.has(device) || isObserved(device))) return [];
    return [{ device: nameOf(name), space, id: xdpId }];
  });
}

/**
 * Devices beside the ports that get frames of a step's bridges: a macvlan, macsec, VLAN device or any other on the
 * bridge, a port or a routed guest's device, in another namespace; a virtual machine's macvtap; another bridge's port.
 * `devices`: the bridges' namespace's, and those elsewhere on one. Pure.
 */
export function earsAbove(step: StepPlan, devices: readonly LinkedDevice[]): readonly Ear[] {
  const behind = partiesBehind(step, devices);
  const taken = new Set(step.observers.flatMap(({ name, interface: device }) => [name, device]));
  const nameOf = (wanted: string): string => {
    let name = wanted;
    for (let number = 2; taken.has(name); number += 1) name = `${wanted}#${number}`;
    taken.add(name);
    return name;
  };
  return devicesAbove(step, devices).map(({ device, lower, bridge }): Ear => {
    const name = nameOf(`${device.name}@${lower.name}`);
    const [party, ...others] = behind(device.space);
    const isItsOwn = party !== undefined && others.length === 0;
    return {
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
        ...(isItsOwn ? { party } : {}),
        device: {
          ...{ name: device.name, space: device.space, kind: device.kind },
          ...(device.mode === undefined ? {} : { mode: device.mode }),
        },
      },
    };
  });
}

/** The plan with its steps' ears, each behind the observers of its step. */
export function planWithEars(plan: Plan, timeline: readonly TimelineEntry[]): Plan {
  const entries = timeline.flatMap((entry) => (entry.event === 'ear' ? [entry] : []));
  if (entries.length === 0) return plan;
  return {
    ...plan,
    steps: plan.steps.map((step) => {
      const ears = entries.filter((entry) => entry.step === step.index).map(({ observer }) => observer);
      return ears.length === 0 ? step : { ...step, observers: [...step.observers, ...ears] };
    }),
  };
}
