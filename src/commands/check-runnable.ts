import type { Scenario } from '../model/scenario.js';
import { VerifyError } from '../model/verify-error.js';
import { foreignPrograms } from '../scenario/read-run.js';
import { unsupportedKeys } from '../scenario/unsupported.js';

/** Throws VerifyError before anything runs: 64 for what the command line has to allow, 69 for what is valid but not supported yet. Names all of it, of every file. */
export function checkRunnable(scenarios: readonly Scenario[], options: { readonly allowRun: boolean; readonly keep: 'leaks' | 'all' }): void {
  const foreign = options.allowRun ? [] : scenarios.flatMap((scenario) => foreignPrograms(scenario.steps).map((program) => `${scenario.file}: run: ${program} is not one of the programs that every scenario may start`));
  if (foreign.length > 0) throw new VerifyError('run-not-allowed', 64, foreign.join('\n'), 'read the scenario; --allow-run lets it start any program');
  const unsupported = scenarios.flatMap((scenario) => unsupportedKeys(scenario).map((key) => `${scenario.file}: not supported yet: ${key}`));
  if (options.keep === 'leaks') unsupported.push('not supported yet: --keep leaks');
  if (unsupported.length > 0) throw new VerifyError('unsupported', 69, unsupported.join('\n'), 'leave it out, or use a version that supports it');
}
