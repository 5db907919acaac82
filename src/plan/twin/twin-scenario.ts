import type { ProbeClassName, SettingValue } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';
import { endpointName } from '../endpoint-name.js';
import type { Found, FoundScenario } from '../found-scenario.js';
import { type FoundVlan, vlansInState } from '../found-vlans.js';
import { macsBehind, type Neighbour } from '../host-topology.js';
import { copiedEntries } from './copied-entries.js';
import { copiedFilters } from './copied-filters.js';
import { copiedBridge, copiedPort } from './copied-settings.js';
import { twinSteps } from './twin-steps.js';
import type { WhatIf } from './what-if.js';

export interface TwinInput {
  /** What `init` says of the bridge. */
  readonly found: Found;
  readonly state: HostState;
  readonly bridge: string;
  /** Addresses of the bridge device itself, `192.168.0.19/24`. */
  readonly addresses: readonly string[];
  /** Neighbours that the host reaches through the bridge device. */
  readonly neighbours: readonly Neighbour[];
  /** Whether there are rules of nft in a file beside the scenario, `rules.nft`. */
  readonly hasRules: boolean;
  /** What else is known not to be in the twin. */
  readonly missing: readonly string[];
  /** Of the catalogue, only these; empty = all. */
  readonly classes: readonly ProbeClassName[];
}

/** A scenario file as data, and a line for everything that the live bridge has and the twin has not. */
export interface Twin {
  readonly scenario: {
    readonly version: 1;
    readonly name: string;
    readonly allow_disruptive: true;
    readonly topology: {
      readonly provider: 'lab';
      readonly bridges: Readonly<Record<string, object>>;
      readonly endpoints: Readonly<Record<string, TwinEndpoint>>;
      readonly sysctl?: Readonly<Record<string, string>>;
    };
    readonly steps: readonly object[];
    readonly policy?: FoundScenario['policy'];
  };
  readonly missing: readonly string[];
}

interface TwinEndpoint {
  readonly bridge: string;
  readonly port?: string;
  readonly attach?: 'host' | 'promiscuous';
  readonly role?: 'uplink' | 'host';
  readonly zone?: string;
  readonly mac?: string;
  readonly ip?: string | readonly string[];
  readonly vlans?: readonly FoundVlan[];
  readonly settings?: Readonly<Record<string, SettingValue>>;
}

/** A port as a new one of a bridge that filters is: in the default VLAN, without its tag. */
function isUsual(vlans: readonly FoundVlan[]): boolean {
  const [first] = vlans;
  return vlans.length === 1 && first?.vid === 1 && first.pvid === true && first.untagged === true;
}

function without(settings: Readonly<Record<string, SettingValue>>): { readonly settings?: Readonly<Record<string, SettingValue>> } {
  return Object.keys(settings).length === 0 ? {} : { settings };
}

/** Who hangs behind the bridge device itself: neighbours that are on no port, where somebody holds the device promiscuous. */
function behind({ state, bridge, neighbours }: TwinInput): { readonly guests: readonly Neighbour[]; readonly missing: readonly string[] } {
  const link = state.links.find(({ name }) => name === bridge);
  const held = (link?.promiscuity ?? 0) > 0 || ((link?.sysFlags ?? 0) & 0x100) !== 0;
  if (!held) return { guests: [], missing: [] };
  const onPorts = new Set(state.links.filter(({ master }) => master === bridge).flatMap(({ name, mac }) => [mac, ...macsBehind(state.fdb, bridge, name)]));
  const guests = neighbours.filter(({ mac, address }) => !onPorts.has(mac) && !address.includes(':'));
  return { guests, missing: guests.length > 0 ? [] : [`who is behind ${bridge} itself: something holds it promiscuous, and no neighbour of the host is on record there`] };
}

/**
 * A bridge in the lab that is set as the live one is, with guests of the same MACs, addresses, ports and VLANs, and the attacks that nobody would try on
 * the live one. Throws VerifyError (3) where fewer than two guests are known.
 */
