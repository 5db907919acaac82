import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { VerifyError } from '../../../src/core/model/verify-error.js';
import { replayFolder } from '../../../src/system/evidence/replay.js';
import { captureCuts, type Cut, cutsOfEvery, eventCuts, probeCuts, refusedCuts, stepCuts } from './evidence-cuts.js';

/** What was changed of which step that held, what the verdict is now, and what it has to be. */
export interface CutOutcome {
  readonly what: string;
  readonly verdict: string;
  readonly required: 'inconclusive' | 'refused';
}

interface Change {
  readonly name: string;
  readonly apply: (dir: string) => void;
  readonly steps: readonly number[];
}

/** A way of changing one step is applied to all of them at once: each is judged by itself. */
function changes({
  gates,
  probing,
  eventful,
}: {
  readonly gates: readonly number[];
  readonly probing: readonly number[];
  readonly eventful: readonly number[];
}): readonly Change[] {
  const perStep = (cuts: Readonly<Record<string, (cut: Cut) => void>>, steps: readonly number[]): readonly Change[] =>
    Object.entries(cuts).map(([name, cut]) => ({
      name,
      steps,
      apply: (dir) => steps.forEach((step) => cut({ dir, step })),
    }));
  const whole = Object.entries(captureCuts).map(
    ([name, cut]): Change => ({ name, steps: gates, apply: (dir) => cut({ dir, step: gates[0] ?? 0 }) }),
  );
  return [
    ...whole,
    ...perStep(stepCuts, gates),
    ...perStep(probeCuts, probing),
    ...perStep(eventCuts, eventful),
  ].filter(({ steps }) => steps.length > 0);
}

/**
 * Which of the cuts: those of `cutsOfEvery`, and each `of`th, from number `part` on. So many runs together show all of
 * them in the time of one.
 */
export interface Share {
  readonly part: number;
  readonly of: number;
}

/**
 * Judges the folder of an honest run again and again, each time with another piece of its evidence gone or changed. The
 * folder stays as it is.
 */
export async function cutEverything(dir: string, { part, of }: Share): Promise<readonly CutOutcome[]> {
  const { steps } = await replayFolder(dir);
  const gates = steps.flatMap((step, index) => (step.verdict === 'holds' && step.expected === 'holds' ? [index] : []));
  const probing = gates.filter((index) => steps[index]?.findings.some(({ carrier }) => carrier !== 'native'));
  const eventful = gates.filter((index) => steps[index]?.events !== undefined);
  const scratch = mkdtempSync(join(tmpdir(), 'cut-'));
  const outcomes: CutOutcome[] = [];
  for (const { name, apply, steps: changed } of changes({ gates, probing, eventful }).filter(
    ({ name }, index) => cutsOfEvery.includes(name) || Object.hasOwn(eventCuts, name) || index % of === part % of,
  )) {
    const copy = join(scratch, 'run');
    cpSync(dir, copy, { recursive: true });
    const compressed = join(copy, 'evidence.pcapng.gz');
    if (existsSync(compressed)) {
      writeFileSync(join(copy, 'evidence.pcapng'), gunzipSync(readFileSync(compressed)));
      rmSync(compressed);
    }
    rmSync(join(copy, 'SHA256SUMS'), { force: true }); // the cut itself has to tell, not the hash
    apply(copy);
    const verdicts = await replayFolder(copy).then(
      (result) => result.steps.map(({ verdict }) => String(verdict)),
      (error: unknown) => {
        if (error instanceof VerifyError) return steps.map(() => 'refused');
        throw error;
      },
    );
    const required = refusedCuts.includes(name) ? 'refused' : 'inconclusive';
    for (const step of changed)
      outcomes.push({ what: `step ${step + 1}: ${name}`, verdict: verdicts[step] ?? 'none', required });
    rmSync(copy, { recursive: true });
  }
  rmSync(scratch, { recursive: true });
  return outcomes;
}
