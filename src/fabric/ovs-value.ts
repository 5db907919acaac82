import type { Change } from '../model/change.js';
import { ovsFlood } from '../model/ovs-columns.js';
import { ovsPortConfigs } from '../model/ovs-port-configs.js';
import { withoutOpenFlow10 } from '../model/ovs-openflow.js';
import { VerifyError } from '../core/model/verify-error.js';
import { isOn } from '../core/bridge/change-commands.js';
import { mustRun } from '../sys/programs.js';

type OvsSet = Extract<Change, { kind: 'ovs-set' }>;

/**
 * What a setting of Open vSwitch is now, as ovs-vsctl prints it and takes it back; '' = a map has no such key; `flood`:
 * on or off. Rejects with VerifyError where there is no such row.
 */
export async function ovsValue(
  { table, device, key }: Pick<OvsSet, 'table' | 'device' | 'key'>,
  bridgeOf: (port: string) => string,
): Promise<string> {
  if (key !== ovsFlood) {
    const option = key.includes(':') ? ['--if-exists'] : []; // a key of a map may be absent, a row may not
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

/**
 * Compares what was asked with what ovs-vsctl prints; returns `device.key = value`. Throws VerifyError `read-back` (3)
 * where they differ.
 */
export function checkOvsValue({ device, key, value }: OvsSet, found: string): string {
  const same = key === ovsFlood ? isOn(value) === isOn(found) : members(String(value)) === members(found);
  if (!same)
    throw new VerifyError(
      'read-back',
      3,
      `${device}.${key} was set to ${String(value)} but Open vSwitch says ${found === '' ? 'nothing' : found}`,
      'somebody else sets it: a controller, or the program that manages the guests?',
    );
  return `${device}.${key} = ${found}`;
}

/** One spelling for `10,20`, `[10, 20]` and `["10", "20"]`. */
function members(text: string): string {
  return text
    .replaceAll(/["[\]{}\s]/g, '')
    .split(',')
    .sort()
    .join();
}
