import type { Plan } from '../../../core/model/plan.js';
import type { HostState } from '../../../core/model/state.js';
import { assertKnown } from '../../../core/model/verify-error.js';
import { inventedMacs } from '../../../core/plan/new-macs.js';
import { runBatch } from '../../process/batch.js';

const tries = 3;

/** Deletes invented MACs (mac-spoof, mac-flood): new, learned entries on their sender's port. */
export async function forgetInvented(
  plan: Plan,
  before: HostState,
  readState: () => Promise<HostState>,
  netns: string | null,
): Promise<void> {
  const invented = inventedMacs(plan);
  if (invented.size === 0) return;
  const hops = new Set(plan.endpoints.map(({ hop }) => hop?.bridge));
  // Hops learn flooded MACs too.
  const isInvented = (mac: string, port: string, master: string): boolean =>
    hops.has(master) ? [...invented.values()].some((isOwn) => isOwn(mac)) : invented.get(port)?.(mac) === true;
  const stood = new Set(before.fdb.map(({ mac, master }) => `${mac} ${master ?? ''}`));
  for (let remaining = tries; remaining > 0; remaining -= 1) {
    const { fdb } = await readState();
    const learned = fdb.filter(
      ({ mac, port, master, state }) =>
        state === 'dynamic' && master !== null && !stood.has(`${mac} ${master}`) && isInvented(mac, port, master),
    );
    try {
      await runBatch(
        'bridge',
        learned.map(({ mac, port, vlan }) => [
          'fdb',
          'del',
          mac,
          'dev',
          port,
          'master',
          ...(vlan === null ? [] : ['vlan', String(vlan)]),
        ]),
        { netns },
      );
      return;
    } catch (error) {
      assertKnown(error);
    }
  }
}
