import { changeCommands } from '../../../core/bridge/change-commands.js';
import { portVlans } from '../../../core/bridge/port-vlans.js';
import type { Change } from '../../../core/model/fabric.js';
import type { FdbEntry } from '../../../core/model/scenario.js';
import type { HostState } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { type KernelChange, settingIn } from '../apply.js';
import type { OvsVlanColumns } from '../ovs-vlans.js';

/**
 * What the kernel said right before a change. `link`: `ip -j -d link show dev X` of the device, `vlans`: `bridge -j
 * vlan show` of the port.
 */
export interface Before {
  readonly state: HostState;
  readonly link: unknown;
  readonly vlans: unknown;
  /** What the setting of Open vSwitch was, as it takes it back. */
  readonly ovs?: string;
  /** What decided the VLANs of a port of Open vSwitch. */
  readonly ovsVlans?: OvsVlanColumns;
}

/**
 * The commands that put back what a change is about to change, in the order of undoing. Throws VerifyError (69) where
 * it could not be put back.
 */
export function undoOf(
  change: KernelChange,
  before: Before,
  bridgeOf: (port: string) => string,
): readonly (readonly string[])[] {
  const inverse = (one: Change): readonly (readonly string[])[] => changeCommands(one, bridgeOf);
  switch (change.kind) {
    case 'set': {
      const value = settingIn(before.link, change.place, change.key);
      if (value === undefined)
        throw new VerifyError(
          'unsupported',
          69,
          `this kernel does not know ${change.device}.${change.key}`,
          'use a kernel that has this setting, or leave it out',
        );
      return inverse({ ...change, value });
    }
    case 'ovs-set': {
      const [column = '', key] = change.key.split(/:(.*)/s);
      return before.ovs === '' && key !== undefined
        ? [['ovs-vsctl', 'remove', change.table, change.device, column, key]]
        : inverse({ ...change, value: before.ovs ?? '' });
    }
    case 'mirror':
      return [
        [
          'ovs-vsctl',
          '--id=@mirror',
          'get',
          'Mirror',
          change.mirror.name,
          '--',
          'remove',
          'Bridge',
          change.bridge,
          'mirrors',
          '@mirror',
        ],
      ];
    case 'sysctl': {
      const value = before.state.sysctl[change.name];
      if (value === undefined)
        throw new VerifyError('unsupported', 69, `this kernel has no sysctl ${change.name}`, 'check its spelling');
      return inverse({ ...change, value });
    }
    case 'vlan':
      if (before.ovsVlans !== undefined)
        return [
          [
            'ovs-vsctl',
            'set',
            'Port',
            change.entry.port,
            `tag=${before.ovsVlans.tag}`,
            `trunks=${before.ovsVlans.trunks}`,
          ],
        ];
      return change.act === 'add'
        ? [...inverse({ ...change, act: 'del' }), ...vlansIn(before.vlans, change)]
        : vlansIn(before.vlans, change);
    case 'fdb': {
      if (change.ovs === true) {
        const old = staticOn(before.state, bridgeOf(change.entry.port), change.entry);
        return old !== null
          ? inverse({ ...change, act: 'add', entry: old })
          : change.act === 'add'
            ? inverse({ ...change, act: 'del' })
            : [];
      }
      const old = entryIn(before.state, change.entry);
      if (old === null) return change.act === 'add' ? inverse({ ...change, act: 'del' }) : [];
      return [
        ...inverse({ kind: 'fdb', act: 'add', entry: old }),
        ...inEveryVlan(before.state, old).flatMap((vlan) =>
          inverse({ kind: 'fdb', act: 'del', entry: { ...old, vlan } }),
        ),
      ];
    }
    case 'mdb':
      return change.act === 'add' ? inverse({ ...change, act: 'del' }) : inverse({ ...change, act: 'add' });
    case 'fdb-flush':
      return []; // only learned entries go, and guests teach them again
    case 'run':
      throw new VerifyError('unsupported', 69, 'commands cannot be undone on a host', 'use set, vlan, fdb or mdb');
  }
}

/** The entry of that MAC, VLAN and device as it was; null = there was none. */
function entryIn(state: HostState, entry: FdbEntry): FdbEntry | null {
  const found = state.fdb.find(
    (one) =>
      one.mac === entry.mac &&
      one.port === entry.port &&
      one.vlan === entry.vlan &&
      (entry.self || one.master !== null),
  );
  if (found === undefined) return null;
  const known = (['static', 'permanent', 'dynamic'] as const).find((one) => one === found.state) ?? 'dynamic';
  return { ...entry, state: known, sticky: found.flags.includes('sticky') };
}

/**
 * Open vSwitch has one entry by hand for a MAC and VLAN of a bridge, whichever port it is on; null = there was none.
 * What it learned it learns again.
 */
function staticOn(state: HostState, bridge: string, entry: FdbEntry): FdbEntry | null {
  const found = state.fdb.find(
    (one) =>
      one.master === bridge && one.mac === entry.mac && (one.vlan ?? 0) === (entry.vlan ?? 0) && one.state === 'static',
  );
  return found === undefined ? null : { ...entry, port: found.port };
}

/** An entry without a VLAN is made in every VLAN of its port as well (br_fdb_add): those in which it was not. */
function inEveryVlan(state: HostState, { mac, port, vlan, self }: FdbEntry): readonly number[] {
  if (vlan !== null || self) return [];
  return [...(portVlans(state.vlan, port)?.members ?? [])].filter(
    (vid) => !state.fdb.some((one) => one.mac === mac && one.port === port && one.vlan === vid),
  );
}

/**
 * Commands that give a port its VLANs back as far as a change touches them, from `bridge -j vlan show dev PORT`: a new
 * PVID takes the flag from the old one.
 */
function vlansIn(json: unknown, change: Extract<Change, { kind: 'vlan' }>): readonly (readonly string[])[] {
  const { first, last, port } = change.entry;
  const rows = Array.isArray(json) ? json : [];
  return rows
    .flatMap((row: unknown) => listOf(row, 'vlans'))
    .flatMap((vlan: unknown) => {
      const from = numberIn(vlan, 'vlan');
      const to = numberIn(vlan, 'vlanEnd') ?? from;
      const flags = listOf(vlan, 'flags');
      const losesPvid = change.act === 'add' && change.entry.pvid && flags.includes('PVID');
      if (from === null || to === null || (!losesPvid && (to < first || from > last))) return [];
      const vid = from === to ? String(from) : `${from}-${to}`;
      const words = [
        'vid',
        vid,
        ...(flags.includes('PVID') ? ['pvid'] : []),
        ...(flags.includes('Egress Untagged') ? ['untagged'] : []),
      ];
      return [['bridge', 'vlan', 'add', 'dev', port, ...words, ...(change.self ? ['self'] : [])]];
    });
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? new Map<string, unknown>(Object.entries(value)).get(key)
    : undefined;
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const found = memberOf(value, key);
  return Array.isArray(found) ? found : [];
}

function numberIn(value: unknown, key: string): number | null {
  const found = memberOf(value, key);
  return typeof found === 'number' ? found : null;
}
