import { entriesOf, linkAt, linkNamed, portVlans } from '../../../core/bridge/host.js';
import { isOn, isSameSetting, settingIn } from '../../../core/bridge/setting-value.js';
import { fdbForm, mdbForm } from '../../../core/bridge/undo/decide-tables.js';
import type { FdbForm, FdbRow, HeldLink, OvsRow, UndoEntry } from '../../../core/bridge/undo/entry.js';
import { ovsFlood } from '../../../core/bridge/ovs-settings.js';
import type { ChangeOf } from '../../../core/model/fabric.js';
import type { FdbEntry, Mac, VlanRange } from '../../../core/model/scenario.js';
import type { HostState } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import type { KernelChange } from '../apply.js';
import { vlanNumbers, type OvsVlanColumns } from '../ovs-vlans.js';
import { numbersFrom } from '../../../core/text/collections.js';

/** State right before a change. `link`: `ip -j -d link show dev X`, `vlans`: `bridge -j vlan show`. */
export interface Before {
  readonly runId: string;
  readonly state: HostState;
  readonly link: unknown;
  readonly vlans: unknown;
  readonly ovs?: string;
  readonly ovsVlans?: OvsVlanColumns;
  /** `_uuid` by `TABLE NAME`. */
  readonly ovsRows?: ReadonlyMap<string, string>;
}

function settingEntry(
  { device, place, key, value: set }: ChangeOf<'set'>,
  { link, state }: Before,
): readonly UndoEntry[] {
  const was = settingIn(link, place, key);
  if (was === undefined)
    throw new VerifyError(
      'unsupported',
      69,
      `this kernel does not know ${device}.${key}`,
      'use a kernel that has this setting, or leave it out',
    );
  if (isSameSetting(place, key, was, set)) return [];
  return [{ kind: 'setting', on: heldLink(state, device), place, key, set, was }];
}

function mdbEntry(
  change: ChangeOf<'mdb'>,
  { state }: Before,
  bridgeOf: (port: string) => string,
): readonly UndoEntry[] {
  const { port, group: address, vlan } = change.entry;
  const [group, bridge] = [address.toLowerCase(), change.bridge === '' ? bridgeOf(port) : change.bridge];
  const was = mdbForm(state.mdb, { bridge, port, group, vlan });
  const set = change.act === 'add' ? 'permanent' : null;
  if (set === was) return [];
  const [on, above] = [heldLink(state, port), heldLink(state, bridge)];
  return [{ kind: 'mdb', on, bridge: above, group, vlan, set, was }];
}

/** Entries in undo order. Throws VerifyError (69) if a change could not be restored. */
export function undoOf(change: KernelChange, before: Before, bridgeOf: (port: string) => string): readonly UndoEntry[] {
  const { state } = before;
  switch (change.kind) {
    case 'set':
      return settingEntry(change, before);
    case 'sysctl': {
      const was = state.sysctl[change.name];
      if (was === undefined)
        throw new VerifyError('unsupported', 69, `this kernel has no sysctl ${change.name}`, 'check its spelling');
      const set = change.value.trim().replaceAll('\t', ' ');
      return set === was ? [] : [{ kind: 'sysctl', on: linkOfSysctl(state, change.name), name: change.name, set, was }];
    }
    case 'vlan':
      return before.ovsVlans === undefined
        ? vlanEntry(change, before)
        : [
            {
              kind: 'ovs-vlan',
              on: ovsRow(before, 'Port', change.entry.port),
              set: ovsColumnsAfter(change, before.ovsVlans),
              was: { tag: before.ovsVlans.tag, trunks: before.ovsVlans.trunks },
            },
          ];
    case 'fdb':
      return change.ovs === true ? ovsFdbEntry(change, before, bridgeOf) : fdbEntry(change, state);
    case 'mdb':
      return mdbEntry(change, before, bridgeOf);
    case 'ovs-set':
      return ovsSetEntry(change, before, bridgeOf);
    case 'mirror': {
      const bridge = ovsRow(before, 'Bridge', change.bridge);
      return [{ kind: 'ovs-mirror', bridge, mirror: change.mirror.name, runId: before.runId }];
    }
    case 'fdb-flush':
      return []; // only learned entries go, and guests teach them again
    case 'run':
      throw new VerifyError('unsupported', 69, 'commands cannot be undone on a host', 'use set, vlan, fdb or mdb');
  }
}

function gone(what: string, name: string): VerifyError {
  return new VerifyError(
    'interface-gone',
    69,
    `${what} ${JSON.stringify(name)} any more`,
    'did its guest stop? Nothing was changed on it',
  );
}

