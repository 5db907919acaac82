import { linkNamed } from '../../bridge/host.js';
import { surveyText } from '../../bridge/bypass/copy-rules.js';
import type { Speaker } from '../../bridge/bypass/drafts.js';
import { surveyRules, type Witness } from '../../bridge/bypass/witnesses.js';
import type { Carrier, ProbeClassName } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { writtenFields } from '../../scenario/schema/step.js';
import { classes as probeClasses, disruptiveClasses } from '../../probe/classes.js';
import { canSpeak, type FoundEntry } from '../found-endpoints.js';
import { apartFrom, type FoundBridge, type Segment } from './segments.js';
import { groupBy, namesIn } from '../../text/collections.js';
import type { Part, Placed, WrittenProbe } from './steps.js';

/** Default classes in the order of sending. */
const usualClasses = [
  'known-unicast',
  'routed-bounce',
  'unknown-unicast',
  'arp-request',
  'broadcast',
  'multicast',
  'vlan-hop',
  'mac-spoof',
  'ip-spoof',
] as const satisfies readonly ProbeClassName[];

/** Classes that every guest of a segment sends. */
const segmentClasses: readonly ProbeClassName[] = [...usualClasses, 'link-local-multicast'];

/** Classes whose frames teach switches beyond an uplink wrong places: sent there only if named. */
export const notBeyond: readonly ProbeClassName[] = ['mac-spoof', 'ip-spoof', 'vlan-hop'];

const unicast: readonly Carrier[] = ['raw', 'ipv4-udp', 'ipv6-udp'];
/**
 * Stateful filters take UDP and a SYN for new connections, and may treat them differently. The SYN is valid, as
 * conntrack calls one with a wrong checksum invalid (nf_conntrack_checksum); its port is closed, so that a guest
 * answers by RST.
 */
const connecting: readonly Carrier[] = ['raw', 'ipv4-udp', 'ipv4-tcp', 'ipv6-udp'];
const routed: readonly Carrier[] = ['ipv4-udp', 'ipv6-udp'];

/** Guests that send in all pairs; of more, representatives of each kind of port do. */
const maxMeshed = 300;
/** Representatives of a kind of port. */
const maxAlike = 20;

const speakers = (entries: readonly FoundEntry[]): readonly FoundEntry[] => entries.filter(canSpeak);

/** Guests with a known MAC that the bridge does not learn: their port does not, or a static entry has it elsewhere. */
export type IsUnlearned = (entry: FoundEntry) => boolean;

interface Context {
  readonly bridge: FoundBridge;
  readonly isUnlearned: IsUnlearned;
  /** The port's deciding settings: equal texts are one kind. */
  readonly kindOf: (entry: FoundEntry) => string;
  /** null = all. */
  readonly lastRound: number | null;
}

function meshed(guests: readonly FoundEntry[], kindOf: Context['kindOf']): readonly FoundEntry[] {
  if (guests.length <= maxMeshed) return guests;
  return [...groupBy(guests, kindOf).values()].flatMap((alike) => alike.slice(0, maxAlike));
}

type UplinkPair = readonly [from: readonly string[], to: readonly string[], isKnown: boolean];

/**
 * Stations beyond an uplink are known in one VLAN at most. An uplink that does not learn is sent to, and not spoken
 * for: what is for the LAN floods to every guest.
 */
function uplinkPairs(
  { bridge, isUnlearned }: Context,
  senders: readonly string[],
  unlearnedGuests: readonly string[],
): readonly UplinkPair[] {
  if (bridge.segments.length > 1 || senders.length === 0) return [];
  const [uplink] = namesIn(speakers(bridge.uplinks));
  if (uplink !== undefined)
    return [
      [senders, [uplink], true],
      [[uplink], senders, true],
      ...(unlearnedGuests.length === 0 ? [] : [[[uplink], unlearnedGuests, false] as const]),
    ];
  const [unlearned] = namesIn(bridge.uplinks.filter(isUnlearned));
  return unlearned === undefined ? [] : [[senders, [unlearned], false]];
}

