import { existsSync } from 'node:fs';
import { ofctl } from '../../../core/bridge/ovs.js';
import type { OvsRecord, Snapshot } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { fieldsOf, textsOf } from '../../../core/text/json-text.js';
import { mustRun, readJsonLines, showCommand } from '../../process/programs.js';
import type { OvsTexts } from './parse.js';

/** Where Open vSwitch's sockets are (ovs-vswitchd(8)). */
function runFolder(): string {
  return process.env['OVS_RUNDIR'] ?? '/run/openvswitch';
}

/**
 * True if Open vSwitch runs here: its database answers at a socket, or its switch, which goes on without the database.
 */
export function isOvsRunning(): boolean {
  return ['db.sock', 'ovs-vswitchd.pid'].some((file) => existsSync(`${runFolder()}/${file}`));
}

/**
 * Asks Open vSwitch for all that decides where its frames go; null where none runs here. Rejects with VerifyError where
 * one does and does not answer.
 */
export async function readOvsTexts(): Promise<OvsTexts | null> {
  if (!isOvsRunning()) return null;
  const [bridges = [], ports = [], interfaces = [], mirrors = []] = await readOvsTables(
    ['Bridge', 'Port', 'Interface', 'Mirror'],
    5,
  );
  // a bridge that the switch could not make, as without the kernel's datapath, is in the database only
  const liveBridges = bridges.flatMap(({ name, protocols }) =>
    typeof name === 'string' && existsSync(`${runFolder()}/${name}.mgmt`) ? [{ name, protocols }] : [],
  );
  const ofEach = async (
    command: (protocols: unknown) => readonly string[],
  ): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      await Promise.all(
        liveBridges.map(
          async ({ name, protocols }) =>
            [name, await mustRun([...command(protocols), name], { timeoutMs: 5000 })] as const,
        ),
      ),
    );
  const [show, flows, fdb] = await Promise.all([
    ofEach((protocols) => [...ofctl(protocols), 'show']),
    ofEach((protocols) => [...ofctl(protocols), 'dump-flows']),
    ofEach(() => ['ovs-appctl', 'fdb/show']),
  ]);
  return { bridges, ports, interfaces, mirrors, show, flows, fdb };
}

/**
 * Tables of Open vSwitch's database in the order of `names`, as one transaction has them: `ovs-vsctl` prints each in a
 * line. Rejects with VerifyError where it does not answer.
 */
async function readOvsTables(
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
 * Open vSwitch's bridges, ports and mirrors; null where none runs here. Rejects with VerifyError where one does and
 * does not answer.
 */
export async function readOvs(): Promise<Snapshot['ovs']> {
  if (!isOvsRunning()) return null;
  try {
    const [bridges = [], ports = [], mirrors = []] = await readOvsTables(['Bridge', 'Port', 'Mirror'], 3);
    return { bridges, ports, mirrors };
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'program-missing') return null;
    throw error;
  }
}
