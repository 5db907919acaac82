import type { z } from 'zod';
import {
  type EntryPlace,
  ipvlanModes,
  isOnPort,
  isRoutedTo,
  macvlanModes,
  placeOf,
  sharesMac,
} from '../../model/attach.js';
import type { Bridge, Endpoint, Mac, Provider } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import type { endpoint } from '../schema/topology.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { formatIp, parseIp } from '../../text/ip-address.js';
import { readPrefixes, readVlans, textsAt } from './read-bridge.js';
import { readOvsSettings } from './read-ovs-settings.js';
import { isInterfaceName, readSettings, readSwitch } from './read-setting.js';
import { isGroupMacText } from '../../wire/ethernet.js';

type RawEndpoint = z.output<typeof endpoint>;

export interface EndpointDraft {
  readonly name: string;
  readonly path: Path;
  readonly raw: RawEndpoint;
  readonly dropped: ReadonlySet<string>;
  readonly generated: boolean;
}

/** Reads an endpoint; `kinds`: of readable bridges. The lab's MACs, relay ports and generated addresses come later. */
export function readEndpoint(
  faults: FaultList,
  draft: EndpointDraft,
  provider: Provider,
  kinds: ReadonlyMap<string, Bridge['kind']>,
): Endpoint {
  const { name, path, raw, dropped } = draft;
  const at = (key: string): Path => [...path, key];
  const kind = kinds.get(raw.bridge);
  const attach = raw.attach ?? usualAttach(raw, kind);
  const role = raw.role ?? usualRole(attach, raw);
  checkRole(faults, draft, role, attach);
  checkPort(faults, draft, provider, attach);
  checkPlaceKeys(faults, draft, attach);
  checkRouted(faults, draft, attach, kind);
  checkLower(faults, draft, attach, kind, provider);
  const ips = readPrefixes(faults, raw.ip, at('ip'));
  return {
    name,
    bridge: raw.bridge,
    port: placeOf(attach) === 'host' ? null : (raw.port ?? null),
    attach,
    ...readBelow(faults, draft, provider, attach),
    role,
    macs: readMacs(faults, raw.mac, at('mac')),
    ips,
    gateway: readGateway(
      faults,
      raw.gateway,
      at('gateway'),
      ips.map(({ family }) => family),
      dropped.has('ip'),
    ),
    zone: raw.zone ?? null,
    ...(raw.owner === undefined ? {} : { owner: raw.owner }),
    ...(raw.observed_only === undefined ? {} : { observedOnly: 'told' as const }),
    started: readSwitch(raw.started) ?? true,
    netns: raw.netns ?? null,
    promiscuous: readSwitch(raw.promiscuous) ?? false,
    vlans: readVlans(faults, raw.vlans, at('vlans')),
    settings: readPortSettings(faults, draft, attach, kind),
    offloads: readSwitch(raw.settings?.offloads) ?? false,
    generated: draft.generated,
    ...(raw.tunnel === undefined ? {} : { tunnel: readTunnel(raw.tunnel) }),
  };
}

function usualAttach({ role }: RawEndpoint, kind: Bridge['kind'] | undefined): Endpoint['attach'] {
  if (kind === 'routed') return 'routed';
  if (kind === 'lower') return 'macvlan';
  return role === 'host' ? 'host' : 'port';
}

/** The host routes to interfaces of guests, not to ports of a bridge. */
function checkRouted(
  faults: FaultList,
  { path, raw, dropped }: EndpointDraft,
  attach: Endpoint['attach'],
  kind: Bridge['kind'] | undefined,
): void {
  if (kind === undefined || dropped.has('attach')) return;
  const at: Path = [...path, raw.attach === undefined ? 'bridge' : 'attach'];
  if (isRoutedTo(attach) !== (kind === 'routed'))
    faults.add(
      at,
      `${where(at)}: "attach: routed" and a bridge of "kind: routed" belong together, got attach ${attach} and kind ${kind}`,
    );
  if (!isRoutedTo(attach)) return;
  if (raw.role !== undefined && raw.role !== 'guest')
    faults.add([...path, 'role'], `${where([...path, 'role'])}: expected guest with "attach: routed", got ${raw.role}`);
  for (const key of ['vlans', 'tunnel'] as const)
    if (raw[key] !== undefined)
      faults.addKey([...path, key], `${where([...path, key])} goes with a port of a bridge only`);
}

