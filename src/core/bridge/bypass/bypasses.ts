import { tcCopies } from '../diversions.js';
import type { HostState, LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { harmlessActions, harmlessFilters, harmlessStatements, harmlessTargets } from './known-good.js';

/** Something that can carry frames past their way, and is not known to be harmless. */
export interface Bypass {
  /** `BPF program 12`, `tc action mirred`: what it is. */
  readonly what: string;
  /** `p0 ingress`, `nft netdev x y`: where it stands. */
  readonly where: string;
  /** What would acquit it. */
  readonly remedy: string;
}

/** What each of them may do: the words of the reason, of the audit's finding, of `watch` and of what is looked at before a run. */
export const bypassEffect = 'may carry frames past the ears';

/** What carriers are looked for in. */
export interface BypassScope {
  /** Devices that frames come to. */
  readonly segment: ReadonlySet<string>;
  /** Devices at which every frame that leaves is heard: what is carried to these decides by itself. */
  readonly heard: ReadonlySet<string>;
}

const seeProgram = 'detach it where it should not be there; what a program does cannot be read';
const takeAway = 'take it away, or let it lead to a port that is observed';

/** Programs of eBPF at the devices: each may copy or redirect frames to any device (bpf-helpers(7)). */
function programBypasses({ programs, links }: HostState, { segment }: BypassScope): readonly Bypass[] {
  const attached = (programs ?? []).map(({ device, place, id }) => ({ device, place, what: `BPF program ${id}` }));
  const xdp = links.flatMap((link) =>
    link.xdp === undefined ? [] : [{ device: link.name, place: 'XDP', what: `XDP ${link.xdp}` }],
  );
  return [...attached, ...xdp]
    .filter(({ device }) => segment.has(device))
    .map(({ device, place, what }) => ({ what, where: `${device} ${place}`, remedy: seeProgram }));
}

/** Filters and their actions, as `tc -j filter show` prints them. */
function filterBypasses(filter: Fields, where: string, { heard }: BypassScope): readonly Bypass[] {
  const kind = textOf(filter['kind']);
  const options = fieldsOf(filter['options']);
  if (kind === null || options === null) return []; // the head of a list, which says nothing of its own
  const bypasses: Bypass[] = [];
  if (!harmlessFilters.has(kind))
    bypasses.push({ what: `tc filter ${kind}`, where, remedy: kind === 'bpf' ? seeProgram : takeAway });
  for (const action of objectsOf(options['actions'])) {
    const name = textOf(action['kind']) ?? 'unknown';
    if (harmlessActions.has(name)) continue;
    const to = textOf(action['to_dev']);
    // where it leads to a device that is no port, that device is not observed, which coverage reports
    if (name === 'mirred' && to !== null && (heard.has(to) || textOf(action['direction']) === 'egress')) continue;
    bypasses.push({ what: `tc action ${name}${to === null ? '' : ` to ${to}`}`, where, remedy: takeAway });
  }
  return bypasses;
}

function tcBypasses({ tc }: HostState, scope: BypassScope): readonly Bypass[] {
  return Object.entries(fieldsOf(fieldsOf(tc)?.['filters']) ?? {}).flatMap(([key, filters]) => {
    const device = key.slice(0, key.indexOf(' '));
    return scope.segment.has(device)
      ? objectsOf(filters).flatMap((one) => filterBypasses(one, `tc ${key}`, scope))
      : [];
  });
}

/** All texts within a value. */
function textsWithin(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string') return [value];
  if (depth > 32 || typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner: unknown) => textsWithin(inner, depth + 1));
}

/** Does a `dup` or `fwd` lead to devices that are heard alone? Of a map it is asked what it gives. */
function leadsToHeard(
  target: Fields,
  family: string,
  { heard, segment }: BypassScope,
  links: ReadonlySet<string>,
): boolean {
  const device =
    target['dev'] ?? target['device'] ?? (family === 'netdev' || family === 'inet' ? target['addr'] : undefined);
  const known = textOf(device);
  // a device that is no port is reported by coverage
  if (known !== null) return heard.has(known) || (family === 'netdev' && links.has(known)) || segment.has(known);
  const data = fieldsOf(fieldsOf(device)?.['map'])?.['data'];
  const given = objectsOf([data]).flatMap((one) => (Array.isArray(one['set']) ? one['set'] : []));
  const ends = given.map((pair: unknown) => (Array.isArray(pair) ? textsWithin(pair[1]) : []));
  return ends.length > 0 && ends.every((names) => names.length === 1 && names.every((name) => heard.has(name)));
}

