import type { Change, ChangeOf } from '../model/fabric.js';
import type { Mirror, SettingValue, VlanRange } from '../model/scenario.js';
import type { Setting, SettingKind } from '../model/settings.js';
import { bridgeSettings, portSettings } from './attributes.js';
import { ovsFlood } from './ovs-settings.js';
import { isOn } from './setting-value.js';

type SetChange = ChangeOf<'set'>;

/**
 * Argument vectors (iproute2) of a change. Names follow a keyword, so that a port may be called `-n`. `bridgeOf`: a
 * port's bridge. Empty for start and stop.
 */
export function changeCommands(change: Change, bridgeOf: (port: string) => string): readonly (readonly string[])[] {
  switch (change.kind) {
    case 'set':
      return [['ip', 'link', 'set', 'dev', change.device, ...setWords(change)]];
    case 'ovs-set':
      return [ovsCommand(change, bridgeOf)];
    case 'sysctl':
      return [['sysctl', '-w', `${change.name}=${change.value}`]];
    case 'vlan':
      return [change.ovs === true ? ovsVlanCommand(change) : vlanCommand(change)];
    case 'fdb-flush':
      return [
        change.ovs === true
          ? ['ovs-appctl', 'fdb/flush', change.bridge]
          : ['ip', 'link', 'set', 'dev', change.bridge, 'type', 'bridge', 'fdb_flush'],
      ];
    case 'mirror':
      return [mirrorCommand(change.bridge, change.mirror, change.runId)];
    case 'fdb':
      return [change.ovs === true ? ovsFdbCommand(change, bridgeOf) : fdbCommand(change)];
    case 'mdb':
      return [mdbCommand(change, bridgeOf)];
    case 'run':
      return [change.argv];
    case 'start':
    case 'stop':
      return [];
  }
}

function vlanCommand({ act, entry, self }: ChangeOf<'vlan'>): readonly string[] {
  return ['bridge', 'vlan', act, 'dev', entry.port, ...vlanWords(entry, act), ...(self ? ['self'] : [])];
}

function mdbCommand(
  { act, bridge, entry: { port, group, vlan } }: ChangeOf<'mdb'>,
  bridgeOf: (port: string) => string,
): readonly string[] {
  return [
    ...['bridge', 'mdb', act],
    ...['dev', bridge === '' ? bridgeOf(port) : bridge, 'port', port, 'grp', group],
    ...(act === 'add' ? ['permanent'] : []),
    ...(vlan === null ? [] : ['vid', String(vlan)]),
  ];
}

/** Words for `bridge vlan`: `vid 10 pvid untagged`. */
export function vlanWords(range: VlanRange, act: 'add' | 'del'): readonly string[] {
  const vid = range.first === range.last ? String(range.first) : `${range.first}-${range.last}`;
  if (act === 'del') return ['vid', vid];
  return ['vid', vid, ...(range.pvid ? ['pvid'] : []), ...(range.untagged ? ['untagged'] : [])];
}

/** The words of `ip link set dev X …` for a setting. */
export function setWords(change: Pick<SetChange, 'place' | 'key' | 'value'>): readonly string[] {
  switch (change.place) {
    case 'bridge':
      return ['type', 'bridge', ...settingWords(bridgeSettings, change.key, change.value, '1', '0')];
    case 'port':
      return ['type', 'bridge_slave', ...settingWords(portSettings, change.key, change.value, 'on', 'off')];
    case 'link':
      if (change.key === 'up') return [isOn(change.value) ? 'up' : 'down'];
      return [change.key, String(change.value)];
  }
}

/** `tag` has untagged frames, `trunks` others (ovs-vswitchd.conf.db(5)). */
function ovsVlanCommand({ act, entry: { port, first, last, pvid } }: ChangeOf<'vlan'>): readonly string[] {
  if (act === 'add' && pvid) return ['ovs-vsctl', 'set', 'Port', port, `tag=${first}`];
  const vids = first === last ? String(first) : `${first}-${last}`;
  if (act === 'add') return ['ovs-vsctl', 'add', 'Port', port, 'trunks', vids];
  return ['ovs-vsctl', 'remove', 'Port', port, 'trunks', vids, '--', 'remove', 'Port', port, 'tag', vids];
}

/** Static, of one VLAN, 0 for untagged frames on ports without a tag (ovs-vswitchd(8)). */
function ovsFdbCommand(
  { act, entry: { mac, port, vlan } }: ChangeOf<'fdb'>,
  bridgeOf: (port: string) => string,
): readonly string[] {
  const inVlan = String(vlan ?? 0);
  return act === 'add'
    ? ['ovs-appctl', 'fdb/add', bridgeOf(port), port, inVlan, mac]
    : ['ovs-appctl', 'fdb/del', bridgeOf(port), inVlan, mac];
}

function ovsCommand(
  { table, device, key, value }: ChangeOf<'ovs-set'>,
  bridgeOf: (port: string) => string,
): readonly string[] {
  if (key === ovsFlood) return ['ovs-ofctl', 'mod-port', bridgeOf(device), device, isOn(value) ? 'flood' : 'no-flood'];
  return ['ovs-vsctl', 'set', table, device, `${key}=${String(value)}`];
}

/** The external_ids key of the creating run. */
export const ovsOwner = 'verify-isolation';

/** Makes a mirror, on a host with the run's id. */
export function mirrorCommand(bridge: string, { name, select, output }: Mirror, runId?: string): readonly string[] {
  const isWhole = select === 'all';
  return [
    'ovs-vsctl',
    '--id=@out',
    'get',
    'Port',
    output,
    ...(isWhole ? [] : ['--', '--id=@in', 'get', 'Port', select]),
    '--',
    '--id=@mirror',
    'create',
    'Mirror',
    `name=${name}`,
    'output_port=@out',
    ...(isWhole ? ['select_all=true'] : ['select_src_port=@in', 'select_dst_port=@in']),
    ...(runId === undefined ? [] : [`external_ids:${ovsOwner}=${runId}`]),
    '--',
    'add',
    'Bridge',
    bridge,
    'mirrors',
    '@mirror',
  ];
}

function settingWords(
  known: readonly Setting[],
  key: string,
  value: SettingValue,
  on: string,
  off: string,
): readonly string[] {
  const setting = known.find((attribute) => attribute.key === key);
  return [setting?.option ?? key, valueWord(setting?.kind ?? 'text', value, on, off)];
}

function valueWord(kind: SettingKind, value: SettingValue, on: string, off: string): string {
  switch (kind) {
    case 'switch':
      return isOn(value) ? on : off;
    case 'mask':
      return maskWord(value);
    case 'number':
    case 'centiseconds':
    case 'text':
      return String(value);
  }
}

/** The kernel prints masks in hexadecimal. */
function maskWord(value: SettingValue): string {
  if (typeof value === 'number') return `0x${value.toString(16)}`;
  const text = String(value);
  return text.startsWith('0x') ? text : `0x${text}`;
}

/** `replace`: the bridge may have learned the entry meanwhile. */
function fdbCommand(change: ChangeOf<'fdb'>): readonly string[] {
  const { mac, port, state, sticky, vlan, self } = change.entry;
  const where = [mac, 'dev', port, self ? 'self' : 'master'];
  const inVlan = vlan === null ? [] : ['vlan', String(vlan)];
  if (change.act === 'del') return ['bridge', 'fdb', 'del', ...where, ...inVlan];
  return [
    'bridge',
    'fdb',
    self ? 'add' : 'replace',
    ...where,
    self ? 'permanent' : state,
    ...(sticky ? ['sticky'] : []),
    ...inVlan,
  ];
}
