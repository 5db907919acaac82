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
import type { Placed, WrittenProbe } from './probes.js';
import { isIpv6Address, type RoutedInput } from './routes.js';
import { namesIn } from '../../text/collections.js';

/**
 * A guest on a lower device, whose MAC is its interface's; by ipvlan all have one, and it is known by its addresses.
 */
export interface LowerEntry extends FoundEntry {
  readonly endpoint: WrittenEndpoint & { readonly attach?: 'macvtap' | 'ipvlan' };
  /** What passes within the kernel: of an ipvlan its flag. */
  readonly mode: MacvlanMode;
  /** As `LowerGuest` names it. */
  readonly guestDevice: LowerGuest;
}

/** Guests that stand on one device of the host. */
export interface LowerSegment {
  /** The device. */
  readonly name: string;
  readonly entries: readonly LowerEntry[];
  /** All that stand on it: with others, what is for everybody would reach some of whom nothing is asked. */
  readonly isWhole: boolean;
  /** What leaves by it may leave the machine. */
  readonly leads: boolean;
}

/**
 * True if a guest can be spoken for and listened at: by a macvlan or, with an address, an ipvlan that is up in a
 * namespace of its own, or by a virtual machine's macvtap. What a machine writes passes the device's packet sockets and
 * queue as what a socket there sends does (tap_get_user, drivers/net/tap.c); what is for it passes them before its
 * queue (macvlan_handle_frame).
 */
function isExamined(guest: LowerGuest): boolean {
  const { kind, space, up, ips = [] } = guest;
  return isExaminedKind(guest) && (kind === 'macvtap' || space !== null) && up && (kind !== 'ipvlan' || ips.length > 0);
}

/** What passes between it and others; null = that is not known of its mode. */
function passing({ mode, flag }: LowerGuest): MacvlanMode | null {
  if (isIpvlanMode(mode)) return passingOf({ mode, ...(flag === undefined ? {} : { flag }) });
  return isMacvlanMode(mode) ? mode : null;
}

/** What distinguishes guests: their namespace, or without one their interface. */
function identityOf({ space, name }: LowerGuest): string {
  return space ?? ` ${name}`;
}

/** What a guest is called where no manager names it: as its namespace is, else as its interface. */
function plainName({ space, name }: LowerGuest): string {
  const [, named] = /^\/run\/netns\/(.+)$/.exec(space ?? '') ?? [];
  return named ?? name;
}

/** As a scenario file has it, without its owner. */
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
 * Devices on which at least two guests stand that can be spoken for, with these; guests in further namespaces than a
 * run listens in are left out. Names go into `taken`; `wanted`: the device that is asked for, null = all.
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

/** Frames from some guests to others, where there are two of them. `reach`: they may reach each other. */
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

/** A probe in its first round, and where there are some in the further ones. */
function inRounds(part: 'first' | 'floods', probe: WrittenProbe | null, { lastRound }: LowerWishes): readonly Placed[] {
  if (probe === null) return [];
  const further =
    part === 'floods' || lastRound === 1 || !hasMore(probe)
      ? []
      : [['further', { ...probe, rounds: `2-${lastRound ?? ''}` }] as const];
  return [[part, { ...probe, rounds: 1 }], ...further];
}

/** What is asked between them by what passes: with flag `vepa` packets leave, and the switch beyond decides. */
const reachOf = { bridge: 'meant', vepa: 'beyond', private: 'apart', passthru: 'apart' } as const;

/**
 * What is asked of guests by ipvlan, which are handed packets by their address and no other frames (ipvlan_queue_xmit,
 * drivers/net/ipvlan): with flag bridge they reach each other, and what one sends another is for nobody else; with
 * private nothing is to pass. Mode l3 drops what is for a group; what is for nobody the host would route there, so that
 * it is not asked. All are of IP, for that is what ears are proved with.
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

/** Frames to everybody; `open`: guests that get them by design. */
function floodProbes(
  part: 'first' | 'floods',
  from: readonly LowerEntry[],
  open: readonly LowerEntry[],
): readonly Placed[] {
  if (from.length === 0) return [];
  const common = { from: namesIn(from), count: 1, must_see: [] } as const;
  const rest = { ...common, may_see: [], ...(open.length === 0 ? {} : { open_by_design: namesIn(open) }) };
  return [
    [part, { class: 'arp-request', to: namesIn(from), rounds: 1, ...rest }],
    [part, { class: 'broadcast', ...rest }],
    // Who gets it depends on the groups that guests joined, and on their hashes
    [part, { class: 'multicast', ...common, may_see: namesIn(open), carriers: ['raw', 'ipv4-udp'] }],
  ];
}

/**
 * What is asked of guests on a lower device, by their modes (macvlan_queue_xmit, drivers/net/macvlan.c): in mode bridge
 * they reach each other, and what one sends another is for nobody else; to and from one in mode private or passthru
 * nothing passes; with vepa the switch beyond decides. Frames to nobody are for nobody, frames to everybody for those
 * in mode bridge. Classes that teach switches what is not so are not asked.
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
    ...floodProbes(out, bridged, bridged),
    ...floodProbes(out, vepa, others),
    ...floodProbes(out, apart, []),
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

/** What the kernel does between them, in a sentence for the head of the file. */
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