/** On a host a lower device is a segment of its own, and its mode is as found. */
function checkLower(
  faults: FaultList,
  { path, raw, dropped }: EndpointDraft,
  attach: Endpoint['attach'],
  kind: Bridge['kind'] | undefined,
  provider: Provider,
): void {
  if (provider !== 'host' || kind === undefined || dropped.has('attach')) return;
  const at: Path = [...path, raw.attach === undefined ? 'bridge' : 'attach'];
  const isAbove = placeOf(attach) === 'above';
  if (isAbove !== (kind === 'lower'))
    faults.add(
      at,
      `${where(at)}: on a host "attach: macvlan", "macvtap" or "ipvlan" and a bridge of "kind: lower" belong together, got attach ${attach} and kind ${kind}`,
    );
  if (!isAbove) return;
  if (raw.role !== undefined && raw.role !== 'guest')
    faults.add([...path, 'role'], `${where([...path, 'role'])}: expected guest with "kind: lower", got ${raw.role}`);
  if (raw.port === undefined && !dropped.has('port'))
    faults.add(path, `${where([...path, 'port'])} is missing, expected the name of its interface, such as eth0`);
  const ofDevice = sharesMac(attach) ? (['mac'] as const) : [];
  for (const key of [...ofDevice, 'lower', 'mode', 'flag', 'vlans', 'tunnel'] as const)
    if (raw[key] !== undefined)
      faults.addKey(
        [...path, key],
        `${where([...path, key])}: with "kind: lower" it is as found, expected no such key`,
      );
}

function usualRole(attach: Endpoint['attach'], { tunnel }: RawEndpoint): Endpoint['role'] {
  if (placeOf(attach) === 'host') return 'host';
  return tunnel === undefined ? 'guest' : 'uplink';
}

function checkRole(
  faults: FaultList,
  { path, raw, dropped }: EndpointDraft,
  role: Endpoint['role'],
  attach: Endpoint['attach'],
): void {
  if ((role === 'host') !== (placeOf(attach) === 'host') && !dropped.has('role') && !dropped.has('attach')) {
    faults.add(
      [...path, raw.attach === undefined ? 'role' : 'attach'],
      `${where(path)}: "role: host" and "attach: host" belong together, got role ${role} and attach ${attach}`,
    );
  }
}

function modesOf(attach: Endpoint['attach']): readonly string[] {
  return sharesMac(attach) ? ipvlanModes : macvlanModes;
}

/** Guests with one MAC have addresses, and the lower device's MAC. */
function checkShared(
  faults: FaultList,
  { path, raw, dropped }: Pick<EndpointDraft, 'path' | 'raw' | 'dropped'>,
  attach: Endpoint['attach'],
): void {
  const at = (key: string): Path => [...path, key];
  if (!sharesMac(attach)) {
    if (raw.flag !== undefined) faults.addKey(at('flag'), `${where(at('flag'))} goes with "attach: ipvlan" only`);
    return;
  }
  if (raw.mac !== undefined)
    faults.addKey(
      at('mac'),
      `${where(at('mac'))}: "attach: ipvlan" has the MAC of its lower device, expected no such key`,
    );
  if (raw.ip === undefined && !dropped.has('ip'))
    faults.add(path, `${where(at('ip'))} is missing: the kernel hands packets to "attach: ipvlan" by their address`);
}

function readBelow(
  faults: FaultList,
  { path, raw, dropped }: EndpointDraft,
  provider: Provider,
  attach: Endpoint['attach'],
): Pick<Endpoint, 'below'> {
  const { lower, mode, flag } = raw;
  const at = (key: string): Path => [...path, key];
  if (placeOf(attach) !== 'above') {
    for (const key of ['lower', 'mode', 'flag'] as const)
      if (raw[key] !== undefined)
        faults.addKey(at(key), `${where(at(key))} goes with "attach: macvlan", "macvtap" or "ipvlan" only`);
    return {};
  }
  if (provider === 'host') return {};
  for (const key of ['lower', 'mode'] as const)
    if (raw[key] === undefined && !dropped.has(key))
      faults.add(
        path,
        `${where(at(key))} is missing, expected ${key === 'lower' ? 'the endpoint whose interface it stands on' : `one of ${modesOf(attach).join(', ')}`}`,
      );
  if (mode !== undefined && !modesOf(attach).includes(mode))
    faults.add(at('mode'), `${where(at('mode'))}: expected one of ${modesOf(attach).join(', ')}, got ${mode}`);
  checkShared(faults, { path, raw, dropped }, attach);
  return lower === undefined || mode === undefined
    ? {}
    : { below: { lower, mode, ...(flag === undefined ? {} : { flag }) } };
}