function statementBypasses(
  rule: Fields,
  devices: readonly string[],
  scope: BypassScope,
  links: ReadonlySet<string>,
): readonly Bypass[] {
  const family = textOf(rule['family']) ?? '';
  const place = [family, textOf(rule['table']) ?? '', textOf(rule['chain']) ?? ''].join(' ');
  const where = `nft ${place}${devices.length === 0 ? '' : ` on ${devices.join(', ')}`}`;
  return objectsOf(rule['expr']).flatMap((statement) =>
    Object.entries(statement).flatMap(([name, value]): readonly Bypass[] => {
      if (harmlessStatements.has(name)) return [];
      if (name === 'dup' || name === 'fwd')
        return leadsToHeard(fieldsOf(value) ?? {}, family, scope, links)
          ? []
          : [{ what: `nft ${name}`, where, remedy: takeAway }];
      if (name === 'xt') {
        const { type, name: target } = fieldsOf(value) ?? {};
        if (type === 'match' || type === 'watcher' || harmlessTargets.has(textOf(target) ?? '')) return [];
        return [{ what: `xtables target ${textOf(target) ?? 'that nft does not know'}`, where, remedy: takeAway }];
      }
      return [{ what: `nft statement ${name}`, where, remedy: 'take it away: packets may go elsewhere by it' }];
    }),
  );
}

function nftBypasses({ nft, links }: HostState, scope: BypassScope): readonly Bypass[] {
  const parts = objectsOf(fieldsOf(nft)?.['nftables']);
  const chains = new Map(
    parts
      .flatMap((part) => objectsOf([part['chain']]))
      .map((chain) => [`${String(chain['family'])} ${String(chain['table'])} ${String(chain['name'])}`, chain]),
  );
  const names = new Set(links.map(({ name }: LinkState) => name));
  return parts
    .flatMap((part) => objectsOf([part['rule']]))
    .flatMap((rule) => {
      const chain = chains.get(`${String(rule['family'])} ${String(rule['table'])} ${String(rule['chain'])}`);
      const devices = [chain?.['dev']].flat().filter((device) => typeof device === 'string');
      return devices.length > 0 && !devices.some((device) => scope.segment.has(device))
        ? []
        : statementBypasses(rule, devices, scope, names);
    });
}

/**
 * What can carry frames of these devices elsewhere and is not known to be harmless: programs, filters and actions of
 * tc, statements of nft. Packet sockets are asked for what they take, by the judge.
 */
export function bypassesIn(state: HostState, scope: BypassScope): readonly Bypass[] {
  return [...programBypasses(state, scope), ...tcBypasses(state, scope), ...nftBypasses(state, scope)];
}

/** Kinds of link behind which nobody is: what gets there is carried on by rules of theirs, or ends (ip-link(8)). */
export const waypoints: readonly unknown[] = ['ifb', 'dummy'];

/**
 * Names of the devices that frames of these bridges come to without anybody's rule: the bridges and their ports, what
 * stands on them (VLAN devices, macvlan), the other ends of veth pairs here and the bridges that these are ports of, and
 * what lies below a port. From below an uplink nothing goes up again: what else stands there is of other networks. An
 * ifb to which tc hands frames of theirs is one of them.
 */
export function segmentOf(
  bridges: ReadonlySet<string>,
  { links, tc }: Pick<HostState, 'links' | 'tc'>,
): ReadonlySet<string> {
  const byName = new Map(links.map((link) => [link.name, link]));
  const membersOf = groupBy(links, ({ master }) => master);
  const aboveOf = groupBy(links, ({ kind, lower }) => (kind === 'veth' ? null : (lower ?? null)));
  const found = new Set<string>();
  const goDown = (link: LinkState): void => {
    if (found.has(link.name)) return;
    found.add(link.name);
    if (link.kind === 'veth') {
      const peer = byName.get(link.lower ?? '');
      if (peer !== undefined) arriveAt(peer);
      return;
    }
    const below = byName.get(link.lower ?? '');
    for (const one of [...(below === undefined ? [] : [below]), ...(membersOf.get(link.name) ?? [])]) goDown(one);
  };
  /** A frame is received there: whatever stands on it may get it, and the bridge that it is a port of. */
  const arriveAt = (link: LinkState): void => {
    if (link.flags.includes('LOOPBACK')) return;
    const isNew = !found.has(link.name);
    found.add(link.name);
    if (!isNew) return;
    for (const above of aboveOf.get(link.name) ?? []) arriveAt(above);
    const master = byName.get(link.master ?? '');
    if (master !== undefined) arriveAt(master);
    if (link.kind === 'bridge' || bridges.has(link.name))
      for (const port of membersOf.get(link.name) ?? []) leaveBy(port);
  };
  /** A port of a bridge: frames come in there and go out. */
  const leaveBy = (port: LinkState): void => {
    if (found.has(port.name)) return;
    for (const above of aboveOf.get(port.name) ?? []) arriveAt(above);
    goDown(port);
  };
  for (const name of bridges) {
    const bridge = byName.get(name);
    if (bridge !== undefined) arriveAt(bridge);
  }
  // A set that grows is walked to its end: what one ifb hands to the next is looked at too.
  for (const device of found)
    for (const { to } of tcCopies(new Set([device]), { tc }))
      if (waypoints.includes(byName.get(to)?.kind)) found.add(to);
  return found;
}

function groupBy(
  links: readonly LinkState[],
  keyOf: (link: LinkState) => string | null,
): ReadonlyMap<string, readonly LinkState[]> {
  const groups = new Map<string, LinkState[]>();
  for (const link of links) {
    const key = keyOf(link);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [link]);
    else group.push(link);
  }
  return groups;
}
