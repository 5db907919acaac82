import { setTimeout as sleep } from 'node:timers/promises';
import { commandFailed, runProgram } from '../sys/programs.js';

/** The longest that idle revalidators rest (max-revalidator, ovs-vswitchd.conf.db(5)). A change wakes them at once. */
const restMs = 500;

/**
 * Resolves when every flow of Open vSwitch's datapaths is as the switch would make it now. What was changed decides
 * frames at once only where there is no flow yet: one that there is forwards as before until a revalidator comes to it,
 * and what it counted until then teaches the switch its source MAC again, also after a flush (revalidate,
 * xlate_push_stats; ofproto/ofproto-dpif-upcall.c). The round of the revalidators that is found under way may have
 * begun before the change, so the one after it counts. Rejects with VerifyError where the switch does not answer.
 */
export async function waitUntilRevalidated(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await endOfRound();
}

/**
 * Until the revalidators have gone round, as Open vSwitch tells; where it has several datapaths it cannot tell
 * (upcall_unixctl_dump_wait), and so long as a round takes.
 */
async function endOfRound(): Promise<void> {
  const command = ['ovs-appctl', 'revalidator/wait'];
  const outcome = await runProgram(command);
  if (outcome.status === 0) return;
  if (!outcome.stderr.includes('multiple udpifs')) throw commandFailed(command, outcome);
  await sleep(restMs);
}
