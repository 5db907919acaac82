import { linkNamed } from '../../bridge/host.js';
import { isExaminedKind, type LowerGuest, lowerGuests, onBridges } from '../../bridge/beside.js';
import { isOutward } from '../../bridge/view.js';
import { isIpvlanMode, isMacvlanMode, type MacvlanMode, passingOf } from '../../model/attach.js';
import type { Carrier, ProbeClassName } from '../../model/scenario.js';
import type { LinkState } from '../../model/state.js';
import { maxSpaces } from '../../plan/ears.js';
import type { FoundEntry, WrittenEndpoint } from '../found-endpoints.js';
import { guestOfPort } from '../guests.js';
import { endpointName } from '../host-topology.js';
import type { Placed, WrittenProbe } from './steps.js';
import { isIpv6Address, type RoutedInput } from './routes.js';
import { namesIn } from '../../text/collections.js';

/** A guest on a lower device, known by its MAC; by ipvlan by its addresses, as all share a MAC. */
export interface LowerEntry extends FoundEntry {
  readonly endpoint: WrittenEndpoint & { readonly attach?: 'macvtap' | 'ipvlan' };
  /** Frames passed in the kernel: of an ipvlan its flag. */
  readonly mode: MacvlanMode;
  /** As `LowerGuest` names it. */
  readonly guestDevice: LowerGuest;
}

/** Guests on one device of the host. */
export interface LowerSegment {
  readonly name: string;
  readonly entries: readonly LowerEntry[];
  /** No others are on it, which broadcasts would reach. */
  readonly isWhole: boolean;
  /** Frames that leave by it may leave the machine. */
  readonly leads: boolean;
}

/**
 * An examined guest is up: a macvlan or addressed ipvlan in its own namespace, or a machine's macvtap. A machine's
 * frames pass the device's packet sockets and queue like those of a socket there (tap_get_user, drivers/net/tap.c),
 * frames to it pass them before its queue (macvlan_handle_frame).
 */
function isExamined(guest: LowerGuest): boolean {
  const { kind, space, up, ips = [] } = guest;
  return isExaminedKind(guest) && (kind === 'macvtap' || space !== null) && up && (kind !== 'ipvlan' || ips.length > 0);
}

function passing({ mode, flag }: LowerGuest): MacvlanMode | null {
  if (isIpvlanMode(mode)) return passingOf({ mode, ...(flag === undefined ? {} : { flag }) });
  return isMacvlanMode(mode) ? mode : null;
}

/** By namespace, else by interface. */
function identityOf({ space, name }: LowerGuest): string {
  return space ?? ` ${name}`;
}

function plainName({ space, name }: LowerGuest): string {
  const [, named] = /^\/run\/netns\/(.+)$/.exec(space ?? '') ?? [];
  return named ?? name;
}

function endpointAt(lower: string, { name: port, space, mac, kind, ips }: LowerGuest): LowerEntry['endpoint'] {
  return {
    bridge: lower,
    port,
    ...(kind === 'macvtap' || kind === 'ipvlan' ? { attach: kind } : {}),
    ...(space === null ? {} : { netns: space }),
    ...(kind === 'ipvlan' && ips !== undefined ? { ip: ips } : { mac }),
  };
}

function entriesOn(
  lower: string,
  guests: readonly LowerGuest[],
  { inventory }: Pick<RoutedInput, 'inventory'>,
  taken: Set<string>,
): readonly LowerEntry[] {
  const owners = new Map<string | null, string>();
  return guests.flatMap((guestDevice): readonly LowerEntry[] => {
    const { name: port, space, mac, kind } = guestDevice;
    const mode = passing(guestDevice);
    if (mode === null) return [];
    const record = inventory.guests.find(({ netns }) => netns !== undefined && netns === space);
    const known = record ?? guestOfPort(inventory.guests, space === null ? port : '', kind === 'ipvlan' ? [] : [mac]);
    const name = endpointName(known?.name ?? plainName(guestDevice), taken);
    taken.add(name);
    const owner = owners.get(space);
    if (owner === undefined) owners.set(space, name);
    const shared = space !== null && guests.filter((guest) => guest.space === space).length > 1;
    return [
      {
        name,
        guest: known,
        spoke: true,
        mode,
        guestDevice,
        endpoint: {
          ...endpointAt(lower, guestDevice),
          ...(shared ? { owner: owner ?? name } : {}),
        },
      },
    ];
  });
}

/**
 * Devices with at least two guests that can be sent as, without guests in more namespaces than a run listens in. Names
 * go into `taken`; `wanted`: the device, null = all.
 */
