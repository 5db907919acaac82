import { linkNamed, portsOf } from '../bridge/host.js';
import { unheardPorts } from '../bridge/ovs.js';
import type { GuestRecord, Inventory } from '../model/host-config.js';
import type { HostState } from '../model/state.js';
import { VerifyError, usageError } from '../model/verify-error.js';
import { counted, word } from '../text/escape.js';
import {
  type BridgeInput,
  foundEndpoints,
  type FoundEntry,
  type FileEndpoint,
  forFile,
  otherMacsNote,
  type WrittenEndpoint,
} from './found-endpoints.js';
import { foundVlans, vlanRange } from './found-vlans.js';
import { withOwners } from './guests.js';
import { hopBridges, type Hops, hopsOf } from '../bridge/hops.js';
import { deafness } from '../bridge/view.js';
import { groupBy, namesIn } from '../text/collections.js';

/** A scenario file as data: the bridge's guests, and a first question. */
export interface FoundScenario {
  readonly version: 1;
  readonly name: string;
  readonly topology: {
    readonly provider: 'host';
    readonly bridges: Readonly<Record<string, { readonly kind?: 'ovs' | 'routed' | 'lower'; readonly netns?: string }>>;
    readonly endpoints: Readonly<Record<string, FileEndpoint>>;
  };
  readonly steps: readonly object[];
  readonly policy?: FoundPolicy['rules'];
}

/** A scenario with notes for its reader. */
export interface Found {
  readonly scenario: FoundScenario;
  /** For the file's head: left-out ports, programs that could not be asked. */
  readonly notes: readonly string[];
  /** For the head: what the file does not cover and a run reports by itself. Absent = not looked for. */
  readonly beside?: readonly string[];
  /** By endpoint: the source of its name and zone. */
  readonly origins: Readonly<Record<string, string>>;
  /** The policy, a sentence for each rule. */
  readonly sentences: readonly string[];
}

export interface FoundInput extends BridgeInput {
  /** For the bridge's `netns`; null = the caller's namespace. */
  readonly netns: string | null;
}

/** Without Open vSwitch's answers all its bridges are one link, its datapath. */
function withPortsIn(state: HostState): readonly string[] {
  return state.links
    .filter(
      ({ name, kind }) =>
        (kind === 'bridge' || (kind === 'openvswitch' && state.ovs !== undefined)) && portsOf(state, name).length > 0,
    )
    .map(({ name }) => name);
}

/** Names of bridges with ports that are no hops, or the named one. Throws VerifyError (69) if that has no ports. */
export function bridgesWithPorts(
  state: HostState,
  named: string | null,
  hops: Hops = hopsOf(state),
): readonly string[] {
  const withPorts = withPortsIn(state);
  const between = hopBridges(hops);
  if (named === null) return withPorts.filter((name) => !between.has(name));
  if (withPorts.includes(named)) return [named];
  if (hasUnreadSwitch(state, named)) throw unreadSwitch(`${JSON.stringify(named)} is a bridge of Open vSwitch`);
  throw new VerifyError(
    'interface-gone',
    69,
    `there is no bridge ${JSON.stringify(named)} with ports`,
    withPorts.length === 0
      ? 'no bridge here has any'
      : `there are: ${withPorts.map((name) => JSON.stringify(name)).join(', ')}`,
  );
}

/** A bridge of Open vSwitch, by name if given, in a state read without the switch. */
function hasUnreadSwitch({ links, ovs }: HostState, named: string | null = null): boolean {
  return (
    ovs === undefined && links.some(({ name, kind }) => kind === 'openvswitch' && (named === null || name === named))
  );
}

function unreadSwitch(what: string): VerifyError {
  return new VerifyError(
    'unsupported',
    69,
    `${what}, which was not asked for its ports`,
    '`run`, `init` and `listen` ask it (ovs-vsctl, as root)',
  );
}

/** The named bridge, or the only one with ports that is no hop. Throws VerifyError: 69 = none, 64 = several. */
export function chooseBridge(state: HostState, named: string | null): string {
  const [first, second] = bridgesWithPorts(state, named);
  if (first === undefined && hasUnreadSwitch(state)) throw unreadSwitch('the bridges here are of Open vSwitch');
  if (first === undefined)
    throw new VerifyError(
      'interface-gone',
      69,
      'there is no bridge with ports',
      'run it on the virtualization host, in the namespace of its bridge',
    );
  if (second !== undefined)
    throw usageError(
      `there are several bridges: ${bridgesWithPorts(state, null)
        .map((name) => JSON.stringify(name))
        .join(', ')}`,
      'choose one with --bridge',
    );
  return first;
}

/**
 * The remedy if too few guests can be sent as: a hub forgets MACs at once, Open vSwitch learns none without a flow
 * NORMAL.
 */
