import type { Bridge, IpPrefix, Provider, Settings, VlanRange } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { linuxBridge, lowerDevice, ovsBridge, routesOfHost } from '../schema/topology.js';
import { namePattern } from '../schema/values.js';
import { describe, where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { salvage } from '../yaml/salvage.js';
import { parsePrefix } from '../../text/ip-address.js';
import { readOvsSettings } from './read-ovs-settings.js';
import { isInterfaceName, readSettings, readSwitch } from './read-setting.js';

/** Reads a bridge; null = unreadable. */
export function readBridge(
  faults: FaultList,
  name: string,
  raw: unknown,
  path: Path,
  provider: Provider,
): Bridge | null {
  if (!namePattern.test(name) || !isInterfaceName(name)) {
    faults.addKey(
      path,
      `${where(path)}: ${quote(name)} is not a valid bridge name, expected 1 to 15 letters, digits, ".", "_" or "-", beginning with a letter or digit`,
    );
  } else if (provider === 'lab' && name === 'lo') {
    faults.addKey(path, `${where(path)}: "lo" is the loopback device, expected another name`);
  }
  const value = raw ?? {};
  const kind = typeof value === 'object' && 'kind' in value ? value.kind : undefined;
  if (kind === 'routed') return readRoutedSegment(faults, name, value, path, provider);
  if (kind === 'lower') return readLowerDevice(faults, name, value, path, provider);
  return kind === 'ovs'
    ? readOvsBridge(faults, name, value, path, provider)
    : readLinuxBridge(faults, name, value, path);
}

function readOvsBridge(faults: FaultList, name: string, raw: object, path: Path, provider: Provider): Bridge | null {
  const read = salvage(faults, ovsBridge, raw, path)?.value;
  if (read === undefined) return null;
  const { kind, datapath, address, vlans, netns, mirrors, ...columns } = read;
  // the lab makes the bridge, so that nothing of it has to be put back
  const settings: Settings =
    provider === 'host'
      ? readOvsSettings(faults, 'ovs-bridge', columns, path)
      : Object.fromEntries(Object.entries(columns).flatMap(([key, each]) => (each === undefined ? [] : [[key, each]])));
  return {
    name,
    kind,
    settings,
    datapath: datapath ?? (provider === 'host' ? null : 'netdev'),
    mirrors: mirrors ?? [],
    netns: netns ?? null,
    addresses: readPrefixes(faults, address, [...path, 'address']),
    vlans: readVlans(faults, vlans, [...path, 'vlans']),
  };
}

function readRoutedSegment(
  faults: FaultList,
  name: string,
  value: object,
  path: Path,
  provider: Provider,
): Bridge | null {
  const read = salvage(faults, routesOfHost, value, path)?.value;
  if (read === undefined) return null;
  const { kind, address, netns } = read;
  const at: Path = [...path, 'address'];
  if (provider === 'host' && address !== undefined)
    faults.addKey(at, `${where(at)} is of the lab only, expected no such key with "provider: host"`);
  return { ...noBridge, name, kind, netns: netns ?? null, addresses: readPrefixes(faults, address, at) };
}

const noBridge = { datapath: null, settings: {}, mirrors: [], vlans: [] } as const;

function readLowerDevice(
  faults: FaultList,
  name: string,
  value: object,
  path: Path,
  provider: Provider,
): Bridge | null {
  const read = salvage(faults, lowerDevice, value, path)?.value;
  if (read === undefined) return null;
  const at: Path = [...path, 'kind'];
  if (provider === 'lab')
    faults.add(
      at,
      `${where(at)}: "lower" is of a host only; in the lab \`lower\` of an endpoint says what it stands on`,
    );
  return { ...noBridge, name, kind: read.kind, netns: read.netns ?? null, addresses: [] };
}

function readLinuxBridge(faults: FaultList, name: string, value: unknown, path: Path): Bridge | null {
  const read = salvage(faults, linuxBridge, value, path)?.value;
  if (read === undefined) return null;
  const { kind, address, vlans, netns, host: _host, ...settings } = read;
  return {
    name,
    kind: kind ?? 'linux',
    datapath: null,
    settings: readSettings(faults, 'bridge', settings, path),
    mirrors: [],
    netns: netns ?? null,
    addresses: readPrefixes(faults, address, [...path, 'address']),
    vlans: readVlans(faults, vlans, [...path, 'vlans']),
  };
}

/** A text, or each of a list, with its path. */
export function textsAt(
  raw: string | readonly string[] | undefined,
  path: Path,
): readonly { readonly text: string; readonly at: Path }[] {
  if (raw === undefined) return [];
  return typeof raw === 'string'
    ? [{ text: raw, at: path }]
    : raw.map((text, index) => ({ text, at: [...path, index] }));
}

/** Reads `192.168.0.20/24` or a list of such. */
export function readPrefixes(
  faults: FaultList,
  raw: string | readonly string[] | undefined,
  path: Path,
): readonly IpPrefix[] {
  return textsAt(raw, path).flatMap(({ text, at }) => {
    const prefix = parsePrefix(text);
    if (prefix === null)
      faults.add(
        at,
        `${where(at)}: expected an IP address with the length of its prefix, such as 192.168.0.20/24, got ${describe(text)}`,
      );
    return prefix ?? [];
  });
}

interface RawVlan {
  readonly vid: string | number;
  readonly pvid?: string | number | boolean | undefined;
  readonly untagged?: string | number | boolean | undefined;
}

export function readVlans(faults: FaultList, raw: readonly RawVlan[] | undefined, path: Path): readonly VlanRange[] {
  const ranges = (raw ?? []).flatMap((entry, at) => readVlan(faults, entry, [...path, at]) ?? []);
  const second = ranges.filter(({ pvid }) => pvid)[1];
  if (second !== undefined) faults.add(path, `${where(path)}: two VLANs are the pvid, expected one`);
  return ranges;
}

/** Reads a VLAN or range; null = neither. */
export function readVlan(faults: FaultList, raw: RawVlan, path: Path): VlanRange | null {
  const [from = '', to = from] = String(raw.vid).split('-');
  const [first, last] = [Number(from), Number(to)];
  const at = [...path, 'vid'];
  if (!(first >= 1 && last <= 4094 && first <= last)) {
    faults.add(
      at,
      `${where(at)}: expected a VLAN number from 1 to 4094 or a range such as "20-29", got ${describe(raw.vid)}`,
    );
    return null;
  }
  const pvid = readSwitch(raw.pvid) ?? false;
  if (pvid && first !== last)
    faults.add([...path, 'pvid'], `${where([...path, 'pvid'])}: a range cannot be the pvid, expected a single VLAN`);
  return { first, last, pvid, untagged: readSwitch(raw.untagged) ?? false };
}
