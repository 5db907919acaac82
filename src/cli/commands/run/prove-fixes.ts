import { randomBytes } from 'node:crypto';
import type { Result } from '../../../core/model/result.js';
import type { Scenario } from '../../../core/model/scenario.js';
import { escapeText } from '../../../core/text/escape.js';
import type { RunOptions } from '../../../run/context.js';
import type { Run } from '../../../run/run.js';
import { type Inside, renewLab } from '../../../system/fabric/lab/enter.js';

export interface ProveFixesOptions extends Pick<RunOptions, 'engine' | 'toolVersion' | 'signal'> {
  readonly inside: Inside;
  readonly quiet: boolean;
}

/** Tries each fix in its own lab. Gives the result with outcomes; needs written evidence. */
export async function proveFixesInLab(
  scenario: Scenario,
  run: Run,
  { inside, quiet, engine, toolVersion, signal }: ProveFixesOptions,
): Promise<Result> {
  if (run.result.evidence.files.length === 0) return run.result;
  const [{ proveFixes }, { runScenario }] = await Promise.all([
    import('../../../run/prove-fixes.js'),
    import('../../../run/run.js'),
  ]);
  return proveFixes(scenario, run.result, run.dir, {
    signal,
    report: (text) => void (quiet || process.stderr.write(`${escapeText(`${scenario.name}: ${text}`)}\n`)),
    runTrial: async (trial, outDir) => {
      const runId = randomBytes(8).toString('hex');
      return (
        await runScenario(trial, {
          outDir,
          runId,
          inside: renewLab(inside),
          engine,
          toolVersion,
          signal,
          onProgress: () => undefined,
        })
      ).result;
    },
  });
}