function unknownPart({ floodsOut }: FoundBridge): Part {
  return floodsOut ? 'floods' : 'first';
}

/** `isMeant`: guests reach each other. */
function privacy(context: Context, { tested: guests }: Segment, isMeant: boolean): readonly Placed[] {
  const { bridge, isUnlearned } = context;
  const senders = namesIn(speakers(guests));
  const part: Part = bridge.hub && bridge.floodsOut ? 'floods' : 'first';
  const unlearned = namesIn(guests.filter(isUnlearned));
  const rest = { count: 1, ...(bridge.filtered ? { must_see: [] } : {}) };
  const ask = (
    of: Part,
    from: readonly string[],
    to: readonly string[],
    rounds: WrittenProbe['rounds'],
    carriers = unicast,
  ): Placed => [
    of,
    { class: 'known-unicast', from, to, ...(rounds === undefined ? {} : { rounds }), ...rest, carriers },
  ];
  const withUplink = uplinkPairs(context, senders, unlearned).map(([from, to, isKnown]) =>
    ask(isKnown ? part : unknownPart(bridge), from, to, undefined),
  );
  if (!isMeant)
    return [...withUplink, ...servedPairs(bridge, guests).map(([from, to]) => ask(part, from, to, undefined))];
  return [
    ...(senders.length > 1 ? [ask(part, senders, senders, 1, connecting)] : []),
    ...(unlearned.length > 0 && senders.length > 0 ? [ask(unknownPart(bridge), senders, unlearned, 1)] : []),
    ...withUplink,
    ...furtherRounds(context, speakers(guests), part).map((rounds): Placed => {
      const many = namesIn(meshed(speakers(guests), context.kindOf));
      return ask('further', many, many, rounds);
    }),
  ];
}

function servedPairs(
  bridge: FoundBridge,
  guests: readonly FoundEntry[],
): readonly (readonly [readonly string[], readonly string[]])[] {
  const [served, serving] = apartFrom(bridge, speakers(guests)).map(namesIn);
  if (served === undefined || serving === undefined || served.length === 0 || serving.length === 0) return [];
  return [
    [served, serving],
    [serving, served],
  ];
}

/**
 * The host is a sender as guests are: what it says to one station, or to none, is for no other guest. Isolated ports
 * beside an uplink get what the LAN floods, by design.
 */
function withHost({ bridge, isUnlearned }: Context, { tested, guests, trunks }: Segment): readonly Placed[] {
  const { host, uplinks } = bridge;
  if (host === null) return [];
  const [senders, unlearned] = [namesIn(speakers(tested)), namesIn(tested.filter(isUnlearned))];
  const part: Part = bridge.hub && bridge.floodsOut ? 'floods' : 'first';
  const unknown = unknownPart(bridge);
  const [compared, serving] = apartFrom(bridge, guests);
  // To an address that is not the host's own it would be routed onwards
  const has = (isIpv6: boolean): boolean => host.ips.some((ip) => ip.includes(':') === isIpv6);
  const rest = {
    count: 1,
    carriers: unicast.filter((carrier) => carrier === 'raw' || has(carrier === 'ipv6-udp')),
    ...(bridge.filtered ? { must_see: [] } : {}),
  };
  const known = [
    [part, senders, [host.name]],
    [part, [host.name], senders],
    [unknown, [host.name], unlearned],
  ] as const;
  const may_see = namesIn([...uplinks, ...serving]);
  const open = bridge.isolated && uplinks.length === 0 ? {} : { open_by_design: namesIn([...compared, ...trunks]) };
  return [
    ...known.flatMap(([of, from, to]): readonly Placed[] =>
      from.length === 0 || to.length === 0 ? [] : [[of, { class: 'known-unicast', from, to, ...rest }]],
    ),
    ...(guests.length < 2
      ? []
      : [[unknown, { class: 'unknown-unicast', from: [host.name], ...rest, may_see, ...open }] as const]),
  ];
}

