import type { ProbeClassName } from '../../model/scenario.js';
import { type CatalogueAllowance, catalogueClasses, disruptiveClasses } from '../../probe/classes.js';
import type { Inventory, IsolatedPort } from '../../model/host-config.js';
import { attributesOf } from '../../bridge/attributes.js';
import { linkNamed } from '../../bridge/host.js';
import { fullTable, isDeafToSources, strangersBehind } from '../../bridge/view.js';
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
import { besideNote, nothingToExamine, refuseJoined } from './refusals.js';
import { probesOf, ruleProbes } from './probes.js';
import { lastRoundOf, type Placed, stepsOf, type StepWishes, type WrittenStep } from './steps.js';
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

export interface HostOptions extends StepWishes {
  /** null = all with guests. */
  readonly bridge: string | null;
  /** Names, ports or zones of guests; empty = all. */
  readonly guests: readonly string[];
  readonly zones: readonly string[];
  /** Empty = the usual ones, `catalogue` = all that may be sent. */
  readonly classes: readonly ProbeClassName[];
  readonly catalogue: CatalogueAllowance | null;
  /** Frames for a rule that copies or moves frames, at most; 0 = rules are not tested. */
  readonly rules: number;
  /** All guests speak, and the host does not route. */
  readonly inLab?: boolean;
}

export interface WholeInput {
  readonly state: HostState;
  readonly neighbours: readonly Neighbour[];
  readonly heard?: ReadonlyMap<string, string>;
  /** Heard sending out of bridge devices. */
  readonly behind?: readonly SenderBehind[];
  readonly inventory: Inventory;
  /** By the configuration of managers. */
  readonly declared?: readonly IsolatedPort[];
  /** Segments that no bridge carries. */
  readonly beside: Beside;
  /** By device, with prefix, without link-local ones. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** For the bridges' `netns`; null = the caller's namespace. */
  readonly netns: string | null;
  readonly wishes: HostOptions;
}

export interface WholeScenario extends Omit<FoundScenario, 'topology'> {
  readonly steps: readonly WrittenStep[];
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

interface SurveyedBridge {
  readonly bridge: string;
  readonly members: readonly LinkState[];
  readonly ports: readonly LinkState[];
  readonly entries: readonly FoundEntry[];
  readonly wanted: readonly FoundEntry[];
  /** Selected guests behind its device. */
  readonly behind: readonly FoundBehind[];
}

interface Survey {
  readonly links: Links;
  readonly bridges: readonly SurveyedBridge[];
  readonly examined: readonly SurveyedBridge[];
  readonly unbridged: Unbridged;
  readonly others: readonly UnbridgedSegment[];
  readonly guests: readonly FoundEntry[];
  readonly places: readonly string[];
  readonly taken: Set<string>;
}

function isUnlearned(state: Pick<HostState, 'links'>, entry: FoundEntry): boolean {
  if (entry.spoke || entry.endpoint.mac === undefined) return false;
  return isDeafToSources(linkNamed(state, entry.endpoint.port), state) || entry.elsewhere !== undefined;
}

const deciding = attributesOf.port.filter(({ decides }) => decides !== undefined);

function surveyBridges(input: WholeInput, hops: Hops, taken: Set<string>): readonly SurveyedBridge[] {
  const { state, neighbours, inventory, wishes, heard } = input;
  const { inLab = false } = wishes;
  const zones = new Map<string, string>();
  const isLower = lowerSegments(input, wishes.bridge, new Set()).some(({ name }) => name === wishes.bridge);
  const names = wishes.bridge === 'routes' || isLower ? [] : bridgesWithPorts(state, wishes.bridge, hops);
  for (const name of names) taken.add(name);
  const strangers = strangersBehind(state, input.behind ?? [], [
    ...(heard?.values() ?? []),
    ...input.beside.devices.map(({ mac }) => mac),
  ]);
  return names.map((bridge) => {
    const around = { state, neighbours, inventory, bridge, hops, inLab, ...(heard === undefined ? {} : { heard }) };
    const { members, ports, entries: bare } = foundEndpoints(around, taken, zones);
    const entries = withOrphan(bare, around);
    const wanted = entries.filter((entry) => isWanted(entry, wishes));
    const behind = foundBehind(around, strangers, taken).filter((guest) => isWanted(guest, wishes));
    return { bridge, members, ports, entries, wanted, behind };
  });
}

/** Throws VerifyError (69) without guests, JoinedBridges if bridges are one network. */
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
  const guests = [...examined.flatMap(({ wanted }) => wanted.filter(isGuest)), ...unbridged.entries];
  const places = [...examined.map(({ bridge }) => bridge), ...unbridged.kinds.keys()];
  refuseJoined(examined, places, input, hops);
  return { links, bridges, examined, unbridged, others, guests, places, taken };
}

