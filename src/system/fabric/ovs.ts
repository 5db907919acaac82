import { isOn } from '../../core/bridge/setting-value.js';
import { withoutOpenFlow10 } from '../../core/bridge/ovs.js';
import { ovsMembers } from '../../core/bridge/undo/decide-ovs.js';
import { ovsFlood, ovsPortConfigs } from '../../core/bridge/ovs-settings.js';
import type { ChangeOf } from '../../core/model/fabric.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { mustRun, runProgram, showCommand } from '../process/programs.js';

type FdbChange = ChangeOf<'fdb'>;

/**
 * Adds or removes a static entry of Open vSwitch. Rejects with VerifyError: 69 if this version cannot, 3 if refused.
 */
export async function changeOvsEntry(command: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram(command);
  if (status === 0) return;
  if (stderr.includes('is not a valid command'))
    throw new VerifyError(
      'unsupported',
      69,
      `this version of Open vSwitch makes no entries by hand: it has no ${command[1] ?? ''}`,
      'let the guest announce itself with `learn`',
    );
  throw new VerifyError(
    'command-failed',
    3,
    `${showCommand(command)}: ${stderr.trim()}`,
    'entries that Open vSwitch has learned go with `flush` only',
  );
}

/** Gives what it found. Rejects with VerifyError `read-back` (3) if it differs. */
export async function checkOvsEntry({ act, entry: { mac, port, vlan } }: FdbChange, bridge: string): Promise<string> {
  const [table, number] = [
    await mustRun(['ovs-appctl', 'fdb/show', bridge]),
    (await mustRun(['ovs-vsctl', 'get', 'Interface', port, 'ofport'])).trim(),
  ];
  const ofPort = port === bridge ? 'LOCAL' : number;
  const entries = table.split('\n').map((line) => line.trim().split(/\s+/));
  const isThere = entries.some(
    ([at, vid, address, age]) =>
      at === ofPort && vid === String(vlan ?? 0) && address === mac.toLowerCase() && age === 'static',
  );
  const [wanted, actual] = [act === 'add' ? 'static' : 'absent', isThere ? 'static' : 'absent'];
  const what = `${mac} on ${port} in VLAN ${vlan ?? 0}`;
  if (wanted === actual) return `${what}: ${actual}`;
  throw new VerifyError(
    'read-back',
    3,
    `${what} should be ${wanted} but Open vSwitch says ${actual}`,
    'does another program write its table?',
  );
}

type OvsSet = ChangeOf<'ovs-set'>;

/** A setting in ovs-vsctl's form, '' = no such key, `flood` on or off. Rejects with VerifyError without such a row. */
export async function ovsValue(
  { table, device, key }: Pick<OvsSet, 'table' | 'device' | 'key'>,
  bridgeOf: (port: string) => string,
): Promise<string> {
  if (key !== ovsFlood) {
    const option = key.includes(':') ? ['--if-exists'] : []; // only a key of a map may be absent
    await mustRun(['ovs-vsctl', 'get', table, device, 'name']);
    return (await mustRun(['ovs-vsctl', ...option, 'get', table, device, key])).trim();
  }
  const bridge = bridgeOf(device);
  const protocols = (await mustRun(['ovs-vsctl', 'get', 'Bridge', bridge, 'protocols'])).trim();
  if (withoutOpenFlow10(['set', protocols.match(/\w+/g) ?? []]).length > 0) {
    throw new VerifyError(
      'unsupported',
      69,
      `${bridge} does not speak OpenFlow 1.0, which alone says whether floods leave through a port: its protocols are ${protocols}`,
      `ovs-vsctl add Bridge ${bridge} protocols OpenFlow10`,
    );
  }
  const config = ovsPortConfigs(await mustRun(['ovs-ofctl', 'show', bridge])).get(device);
  if (config === undefined)
    throw new VerifyError(
      'unsupported',
      69,
      `Open vSwitch has not taken ${JSON.stringify(device)} as a port of ${bridge}`,
      'see the column `error` of its interface: `ovs-vsctl list Interface`',
    );
  return config.includes('NO_FLOOD') ? 'off' : 'on';
}

/** Returns `device.key = value`. Throws VerifyError `read-back` (3) if they differ. */
export function checkOvsValue({ device, key, value }: OvsSet, actual: string): string {
  const same = key === ovsFlood ? isOn(value) === isOn(actual) : ovsMembers(String(value)) === ovsMembers(actual);
  if (!same)
    throw new VerifyError(
      'read-back',
      3,
      `${device}.${key} was set to ${String(value)} but Open vSwitch says ${actual === '' ? 'nothing' : actual}`,
      'another program sets it: a controller, or the manager of the guests?',
    );
  return `${device}.${key} = ${actual}`;
}

/** Existing rows' `_uuid` by `TABLE NAME`. */
export async function ovsRows(
  rows: readonly (readonly [table: 'Bridge' | 'Port', name: string])[],
): Promise<ReadonlyMap<string, string>> {
  const uuids = new Map<string, string>();
  for (const [table, name] of rows) {
    const uuid = (await mustRun(['ovs-vsctl', '--if-exists', 'get', table, name, '_uuid'])).trim();
    if (uuid !== '') uuids.set(`${table} ${name}`, uuid);
  }
  return uuids;
}