/** The present interface of that name. Throws VerifyError `interface-gone` (69) if there is none. */
export function heldLink(state: Pick<HostState, 'links'>, name: string): HeldLink {
  const link = linkNamed(state, name);
  if (link === undefined) throw gone('there is no interface', name);
  const master = linkNamed(state, link.master)?.ifindex ?? 0;
  const { ifindex, identity } = link;
  return { name, ifindex, master, ...(identity === undefined ? {} : { identity }) };
}

/** A further entry if the port moved meanwhile. `state`: after the change. */
export function onOtherBridge(entry: UndoEntry, state: Pick<HostState, 'links'>): readonly UndoEntry[] {
  switch (entry.kind) {
    case 'setting':
    case 'vlan':
    case 'fdb':
      return movedLink(entry.on, state).map((on) => ({ ...entry, on }));
    case 'mdb':
      return movedLink(entry.on, state).map((on) => ({ ...entry, on, bridge: heldLink(state, bridgeOn(on, state)) }));
    default:
      return [];
  }
}

const bridgeOn = ({ master }: HeldLink, state: Pick<HostState, 'links'>): string => linkAt(state, master)?.name ?? '';

function movedLink(on: HeldLink, state: Pick<HostState, 'links'>): readonly HeldLink[] {
  const bridge = linkNamed(state, linkAt(state, on.ifindex)?.master);
  return bridge === undefined || bridge.ifindex === on.master ? [] : [{ ...on, master: bridge.ifindex }];
}

/** In `net.ipv4.conf.vnet4.rp_filter` a `/` stands for a dot of the interface's name. */
function linkOfSysctl(state: HostState, name: string): HeldLink | null {
  const part = /^net\.\w+\.(?:conf|neigh)\.([^.]+)\./.exec(name)?.[1]?.replaceAll('/', '.');
  return part === undefined || linkNamed(state, part) === undefined ? null : heldLink(state, part);
}

/** A new PVID takes the flag from the old one. */
function vlanEntry(change: ChangeOf<'vlan'>, { state, vlans }: Before): readonly UndoEntry[] {
  const { first, last, pvid, untagged, port } = change.entry;
  const touched = (range: VlanRange): boolean =>
    (range.first <= last && range.last >= first) || (change.act === 'add' && pvid && range.pvid);
  const was = (portVlans({ vlan: vlans }, port)?.ranges ?? [])
    .filter(touched)
    .map((range) =>
      range.pvid ? range : { ...range, first: Math.max(range.first, first), last: Math.min(range.last, last) },
    );
  const old = was.find((range) => range.pvid && (range.first < first || range.last > last));
  const added = change.act === 'add' ? [{ first, last, pvid, untagged }] : [];
  const set = old !== undefined && change.act === 'add' && pvid ? [...added, { ...old, pvid: false }] : added;
  return [{ kind: 'vlan', on: heldLink(state, port), self: change.self, set, was }];
}

/** Without a VLAN, it changes in all VLANs of its port (br_fdb_add, br_fdb_delete), or moves (fdb_add_entry). */
function fdbEntry(change: ChangeOf<'fdb'>, state: HostState): readonly UndoEntry[] {
  const { port, vlan, self, state: form, sticky } = change.entry;
  const mac = change.entry.mac.toLowerCase();
  const set: FdbForm | null = change.act === 'del' ? null : { state: self ? 'permanent' : form, sticky };
  const vlans = vlan !== null || self ? [vlan] : [null, ...(portVlans(state, port)?.members ?? [])];
  const rows = vlans.map((vlan): FdbRow => ({ vlan: vlan, set, was: formNow(state, { mac, port, vlan: vlan, self }) }));
  const touched = rows.filter((row) => row.set !== null || row.was !== null);
  const moved = change.act === 'del' || self ? [] : movedEntries(state, { mac, port, vlans });
  if (touched.length === 0) return [];
  return [...moved, { kind: 'fdb', on: heldLink(state, port), self, mac, rows: touched }];
}

/** Static entries only: learned ones return by themselves. */
function movedEntries(
  state: HostState,
  { mac, port, vlans }: { readonly mac: Mac; readonly port: string; readonly vlans: readonly (number | null)[] },
): readonly UndoEntry[] {
  const bridge = linkNamed(state, port)?.master ?? null;
  const others = entriesOf(state, mac).filter(
    (entry) =>
      entry.port !== port &&
      entry.master !== null &&
      entry.master === bridge &&
      vlans.includes(entry.vlan) &&
      entry.state !== 'dynamic',
  );
  return [...new Set(others.map((entry) => entry.port))].map((from) => ({
    kind: 'fdb',
    on: heldLink(state, from),
    self: false,
    mac,
    rows: others.flatMap((entry) =>
      entry.port === from
        ? [{ vlan: entry.vlan, set: null, was: fdbForm({ state: entry.state, flags: entry.flags }) }]
        : [],
    ),
  }));
}

