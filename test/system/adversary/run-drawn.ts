import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.js';
import type { Drawn } from './draw.js';
import type { Judged } from './outcome.js';
import { runInLab, runOnHost } from './run-cases.js';

/** So many cases share a lab: it takes as long to build as four of them to run. */
const casesInOneLab = 10;

/** A run of the program that judges some of the cases; `at` says which. */
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
      // what is told of all steps of a run would hide that another of them holds
      const lab = `${attack.fabric} ${attack.reported === true}`;
      labs.set(lab, [...(labs.get(lab) ?? []), at]);
    }
  });
  for (const all of labs.values())
    for (let from = 0; from < all.length; from += casesInOneLab) {
      const at = all.slice(from, from + casesInOneLab);
      const attacks = at.map((one) => drawn[one]?.attack).filter((attack): attack is Attack => attack !== undefined);
      const fabric = attacks[0]?.fabric ?? 'linux';
      batches.push({ at, run: (folder) => runInLab(fabric, attacks, folder) });
    }
  return batches;
}

/** Runs all cases, `atOnce` runs of the program at a time, and gives what became of each, in their order; of those that were not begun before it is over, nothing. */
export async function runDrawn(
  drawn: readonly Drawn[],
  folder: string,
  atOnce: number,
  reported: (judged: Judged) => void = () => undefined,
  isOver: () => boolean = () => false,
): Promise<readonly Judged[]> {
  const batches = batchesOf(drawn);
  const all: (Judged | undefined)[] = drawn.map(() => undefined);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let number = (next += 1) - 1; number < batches.length; number = (next += 1) - 1) {
      const batch = batches[number];
      if (batch === undefined || isOver()) return;
      const place = join(folder, `run-${number}`);
      mkdirSync(place, { recursive: true });
      const judged = await batch.run(place);
      batch.at.forEach((at, of) => {
        all[at] = judged[of];
        const one = judged[of];
        if (one !== undefined) reported(one);
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return all.filter((judged): judged is Judged => judged !== undefined);
}
