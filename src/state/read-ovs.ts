import { existsSync } from 'node:fs';
import type { OvsRecord, Reading } from '../model/reading.js';
import { VerifyError } from '../core/model/verify-error.js';
import { readJsonLines, showCommand } from '../sys/programs.js';
import { fieldsOf, textsOf } from '../core/text/json-fields.js';

/**
 * Tables of Open vSwitch's database in the order of `names`, as one transaction has them: `ovs-vsctl` prints each in a
 * line. Rejects with VerifyError where it does not answer.
 */
export async function readOvsTables(
  names: readonly string[],
  timeoutSeconds: number,
): Promise<readonly (readonly OvsRecord[])[]> {
  const command = [
    'ovs-vsctl',
    `--timeout=${timeoutSeconds}`,
    '--no-wait',
    '--format=json',
    ...names.flatMap((name, at) => [...(at === 0 ? [] : ['--']), 'list', name]),
  ];
  const tables = await readJsonLines(command);
  if (tables.length !== names.length)
    throw new VerifyError(
      'command-failed',
      3,
      `${showCommand(command)} printed ${tables.length} tables`,
      'check that Open vSwitch is whole: ovs-vsctl show',
    );
  return tables.map(parseOvsTable);
}

/** The table that `ovs-vsctl --format=json list TABLE` prints: headings, and rows in their order. */
export function parseOvsTable(json: unknown): readonly OvsRecord[] {
  const table = fieldsOf(json);
  const headings = textsOf(table?.headings);
  const rows: readonly unknown[] = Array.isArray(table?.data) ? table.data : [];
  return rows
    .filter((row) => Array.isArray(row))
    .map((row) => Object.fromEntries(headings.map((heading, at) => [heading, row[at]])));
}

/**
 * Open vSwitch's bridges, ports and mirrors; null where there is none. Rejects with VerifyError where there is and it
 * does not answer.
 */
export async function readOvs(): Promise<Reading['ovs']> {
  if (!existsSync(process.env['OVS_RUNDIR'] ?? '/run/openvswitch')) return null;
  try {
    const [bridges = [], ports = [], mirrors = []] = await readOvsTables(['Bridge', 'Port', 'Mirror'], 3);
    return { bridges, ports, mirrors };
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'program-missing') return null;
    throw error;
  }
}
