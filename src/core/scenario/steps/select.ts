import { bareName } from '../../model/host-names.js';
import type { Endpoint } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import type { TopologyReading } from '../topology/read-topology.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';

export interface SelectionScope {
  /** Choices for globs, roles, zones and `*`. A name may be any endpoint. */
  readonly among: ReadonlySet<string> | null;
  /** For a `*` in `to`: all others on their bridge. Absent: `*` is every endpoint. */
  readonly senders?: readonly string[];
}

function selectorsAt(
  raw: string | readonly string[],
  path: Path,
): readonly { readonly text: string; readonly path: Path }[] {
  return typeof raw === 'string' ? [{ text: raw, path }] : raw.map((text, at) => ({ text, path: [...path, at] }));
}

/**
 * Resolves selectors to endpoints' names in the topology's order. `!x` takes away from the others, or from all if
 * alone. Unknown names and selectors without a match are faults.
 */
export function select(
  faults: FaultList,
  reading: TopologyReading,
  raw: string | readonly string[],
  path: Path,
  scope: SelectionScope,
): readonly string[] {
  const selectors = selectorsAt(raw, path);
  const chosen = new Set<string>();
  const refused = new Set<string>();
  for (const { text, path: at } of selectors) {
    const negative = text.startsWith('!');
    for (const name of matches(faults, reading, negative ? text.slice(1) : text, at, scope))
      (negative ? refused : chosen).add(name);
  }
  const isExclusion = selectors.length > 0 && selectors.every(({ text }) => text.startsWith('!'));
  return reading.topology.endpoints
    .map(({ name }) => name)
    .filter(
      (name) => (isExclusion ? scope.among === null || scope.among.has(name) : chosen.has(name)) && !refused.has(name),
    );
}

function matches(
  faults: FaultList,
  reading: TopologyReading,
  text: string,
  path: Path,
  scope: SelectionScope,
): readonly string[] {
  const { endpoints } = reading.topology;
  if (!isGlob(text) && !/[:/]/.test(text)) {
    if (reading.names.has(text)) return [text];
    const owner = endpoints.find(({ port }) => port === text);
    faults.add(
      path,
      `${where(path)}: there is no endpoint ${quote(text)}${owner === undefined ? didYouMean(text, reading.names) : `; the endpoint at the port of this name is ${quote(owner.name)}`}`,
    );
    return [];
  }
  const test = predicate(reading, text, scope);
  if (typeof test === 'string') {
    faults.add(path, `${where(path)}: ${test}`);
    return [];
  }
  const matching = endpoints.filter(test);
  // If pieces of the topology were unreadable, what is missing may be among them.
  if (matching.length === 0 && reading.complete) faults.add(path, `${where(path)}: ${quote(text)} matches no endpoint`);
  return matching.map(({ name }) => name).filter((name) => scope.among === null || scope.among.has(name));
}

type Predicate = (endpoint: Endpoint) => boolean;

function besideSenders({ topology }: TopologyReading, senders: readonly string[]): Predicate {
  const bridges = senders.map((sender) => {
    const bridge = topology.endpoints.find(({ name }) => name === sender)?.bridge;
    return bridge === undefined ? undefined : bareName(bridge);
  });
  return ({ name, bridge }) => senders.some((sender, at) => sender !== name && bridges[at] === bareName(bridge));
}

function hasRole(role: string): Predicate | string {
  const roles = ['guest', 'uplink', 'host'];
  return roles.includes(role)
    ? (endpoint) => endpoint.role === role
    : `there is no role ${quote(role)}, expected one of ${roles.join(', ')}${didYouMean(role, roles)}`;
}

function isInZone({ topology, complete }: TopologyReading, glob: string): Predicate | string {
  const zones = new Set(topology.endpoints.flatMap(({ zone }) => zone ?? []));
  if (!isGlob(glob) && !zones.has(glob) && complete) return `there is no zone ${quote(glob)}${didYouMean(glob, zones)}`;
  return ({ zone }) => zone !== null && matchesGlob(glob, zone);
}

function predicate(reading: TopologyReading, text: string, scope: SelectionScope): Predicate | string {
  const { senders } = scope;
  if (text === '**' || (text === '*' && senders === undefined)) return () => true;
  if (text === '*' && senders !== undefined) return besideSenders(reading, senders);
  const [, kind, rest = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (kind === 'role') return hasRole(rest);
  if (kind === 'zone') return isInZone(reading, rest);
  if (kind !== undefined) return `${quote(text)} is no selector, expected "role:…" or "zone:…"`;
  const slash = text.indexOf('/');
  if (slash < 0) return ({ name }) => matchesGlob(text, name);
  const [bridgeGlob, nameGlob] = [text.slice(0, slash), text.slice(slash + 1)];
  if (!isGlob(bridgeGlob) && !reading.bridgeNames.has(bridgeGlob))
    return `there is no bridge ${quote(bridgeGlob)}${didYouMean(bridgeGlob, reading.bridgeNames)}`;
  return ({ name, bridge }) => matchesGlob(bridgeGlob, bareName(bridge)) && matchesGlob(nameGlob, name);
}

/**
 * A glob with `*` (any characters, also none) and `?` (one). The time is at most proportional to the product of both
 * lengths.
 */
function matchesGlob(glob: string, name: string): boolean {
  let [g, n] = [0, 0];
  let [star, resume] = [-1, 0];
  while (n < name.length) {
    if (g < glob.length && glob[g] === '*') {
      [star, resume] = [g, n];
      g += 1;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g += 1;
      n += 1;
    } else if (star >= 0) {
      resume += 1;
      [g, n] = [star + 1, resume];
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g += 1;
  return g === glob.length;
}

function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}
