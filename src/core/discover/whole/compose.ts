import type { ProbeClassName } from '../../model/scenario.js';
import { type CatalogueAllowance, catalogueClasses, disruptiveClasses } from '../../probe/classes.js';
import type { Declared, Inventory } from '../../model/host-config.js';
import { attributesOf } from '../../bridge/attributes.js';
import { isDeafToSources, strangersBehind } from '../../bridge/view.js';
import { separateBridges, deviceText, type UnbridgedSegment, segmentsBeside } from '../../bridge/beside.js';
import type { Beside, HostState, LinkState, SenderBehind } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';
import { type Hops, hopsOf } from '../../bridge/hops.js';
import {
  type AnyFound,
  behindNote,
  canSpeak,
  type FileEndpoint,
  forFile,
  type FoundBehind,
  foundBehind,
  type FoundEntry,
  foundEndpoints,
  observedOnlyNote,
  otherMacsNote,
  refuseJoined,
  withOrphan,
  type WrittenBehind,
  type WrittenHost,
} from '../found-endpoints.js';
import { withOwners } from '../guests.js';
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
import type { Neighbour } from '../host-topology.js';
import { lowerClaim, lowerProbes, type LowerSegment, lowerSegments } from './lower.js';
import { besideNote, nothingToExamine } from './nothing-to-examine.js';
import { type Placed, probesOf, ruleProbes } from './probes.js';
import { lastRoundOf, stepsOf, type StepWishes } from './steps.js';
import {
  type BetweenNetworks,
  betweenNetworks,
  routedClaim,
  routedProbes,
  type RoutedSegment,
  routedSegment,
} from './routes.js';
import { type FoundBridge, foundBridge, hostOn } from './segments.js';
import { counted } from '../../text/escape.js';
import { groupBy, mapByName } from '../../text/collections.js';
import { someText } from '../../text/names.js';

/** What is asked of a whole host beyond what is usual. */
export interface HostOptions extends StepWishes {
  /** Only this bridge; null = all that have guests. */
  readonly bridge: string | null;
  /** Only guests whose name or port is one of these, or that are in one of these zones; empty = all. */
  readonly guests: readonly string[];
  readonly zones: readonly string[];
  /** Only these classes; empty = the usual ones, `catalogue` = all that may be sent. */
  readonly classes: readonly ProbeClassName[];
  readonly catalogue: CatalogueAllowance | null;
  /** Frames that ask a rule which copies or moves frames, at most; 0 = no rule is asked. */
  readonly rules: number;
}

export interface WholeInput {
  readonly state: HostState;
  readonly neighbours: readonly Neighbour[];
  /** As of `BridgeInput`. */
  readonly heard?: ReadonlyMap<string, string>;
  /** What was heard sending out of bridge devices. Absent: nothing was. */
  readonly behind?: readonly SenderBehind[];
  readonly inventory: Inventory;
  /** What configuration says of ports; absent: it was not read. */
  readonly declared?: readonly Declared[];
  /** What no bridge here carries. */
  readonly beside: Beside;
  /** Addresses of the host by device, with their prefix, but those of the link alone. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** As `netns` of the bridges is to be written; null = the namespace of the caller. */
  readonly netns: string | null;
  readonly wishes: HostOptions;
}

/** A scenario of a whole host as data. */
export interface WholeScenario extends Omit<FoundScenario, 'topology'> {
  readonly topology: Omit<FoundScenario['topology'], 'endpoints'> & {
    readonly endpoints: Readonly<Record<string, FileEndpoint | WrittenHost | WrittenBehind>>;
  };
  readonly allow_disruptive?: true;
}

export interface WholeFound extends Omit<Found, 'scenario'> {
  readonly scenario: WholeScenario;
}

function isWanted({ name, near, endpoint }: AnyFound, { guests, zones }: HostOptions): boolean {
  if (endpoint.role === 'uplink') return true;
  const known = [name, endpoint.port ?? name, near ?? name];
  if (guests.length > 0 && !known.some((word) => guests.includes(word))) return false;
  return zones.length === 0 || (endpoint.zone !== undefined && zones.includes(endpoint.zone));
}

