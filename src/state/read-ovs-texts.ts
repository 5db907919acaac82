import { existsSync } from 'node:fs';
import { ofctl } from '../model/ovs-openflow.js';
import { mustRun } from '../sys/programs.js';
import type { OvsTexts } from '../system/state/ovs/parse.js';
import { readOvsTables } from './read-ovs.js';

/** Where Open vSwitch's sockets are (ovs-vswitchd(8)). */
function runFolder(): string {
  return process.env['OVS_RUNDIR'] ?? '/run/openvswitch';
}

/**
 * Asks Open vSwitch for all that decides where its frames go; null where none runs here. Rejects with VerifyError where
 * one does and does not answer.
 */
export async function readOvsTexts(): Promise<OvsTexts | null> {
  if (!existsSync(`${runFolder()}/db.sock`)) return null;
  const [bridges = [], ports = [], interfaces = [], mirrors = []] = await readOvsTables(
    ['Bridge', 'Port', 'Interface', 'Mirror'],
    5,
  );
  // one that the switch could not make, as for want of the kernel's datapath, is in the database only
  const made = bridges.flatMap(({ name, protocols }) =>
    typeof name === 'string' && existsSync(`${runFolder()}/${name}.mgmt`) ? [{ name, protocols }] : [],
  );
  const ofEach = async (
    command: (protocols: unknown) => readonly string[],
  ): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      await Promise.all(
        made.map(
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
