import { existsSync } from 'node:fs';
import { mustRun } from '../sys/programs.js';
import type { OvsTexts } from './parse-ovs.js';
import { readOvsTables } from './read-ovs.js';

/** Where Open vSwitch's sockets are (ovs-vswitchd(8)). */
function runFolder(): string {
  return process.env['OVS_RUNDIR'] ?? '/run/openvswitch';
}

/** Asks Open vSwitch for all that decides where its frames go; null where none runs here. Rejects with VerifyError where one does and does not answer. */
export async function readOvsTexts(): Promise<OvsTexts | null> {
  if (!existsSync(`${runFolder()}/db.sock`)) return null;
  const [bridges = [], ports = [], interfaces = [], mirrors = []] = await readOvsTables(['Bridge', 'Port', 'Interface', 'Mirror'], 5);
  // one that the switch could not make, as for want of the kernel's datapath, is in the database only
  const names = bridges.flatMap(({ name }) => (typeof name === 'string' && existsSync(`${runFolder()}/${name}.mgmt`) ? [name] : []));
  const ofEach = async (argv: (name: string) => readonly string[]): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await mustRun(argv(name), { timeoutMs: 5000 })] as const)));
  const [show, flows, fdb] = await Promise.all([
    ofEach((name) => ['ovs-ofctl', 'show', name]), ofEach((name) => ['ovs-ofctl', 'dump-flows', name]), ofEach((name) => ['ovs-appctl', 'fdb/show', name]),
  ]);
  return { bridges, ports, interfaces, mirrors, show, flows, fdb };
}