function formNow(state: HostState, entry: Pick<FdbEntry, 'mac' | 'port' | 'vlan' | 'self'>): FdbForm | null {
  const entries = entriesOf(state, entry.mac).filter(
    ({ port, vlan, master }) => port === entry.port && vlan === entry.vlan && (entry.self || master !== null),
  );
  const current = (entry.self ? entries.find(({ master }) => master === null) : undefined) ?? entries[0];
  return current === undefined ? null : fdbForm({ state: current.state, flags: current.flags });
}

function ovsRow({ ovsRows }: Before, table: 'Bridge' | 'Port', name: string): OvsRow {
  const uuid = ovsRows?.get(`${table} ${name}`);
  if (uuid === undefined) throw gone(`Open vSwitch has no ${table.toLowerCase()}`, name);
  return { uuid, name };
}

function ovsSetEntry(
  change: ChangeOf<'ovs-set'>,
  before: Before,
  bridgeOf: (port: string) => string,
): readonly UndoEntry[] {
  const { table, device, key, value } = change;
  const was = before.ovs ?? '';
  if (key === ovsFlood) {
    const bridge = ovsRow(before, 'Bridge', bridgeOf(device));
    const set = isOn(value) ? 'on' : 'off';
    return [{ kind: 'ovs-flood', on: ovsRow(before, 'Port', device), bridge, set, was: was === 'on' ? 'on' : 'off' }];
  }
  return [{ kind: 'ovs-column', table, on: ovsRow(before, table, device), key, set: String(value), was }];
}

function ovsColumnsAfter(
  { act, entry: { first, last, pvid } }: ChangeOf<'vlan'>,
  { tag, trunks }: OvsVlanColumns,
): { readonly tag: string; readonly trunks: string } {
  if (act === 'add' && pvid) return { tag: String(first), trunks };
  const range = numbersFrom(first, last);
  const without = (column: string): string =>
    `[${vlanNumbers(column)
      .filter((vid) => !range.includes(vid))
      .join(', ')}]`;
  return act === 'add'
    ? { tag, trunks: `[${[...new Set([...vlanNumbers(trunks), ...range])].join(', ')}]` }
    : { tag: without(tag), trunks: without(trunks) };
}

/** Open vSwitch has one static entry per bridge, MAC and VLAN, on any port. */
function ovsFdbEntry(
  { act, entry }: ChangeOf<'fdb'>,
  before: Before,
  bridgeOf: (port: string) => string,
): readonly UndoEntry[] {
  const [mac, vlan, name] = [entry.mac.toLowerCase(), entry.vlan ?? 0, bridgeOf(entry.port)];
  const current = entriesOf(before.state, mac).find(
    (row) => row.master === name && (row.vlan ?? 0) === vlan && row.state === 'static',
  );
  const set = act === 'add' ? ovsRow(before, 'Port', entry.port) : null;
  const was = current === undefined ? null : ovsRow(before, 'Port', current.port);
  if (set?.uuid === was?.uuid) return [];
  return [{ kind: 'ovs-fdb', bridge: ovsRow(before, 'Bridge', name), mac, vlan, set, was }];
}

/** Database rows whose `_uuid` the undo entry needs. */
export function ovsRowsOf(
  change: KernelChange,
  state: HostState,
  bridgeOf: (port: string) => string,
): readonly (readonly [table: 'Bridge' | 'Port', name: string])[] {
  switch (change.kind) {
    case 'ovs-set':
      return change.key === ovsFlood
        ? [
            ['Port', change.device],
            ['Bridge', bridgeOf(change.device)],
          ]
        : [[change.table, change.device]];
    case 'mirror':
      return [['Bridge', change.bridge]];
    case 'vlan':
      return change.ovs === true ? [['Port', change.entry.port]] : [];
    case 'fdb': {
      if (change.ovs !== true) return [];
      const { mac, port } = change.entry;
      const old = entriesOf(state, mac.toLowerCase()).filter((entry) => entry.state === 'static');
      return [
        ['Bridge', bridgeOf(port)],
        ...[...new Set([port, ...old.map((entry) => entry.port)])].map((name) => ['Port', name] as const),
      ];
    }
    case 'set':
    case 'sysctl':
    case 'mdb':
    case 'fdb-flush':
    case 'run':
      return [];
  }
}