function checkPort(
  faults: FaultList,
  { path, raw, dropped }: EndpointDraft,
  provider: Provider,
  attach: Endpoint['attach'],
): void {
  const at: Path = [...path, 'port'];
  if (raw.port === undefined) {
    if (isOnPort(attach) && !['port', 'attach', 'role'].some((key) => dropped.has(key)))
      faults.add(path, `${where(at)} is missing, expected the name of its port on the bridge, such as vnet0`);
    return;
  }
  if (placeOf(attach) === 'host')
    faults.addKey(at, `${where(at)}: the host's own stack has no port of its own, expected no such key`);
  if (!isInterfaceName(raw.port)) {
    faults.add(
      at,
      `${where(at)}: expected an interface name (1 to 15 bytes, no "/", ":" or white space, not "." or ".."), got ${quote(raw.port)}`,
    );
  }
  if (provider === 'lab' && raw.port === 'lo')
    faults.add(at, `${where(at)}: "lo" is the loopback device, expected another name`);
}

const portless: Readonly<Record<EntryPlace, string>> = {
  port: 'a port',
  routed: 'an interface that the host routes to',
  host: 'the host',
  behind: 'an endpoint behind the bridge device',
  above: 'a guest on a lower device',
};

function checkPlaceKeys(faults: FaultList, { path, raw }: EndpointDraft, attach: Endpoint['attach']): void {
  const at = (key: string): Path => [...path, key];
  if (raw.promiscuous !== undefined && placeOf(attach) !== 'behind') {
    faults.addKey(at('promiscuous'), `${where(at('promiscuous'))} goes with "attach: promiscuous" only`);
  }
  const { offloads: _, ...settings } = raw.settings ?? {};
  if (!isOnPort(attach) && Object.keys(settings).length > 0) {
    faults.addKey(
      at('settings'),
      `${where(at('settings'))}: ${portless[placeOf(attach)]} has no bridge port, expected no port settings`,
    );
  }
}

function readPortSettings(
  faults: FaultList,
  { path, raw }: EndpointDraft,
  attach: Endpoint['attach'],
  kind: Bridge['kind'] | undefined,
): Endpoint['settings'] {
  if (!isOnPort(attach)) return {};
  const { offloads: _, ...settings } = raw.settings ?? {};
  const at = [...path, 'settings'];
  if (kind === 'ovs') return readOvsSettings(faults, 'ovs-port', settings, at);
  return readSettings(faults, kind === 'routed' ? 'link' : 'port', settings, at);
}

function readTunnel({ vni, to = [] }: NonNullable<RawEndpoint['tunnel']>): NonNullable<Endpoint['tunnel']> {
  return { vni: vni ?? null, to: typeof to === 'string' ? [to] : to };
}

function readMacs(faults: FaultList, raw: string | readonly string[] | undefined, path: Path): readonly Mac[] {
  return textsAt(raw, path).map(({ text, at }) => {
    const mac = text.toLowerCase();
    // no station can have a group address
    if (isGroupMacText(mac))
      faults.add(at, `${where(at)}: expected a unicast MAC address (first byte even), got ${quote(text)}`);
    else if (mac === '00:00:00:00:00:00')
      faults.add(at, `${where(at)}: expected a MAC address that a guest can have, got ${quote(text)}`);
    return mac;
  });
}

function readGateway(
  faults: FaultList,
  raw: string | undefined,
  path: Path,
  families: readonly (4 | 6)[],
  unknown: boolean,
): string | null {
  if (raw === undefined) return null;
  const ip = parseIp(raw);
  if (ip === null) faults.add(path, `${where(path)}: expected an IP address such as 192.168.0.1, got ${quote(raw)}`);
  else if (!families.includes(ip.family) && !unknown)
    faults.add(path, `${where(path)}: the endpoint has no IPv${ip.family} address, expected \`ip\` beside the gateway`);
  return ip === null ? null : formatIp(ip);
}
