import type { RuleFinding } from '../../../audit/rule.js';
import { nftMirrorRule, tcMirrorRule, xdpRule } from '../../../audit/rules/mirrors.js';
import { execute, setPort } from '../../../bridge/changes.js';
import { type BridgeView, bridgeViews, stateAlone } from '../../../bridge/view.js';
import type { Observer } from '../../../model/plan.js';
import type { HostState } from '../../../model/state.js';
import { isSwitchedOn, isUnicast, routedSender } from '../../rows/row-context.js';
import { type CauseFinder, type LeakContext, type Weakness } from './weakness.js';

interface Carriers {
  readonly rules: readonly RuleFinding[];
  readonly programs: readonly RuleFinding[];
  /** The first of the rules that carry frames to a port, by its name. */
  readonly toPort: Map<string, RuleFinding | null>;
}

/**
 * What was found in a state, by bridge: it is asked for once for each leak, and a mesh has thousands. A state is never
 * changed.
 */
const found = new WeakMap<HostState, Map<string, Carriers | null>>();

/** The ports of a segment in which the host routes, as those of a bridge; undefined = there are none. */
function routedView({ before, bridge, step }: LeakContext): BridgeView | undefined {
  const names = step.observers.flatMap((observer) =>
    observer.routed === true && observer.bridge === bridge.name ? [observer.interface] : [],
  );
  if (names.length === 0) return undefined;
  const ports = before.links
    .filter(({ name }) => names.includes(name))
    .map((link) => ({ name: link.name, link, settings: {}, role: 'guest' as const }));
  return {
    name: bridge.name,
    link: bridge,
    settings: {},
    ports,
    guests: ports,
    fdb: [],
    devices: new Set(names),
    vlansOf: () => null,
  };
}

function carriersOf(leak: LeakContext): Carriers | null {
  const {
    before: state,
    bridge: { name: bridge },
  } = leak;
  const known = found.get(state) ?? new Map<string, Carriers | null>();
  found.set(state, known);
  let carriers = known.get(bridge);
  if (carriers === undefined) {
    const reading = stateAlone(state);
    const view = bridgeViews(reading).find(({ name }) => name === bridge) ?? routedView(leak);
    carriers =
      view === undefined
        ? null
        : {
            rules: [...tcMirrorRule(view, reading), ...nftMirrorRule(view, reading)],
            programs: xdpRule(view, reading),
            toPort: new Map(),
          };
    known.set(bridge, carriers);
  }
  return carriers;
}

function ruleTo(port: string | null, { rules, toPort }: Carriers): RuleFinding | null {
  if (port === null) return rules[0] ?? null;
  const known = toPort.get(port);
  if (known !== undefined) return known;
  const rule = rules.find(({ value }) => value.split(' ').includes(port)) ?? null;
  toPort.set(port, rule);
  return rule;
}

/**
 * Whether the bridge itself had reason to hand the frames to the observer's port: as group frames, or as unicast that
 * its table sends there or knows no place for.
 */
function isBridged(leak: LeakContext): boolean {
  const { entries, port, fromPort } = leak;
  if (!isUnicast(leak)) return true;
  const isKeptApart = isSwitchedOn(fromPort?.port?.['isolated']) && isSwitchedOn(port?.port?.['isolated']);
  return (
    port !== null &&
    !isKeptApart &&
    (entries.length === 0 || entries.some((entry) => entry.port === port.name)) &&
    isSwitchedOn(port.port?.['flood'])
  );
}

/** The observer's port, of a bridge or not; null = it has none. */
function deviceOf({ port, observer }: LeakContext): string | null {
  if (port !== null) return port.name;
  return observer?.routed === true ? observer.interface : null;
}

/**
 * A rule carries frames of the bridge's devices to another one (tc-mirred(8), nft(8) dup and fwd), or an XDP program
 * may. The audit finds them; here they explain a leak.
 */
const findMirror: CauseFinder = (leak) => {
  const { bridge, fromPort, to, entries } = leak;
  // unknown unicast is flooded there anyway: the setting that floods is what is to be closed first
  if (isUnicast(leak) && entries.length === 0 && leak.finding.exposed === true && isBridged(leak)) return null;
  const carriers = carriersOf(leak);
  if (carriers === null) return null;
  const near = [fromPort?.name, routedSender(leak)?.port, to?.port, bridge.name];
  const first =
    ruleTo(deviceOf(leak), carriers) ?? carriers.programs.find(({ place }) => near.includes(place.split(' ')[0]));
  return first === undefined ? null : { place: first.place, value: first.value, text: first.text, fix: first.fix };
};

export const mirror: Weakness = {
  meaning:
    'A rule of tc or nft, or an XDP program, carries frames of one port to another; its place is named. No attribute of a link shows it.',
  phrase: ({ place }) => `a rule or program copies frames (${place})`,
  cost: {
    price: 'host',
    text: 'the receiver of the copies (an intrusion detection, a debugging session) no longer gets them',
  },
  find: findMirror,
};

/** ETH_P_ALL of linux/if_ether.h: the socket takes every frame. */
const everyFrame = '0003';

