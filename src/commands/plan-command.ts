import { makePlan } from '../plan/make-plan.js';
import { planText } from '../report/plan-text.js';
import { loadFiles } from './load-files.js';

/** Prints what a run of the scenario would do. The run's tag and key are drawn when it runs; here they are zeros, so that the same file prints the same plan. */
export async function planCommand(file: string, json: boolean): Promise<void> {
  for (const scenario of await loadFiles([file])) {
    const plan = makePlan(scenario, { runTag: 0, keySha256: '0'.repeat(64) });
    process.stdout.write(json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan, Math.min(100, process.stdout.columns ?? 80)));
  }
}