/** None if every frame leaves by the uplink. */
function furtherRounds({ lastRound, kindOf }: Context, senders: readonly FoundEntry[], part: Part): readonly string[] {
  return part !== 'first' || lastRound === 1 || meshed(senders, kindOf).length < 3 ? [] : [`2-${lastRound ?? ''}`];
}

/** No observer captures whether it arrives behind the device. */
function withBehind({ bridge }: Context, { tested: guests, behind }: Segment): readonly Placed[] {
  const uplinks = bridge.segments.length > 1 ? [] : namesIn(speakers(bridge.uplinks)).slice(0, 1);
  const senders = [...namesIn(speakers(guests)).slice(0, maxAlike), ...uplinks];
  const to = namesIn(behind);
  const rest = { class: 'known-unicast', count: 1, carriers: unicast } as const;
  if (to.length === 0 || senders.length === 0) return [];
  return [
    [bridge.floodsOut ? 'floods' : 'first', { ...rest, from: senders, to, must_see: [] }],
    ['first', { ...rest, from: to, to: senders, ...(bridge.filtered ? { must_see: [] } : {}) }],
  ];
}

/** Over the bridge, and by way of the host. */
function separation({ bridge, lastRound }: Context, segment: Segment): readonly Placed[] {
  const [compared] = apartFrom(bridge, segment.tested);
  const senders = namesIn(speakers(compared));
  const apart = bridge.isolated
    ? compared
    : bridge.segments.filter((neighbour) => neighbour !== segment).flatMap(({ tested }) => tested);
  const to = namesIn(apart.filter(({ endpoint }) => endpoint.mac !== undefined));
  if (senders.length === 0 || to.length === 0 || (bridge.isolated && to.length < 2)) return [];
  const may_see = bridge.isolated ? [] : namesIn([...segment.guests, ...segment.trunks, ...bridge.uplinks]);
  const over = { from: senders, to, count: 1, carriers: unicast, may_see, must_see: [] };
  const part: Part = bridge.floodsOut && (bridge.hub || !bridge.isolated) ? 'floods' : 'first';
  return [
    [part, { class: 'known-unicast', ...over, rounds: 1, carriers: connecting }],
    ...routedBounce(bridge, segment, { from: senders, to }),
    ...(part === 'floods' || to.length < 3 || lastRound === 1
      ? []
      : [['further', { class: 'known-unicast', ...over, rounds: `2-${lastRound ?? ''}` }] as const]),
  ];
}

/** Guests with isolated ports by their manager, beside others; guests between which the IP firewall drops. */
function promises({ bridge }: Context, { tested }: Segment): readonly Placed[] {
  const part = bridge.floodsOut && bridge.hub ? 'floods' : 'first';
  const apart = (guests: readonly FoundEntry[], carriers: readonly Carrier[]): readonly Placed[] => {
    const from = namesIn(speakers(guests));
    const to = namesIn(guests.filter(({ endpoint: { mac } }) => mac !== undefined));
    if (bridge.isolated || !carriers.length || !from.length || new Set([...from, ...to]).size < 2) return [];
    return [[part, { class: 'known-unicast', from, to, count: 1, carriers, may_see: [], must_see: [] }]];
  };
  return [
    ...apart(
      tested.filter((entry) => bridge.promised.includes(entry)),
      unicast,
    ),
    ...apart(apartFrom(bridge, tested)[0], bridge.dropped),
  ];
}

/** None where the host gets no frames to route: what is for its MAC floods as for any unknown one. */
function routedBounce(
  bridge: FoundBridge,
  { hasHost }: Segment,
  pairs: Pick<WrittenProbe, 'from' | 'to'>,
): readonly Placed[] {
  if (!hasHost && !bridge.isolated) return [];
  return [['first', { class: 'routed-bounce', ...pairs, rounds: 1, count: 1, carriers: routed }]];
}