type Links = ReadonlyMap<string, LinkState>;

/** A bridge with its endpoints; `wanted`: those that the wishes leave. */
interface SurveyedBridge {
  readonly bridge: string;
  readonly members: readonly LinkState[];
  readonly ports: readonly LinkState[];
  readonly entries: readonly FoundEntry[];
  readonly wanted: readonly FoundEntry[];
  /** Guests behind its device that are wanted. */
  readonly behind: readonly FoundBehind[];
}

interface Survey {
  readonly links: Links;
  /** Bridges with ports. */
  readonly bridges: readonly SurveyedBridge[];
  /** Those of them with a guest that is wanted. */
  readonly examined: readonly SurveyedBridge[];
  readonly unbridged: Unbridged;
  /** Segments that are not examined. */
  readonly others: readonly UnbridgedSegment[];
  readonly guests: readonly FoundEntry[];
  /** Names of the bridges and segments that are examined. */
  readonly places: readonly string[];
  /** Names in use. */
  readonly taken: Set<string>;
}

function isUnlearned(links: Links, entry: FoundEntry): boolean {
  if (entry.spoke || entry.endpoint.mac === undefined) return false;
  return isDeafToSources(links.get(entry.endpoint.port)) || entry.elsewhere !== undefined;
}

const deciding = attributesOf.port.filter(({ decides }) => decides !== undefined);

/** Bridges with ports, as far as they are wanted. Names go into `taken`. */
function surveyBridges(input: WholeInput, hops: Hops, taken: Set<string>): readonly SurveyedBridge[] {
  const { state, neighbours, inventory, wishes, heard } = input;
  const zones = new Map<string, string>();
  const isLower = lowerSegments(input, wishes.bridge, new Set()).some(({ name }) => name === wishes.bridge);
  const names = wishes.bridge === 'routes' || isLower ? [] : bridgesWithPorts(state, wishes.bridge, hops);
  for (const name of names) taken.add(name);
  const strangers = strangersBehind(state, input.behind ?? [], [
    ...(heard?.values() ?? []),
    ...input.beside.devices.map(({ mac }) => mac),
  ]);
  return names.map((bridge) => {
    const around = { state, neighbours, inventory, bridge, hops, ...(heard === undefined ? {} : { heard }) };
    const { members, ports, entries: bare } = foundEndpoints(around, taken, zones);
    const entries = withOrphan(bare, around);
    const wanted = entries.filter((entry) => isWanted(entry, wishes));
    const behind = foundBehind(around, strangers, taken).filter((guest) => isWanted(guest, wishes));
    return { bridge, members, ports, entries, wanted, behind };
  });
}

/** Throws VerifyError (69) where there is no guest to examine, or bridges are joined to one network. */
function surveyHost(input: WholeInput): Survey {
  const { state, beside, wishes } = input;
  const links = mapByName(state.links);
  const taken = new Set<string>();
  const hops = hopsOf(state, input.addresses);
  const bridges = surveyBridges(input, hops, taken);
  const isGuest = ({ endpoint }: FoundEntry): boolean => endpoint.role === undefined;
  const examined = bridges.filter(({ wanted }) => wanted.some(isGuest));
  const unbridged = unbridgedSegments(input, taken);
  const others = segmentsBeside(state, beside, unbridged.devices);
  if (examined.length === 0 && unbridged.entries.length === 0)
    throw nothingToExamine(bridges.length > 0, wishes, others, separateBridges(beside));
  refuseJoined(examined, state, hops);
  const guests = [...examined.flatMap(({ wanted }) => wanted.filter(isGuest)), ...unbridged.entries];
  const places = [...examined.map(({ bridge }) => bridge), ...unbridged.kinds.keys()];
  return { links, bridges, examined, unbridged, others, guests, places, taken };
}

