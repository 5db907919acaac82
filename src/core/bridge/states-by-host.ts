import { bareName, hostOf, onHost } from '../model/host-names.js';
import {
  apartKeys,
  type ApartState,
  type AttachedProgram,
  type FdbState,
  type HostState,
  type LegacyTable,
  type LinkState,
  type PassingCarriers,
} from '../model/state.js';
import { type Fields, fieldsOf, objectsOf } from '../text/json-text.js';
import { filled, pick, without, once } from '../text/collections.js';

/** One host's state. `host` null = the orchestrator's own. */
export interface StateOfHost {
  readonly host: string | null;
  readonly state: HostState;
}

/** State without names across hosts. */
export function apartOf(state: HostState): ApartState {
  return pick(state, apartKeys);
}

function joined<T>(there: readonly T[] | undefined, more: readonly T[]): readonly T[] {
  const known = new Set(there?.map((item) => JSON.stringify(item)));
  return [...(there ?? []), ...more.filter((item) => !known.has(JSON.stringify(item)))];
}

/** Adds passed carriers as if they had stayed. Unreadable sockets stay unknown, unchanged filters are listed once. */
export function withPassing<T extends ApartState>(state: T, passing: PassingCarriers): T {
  const { packetSockets: sockets, packetHandlers, logGroups, legacyTables, sharedTaps } = state;
  const there = new Set(sockets?.map(({ inode, filter }) => `${inode} ${filter ?? ''}`));
  const gone = passing.packetSockets.filter(({ inode, filter }) => !there.has(`${inode} ${filter ?? ''}`));
  const joins = {
    packetHandlers: joined(packetHandlers, passing.packetHandlers),
    logGroups: joined(logGroups, passing.logGroups),
    legacyTables: joined(legacyTables, passing.legacyTables),
  };
  return {
    ...state,
    ...(sockets === null || sockets === undefined || gone.length === 0 ? {} : { packetSockets: [...sockets, ...gone] }),
    ...filled(joins),
    ...(Object.keys(passing.sharedTaps).length === 0 ? {} : { sharedTaps: { ...sharedTaps, ...passing.sharedTaps } }),
  };
}

/** Adds programs that passed on `host`. */
export function withPassingPrograms(
  { programs }: Pick<HostState, 'programs'>,
  passing: readonly AttachedProgram[],
  host: string | null,
): Pick<HostState, 'programs'> {
  const named = passing.map((program) => ({ ...program, device: onHost(host, program.device) }));
  return { programs: programs === null && named.length === 0 ? null : joined(programs ?? [], named) };
}

function bare(host: string, value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(`${host}/`) ? bareName(value) : value;
  if (Array.isArray(value)) return value.map((part: unknown) => bare(host, part));
  const fields = fieldsOf(value);
  if (fields === null) return value;
  return Object.fromEntries(
    Object.entries(fields).map(([key, part]) => [key.startsWith(`${host}/`) ? bareName(key) : key, bare(host, part)]),
  );
}

function stateOn(host: string | null, merged: HostState): HostState {
  const nft = fieldsOf(merged.nft);
  const isOf = (name: unknown): boolean => typeof name === 'string' && hostOf(name) === host;
  const keysOf = (value: unknown): Fields =>
    Object.fromEntries(Object.entries(fieldsOf(value) ?? {}).filter(([name]) => isOf(name)));
  const out = (value: unknown): unknown => (host === null ? value : bare(host, value));
  const tc = fieldsOf(merged.tc);
  const hostOfSysctl = (name: string): string | null =>
    Object.keys(merged.apart ?? {}).find((known) => name.startsWith(`${known}/`)) ?? null;
  return {
    ...without(merged, ['apart', ...apartKeys]),
    sysctl: Object.fromEntries(
      Object.entries(merged.sysctl)
        .filter(([name]) => hostOfSysctl(name) === host)
        .map(([name, value]) => [host === null ? name : bareName(name), value]),
    ),
    links: merged.links.filter(({ name }) => isOf(name)).map((link) => renamedLink(link, bareName)),
    fdb: merged.fdb.filter(({ port }) => isOf(port)).map((entry) => renamedEntry(entry, bareName)),
    vlan: out(objectsOf(merged.vlan).filter(({ ifname }) => isOf(ifname))),
    mdb: out(
      objectsOf(merged.mdb)
        .map((part) => ({ mdb: objectsOf(part['mdb']).filter(({ dev }) => isOf(dev)), router: keysOf(part['router']) }))
        .filter(({ mdb, router }) => mdb.length + Object.keys(router).length > 0),
    ),
    tc: out({
      qdisc: objectsOf(tc?.['qdisc']).filter(({ dev }) => isOf(dev)),
      filters: keysOf(tc?.['filters']),
    }),
    nft: host === null ? { nftables: nft?.['nftables'] } : fieldsOf(nft?.['hosts'])?.[host],
    programs: merged.programs === null ? null : programsOn(host, merged.programs),
    ...(host === null ? apartOf(merged) : merged.apart?.[host]),
  };
}

type Rename = (name: string) => string;

export function renamedLink(link: LinkState, rename: Rename): LinkState {
  const { name, master, lower } = link;
  return {
    ...link,
    name: rename(name),
    master: master === null ? null : rename(master),
    ...(lower === undefined ? {} : { lower: rename(lower) }),
  };
}

export function renamedEntry(entry: FdbState, rename: Rename): FdbState {
  const { port, master } = entry;
  return { ...entry, port: rename(port), master: master === null ? null : rename(master) };
}

function programsOn(
  host: string | null,
  programs: NonNullable<HostState['programs']>,
): NonNullable<HostState['programs']> {
  return programs
    .filter(({ device }) => hostOf(device) === host)
    .map((program) => ({ ...program, device: bareName(program.device) }));
}

/** States by host, with own device names. A single host's is the state alone. */
export const statesByHost = once((state: HostState): readonly StateOfHost[] =>
  state.apart === undefined
    ? [{ host: null, state }]
    : [null, ...Object.keys(state.apart)].map((host) => ({ host, state: stateOn(host, state) })),
);

/** The state of a name's host. `host` null = merged names. */
export function stateAround(name: string, state: HostState): StateOfHost {
  const host = state.apart === undefined ? null : hostOf(name);
  return statesByHost(state).find((part) => part.host === host) ?? { host, state: stateOn(host, state) };
}

/** xtables rules that nft does not list, by host. */
export function legacyTablesOf(state: HostState): readonly (readonly LegacyTable[] | null)[] {
  return [state, ...Object.values(state.apart ?? {})].map(({ legacyTables }) => legacyTables ?? null);
}
