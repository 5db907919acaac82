import { mustRun } from '../sys/programs.js';

/**
 * Resolves when every flow of Open vSwitch's datapaths is as the switch would make it now. What was changed decides frames at once only where there is
 * no flow yet: one that there is forwards as before until a revalidator comes to it, and what it counted until then teaches the switch its source MAC
 * again, also after a flush (revalidate, xlate_push_stats; ofproto/ofproto-dpif-upcall.c). `revalidator/wait` lasts until a round of the revalidators
 * ends, 500 ms at most where they are idle (max-revalidator, ovs-vswitchd.conf.db(5)); the round that it finds under way may have begun before the
 * change, so the one after it counts. Rejects with VerifyError where the switch does not answer.
 */
export async function waitUntilRevalidated(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await mustRun(['ovs-appctl', 'revalidator/wait']);
}
