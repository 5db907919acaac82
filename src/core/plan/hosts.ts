import { apartOf, renamedEntry, renamedLink, type StateOfHost } from '../bridge/states-by-host.js';
import { hostOf, onHost } from '../model/host-names.js';
import type { Plan } from '../model/plan.js';
import type { Host, Topology } from '../model/scenario.js';
import type { HostState } from '../model/state.js';
import { fieldsOf, objectsOf } from '../text/json-text.js';

/** Names of devices across hosts, under these keys of iproute2's objects. */
function named(host: string | null, json: unknown, keys: readonly string[]): readonly unknown[] {
  return objectsOf(json).map((record) =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [
        key,
        keys.includes(key) && typeof value === 'string' ? onHost(host, value) : value,
      ]),
    ),
  );
}

function groups(host: string | null, json: unknown): readonly unknown[] {
  return objectsOf(json).map((part) => ({
    ...part,
    mdb: named(host, part['mdb'], ['dev', 'port']),
    router: Object.fromEntries(
      Object.entries(fieldsOf(part['router']) ?? {}).map(([bridge, ports]) => [
        onHost(host, bridge),
        named(host, ports, ['port']),
      ]),
    ),
  }));
}

function filters(host: string | null, json: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(fieldsOf(fieldsOf(json)?.['filters']) ?? {}).map(([place, value]) => [
    onHost(host, place),
    value,
  ]);
}

function dropsOf(states: readonly StateOfHost[]): Pick<HostState, 'drops'> {
  if (states.some(({ state }) => state.drops === null)) return { drops: null };
  const devices = states.flatMap(({ host, state }) =>
    Object.entries(state.drops?.devices ?? {}).map(([name, dropped]) => [onHost(host, name), dropped] as const),
  );
  const backlog = states.reduce((sum, { state }) => sum + (state.drops?.backlog ?? 0), 0);
  return { drops: { devices: Object.fromEntries(devices), backlog } };
}

function programsOf(states: readonly StateOfHost[]): Pick<HostState, 'programs'> {
  const known = states.flatMap(({ host, state }) =>
    (state.programs ?? []).map((program) => ({ ...program, device: onHost(host, program.device) })),
  );
  return { programs: states.some(({ state }) => state.programs === null) && known.length === 0 ? null : known };
}

/**
 * Joins hosts' states, with device names across hosts. Other hosts' nft rules, with devices anywhere in their text, are
 * under `hosts`: changes show, and they do not count as this host's. Their packet sockets, legacy rules and hardware
 * are under `apart`; sysctls are HOST/NAME. Pure.
 */
export function mergeStates(states: readonly StateOfHost[]): HostState {
  const here = states.find(({ host }) => host === null)?.state;
  const others = states.flatMap(({ host, state }) => (host === null ? [] : [{ host, state }]));
  return {
    links: states.flatMap(({ host, state }) =>
      state.links.map((link) => renamedLink(link, (name) => onHost(host, name))),
    ),
    fdb: states.flatMap(({ host, state }) =>
      state.fdb.map((entry) => renamedEntry(entry, (name) => onHost(host, name))),
    ),
    vlan: states.flatMap(({ host, state }) => named(host, state.vlan, ['ifname'])),
    mdb: states.flatMap(({ host, state }) => groups(host, state.mdb)),
    tc: {
      qdisc: states.flatMap(({ host, state }) => named(host, fieldsOf(state.tc)?.['qdisc'], ['dev'])),
      filters: Object.fromEntries(states.flatMap(({ host, state }) => filters(host, state.tc))),
    },
    nft: {
      nftables: objectsOf(fieldsOf(here?.nft)?.['nftables']),
      hosts: Object.fromEntries(others.map(({ host, state }) => [host, state.nft])),
    },
    sysctl: Object.fromEntries(
      states.flatMap(({ host, state }) =>
        Object.entries(state.sysctl).map(([name, value]) => [onHost(host, name), value]),
      ),
    ),
    ...dropsOf(states),
    ...(here?.ovs === undefined ? {} : { ovs: here.ovs }),
    ...(here === undefined ? {} : apartOf(here)),
    ...(others.length === 0
      ? {}
      : { apart: Object.fromEntries(others.map(({ host, state }) => [host, apartOf(state)])) }),
    ...programsOf(states),
    unread: states.flatMap(({ host, state }) =>
      state.unread.map(({ what, why }) => ({ what: onHost(host, what), why })),
    ),
  };
}

/** The plan's part on the orchestrator's own host. */
export function localPart(plan: Plan): Plan {
  return {
    ...plan,
    bridges: plan.bridges.filter(({ name }) => hostOf(name) === null),
    endpoints: plan.endpoints.filter(({ bridge }) => hostOf(bridge) === null),
  };
}

/** The topology's hosts that have one of its bridges, to connect to. */
export function hostsToConnect({ provider, hosts = [], bridges }: Topology): readonly Host[] {
  const used = new Set(bridges.map(({ name }) => hostOf(name)));
  return provider === 'host' ? hosts.filter(({ name }) => used.has(name)) : [];
}
