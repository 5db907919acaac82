import { membersOf } from '../model/ovs-members.js';
import type { OvsRecord, Reading } from '../model/reading.js';

/** A bridge of Open vSwitch with its ports and mirrors (ovs-vswitchd.conf.db(5)). */
export interface OvsBridgeView {
  readonly name: string;
  readonly record: OvsRecord;
  readonly ports: readonly OvsRecord[];
  readonly mirrors: readonly OvsRecord[];
}

/** A value of a column that is a map, ["map", [[key, value], …]]; null where the key is not in it. */
export function inMap(value: unknown, key: string): string | null {
  const pairs: readonly unknown[] = Array.isArray(value) && value[0] === 'map' && Array.isArray(value[1]) ? value[1] : [];
  const found = pairs.find((pair) => Array.isArray(pair) && pair[0] === key);
  return Array.isArray(found) && typeof found[1] === 'string' ? found[1] : null;
}

function idOf(value: unknown): string {
  return Array.isArray(value) && value[0] === 'uuid' ? String(value[1]) : '';
}

/** A column's text; what is none reads as JSON. */
export function ovsText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Records that a column of references names. */
export function referred(records: readonly OvsRecord[], column: unknown): readonly OvsRecord[] {
  const ids = new Set(membersOf(column).map(idOf));
  return records.filter((record) => ids.has(idOf(record['_uuid'])));
}

/** Every bridge of Open vSwitch in a reading. */
export function ovsBridges({ ovs }: Reading): readonly OvsBridgeView[] {
  return (ovs?.bridges ?? []).map((record) => {
    const name = ovsText(record['name']);
    const ports = referred(ovs?.ports ?? [], record['ports']).filter((port) => port['name'] !== name); // its own port is the host's
    return { name, record, ports, mirrors: referred(ovs?.mirrors ?? [], record['mirrors']) };
  });
}
