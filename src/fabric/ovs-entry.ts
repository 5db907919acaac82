import { VerifyError } from '../core/model/verify-error.js';
import type { Change } from '../model/change.js';
import { mustRun, runProgram, showCommand } from '../sys/programs.js';

type FdbChange = Extract<Change, { kind: 'fdb' }>;

/**
 * Has Open vSwitch make or remove an entry by hand. Rejects with VerifyError (69) where this version cannot, and where
 * it refuses (3).
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

/**
 * Looks an entry up that was made or removed by hand; says what was found. Rejects with VerifyError `read-back` (3)
 * where it is not as asked.
 */
export async function checkOvsEntry({ act, entry: { mac, port, vlan } }: FdbChange, bridge: string): Promise<string> {
  const [table, number] = [
    await mustRun(['ovs-appctl', 'fdb/show', bridge]),
    (await mustRun(['ovs-vsctl', 'get', 'Interface', port, 'ofport'])).trim(),
  ];
  const own = port === bridge ? 'LOCAL' : number;
  const entries = table.split('\n').map((line) => line.trim().split(/\s+/));
  const isThere = entries.some(
    ([at, vid, address, age]) =>
      at === own && vid === String(vlan ?? 0) && address === mac.toLowerCase() && age === 'static',
  );
  const [asked, found] = [act === 'add' ? 'static' : 'absent', isThere ? 'static' : 'absent'];
  const what = `${mac} on ${port} in VLAN ${vlan ?? 0}`;
  if (asked === found) return `${what}: ${found}`;
  throw new VerifyError(
    'read-back',
    3,
    `${what} should be ${asked} but Open vSwitch says ${found}`,
    'does another program write its table?',
  );
}