/** Throws VerifyError (3) where too little is known to send anything. */
function probesOfHost(
  survey: Survey,
  bridges: readonly FoundBridge[],
  classes: readonly ProbeClassName[],
  between: BetweenNetworks,
  { state, wishes }: WholeInput,
): readonly Placed[] {
  const { links, examined, unbridged, guests, places } = survey;
  const context = {
    isUnlearned: (entry: FoundEntry) => isUnlearned(links, entry),
    kindOf: (entry: FoundEntry) =>
      JSON.stringify(deciding.map(({ key }) => links.get(entry.endpoint.port)?.port?.[key] ?? null)),
    lastRound: lastRoundOf(wishes, guests.length),
  };
  const placed = [
    ...bridges.flatMap((bridge) => probesOf({ bridge, ...context }, classes)),
    ...unbridged.probes({ classes, lastRound: context.lastRound }),
    ...between.probes.filter(([, probe]) => classes.length === 0 || classes.includes(probe.class)),
  ];
  if (placed.length > 0) return placed;
  const [known, names] = [guests.filter(({ spoke }) => spoke), examined.map(({ bridge }) => bridge)];
  throw new VerifyError(
    'too-little-found',
    3,
    `cannot test ${counted(guests.length, 'guest')} on ${places.join(', ')}: the bridge knows the MAC of ${known.length === 0 ? 'none' : `only ${known.length}`}`,
    silenceHint(state, names, 'try again'),
  );
}

function topologyOf(
  { links, examined, unbridged, guests, places }: Survey,
  bridges: readonly FoundBridge[],
  entries: readonly FoundEntry[],
  { state, netns }: WholeInput,
): WholeScenario['topology'] {
  const namespace = netns === null ? {} : { netns };
  const behind = examined.flatMap((bridge) => bridge.behind);
  const isOnlyObserved = (entry: FoundEntry): boolean =>
    guests.includes(entry) && !canSpeak(entry) && !isUnlearned(links, entry);
  return {
    provider: 'host',
    bridges: Object.fromEntries(
      places.map((place) => [place, { ...(unbridged.kinds.get(place) ?? writtenKind(state, place)), ...namespace }]),
    ),
    endpoints: {
      ...withOwners(entries.map((entry) => forFile(entry, isOnlyObserved(entry)))),
      ...Object.fromEntries(
        bridges.flatMap(({ name, host: party }) =>
          party === null ? [] : [[party.name, { bridge: name, attach: 'host' as const, ip: party.ips }]],
        ),
      ),
      ...Object.fromEntries(behind.map(({ name, endpoint }) => [name, endpoint])),
    },
  };
}

/** How many guests are named of which the same is to be said. */
const maxNamed = 3;

/** Notes that differ in the guest's name alone become one: a hundred may not have spoken. */
function onceEach(notes: readonly (readonly [name: string, note: string])[]): readonly string[] {
  const alike = groupBy(notes, ([name, note]) => note.slice(name.length));
  return [...alike].map(
    ([text, same]) =>
      someText(
        same.map(([name]) => name),
        maxNamed,
      ) + text,
  );
}

function notesOf(survey: Survey, found: readonly FoundBridge[], { state, inventory }: WholeInput): readonly string[] {
  const { links, bridges, unbridged, guests, places } = survey;
  return [
    `${counted(guests.length, 'guest')} on ${places.join(', ')}, as found. Run it with: verify-isolation run FILE`,
    ...found.flatMap(({ claims }) => claims),
    ...unbridged.claims,
    ...bridges.flatMap((bridge) => leftOutNotes(bridge, state)),
    ...onceEach(
      guests.flatMap((entry) => {
        const known = { isUnlearned: isUnlearned(links, entry), isRouted: unbridged.kinds.has(entry.endpoint.bridge) };
        const notes = [...(entry.spoke ? [] : [observedOnlyNote(entry, known)]), ...otherMacsNote(entry)];
        return notes.map((note) => [entry.name, note] as const);
      }),
    ),
    ...bridges.flatMap(({ behind }) => behind).map(behindNote),
    ...unreadNotes(inventory),
  ];
}

/**
 * The scenario that asks a host whether its guests are private: each bridge with each guest; round 1, in which each
 * guest sends, is addressed and listens; then all other pairs. What settings claim to keep apart is asked for, what a
 * bridge leaves open to everybody is written down as such. Throws VerifyError: 69 where there is no guest, 3 where too
 * little is known to ask anything.
 */
