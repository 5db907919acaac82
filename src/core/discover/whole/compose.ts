import type { ProbeClassName } from '../../model/scenario.js';
import { disruptiveClasses } from '../../probe/classes.js';
import type { Inventory } from '../../model/host-config.js';
import { bridgesApart, type SegmentBeside, segmentsBeside } from '../../bridge/beside.js';
import type { Beside, HostState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';
import { type FoundEntry, foundEndpoints, type WrittenEndpoint, type WrittenHost } from '../found-endpoints.js';
import { withOwners } from '../guests/owners.js';
import {
  bridgesWithPorts,
  type Found,
  type FoundScenario,
  leftOutNotes,
  originsOf,
  silenceHint,
  unreadNotes,
  writtenKind,
} from '../found-scenario.js';
import { endpointName, type Neighbour } from '../host-topology.js';
import { type Part, probesOf, routedProbes, type WrittenProbe } from './probes.js';
import {
  type FoundBridge,
  foundBridge,
  type FoundPartyHost,
  routedClaim,
  type RoutedSegment,
  routedSegment,
} from './segments.js';

/** What is asked of a whole host beyond what is usual. */
export interface WholeWishes {
  /** Only this bridge; null = all that have guests. */
  readonly bridge: string | null;
  /** Only guests whose name or port is one of these, or that are in one of these zones; empty = all. */
  readonly guests: readonly string[];
  readonly zones: readonly string[];
  /** Only these classes; empty = the usual ones. */
  readonly classes: readonly ProbeClassName[];
  /** Frames a second; null = the usual. */
  readonly rate: number | null;
  /** This long may it take, in ms; null = until all pairs are through. */
  readonly forMs: number | null;
}

export interface WholeInput {
  readonly state: HostState;
  readonly neighbours: readonly Neighbour[];
  readonly inventory: Inventory;
  /** What no bridge here carries. */
  readonly beside: Beside;
  /** Addresses of the host by device, with their prefix, but those of the link alone. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** As `netns` of the bridges is to be written; null = the namespace of the caller. */
  readonly netns: string | null;
  readonly wishes: WholeWishes;
}

/** A scenario of a whole host as data. */
export interface WholeScenario extends Omit<FoundScenario, 'topology'> {
  readonly topology: Omit<FoundScenario['topology'], 'endpoints'> & {
    readonly endpoints: Readonly<Record<string, WrittenEndpoint | WrittenHost>>;
  };
  readonly allow_disruptive?: true;
}

export interface WholeFound extends Omit<Found, 'scenario'> {
  readonly scenario: WholeScenario;
}

/** Frames a second that may flood out of an uplink: storm control and ARP inspection count them. */
export const floodRate = 10;
/** Frames a second of all others, and of many. */
const usualRate = 1000;
const meshRate = 4000;
/** A run with more pairs has the larger rate. */
const manyPairs = 1000;
/** What a run takes beside its frames, in ms. */
const overheadMs = 6000;
const carriersOfPair = 3;

interface Placed {
  readonly part: Part;
  readonly probe: WrittenProbe;
}

/** Stations that the host talks to and no forwarding database has. */
function orphansOf(state: HostState, neighbours: readonly Neighbour[]): readonly Neighbour[] {
  const known = new Set([...state.fdb.map(({ mac }) => mac), ...state.links.map(({ mac }) => mac)]);
  const orphans = new Map(
    neighbours.filter(({ mac }) => !known.has(mac)).map((neighbour) => [neighbour.mac, neighbour]),
  );
  return [...orphans.values()];
}

/** The one station of which no bridge knows where it is, behind the one port that learns nothing. */
function withOrphan(
  entries: readonly FoundEntry[],
  isDeafToSources: (entry: FoundEntry) => boolean,
  orphans: readonly Neighbour[],
): readonly FoundEntry[] {
  const nameless = entries.filter((entry) => entry.endpoint.mac === undefined && isDeafToSources(entry));
  const [orphan, second] = orphans;
  if (orphan === undefined || second !== undefined || nameless.length !== 1) return entries;
  const ip = orphan.address.includes(':') ? {} : { ip: `${orphan.address}/24` };
  return entries.map((entry) =>
    entry === nameless[0] ? { ...entry, endpoint: { ...entry.endpoint, mac: orphan.mac, ...ip } } : entry,
  );
}

function isWanted({ name, endpoint }: FoundEntry, { guests, zones }: WholeWishes): boolean {
  if (endpoint.role === 'uplink') return true;
  if (guests.length > 0 && !guests.includes(name) && !guests.includes(endpoint.port)) return false;
  return zones.length === 0 || (endpoint.zone !== undefined && zones.includes(endpoint.zone));
}

/** Nothing that is reported of a guest makes it one to speak for: what is missing. */
function silence(
  { name, guest, endpoint, elsewhere }: FoundEntry,
  { isUnlearned, isRouted }: { readonly isUnlearned: boolean; readonly isRouted: boolean },
): string {
  if (elsewhere !== undefined)
    return `${name}: a static entry of the bridge has its MAC on ${elsewhere}, where what is for it goes: it is sent to, and not spoken for`;
  if (isUnlearned)
    return `${name}: learning is off at ${endpoint.port}, and its MAC is as ${guest?.manager ?? 'the host'} reports it: it is sent to, and not spoken for`;
  if (isRouted)
    return `${name}: the host has no MAC of it at ${endpoint.port}: it is observed only; let it speak once (a ping will do)`;
  return endpoint.mac === undefined
    ? `${name}: the bridge has no MAC on ${endpoint.port}: it is observed only; let it speak once (a ping will do)`
    : `${name}: the bridge does not have its MAC on ${endpoint.port} now: it is observed only; let it speak once (a ping will do)`;
}

function stepOf(name: string, probes: readonly WrittenProbe[], rate: number | null): object {
  return { name, probe: probes.map((probe) => ({ ...probe, ...(rate === null ? {} : { rate }) })), expect: 'private' };
}

/** The last round that there is time for; null = all of them. */
function lastRoundOf({ forMs, rate }: WholeWishes, guests: number, usual: number): number | null {
  if (forMs === null) return null;
  const frames = (Math.max(0, forMs - overheadMs) * (rate ?? usual)) / 1000;
  return Math.max(1, Math.floor(frames / Math.max(1, guests * carriersOfPair)));
}

function stepsOf(placed: readonly Placed[], { rate }: WholeWishes, usual: number, state: HostState): readonly object[] {
  const of = (wanted: Part): readonly WrittenProbe[] =>
    placed.filter(({ part }) => part === wanted).map(({ probe }) => probe);
  const [first, floods, further] = [of('first'), of('floods'), of('further')];
  const others = [
    ...new Set(placed.flatMap(({ part }) => (['first', 'floods', 'further'].includes(part) ? [] : [part]))),
  ];
  const ageing = Math.max(
    0,
    ...state.links.map(({ bridge }) => (typeof bridge?.['ageing_time'] === 'number' ? bridge['ageing_time'] : 0)),
  );
  return [
    ...(first.length === 0
      ? []
      : [stepOf('round 1: each guest sends, is sent to, and listens', first, rate ?? usualRate)]),
    ...(floods.length === 0
      ? []
      : [stepOf('round 1, what may flood out of the uplink', floods, Math.min(floodRate, rate ?? floodRate))]),
    ...(further.length === 0 ? [] : [stepOf('further rounds: each guest to each other one', further, rate ?? usual)]),
    ...others.map((part) => ({
      ...stepOf(part, of(part), rate),
      ...(part === 'aged-unicast' ? { wait: `${Math.ceil(ageing / 100) + 5}s` } : {}),
    })),
  ];
}

/**
 * The scenario that asks a host whether its guests are private: each bridge with each guest; round 1, in which each
 * guest sends, is addressed and listens; then all other pairs. What settings claim to keep apart is asked for, what a
 * bridge leaves open to everybody is written down as such. Throws VerifyError: 69 where there is no guest, 3 where too
 * little is known to ask anything.
 */
export function wholeScenario(input: WholeInput): WholeFound {
  const { state, neighbours, inventory, beside, netns, wishes } = input;
  const names = wishes.bridge === 'routes' ? [] : bridgesWithPorts(state, wishes.bridge);
  const links = new Map(state.links.map((link) => [link.name, link]));
  const isDeafToSources = ({ endpoint }: FoundEntry): boolean => links.get(endpoint.port)?.port?.['learning'] === false;
  const orphans = orphansOf(state, neighbours);
  const [taken, zones] = [new Set<string>(names), new Map<string, string>()];
  const found = names.map((bridge) => {
    const { all, ports, entries: bare } = foundEndpoints({ state, neighbours, inventory, bridge }, taken, zones);
    const entries = withOrphan(bare, isDeafToSources, orphans);
    return { bridge, all, ports, entries, wanted: entries.filter((entry) => isWanted(entry, wishes)) };
  });
  const examined = found.filter(({ wanted }) => wanted.some(({ endpoint }) => endpoint.role === undefined));
  const routed = wantedRoutes(input, taken);
  const others = segmentsBeside(state, beside, new Set(routed?.entries.map(({ endpoint }) => endpoint.port)));
  if (examined.length === 0 && routed === null)
    throw nothingToExamine(found.length > 0, wishes, others, bridgesApart(beside));
  const isUnlearned = (entry: FoundEntry): boolean =>
    !entry.spoke && entry.endpoint.mac !== undefined && (isDeafToSources(entry) || entry.elsewhere !== undefined);
  const kindOf = ({ endpoint }: FoundEntry): string =>
    JSON.stringify(
      ['isolated', 'learning', 'flood', 'bcast_flood', 'mcast_flood', 'locked', 'hairpin'].map(
        (key) => links.get(endpoint.port)?.port?.[key] ?? null,
      ),
    );
  const guests = [
    ...examined.flatMap(({ wanted }) => wanted.filter(({ endpoint }) => endpoint.role === undefined)),
    ...(routed?.entries ?? []),
  ];
  const places = [...examined.map(({ bridge }) => bridge), ...(routed === null ? [] : [routed.name])];
  const usual = guests.length ** 2 > manyPairs ? meshRate : usualRate;
  const lastRound = lastRoundOf(wishes, guests.length, usual);
  const host = (bridge: string): FoundPartyHost | null => hostOn(bridge, input, examined.length === 1, taken);
  const bridges = examined.map(({ bridge, wanted }): FoundBridge => foundBridge(state, bridge, wanted, host(bridge)));
  const placed = [
    ...bridges.flatMap((bridge) => probesOf({ bridge, isUnlearned, kindOf, lastRound }, wishes.classes)),
    ...(routed === null ? [] : routedProbes(routed, input, { classes: wishes.classes, lastRound })),
  ].map(([part, probe]): Placed => ({ part, probe }));
  if (placed.length === 0)
    throw new VerifyError(
      'too-little-found',
      3,
      `of ${guests.length} guests on ${places.join(', ')} nothing can be asked: ${guests.filter(({ spoke }) => spoke).length} have a MAC that their bridge knows`,
      silenceHint(
        state,
        examined.map(({ bridge }) => bridge),
        'try again',
      ),
    );
  const entries = [...examined.flatMap((each) => each.entries), ...(routed?.entries ?? [])];
  const scenario: WholeScenario = {
    version: 1,
    name: `host-${places.join('-')}`.slice(0, 100),
    ...(wishes.classes.some((name) => disruptiveClasses.includes(name)) ? { allow_disruptive: true } : {}),
    topology: {
      provider: 'host',
      bridges: Object.fromEntries(
        places.map((place) => [
          place,
          {
            ...(place === routed?.name ? { kind: 'routed' as const } : writtenKind(state, place)),
            ...(netns === null ? {} : { netns }),
          },
        ]),
      ),
      endpoints: {
        ...withOwners(
          entries.map((entry) =>
            guests.includes(entry) && !entry.spoke && !isUnlearned(entry)
              ? { ...entry, endpoint: { ...entry.endpoint, observed_only: true as const } }
              : entry,
          ),
        ),
        ...Object.fromEntries(
          bridges.flatMap(({ name, host: party }) =>
            party === null ? [] : [[party.name, { bridge: name, attach: 'host' as const, ip: party.ips }]],
          ),
        ),
      },
    },
    steps: stepsOf(placed, wishes, usual, state),
  };
  return {
    scenario,
    notes: [
      `${guests.length} guests on ${places.join(', ')}, as they were found. Run it with: verify-isolation run FILE`,
      ...bridges.flatMap(({ claims }) => claims),
      ...(routed === null ? [] : [routedClaim(routed, state)]),
      ...found.flatMap((bridge) => leftOutNotes(bridge, state)),
      ...guests.flatMap((entry) =>
        entry.spoke
          ? []
          : [silence(entry, { isUnlearned: isUnlearned(entry), isRouted: entry.endpoint.bridge === routed?.name })],
      ),
      ...unreadNotes(inventory),
    ],
    beside: others.map(besideNote),
    origins: originsOf(entries, () => false),
    sentences: [],
  };
}

/** Guests that the host routes to, as far as they are wanted; null = too few of them. */
function wantedRoutes(input: WholeInput, taken: Set<string>): RoutedSegment | null {
  const { bridge } = input.wishes;
  const found = bridge === null || bridge === 'routes' ? routedSegment(input, taken) : null;
  if (found === null) return null;
  const entries = found.entries.filter((entry) => isWanted(entry, input.wishes));
  return entries.filter(({ spoke }) => spoke).length < 2 ? null : { ...found, entries };
}

function besideNote({ place, value, text, command }: SegmentBeside): string {
  return `not examined: ${place} (${value}): ${text}${command === null ? '' : `: ${command}`}`;
}

/**
 * The host as a party on a bridge of the kernel's, where it has an address and nothing narrower is asked; null = it is
 * none. Its name goes into `taken`.
 */
function hostOn(
  bridge: string,
  { state, addresses, wishes }: WholeInput,
  isAlone: boolean,
  taken: Set<string>,
): FoundPartyHost | null {
  const ips = addresses[bridge] ?? [];
  const isOfKernel = state.links.some(({ name, kind }) => name === bridge && kind === 'bridge');
  if (ips.length === 0 || !isOfKernel || wishes.guests.length + wishes.zones.length > 0) return null;
  const name = endpointName(isAlone ? 'host' : `host-${bridge}`, taken);
  taken.add(name);
  return { name, ips };
}

function nothingToExamine(
  hasBridges: boolean,
  { guests, zones }: WholeWishes,
  others: readonly SegmentBeside[],
  apart: readonly SegmentBeside[],
): VerifyError {
  if (hasBridges && guests.length + zones.length > 0)
    return new VerifyError(
      'nothing-to-examine',
      69,
      `no guest here is ${[...guests, ...zones.map((zone) => `in zone ${zone}`)].join(' or ')}`,
      '`verify-isolation init` prints the guests that are here',
    );
  const commands = [...others, ...apart].flatMap(({ command }) => command ?? []);
  if (others.length > 0) {
    return new VerifyError(
      'nothing-to-examine',
      69,
      ['no guest is on a bridge of this namespace, so that nothing can be sent here', ...others.map(besideNote)].join(
        '\n',
      ),
      commands.length > 0
        ? commands.join('; ')
        : '`verify-isolation audit` says what the settings of these guests let through',
    );
  }
  return new VerifyError(
    'nothing-to-examine',
    69,
    'nothing to examine: no guest is on a bridge of this machine',
    commands.length > 0
      ? commands.join('; ')
      : 'run it on the virtualization host, in the namespace of its bridge (--netns). To see what it does, without a host: verify-isolation demo (in a checkout: npm start)',
  );
}