export function lowerSegments(
  around: Pick<RoutedInput, 'state' | 'beside' | 'inventory'>,
  wanted: string | null,
  taken: Set<string>,
): readonly LowerSegment[] {
  const { state, beside } = around;
  const bridged = onBridges(state);
  const spaces = new Set<string>();
  const examined = lowerGuests(state, beside).filter((guest) => {
    if (!isExamined(guest) || bridged.has(guest.lower) || (wanted !== null && guest.lower !== wanted)) return false;
    if (guest.space === null || spaces.has(guest.space)) return true;
    if (spaces.size >= maxSpaces) return false;
    spaces.add(guest.space);
    return true;
  });
  return [...new Set(examined.map(({ lower }) => lower))].flatMap((lower): readonly LowerSegment[] => {
    const guests = examined.filter((guest) => guest.lower === lower);
    const isUp = linkNamed(state, lower)?.flags.includes('LOWER_UP') === true;
    if (!isUp || new Set(guests.map(identityOf)).size < 2) return [];
    const there = lowerGuests(state, beside).filter((guest) => guest.lower === lower && isExamined(guest));
    return [
      {
        name: lower,
        entries: entriesOn(lower, guests, around, taken),
        isWhole: guests.length === there.length,
        leads: leadsOut(linkNamed(state, lower)),
      },
    ];
  });
}

function leadsOut(link: LinkState | undefined): boolean {
  return link !== undefined && isOutward(link);
}

/** `reach`: they may reach each other. */
function unicast(
  from: readonly LowerEntry[],
  to: readonly LowerEntry[],
  reach: 'meant' | 'beyond' | 'apart',
  carriers: readonly Carrier[] = ['raw', 'ipv4-udp'],
): WrittenProbe | null {
  if (from.length === 0 || to.length === 0 || new Set([...from, ...to]).size < 2) return null;
  return {
    class: 'known-unicast',
    from: namesIn(from),
    to: namesIn(to),
    count: 1,
    carriers,
    // What leaves to the switch may come back to its addressee, or not
    ...(reach === 'meant' ? {} : { must_see: [] }),
    ...(reach === 'apart' ? { may_see: [] } : {}),
  };
}

function hasMore({ from, to = [] }: WrittenProbe): boolean {
  return from.some((sender) => to.filter((name) => name !== sender).length > 1);
}

interface LowerWishes {
  readonly classes: readonly ProbeClassName[];
  readonly lastRound: number | null;
}

function inRounds(part: 'first' | 'floods', probe: WrittenProbe | null, { lastRound }: LowerWishes): readonly Placed[] {
  if (probe === null) return [];
  const further =
    part === 'floods' || lastRound === 1 || !hasMore(probe)
      ? []
      : [['further', { ...probe, rounds: `2-${lastRound ?? ''}` }] as const];
  return [[part, { ...probe, rounds: 1 }], ...further];
}

/** With flag `vepa` packets leave, and the switch beyond decides. */
const reachOf = { bridge: 'meant', vepa: 'beyond', private: 'apart', passthru: 'apart' } as const;

/**
 * An ipvlan hands over packets by address only (ipvlan_queue_xmit, drivers/net/ipvlan): with flag bridge guests reach
 * each other, unheard by third ones; with private nothing passes. Mode l3 drops group packets, and the host would route
 * those to no guest, so they are not sent. All are IP, as observers are proved with IP.
 */
function ipvlanProbes({ entries, isWhole, leads }: LowerSegment, wishes: LowerWishes): readonly Placed[] {
  const [first] = entries;
  if (first === undefined) return [];
  const [reach, isL2] = [reachOf[first.mode], first.guestDevice.mode === 'l2'];
  const out = leads ? 'floods' : 'first';
  const having = (isIpv6: boolean): readonly LowerEntry[] =>
    entries.filter(({ guestDevice: { ips = [] } }) => ips.some((ip) => isIpv6Address(ip) === isIpv6));
  const between = ([carrier, isIpv6]: readonly ['ipv4-udp' | 'ipv6-udp', boolean]): readonly Placed[] =>
    // Of two that may reach each other nobody is there to overhear
    reach === 'meant' && entries.length < 3
      ? []
      : inRounds(reach === 'beyond' ? out : 'first', unicast(having(isIpv6), having(isIpv6), reach, [carrier]), wishes);
  const toGroup = { from: namesIn(having(false)), count: 1, must_see: [], carriers: ['ipv4-udp'] } as const;
  const open = isL2 && reach !== 'apart' ? namesIn(entries) : [];
  const groups: readonly Placed[] = [
    [out, { class: 'broadcast', ...toGroup, may_see: [], ...(open.length === 0 ? {} : { open_by_design: open }) }],
    // Who gets it in l2 depends on the groups that guests joined, and on their hashes
    ...(isL2 && reach === 'apart' ? [] : [[out, { class: 'multicast', ...toGroup, may_see: open }] as const]),
  ];
  const placed: readonly Placed[] = [
    ...(
      [
        ['ipv4-udp', false],
        ['ipv6-udp', true],
      ] as const
    ).flatMap(between),
    ...(isL2 && toGroup.from.length > 0 ? [[out, { class: 'unknown-unicast', ...toGroup, may_see: [] }] as const] : []),
    ...(isWhole && toGroup.from.length > 0 ? groups : []),
  ];
  return placed.filter(([, probe]) => wishes.classes.length === 0 || wishes.classes.includes(probe.class));
}