export function wholeScenario(input: WholeInput): WholeFound {
  const { state, wishes } = input;
  const survey = surveyHost(input);
  const { examined, unbridged, others, guests, places, taken } = survey;
  const bridges = examined.map(
    ({ bridge, entries, wanted, behind }): FoundBridge =>
      foundBridge(
        state,
        bridge,
        { entries, tested: wanted, behind, declared: input.declared ?? [] },
        hostOn(bridge, input, examined.length === 1, taken),
      ),
  );
  const classes =
    wishes.catalogue === null
      ? wishes.classes
      : catalogueClasses(
          wishes.catalogue,
          bridges.some(({ uplinks }) => uplinks.length > 0),
        );
  const between = betweenNetworks(bridges, unbridged.routed, input.beside);
  const placed = probesOfHost(survey, bridges, classes, between, input);
  const entries = [...examined.flatMap((bridge) => bridge.entries), ...unbridged.entries];
  const isAsked = classes.length === 0 || classes.includes('known-unicast');
  const rules = ruleProbes(state, bridges, unbridged.routed?.entries ?? [], isAsked ? wishes.rules : 0);
  return {
    scenario: {
      version: 1,
      name: `host-${places.join('-')}`.slice(0, 100),
      ...(classes.some((name) => disruptiveClasses.includes(name)) ? { allow_disruptive: true } : {}),
      ...(wishes.rules === 0 ? { ask_rules: false } : {}),
      topology: topologyOf(survey, bridges, entries, input),
      steps: stepsOf([...placed, ...rules.probes], wishes, guests.length, state),
    },
    notes: [...notesOf(survey, bridges, input), ...between.notAsked, ...(rules.note === null ? [] : [rules.note])],
    beside: others.map(besideNote),
    origins: originsOf(entries, () => false),
    sentences: [],
  };
}

/** Guests on no bridge that are examined. */
interface Unbridged {
  /** Those that the host routes to; null = too few. */
  readonly routed: RoutedSegment | null;
  readonly entries: readonly FoundEntry[];
  /** Segments by name. */
  readonly kinds: ReadonlyMap<string, { readonly kind: 'routed' | 'lower' }>;
  /** Their devices, as `segmentsBeside` takes them. */
  readonly devices: ReadonlySet<string>;
  /** What the host does between them, in sentences. */
  readonly claims: readonly string[];
  readonly probes: (tested: Parameters<typeof lowerProbes>[1]) => ReturnType<typeof lowerProbes>;
}

/** Those that the host routes to, and those on lower devices. Names go into `taken`. */
function unbridgedSegments(input: WholeInput, taken: Set<string>): Unbridged {
  const { state } = input;
  const routed = wantedRoutes(input, taken);
  const routes = routed === null ? [] : [routed];
  const lower = wantedLower(input, taken);
  return {
    routed,
    entries: [...routes, ...lower].flatMap(({ entries }): readonly FoundEntry[] => entries),
    kinds: new Map<string, { readonly kind: 'routed' | 'lower' }>([
      ...routes.map(({ name }) => [name, { kind: 'routed' }] as const),
      ...lower.map(({ name }) => [name, { kind: 'lower' }] as const),
    ]),
    devices: new Set([
      ...routes.flatMap(({ entries }) => entries.map(({ endpoint }) => endpoint.port)),
      ...lower.flatMap(({ entries }) => entries.map(({ guestDevice }) => deviceText(guestDevice))),
    ]),
    claims: [...routes.map((segment) => routedClaim(segment, state)), ...lower.map(lowerClaim)],
    probes: (tested) => [
      ...routes.flatMap((segment) => routedProbes(segment, input, tested)),
      ...lower.flatMap((segment) => lowerProbes(segment, tested)),
    ],
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

/** Lower devices with guests, as far as they are wanted. */
function wantedLower(input: WholeInput, taken: Set<string>): readonly LowerSegment[] {
  return lowerSegments(input, input.wishes.bridge, taken).flatMap((segment) => {
    const entries = segment.entries.filter((entry) => isWanted(entry, input.wishes));
    const isWhole = segment.isWhole && entries.length === segment.entries.length;
    return entries.length < 2 ? [] : [{ ...segment, entries, isWhole }];
  });
}
