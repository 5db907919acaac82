import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.js';
import type { Drawn } from './draw.js';
import type { Judged } from './outcome.js';
import { runInLab, runOnHost } from './run-cases.js';

/** Number of cases that share a lab: a lab takes as long to build as four cases to run. */
const casesInOneLab = 10;

/** A run of the program that judges some of the cases; `at`: their positions. */
interface Batch {
  readonly at: readonly number[];
  run(folder: string): Promise<readonly Judged[]>;
}

function batchesOf(drawn: readonly Drawn[]): readonly Batch[] {
  const batches: Batch[] = [];
  const labs = new Map<string, number[]>();
  drawn.forEach(({ attack, provider }, at) => {
    if (provider === 'host') batches.push({ at: [at], run: async (folder) => [await runOnHost(attack, folder)] });
    else {
      // a reason that is reported for all steps of a run hides a step that holds
      const lab = `${attack.fabric} ${attack.reported === true}`;
      labs.set(lab, [...(labs.get(lab) ?? []), at]);
    }
  });
  for (const positions of labs.values())
    for (let from = 0; from < positions.length; from += casesInOneLab) {
      const at = positions.slice(from, from + casesInOneLab);
      const attacks = at
        .map((position) => drawn[position]?.attack)
        .filter((attack): attack is Attack => attack !== undefined);
      const fabric = attacks[0]?.fabric ?? 'linux';
      batches.push({ at, run: (folder) => runInLab(fabric, attacks, folder) });
    }
  return batches;
}

/**
 * Runs the cases, `atOnce` runs of the program at a time. Gives the outcome of each in order; a case that did not start
 * before `isOver` has none.
 */
export async function runDrawn(
  drawn: readonly Drawn[],
  folder: string,
  atOnce: number,
  reported: (judged: Judged) => void = () => undefined,
  isOver: () => boolean = () => false,
): Promise<readonly Judged[]> {
  const batches = batchesOf(drawn);
  const outcomes: (Judged | undefined)[] = drawn.map(() => undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let number = (next += 1) - 1; number < batches.length; number = (next += 1) - 1) {
      const batch = batches[number];
      if (batch === undefined || isOver()) return;
      const place = join(folder, `run-${number}`);
      mkdirSync(place, { recursive: true });
      const judged = await batch.run(place);
      batch.at.forEach((at, of) => {
        outcomes[at] = judged[of];
        const outcome = judged[of];
        if (outcome !== undefined) reported(outcome);
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes.filter((judged): judged is Judged => judged !== undefined);
}
