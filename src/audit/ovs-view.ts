import { membersOf, uuidOf } from '../model/ovs-values.js';
import type { OvsRecord, Reading } from '../model/reading.js';

/** A bridge of Open vSwitch with its ports and mirrors (ovs-vswitchd.conf.db(5)). */
export interface OvsBridgeView {
  readonly name: string;
  readonly record: OvsRecord;
  readonly ports: readonly OvsRecord[];
  readonly mirrors: readonly OvsRecord[];
}

/** A column's text; what is none reads as JSON. */
export function ovsText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Records that a column of references names. */
export function referred(records: readonly OvsRecord[], column: unknown): readonly OvsRecord[] {
  const ids = new Set(membersOf(column).map(uuidOf));
  return records.filter((record) => ids.has(uuidOf(record['_uuid'])));
}

/** Every bridge of Open vSwitch in a reading. */
export function ovsBridges({ ovs }: Reading): readonly OvsBridgeView[] {
  return (ovs?.bridges ?? []).map((record) => {
    const name = ovsText(record['name']);
    // its own port is the host's
    const ports = referred(ovs?.ports ?? [], record['ports']).filter((port) => port['name'] !== name);
    return { name, record, ports, mirrors: referred(ovs?.mirrors ?? [], record['mirrors']) };
  });
}