/**
 * A process of the host takes every frame where these passed, and the bridge had no reason to hand them to the
 * observer: the process may have. Needs no promiscuous mode (packet(7)); this program's own sockets are not in the
 * state.
 */
const findSnifferOnHost: CauseFinder = (leak) => {
  const { before, bridge, fromPort, to } = leak;
  if (isBridged(leak) && leak.observer?.place === 'port') return null;
  const toPort = before.links.find((link) => link.name === to?.port);
  const places = new Map(
    [bridge, fromPort, toPort].flatMap((link) =>
      link === null || link === undefined ? [] : [[link.ifindex, link.name] as const],
    ),
  );
  // Open vSwitch in user space takes every frame because it is the bridge
  const isSwitch = (holders: readonly { readonly name: string }[]): boolean =>
    before.ovs !== undefined && holders.length > 0 && holders.every(({ name }) => name === 'ovs-vswitchd');
  const [socket] = (before.packetSockets ?? []).filter(
    ({ ifindex, protocol, own, holders }) =>
      !own && !isSwitch(holders) && protocol === everyFrame && (ifindex === 0 || places.has(ifindex)),
  );
  if (socket === undefined) return null;
  const where = places.get(socket.ifindex) ?? 'every interface';
  const who =
    socket.holders.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ') || 'a process that cannot be seen';
  return {
    place: `packet socket on ${where}`,
    value: who,
    text: `${who} takes every frame at ${where}, and the bridge had no reason to hand these to ${leak.finding.observer}`,
    fix: null,
  };
};

export const snifferOnHost: Weakness = {
  meaning:
    'A process on the host, which is named, takes every frame at sender, addressee or bridge, and may have handed them on.',
  phrase: ({ value }) => `${value} on the host takes every frame, and may hand them on`,
  cost: null,
  find: findSnifferOnHost,
};

/** What leaves by the port of a lower device comes back where that has hairpin on. */
function sentBack(by: NonNullable<Observer['by']>, observer: string, { links }: HostState): ReturnType<CauseFinder> {
  const port = links.find(({ name }) => name === by.port)?.port ?? {};
  if (!isSwitchedOn(port['hairpin'])) return null;
  return {
    place: `${by.port}.hairpin`,
    value: 'on',
    text: `${by.port} sends frames back to ${by.lower}, from which they came: they reach ${observer}, which stands on it too, past its mode ${by.mode}`,
    fix: { changes: [setPort(by.port, 'hairpin', false)] },
  };
}

/**
 * Sender and observer stand on one lower device in mode bridge: the kernel hands unicast to the guest that has the MAC,
 * and what is for everybody to all of them (macvlan_queue_xmit, drivers/net/macvlan.c). In other modes frames leave, and
 * unicast that a port with hairpin sends back is handed over, in mode private too (macvlan_handle_frame).
 */
const findMacvlanBridge: CauseFinder = ({ observer, from, before }) => {
  const by = observer?.by;
  if (by === undefined || from?.below?.lower !== by.lower) return null;
  if (by.mode !== 'bridge' || from.below.mode !== 'bridge') return sentBack(by, observer?.name ?? '', before);
  const device = from.port ?? from.name;
  return {
    place: `${device}.mode`,
    value: 'bridge',
    text: `${from.name} (${device}) and ${observer?.name ?? ''} stand on ${by.lower} in mode bridge: the kernel hands frames from one to the other, past the bridge and the switch`,
    fix: { changes: [execute('ip', 'link', 'set', 'dev', device, 'type', from.attach, 'mode', 'private')] },
  };
};

export const macvlanBridge: Weakness = {
  meaning:
    'Sender and observer stand on one lower device by macvlan or macvtap in mode bridge, whose frames pass within the kernel. Or its port has hairpin on, and frames come back.',
  phrase: ({ place }) => `frames get from one guest of a lower device to another (${place})`,
  cost: { price: 'apart', text: 'guests of the lower device do not reach each other by it' },
  find: findMacvlanBridge,
};

/**
 * The observer stands on the bridge or on one of its ports without being one: what the bridge hands to its own device
 * is copied to a macvlan or an ipvlan there (macvlan_handle_frame of drivers/net/macvlan.c), all of it in passthru mode,
 * and tagged frames go to a VLAN device.
 */
const findAboveBridge: CauseFinder = ({ observer, bridge }) => {
  if (observer?.place !== 'above' || observer.by !== undefined) return null;
  const [device = observer.name, lower = bridge.name] = observer.name.split('@');
  return {
    place: device,
    value: `on ${lower}`,
    text: `${device} stands on ${lower}: it gets what ${lower} gets, and is no port that a setting of ${bridge.name} could close`,
    fix: null,
  };
};

export const aboveBridge: Weakness = {
  meaning:
    'The observer is a macvlan, an ipvlan or a VLAN device on the bridge or on a port. It gets what the device below gets, whatever the ports are set to.',
  phrase: ({ place, value }) => `${place} stands ${value} and gets what that gets`,
  cost: null,
  find: findAboveBridge,
};