/** `open`: guests that get broadcasts by design. Who is alone in its mode asks for everybody else. */
function floodProbes(
  part: 'first' | 'floods',
  from: readonly LowerEntry[],
  open: readonly LowerEntry[],
  everybody: readonly LowerEntry[],
): readonly Placed[] {
  if (from.length === 0) return [];
  const common = { from: namesIn(from), count: 1, must_see: [] } as const;
  const rest = { ...common, may_see: [], ...(open.length === 0 ? {} : { open_by_design: namesIn(open) }) };
  return [
    [part, { class: 'arp-request', to: namesIn(from.length > 1 ? from : everybody), rounds: 1, ...rest }],
    [part, { class: 'broadcast', ...rest }],
    // Who gets it depends on the groups that guests joined, and on their hashes
    [part, { class: 'multicast', ...common, may_see: namesIn(open), carriers: ['raw', 'ipv4-udp'] }],
  ];
}

/**
 * Probes of guests on a lower device by mode (macvlan_queue_xmit, drivers/net/macvlan.c). bridge: they reach each
 * other, unheard by third ones; private and passthru: nothing passes; vepa: the switch beyond decides. Frames to no
 * guest are for none, broadcasts for those in mode bridge. Classes that teach switches wrong places are left out.
 */
export function lowerProbes(segment: LowerSegment, wishes: LowerWishes): readonly Placed[] {
  const { entries, isWhole, leads } = segment;
  const { classes } = wishes;
  if (entries.some(({ guestDevice }) => guestDevice.kind === 'ipvlan')) return ipvlanProbes(segment, wishes);
  const inMode = (...modes: readonly MacvlanMode[]): readonly LowerEntry[] =>
    entries.filter(({ mode }) => modes.includes(mode));
  const [bridged, others, apart] = [inMode('bridge'), inMode('bridge', 'vepa'), inMode('private', 'passthru')];
  const out = leads ? 'floods' : 'first';
  const rounds = (part: 'first' | 'floods', probe: WrittenProbe | null): readonly Placed[] =>
    inRounds(part, probe, wishes);
  const vepa = inMode('vepa');
  const floods = [
    ...floodProbes(out, bridged, bridged, entries),
    ...floodProbes(out, vepa, others, entries),
    ...floodProbes(out, apart, [], entries),
  ];
  const placed: readonly Placed[] = [
    // Of two that may reach each other nobody is there to overhear
    ...(entries.length < 3 ? [] : rounds('first', unicast(bridged, bridged, 'meant'))),
    ...rounds(out, unicast(vepa, others, 'beyond')),
    ...rounds(out, unicast(bridged, vepa, 'beyond')),
    ...rounds(out, unicast(apart, entries, 'apart')),
    ...rounds(out, unicast(others, apart, 'apart')),
    [
      out,
      {
        class: 'unknown-unicast',
        from: namesIn(entries),
        count: 1,
        carriers: ['raw', 'ipv4-udp'],
        may_see: [],
        must_see: [],
      },
    ],
    ...(isWhole ? floods : []),
  ];
  return placed.filter(([, probe]) => classes.length === 0 || classes.includes(probe.class));
}

/** The kernel's treatment of them, a sentence for the file's head. */
export function lowerClaim({ name, entries }: LowerSegment): string {
  const counts = [...new Set(entries.map(({ mode }) => mode))].map(
    (mode) => `${entries.filter((entry) => entry.mode === mode).length} in mode ${mode}`,
  );
  const [mode] = entries.flatMap(({ guestDevice }) => (guestDevice.kind === 'ipvlan' ? [guestDevice.mode] : []));
  const by = mode === undefined ? '' : ` by ipvlan (${mode})`;
  const among = `${name}: ${entries.length} guests stand on it${by}, ${counts.join(', ')}`;
  return entries.filter(({ mode }) => mode === 'bridge').length > 1
    ? `${among}; that those in mode bridge reach each other is no fault here. Write a policy where it is one.`
    : `${among}; the host hands ${mode === 'l2' ? 'no unicast' : 'nothing'} from one to another.`;
}
