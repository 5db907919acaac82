import { existsSync } from 'node:fs';
import type { OvsRecord, Reading } from '../model/reading.js';
import { VerifyError } from '../model/verify-error.js';
import { readJson } from '../sys/programs.js';
import { fieldsOf, textsOf } from '../model/json-fields.js';

/** The table that `ovs-vsctl --format=json list TABLE` prints: headings, and rows in their order. */
export function parseOvsTable(json: unknown): readonly OvsRecord[] {
  const table = fieldsOf(json);
  const headings = textsOf(table?.headings);
  const rows: readonly unknown[] = Array.isArray(table?.data) ? table.data : [];
  return rows.filter((row) => Array.isArray(row)).map((row) => Object.fromEntries(headings.map((heading, at) => [heading, row[at]])));
}

/** Open vSwitch's bridges, ports and mirrors; null where there is none. Rejects with VerifyError where there is and it does not answer. */
export async function readOvs(): Promise<Reading['ovs']> {
  if (!existsSync(process.env['OVS_RUNDIR'] ?? '/run/openvswitch')) return null;
  const list = async (name: string): Promise<readonly OvsRecord[]> => parseOvsTable(await readJson(['ovs-vsctl', '--timeout=3', '--no-wait', '--format=json', 'list', name]));
  try {
    const [bridges, ports, mirrors] = await Promise.all([list('Bridge'), list('Port'), list('Mirror')]);
    return { bridges, ports, mirrors };
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'program-missing') return null;
    throw error;
  }
}
