import type { Result, StepResult } from '../../core/model/result.js';
import { stepWord } from '../word.js';

function count(steps: readonly StepResult[], word: string, one: string, many: string): readonly string[] {
  const number = steps.filter((step) => stepWord(step).text === word).length;
  return number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];
}

/** `3 steps hold, 2 leaks reproduced` */
export function summary(result: Result): string {
  const { steps } = result;
  const parts = [
    ...count(steps, 'BROKEN', 'step is broken', 'steps are broken'),
    ...count(steps, 'INCONCLUSIVE', 'step is inconclusive', 'steps are inconclusive'),
    ...count(steps, 'HOLDS', 'step holds', 'steps hold'),
    ...count(steps, 'REPRODUCED', 'expected leak reproduced', 'expected leaks reproduced'),
    ...count(steps, 'UNSUPPORTED', 'step unsupported here', 'steps unsupported here'),
  ];
  return `${parts.length === 0 ? 'nothing was judged' : parts.join(', ')}${result.asExpected ? '' : '; not as expected'}`;
}