export function silenceHint({ links, ovs }: HostState, bridges: readonly string[], again: string): string {
  const unlearning = ovs?.bridges.find(
    ({ name, flows }) => bridges.includes(name) && !flows.some((flow) => /\bnormal\b/i.test(flow)),
  );
  if (unlearning !== undefined)
    return `${unlearning.name} learns no MAC: write down each guest's (ovs-vsctl set Interface PORT 'external_ids:attached-mac="MAC"'), and ${again}`;
  const hub = links.find(({ name, bridge }) => bridges.includes(name) && bridge?.['ageing_time'] === 0);
  if (hub === undefined) return `start the guests, ping from each once, and ${again}`;
  const command = `ip link set dev ${word(hub.name)} type bridge ageing_time 30000`;
  return `${hub.name} is a hub (ageing_time 0): it forgets each MAC at once, and every guest overhears all others. \`audit\` reports it. End it with \`${command}\`, ping from each guest once, and ${again}`;
}

/**
 * A scenario of a bridge: its endpoints, a step in which guests talk to the uplink (else two guests to each other)
 * while all others listen, and a policy for zones. If too few guests have spoken, those whose manager reports the MAC
 * take part. Throws VerifyError (3) if too little is known.
 */
export function foundScenario({ state, neighbours, inventory, bridge, netns }: FoundInput): Found {
  const { members, ports, entries } = foundEndpoints({ state, neighbours, inventory, bridge }, new Set([bridge]));
  const endpoints = withOwners(entries.map((entry) => forFile(entry)));
  const known = entries.filter(({ spoke, endpoint }) => spoke || endpoint.mac !== undefined);
  // who has spoken can be sent to at once
  const question =
    firstQuestion(
      entries.filter(({ spoke }) => spoke),
      endpoints,
    ) ?? firstQuestion(known, endpoints);
  if (entries.length < 3 || question === null) {
    throw new VerifyError(
      'too-little-found',
      3,
      `${bridge} has ${counted(entries.length, 'port')} that can be observed, ${known.length} of them with a known MAC: a test needs two senders and one observer`,
      silenceHint(state, [bridge], 'run init again'),
    );
  }
  const policy = foundPolicy(
    entries.flatMap(({ endpoint: { zone, port, mac } }) =>
      zone === undefined || mac === undefined ? [] : [{ zone, port }],
    ),
    state,
    bridge,
  );
  return {
    scenario: {
      version: 1,
      name: `host-${bridge}`,
      topology: {
        provider: 'host',
        bridges: { [bridge]: { ...writtenKind(state, bridge), ...(netns === null ? {} : { netns }) } },
        endpoints,
      },
      steps: [
        {
          name: 'no guest overhears known unicast',
          probe: [{ class: 'known-unicast', ...question, both_ways: true, count: 100 }],
          expect: 'private',
        },
      ],
      ...(policy.rules.length === 0 ? {} : { policy: policy.rules }),
    },
    notes: [
      ...leftOutNotes({ bridge, members, ports }, state),
      ...entries.flatMap(({ name, guest, spoke, endpoint }) =>
        spoke ? [] : [unheard(name, endpoint.mac === undefined ? null : guest)],
      ),
      ...entries.flatMap(otherMacsNote),
      ...unreadNotes(inventory),
    ],
    origins: originsOf(entries, ({ spoke, endpoint }) => !spoke && endpoint.mac !== undefined),
    sentences: policy.sentences,
  };
}

/** The guests and the uplink, else two guests that are not interfaces of one; null = too few. */
function firstQuestion(
  entries: readonly { readonly name: string; readonly endpoint: WrittenEndpoint }[],
  owned: FoundScenario['topology']['endpoints'],
): { readonly from: string | readonly string[]; readonly to: string } | null {
  const guests = namesIn(entries.filter(({ endpoint }) => endpoint.role === undefined));
  const uplink = entries.find(({ endpoint }) => endpoint.role === 'uplink')?.name;
  const [from] = guests;
  if (from === undefined) return null;
  if (uplink !== undefined) return { from: guests, to: uplink };
  const ownerOf = (name: string): string => owned[name]?.owner ?? name;
  const second = guests.find((name) => ownerOf(name) !== ownerOf(from));
  return second === undefined ? null : { from, to: second };
}

/** `source`: its manager reports the MAC in the file. */
function unheard(name: string, source: GuestRecord | null): string {
  const says = `the bridge has not seen frames from ${name}`;
  return source === null
    ? `${says}. Ping it once before the run`
    : `${says}. ${source.manager} reports its MAC. If it sends nothing itself, ping it once before the run`;
}

