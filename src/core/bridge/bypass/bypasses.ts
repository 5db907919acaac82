import type { HostState, LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-fields.js';
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
  const told: Bypass[] = [];
  if (!harmlessFilters.has(kind))
    told.push({ what: `tc filter ${kind}`, where, remedy: kind === 'bpf' ? seeProgram : takeAway });
  for (const action of objectsOf(options['actions'])) {
    const name = textOf(action['kind']) ?? 'unknown';
    if (harmlessActions.has(name)) continue;
    const to = textOf(action['to_dev']);
    // where it leads to a device that is no port, that device is not observed, which coverage tells
    if (name === 'mirred' && to !== null && (heard.has(to) || textOf(action['direction']) === 'egress')) continue;
    told.push({ what: `tc action ${name}${to === null ? '' : ` to ${to}`}`, where, remedy: takeAway });
  }
  return told;
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
  // a device that is no port is told by coverage
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