/** Broadcast-like classes. Serving ports are apart: their frames are for all, and all may send to them. */
function floods(context: Context, segment: Segment): readonly Placed[] {
  const speaking = speakers(segment.tested);
  return [false, true].flatMap((serves) =>
    floodsFrom(context, segment, {
      from: speaking.filter((entry) => context.bridge.serving.includes(entry) === serves),
      serves,
    }),
  );
}

function floodsFrom(
  { bridge }: Context,
  { guests, tested, trunks }: Segment,
  { from: senders, serves }: { readonly from: readonly FoundEntry[]; readonly serves: boolean },
): readonly Placed[] {
  const [from, addressees] = [namesIn(senders), namesIn(speakers(tested))];
  if (from.length === 0) return [];
  const part: Part = bridge.floodsOut ? 'floods' : 'first';
  const [compared, serving] = apartFrom(bridge, guests);
  const open = bridge.isolated && !serves ? {} : { open_by_design: namesIn([...compared, ...trunks]) };
  const to = { from, to: addressees, rounds: 1 };
  // What is for everybody is for the host too
  const may_see = [...namesIn([...bridge.uplinks, ...serving]), ...(bridge.host === null ? [] : [bridge.host.name])];
  const shared = { count: 1, may_see, ...open };
  // The sender's own question is for everybody: no barrier is to stop it
  const question =
    bridge.isolated && !serves
      ? { count: 1, may_see }
      : { count: 1, may_see: [...namesIn([...compared, ...trunks]), ...may_see] };
  const spoofed = { ...shared, carriers: routed, must_see: [] };
  return [
    [part, { class: 'unknown-unicast', from, carriers: unicast, ...shared }],
    ...(addressees.length > 1 ? [[part, { class: 'arp-request', ...to, ...question, must_see: [] }] as const] : []),
    [part, { class: 'broadcast', from, ...shared }],
    [part, { class: 'multicast', from, carriers: unicast, ...shared }],
    [part, { class: 'link-local-multicast', from, ...shared }],
    ...(addressees.length > 1 && !serves
      ? [
          [part, { class: 'mac-spoof', ...to, ...spoofed, carriers: unicast }] as const,
          [part, { class: 'ip-spoof', ...to, ...spoofed }] as const,
        ]
      : []),
    ...(bridge.segments.length > 1 ? [[part, { class: 'vlan-hop', from, count: 1 }] as const] : []),
  ];
}

/** Only if named: one guest tries it on another. */
function named({ bridge }: Context, classes: readonly ProbeClassName[]): readonly Placed[] {
  const guests = namesIn(speakers(bridge.segments.flatMap((segment) => segment.tested)));
  const [from, to, third] = guests;
  const [uplink] = namesIn(speakers(bridge.uplinks));
  const via = uplink ?? third;
  if (from === undefined || to === undefined) return [];
  return classes
    .filter((name) => !segmentClasses.includes(name))
    .flatMap((name): readonly Placed[] => {
      const alone = probeClasses[name].addressee === 'none';
      const victim = name === 'gateway-steal' ? uplink : to;
      if (!alone && victim === undefined) return [];
      return [
        [
          name,
          {
            class: name,
            from: disruptiveClasses.includes(name) ? [from] : guests,
            ...(alone ? {} : { to: name === 'aged-unicast' ? guests : [victim ?? to] }),
            ...(name === 'aged-unicast' ? { rounds: 1 } : {}),
            ...(probeClasses[name].takesVia === true && via !== undefined
              ? { via: [name === 'gateway-steal' ? to : via] }
              : {}),
            count: disruptiveClasses.includes(name) ? 50 : 1,
          },
        ],
      ];
    });
}