/** The kind of a bridge in a scenario file. */
export function writtenKind(state: HostState, bridge: string): { readonly kind?: 'ovs' } {
  return linkNamed(state, bridge)?.kind === 'openvswitch' ? { kind: 'ovs' } : {};
}

function originOf({ manager, zone, isClaimed }: GuestRecord, hasMac: boolean): string {
  if (isClaimed === true) return `claimed by ${manager}, a process of an ordinary user`;
  return `${hasMac ? 'name and MAC' : 'named'} by ${manager}${zone === null ? '' : `, zone by ${zone.from}`}`;
}

/** Sources of endpoints' names, and of MACs. */
export function originsOf(entries: readonly FoundEntry[], hasMac: (entry: FoundEntry) => boolean): Found['origins'] {
  return Object.fromEntries(
    entries.flatMap((entry) =>
      entry.guest === null ? [] : [[entry.name, originOf(entry.guest, hasMac(entry))] as const],
    ),
  );
}

/** Unobservable ports of a bridge, and why; and that a switch goes on without its own device. */
export function leftOutNotes(
  {
    bridge,
    members,
    ports,
  }: Pick<ReturnType<typeof foundEndpoints>, 'members' | 'ports'> & { readonly bridge: string },
  state: HostState,
): readonly string[] {
  const device = linkNamed(state, bridge);
  const isDown = device?.kind === 'openvswitch' && !device.flags.includes('UP');
  return [
    ...(isDown ? [`${bridge}: its own device is down: the host is not on it`] : []),
    ...members.flatMap((link) =>
      ports.includes(link)
        ? []
        : [`left out: ${link.name}: ${deafness(link) ?? 'the guest’s port behind it has no carrier'}`],
    ),
    ...unheardPorts(state).flatMap(({ bridge: of, port, reason }) =>
      of === bridge && !ports.some(({ name }) => name === port)
        ? [`left out: ${port}: ${reason}, so that nothing holds unless the file says \`scope: { partial: … }\``]
        : [],
    ),
  ];
}

/** Programs that could not be asked. */
export function unreadNotes({ unread }: Inventory): readonly string[] {
  return unread.map(({ what, why }) => `${what} could not be asked for names: ${why}`);
}

/** `policy` of a scenario file, and its rules in words. */
interface FoundPolicy {
  readonly rules: readonly (
    | { readonly within: string; readonly expect: 'private' }
    | { readonly from: string; readonly to: string; readonly expect: 'private' | 'separated' }
  )[];
  readonly sentences: readonly string[];
}

/**
 * Rules for zones. Within a zone no guest overhears. Between zones no guest is reached if settings keep them apart (no
 * common VLAN, or every port isolated), else none overhears. Stricter rules are the reader's to write.
 */
export function foundPolicy(
  members: readonly { readonly zone: string; readonly port: string }[],
  state: HostState,
  bridge: string,
): FoundPolicy {
  const zones = [...groupBy(members, ({ zone }) => zone).values()].map((ports) => ports.map(({ port }) => port));
  const apart = zones.length > 1 && meantApart(zones, state, bridge);
  const within = zones.some((ports) => ports.length > 1);
  const parts = [
    ...(within
      ? [
          {
            rule: { within: 'zone:*', expect: 'private' as const },
            sentence:
              'Within a zone, what one guest sends reaches only the uplink, whether the bridge knows the addressee or not.',
          },
        ]
      : []),
    ...(zones.length < 2
      ? []
      : [
          apart
            ? {
                rule: { from: 'zone:*', to: 'zone:*', expect: 'separated' as const },
                sentence: 'Between zones, what a guest sends never arrives.',
              }
            : {
                rule: { from: 'zone:*', to: 'zone:*', expect: 'private' as const },
                sentence:
                  'Between zones, frames from one guest to another reach no third, known addressee or not. Write "separated" if they must not arrive either.',
              },
        ]),
  ];
  return { rules: parts.map(({ rule }) => rule), sentences: parts.map(({ sentence }) => sentence) };
}

function meantApart(zones: readonly (readonly string[])[], state: HostState, bridge: string): boolean {
  const isolated = (port: string): boolean => linkNamed(state, port)?.port?.['isolated'] === true;
  if (zones.flat().every(isolated)) return true;
  const vlans = zones.map((ports) => ports.flatMap((port) => foundVlans(state, bridge, port)).map(vlanRange));
  return vlans.every(
    (ranges, at) =>
      ranges.length > 0 && vlans.every((rangesElsewhere, index) => index === at || !overlap(ranges, rangesElsewhere)),
  );
}

type VlanRanges = readonly ReturnType<typeof vlanRange>[];

function overlap(some: VlanRanges, others: VlanRanges): boolean {
  return some.some(([first, last]) => others.some(([from, to]) => first <= to && from <= last));
}