/** Throws VerifyError (3) if too little is known. */
function probesOfHost(
  survey: Survey,
  bridges: readonly FoundBridge[],
  classes: readonly ProbeClassName[],
  between: BetweenNetworks,
  { state, wishes }: WholeInput,
): readonly Placed[] {
  const { links, examined, unbridged, guests, places } = survey;
  const context = {
    isUnlearned: (entry: FoundEntry) => isUnlearned(state, entry),
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
    silenceHint(state, names),
  );
}

function topologyOf(
  { examined, unbridged, guests, places }: Survey,
  bridges: readonly FoundBridge[],
  entries: readonly FoundEntry[],
  { state, netns }: WholeInput,
): WholeScenario['topology'] {
  const namespace = netns === null ? {} : { netns };
  const behind = examined.flatMap((bridge) => bridge.behind);
  const isOnlyObserved = (entry: FoundEntry): boolean =>
    guests.includes(entry) && !canSpeak(entry) && !isUnlearned(state, entry);
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

const maxNamed = 3;

/** Notes that differ only in the guest become one: a hundred may not have spoken. */
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
    `${counted(guests.length, 'guest')} on ${places.join(', ')}, as found`,
    ...found.flatMap(({ claims }) => claims),
    ...unbridged.claims,
    ...bridges.flatMap((bridge) => leftOutNotes(bridge, state)),
    ...onceEach(
      guests.flatMap((entry) => {
        const known = {
          isUnlearned: isUnlearned(state, entry),
          isFull: fullTable(links.get(entry.endpoint.bridge)) !== null && entry.elsewhere === undefined,
          isRouted: unbridged.kinds.has(entry.endpoint.bridge),
        };
        const notes = [...(entry.spoke ? [] : [observedOnlyNote(entry, known)]), ...otherMacsNote(entry)];
        return notes.map((note) => [entry.name, note] as const);
      }),
    ),
    ...bridges.flatMap(({ behind }) => behind).map(behindNote),
    ...unreadNotes(inventory),
  ];
}

/**
 * The scenario of a host: each bridge with each guest; round 1, in which each guest sends, is addressed and listens;
 * then all other pairs. Barriers of settings are tested, openness by design is recorded. Throws VerifyError: 69 = no
 * guest, 3 = too little is known.
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
  const between = betweenNetworks(wishes.inLab === true ? [] : bridges, unbridged.routed, input);
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
      steps: stepsOf([...placed, ...rules.probes], wishes, guests, state),
    },
    notes: [...notesOf(survey, bridges, input), ...between.notAsked, ...(rules.note === null ? [] : [rules.note])],
    beside: others.map(besideNote),
    origins: originsOf(entries),
  };
}

interface Unbridged {
  /** null = too few. */
  readonly routed: RoutedSegment | null;
  readonly entries: readonly FoundEntry[];
  readonly kinds: ReadonlyMap<string, { readonly kind: 'routed' | 'lower' }>;
  /** Their devices, for `segmentsBeside`. */
  readonly devices: ReadonlySet<string>;
  /** The host's treatment of them, in sentences. */
  readonly claims: readonly string[];
  readonly probes: (tested: Parameters<typeof lowerProbes>[1]) => ReturnType<typeof lowerProbes>;
}

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

function wantedRoutes(input: WholeInput, taken: Set<string>): RoutedSegment | null {
  const { bridge } = input.wishes;
  const found = bridge === null || bridge === 'routes' ? routedSegment(input, taken) : null;
  if (found === null) return null;
  const entries = found.entries.filter((entry) => isWanted(entry, input.wishes));
  return entries.filter(({ spoke }) => spoke).length < 2 ? null : { ...found, entries };
}

function wantedLower(input: WholeInput, taken: Set<string>): readonly LowerSegment[] {
  return lowerSegments(input, input.wishes.bridge, taken).flatMap((segment) => {
    const entries = segment.entries.filter((entry) => isWanted(entry, input.wishes));
    const isWhole = segment.isWhole && entries.length === segment.entries.length;
    return entries.length < 2 ? [] : [{ ...segment, entries, isWhole }];
  });
}