/** `classes`: named ones; empty = the usual ones. */
function isAsked(name: ProbeClassName, bridge: FoundBridge, classes: readonly ProbeClassName[]): boolean {
  if (classes.length > 0) return classes.includes(name);
  if (!usualClasses.some((usual) => usual === name)) return false;
  return !(bridge.uplinks.length > 0 && notBeyond.includes(name));
}

/** Probes that test a host's rules, and a note on them. */
export interface RuleProbes {
  readonly probes: readonly Placed[];
  /** null = no such rule. */
  readonly note: string | null;
}

/** None if nothing may be sent as it. */
function speakerOf(entry: FoundEntry, segment: string, isRouted: boolean): readonly Speaker[] {
  const { bridge, port, mac, ip = [] } = entry.endpoint;
  if (mac === undefined || !canSpeak(entry)) return [];
  const ips = [ip].flat().map((address) => address.replace(/\/.*/, ''));
  return [{ name: entry.name, mac, ips, port: entry.near ?? port, bridge, segment, isRouted }];
}

/** A witness's probe; `isApart`: the frame is for no endpoint. */
export function witnessProbe(rule: string, witness: Witness, isApart: boolean): WrittenProbe {
  const { from, to, carrier, size, srcIp, dstIp, fields } = witness;
  return {
    class: 'known-unicast',
    ...{ from: [from], to: [to], count: 1, carriers: [carrier], size, rule },
    ...(srcIp === null || dstIp === null ? {} : { src_ip: srcIp, dst_ip: dstIp }),
    fields: writtenFields(fields),
    ...(isApart ? { may_see: [] } : {}),
    must_see: [],
  };
}

/**
 * Frames for rules that copy or move frames, between guests of a Linux bridge's segment or of the host's routes.
 * `perRule`: the most for a rule.
 */
export function ruleProbes(
  state: HostState,
  bridges: readonly FoundBridge[],
  routed: readonly FoundEntry[],
  perRule: number,
): RuleProbes {
  const isLinux = ({ name }: FoundBridge): boolean => linkNamed(state, name)?.kind === 'bridge';
  const speakers = bridges
    .filter(isLinux)
    .flatMap(({ name, segments }) =>
      segments.flatMap(({ tested: guests }, at) => guests.flatMap((guest) => speakerOf(guest, `${name} ${at}`, false))),
    );
  const survey = surveyRules({
    state,
    speakers: [...speakers, ...routed.flatMap((guest) => speakerOf(guest, guest.endpoint.bridge, true))],
    uplinks: bridges.flatMap(({ uplinks }) => uplinks.map(({ endpoint }) => endpoint.port)),
    perRule,
  });
  const apart = new Set(
    bridges.flatMap(({ isolated, segments }) =>
      isolated ? segments.flatMap(({ tested: guests }) => namesIn(guests)) : [],
    ),
  );
  const probes = survey.rules.flatMap(({ rule, witnesses }) =>
    witnesses.map((witness): Placed => ['rules', witnessProbe(rule.name, witness, apart.has(witness.to))]),
  );
  return { probes, note: survey.rules.length === 0 ? null : `${surveyText(survey)}.` };
}

/** All probes of a bridge, with their parts of the run. Pure. */
export function probesOf(context: Context, classes: readonly ProbeClassName[]): readonly Placed[] {
  const { bridge } = context;
  const probes = bridge.segments.flatMap((segment) => [
    ...privacy(context, segment, !bridge.isolated),
    ...withHost(context, segment),
    ...withBehind(context, segment),
    ...(bridge.isolated || bridge.segments.length > 1 ? separation(context, segment) : []),
    ...promises(context, segment),
    ...floods(context, segment),
  ]);
  const order = (placed: Placed): number => segmentClasses.indexOf(placed[1].class);
  return [
    ...probes.filter(([, probe]) => isAsked(probe.class, bridge, classes)).sort((a, b) => order(a) - order(b)),
    ...named(context, classes),
  ];
}
