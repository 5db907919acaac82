import { linkNamed } from '../bridge/host.js';
import { isOn } from '../bridge/setting-value.js';
import { isOnPort } from '../model/attach.js';
import { sameSegment } from '../model/host-names.js';
import type { Endpoint, ProbeEntry, Scenario, SeenClaim, Step } from '../model/scenario.js';
import type { HostState } from '../model/state.js';
import { changesOf } from '../plan/changes.js';
import { couldLearn, isKnownThere } from '../plan/observers.js';
import { familyOf } from '../probe/addresses.js';
import { roundPairs } from '../scenario/steps/pairs.js';
import { mapByName, namesIn } from '../text/collections.js';

/** A scenario that can be run, and its differences from the file, a sentence each. */
export interface Adapted {
  readonly scenario: Scenario;
  readonly notes: readonly string[];
}

function isKnownUnicast({ class: name, dstMac }: ProbeEntry): boolean {
  return name === 'known-unicast' && dstMac === null;
}

/** On several segments only some observers would be exposed to a flood. */
function isOneSegment({ bridge }: Endpoint, state: HostState): boolean {
  return !isOn(linkNamed(state, bridge)?.bridge?.['vlan_filtering']);
}

/**
 * Known-unicast addressees that the bridge does not learn before the probes, without those whose `may_see` the file
 * sets.
 */
function unlearnedIn(step: Step, { topology }: Scenario, state: HostState): readonly Endpoint[] {
  if (claimsOf(step).length > 0) return [];
  const speaking = new Set([
    ...step.learn,
    ...step.probes.flatMap(({ from, to, via, bothWays }) => [...(via ?? from), ...(bothWays ? (to ?? []) : [])]),
  ]);
  const entries = step.probes.filter(isKnownUnicast);
  const addresseesOf = (some: readonly ProbeEntry[]): ReadonlySet<string> =>
    new Set(some.flatMap(({ to }) => to ?? []));
  const addressed = addresseesOf(entries);
  const promised = addresseesOf(
    entries.filter(({ maySee, mustSee }) => (maySee ?? step.expect.maySee ?? mustSee ?? step.expect.mustSee) !== null),
  );
  return topology.endpoints.filter((endpoint) => {
    const { name, attach, macs } = endpoint;
    const [mac] = macs;
    if (!isOnPort(attach) || mac === undefined || speaking.has(name)) return false;
    if (!addressed.has(name) || promised.has(name) || !isOneSegment(endpoint, state)) return false;
    return couldLearn(state, endpoint) && !isKnownThere(state, endpoint, mac);
  });
}

function sendersTo(
  { from, to, rounds, acrossBridges }: ProbeEntry,
  addressee: Endpoint,
  scenario: Scenario,
): readonly string[] {
  const endpoints = mapByName(scenario.topology.endpoints);
  const pairs =
    rounds === undefined
      ? from.map((name) => [name, addressee.name] as const)
      : [...roundPairs(from, to ?? [], rounds)];
  return pairs.flatMap(([sender, receiver]) => {
    const endpoint = endpoints.get(sender);
    const isMeant = receiver === addressee.name && sender !== receiver && endpoint !== undefined;
    return isMeant && (acrossBridges || sameSegment(endpoint, addressee)) ? [sender] : [];
  });
}

/** An addressee's known unicast as unknown unicast: observers on the bridge are exposed, if most get it. */
function asUnknown(
  entry: ProbeEntry,
  addressee: Endpoint,
  scenario: Scenario,
  isStrict: boolean,
): readonly ProbeEntry[] {
  const { endpoints } = scenario.topology;
  const from = sendersTo(entry, addressee, scenario);
  if (from.length === 0) return [];
  const isAddressed = ({ ips }: Endpoint): boolean => ips.some(({ family }) => family === 4);
  const hasAddresses = endpoints.every((endpoint) => !from.includes(endpoint.name) || isAddressed(endpoint));
  const address = hasAddresses ? addressee.ips.find(({ family }) => family === 4)?.address : undefined;
  const carriers = (entry.carriers ?? ['raw', 'ipv4-udp']).filter(
    (carrier) => carrier === 'raw' || (address !== undefined && carrier !== 'arp' && familyOf(carrier) === 4),
  );
  const onBridge = endpoints.filter((endpoint) => sameSegment(endpoint, addressee));
  const { rounds: _, ...rest } = entry;
  return [
    {
      ...rest,
      class: 'unknown-unicast',
      from,
      to: null,
      bothWays: false,
      carriers: carriers.length === 0 ? ['raw'] : carriers,
      dstMac: addressee.macs[0] ?? null,
      dstIp: address ?? null,
      seen: [],
      maySee: [addressee.name, ...namesIn(onBridge.filter(({ role }) => role !== 'guest'))],
      mustSee: [addressee.name],
      openByDesign: isStrict
        ? []
        : onBridge.flatMap(({ role, name, started }) =>
            role === 'guest' && started && name !== addressee.name ? [name] : [],
          ),
    },
  ];
}

