import type { Plan } from '../../../core/model/plan.js';
import type { PrecheckNote } from '../../../core/model/run-record.js';
import type { Scenario } from '../../../core/model/scenario.js';
import { planHash } from '../../../core/plan/hash.js';
import { localPart } from '../../../core/plan/hosts.js';
import { makePlan } from '../../../core/plan/make-plan.js';
import { jsonText } from '../../../core/text/json-text.js';
import { hostSummary, precheckText } from '../../../report/terminal/host-summary.js';
import { planText } from '../../../report/terminal/plan.js';
import { loadFiles } from './load-files.js';
import { parseSets } from './series.js';

/** A host's plan rests on what runs there now; it is looked at, nothing is changed or sent. */
async function planOf(scenario: Scenario): Promise<{ readonly plan: Plan; readonly notes: readonly PrecheckNote[] }> {
  const zeros = { runTag: 0, keySha256: '0'.repeat(64) };
  if (scenario.topology.provider === 'lab') return { plan: makePlan(scenario, zeros), notes: [] };
  const [{ topologyOf }, { precheckHost }] = await Promise.all([
    import('../../../run/topology.js'),
    import('../../../run/precheck-host.js'),
  ]);
  const topology = await topologyOf(scenario, null, 'plan');
  const plan = makePlan(topology.scenario, { ...zeros, ...topology.found });
  try {
    return { plan, notes: (await precheckHost(localPart(plan), topology.netns)).notes };
  } finally {
    await topology.abandon();
  }
}

/**
 * Prints what a run of the scenario would do, or the SHA-256 that `run --approved` takes. The run's tag and key are
 * drawn when it runs; here they are zeros, so that the same file prints the same plan.
 */
export async function planCommand(
  file: string,
  options: { readonly json: boolean; readonly hash: boolean; readonly set: readonly string[] },
): Promise<void> {
  for (const scenario of await loadFiles([file], parseSets(options.set))) {
    const { plan, notes } = await planOf(scenario);
    if (options.hash) process.stdout.write(`${planHash(plan)}\n`);
    else if (options.json) process.stdout.write(`${jsonText(plan, 2)}\n`);
    else
      process.stdout.write(
        `${plan.provider === 'host' ? `${hostSummary(plan)}${precheckText(notes)}\n` : ''}${planText(plan, Math.min(100, process.stdout.columns ?? 80))}`,
      );
  }
}