export function twinScenario(input: TwinInput): Twin {
  const { found, state, bridge } = input;
  const link = state.links.find(({ name }) => name === bridge);
  if (link === undefined) throw new VerifyError('interface-gone', 69, `there is no bridge ${JSON.stringify(bridge)}`, '`ip link show type bridge` lists them');
  const entriesOf = Object.entries(found.scenario.topology.endpoints);
  const ports = new Set(entriesOf.map(([, { port }]) => port));
  const devices = new Set([bridge, ...ports]);
  const missing = [...input.missing];
  const tagged = new Map([...devices].map((device) => [device, vlansInState(state, device)]));
  const endpoints: Record<string, TwinEndpoint> = {};
  for (const [name, { vlans: _, ...endpoint }] of entriesOf) {
    const port = state.links.find((one) => one.name === endpoint.port);
    const copied = port === undefined ? { settings: {}, missing: [] } : copiedPort(port, ports);
    if (port?.xdp !== undefined) missing.push(`the XDP ${port.xdp} on ${port.name}`);
    if (endpoint.mac === undefined) missing.push(`the MAC of ${endpoint.port}: it is not on record, and another stands for it`);
    missing.push(...copied.missing);
    const vlans = tagged.get(endpoint.port) ?? [];
    endpoints[name] = { ...endpoint, ...(vlans.length === 0 || isUsual(vlans) ? {} : { vlans }), ...without(copied.settings) };
  }
  const taken = new Set([bridge, ...Object.keys(endpoints)]);
  const add = (wanted: string, endpoint: TwinEndpoint): string => {
    const name = endpointName(wanted, taken);
    taken.add(name);
    endpoints[name] = endpoint;
    return name;
  };
  const host = input.addresses.length === 0 ? null : add('host', { bridge, attach: 'host', role: 'host', mac: link.mac, ip: input.addresses });
  const hidden = behind(input);
  missing.push(...hidden.missing);
  for (const [index, { mac, address }] of hidden.guests.entries()) add(`behind-${address}`, { bridge, attach: 'promiscuous', port: `behind${index}`, mac, ip: `${address}/24` });

  const copied = copiedBridge(link);
  const entries = copiedEntries(state, link, ports);
  const filters = copiedFilters(state, devices);
  missing.push(...copied.missing, ...entries.missing, ...filters.missing);
  const guests = entriesOf.filter(([, { role }]) => role === undefined).map(([name]) => name);
  if (guests.length < 2) throw new VerifyError('too-little-found', 3, `${bridge} has ${guests.length} guests that can be heard: one must attack another`, 'start the guests, and try again');
  const uplink = entriesOf.find(([, { role }]) => role === 'uplink')?.[0] ?? null;
  const chosen = twinSteps({ bridge, guests, uplink, host, tagged: Object.values(endpoints).some(({ vlans }) => vlans !== undefined) })
    .filter(([name]) => input.classes.length === 0 || input.classes.includes(name)).map(([, step]) => step);
  const known = input.classes.length === 0 || input.classes.includes('known-unicast');
  const own = tagged.get(bridge) ?? [];
  const untagged = [...ports].filter((port) => tagged.get(port)?.length === 0 && isFiltering(copied.settings) && copied.settings['vlan_default_pvid'] !== 0);
  return {
    scenario: {
      version: 1,
      name: `twin-${bridge}`,
      allow_disruptive: true,
      topology: {
        provider: 'lab',
        bridges: { [bridge]: { ...copied.settings, ...(own.length === 0 || isUsual(own) ? {} : { vlans: own }) } },
        endpoints,
        ...(Object.keys(state.sysctl).length === 0 ? {} : { sysctl: state.sysctl }),
      },
      steps: [...preparing(entries, filters.commands, input.hasRules, untagged.map((port) => ({ port, vid: Number(copied.settings['vlan_default_pvid'] ?? 1) }))), ...(known ? found.scenario.steps : []), ...chosen],
      ...(found.scenario.policy === undefined || !known ? {} : { policy: found.scenario.policy }),
    },
    missing,
  };
}

function isFiltering(settings: Readonly<Record<string, SettingValue>>): boolean {
  return settings['vlan_filtering'] === 'on';
}

/** The step that makes what a topology cannot say; none where there is nothing. */
function preparing(entries: ReturnType<typeof copiedEntries>, filters: readonly (readonly string[])[], hasRules: boolean, bare: readonly object[]): readonly object[] {
  const run = [...(hasRules ? [['nft', '-f', 'rules.nft']] : []), ...filters];
  const step = {
    ...(bare.length === 0 ? {} : { vlan: { del: bare } }),
    ...(entries.fdb.length === 0 ? {} : { fdb: { add: entries.fdb } }),
    ...(entries.mdb.length === 0 ? {} : { mdb: { add: entries.mdb } }),
    ...(run.length === 0 ? {} : { run }),
  };
  return Object.keys(step).length === 0 ? [] : [{ name: 'entries and rules as on the live bridge', ...step }];
}

/** The same with settings as they might be. */
export function supposing({ scenario, missing }: Twin, whatIfs: readonly WhatIf[]): Twin {
  const { bridges, endpoints } = scenario.topology;
  const changed = (device: string): Record<string, string | number> => Object.fromEntries(whatIfs.filter((one) => one.device === device).map(({ key, value }) => [key, value]));
  return {
    missing,
    scenario: {
      ...scenario,
      name: `${scenario.name}-what-if`,
      topology: {
        ...scenario.topology,
        bridges: Object.fromEntries(Object.entries(bridges).map(([name, bridge]) => [name, { ...bridge, ...changed(name) }])),
        endpoints: Object.fromEntries(Object.entries(endpoints).map(([name, endpoint]) => [name, endpoint.port === undefined ? endpoint : { ...endpoint, ...without({ ...endpoint.settings, ...changed(endpoint.port) }) }])),
      },
    },
  };
}
