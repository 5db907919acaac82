import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fixOutcome } from '../core/fix/outcome.js';
import { type FixTrial, fixTrials } from '../core/fix/trial.js';
import type { Result } from '../core/model/result.js';
import type { Scenario } from '../core/model/scenario.js';
import { assertKnown } from '../core/model/verify-error.js';
import type { FixRecord } from '../core/model/fix.js';
import { files } from '../system/evidence/folder/folder.js';
import { hashFile } from '../system/evidence/folder/hash.js';
import { keepFixes } from '../system/evidence/replay.js';

const maxTrials = 40;

export interface ProveFixesDeps {
  /** In a lab of its own. Its evidence goes to the folder. */
  readonly runTrial: (scenario: Scenario, dir: string) => Promise<Result>;
  readonly report: (text: string) => void;
  readonly signal: AbortSignal;
}

async function tried(trial: FixTrial, dir: string, { runTrial }: ProveFixesDeps): Promise<FixRecord> {
  const evidence = join(files.proveFix.name, `${trial.step + 1}-${trial.cause}`);
  const head = { step: trial.step, cause: trial.cause, commands: trial.commands, evidence };
  try {
    const result = await runTrial(trial.scenario, join(dir, evidence));
    return {
      ...head,
      ...fixOutcome(trial, result),
      sha256: await hashFile(join(dir, evidence, files.sums.name)).catch(() => null),
    };
  } catch (error) {
    assertKnown(error);
    return { ...head, outcome: 'failed', before: null, after: null, cutOff: [], text: error.message, sha256: null };
  }
}

/** Tries fixes for every cause in turn and adds outcomes to the folder and result. Verdict and exit status stay. */
export async function proveFixes(
  scenario: Scenario,
  result: Result,
  dir: string,
  deps: ProveFixesDeps,
): Promise<Result> {
  const trials = fixTrials(scenario, result);
  if (trials.length === 0) return result;
  await mkdir(join(dir, files.proveFix.name), { mode: 0o700 });
  const records: FixRecord[] = [];
  for (const trial of trials.slice(0, maxTrials)) {
    if (deps.signal.aborted) break;
    deps.report(`step ${trial.step + 1}: trying ${trial.commands.join(' && ')}`);
    records.push(await tried(trial, dir, deps));
  }
  if (trials.length > maxTrials) deps.report(`${trials.length - maxTrials} more fixes were not tried`);
  return keepFixes(dir, records);
}