function adaptStep(step: Step, unlearned: readonly Endpoint[], scenario: Scenario): Step {
  const names = new Set(namesIn(unlearned));
  const further = step.probes.flatMap((entry) =>
    isKnownUnicast(entry)
      ? unlearned
          .filter(({ name }) => entry.to?.includes(name))
          .flatMap((endpoint) => asUnknown(entry, endpoint, scenario, step.noReaders === true))
      : [],
  );
  const probes = step.probes.map((entry) =>
    isKnownUnicast(entry) ? { ...entry, to: (entry.to ?? []).filter((name) => !names.has(name)) } : entry,
  );
  // Behind the others, whose places claims and open matters name
  return { ...step, probes: [...probes, ...further] };
}

/**
 * Asks addressees that their bridge has not learned as unknown unicast: it floods to them, which is no fault of a
 * barrier. Not if a step changes the bridge's knowledge, nor if their port does not learn.
 */
export function withUnlearnedFlooded(scenario: Scenario, state: HostState): Adapted {
  const notes = new Set<string>();
  const steps = scenario.steps.map((step, index) => {
    if (changesOf(step, scenario.topology, index === 0).length > 0) return step;
    const unlearned = unlearnedIn(step, scenario, state);
    for (const { name, bridge, macs } of unlearned)
      notes.add(
        `${name}: ${bridge} does not know ${macs[0] ?? ''}. Frames to it are tested as unknown unicast; ping it once`,
      );
    return unlearned.length === 0 ? step : adaptStep(step, unlearned, scenario);
  });
  return { scenario: notes.size === 0 ? scenario : { ...scenario, steps }, notes: [...notes] };
}

function claimsOf({ expect, probes, traffic }: Step): readonly SeenClaim[] {
  return [...expect.seen, ...[probes, traffic].flatMap((entries) => entries.flatMap(({ seen }) => seen))];
}

function needs(step: Step, name: string): boolean {
  return (
    step.traffic.some(({ from, to }) => from === name || to === name) ||
    [...step.start, ...step.stop].includes(name) ||
    claimsOf(step).some(({ observer }) => observer === name)
  );
}

/** The scenario without guests that can receive nothing; null = a step would ask nothing, or needs one of them. */
export function withoutShutGuests(scenario: Scenario, shut: ReadonlyMap<string, string>): Adapted | null {
  const rest = (names: readonly string[]): readonly string[] => names.filter((name) => !shut.has(name));
  const orNull = (names: readonly string[] | null): readonly string[] | null => (names === null ? null : rest(names));
  const asks = ({ from, to, via }: ProbeEntry): boolean =>
    from.some((sender) => to === null || to.some((name) => name !== sender)) && (via === null || via.length > 0);
  const steps = scenario.steps.map((step): Step => {
    const probes = step.probes.map((entry) => ({
      ...entry,
      from: rest(entry.from),
      to: orNull(entry.to),
      via: orNull(entry.via),
      mustSee: orNull(entry.mustSee),
      ...(entry.openByDesign === undefined ? {} : { openByDesign: rest(entry.openByDesign) }),
    }));
    return {
      ...step,
      learn: rest(step.learn),
      probes,
      expect: { ...step.expect, mustSee: orNull(step.expect.mustSee) },
    };
  });
  const isNeeded = scenario.steps.some((step) => [...shut.keys()].some((name) => needs(step, name)));
  if (isNeeded || steps.some(({ probes }) => probes.length > 0 && !probes.some(asks))) return null;
  const endpoints = scenario.topology.endpoints.map(
    (endpoint): Endpoint =>
      shut.has(endpoint.name) ? { ...endpoint, started: false, observedOnly: 'missing' } : endpoint,
  );
  return {
    scenario: { ...scenario, topology: { ...scenario.topology, endpoints }, steps },
    notes: [...shut].map(([name, why]) => `${name}: ${why}: it is not asked`),
  };
}
