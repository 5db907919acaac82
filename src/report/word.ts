import type { Result, StepResult } from '../core/model/result.js';
import { counted } from '../core/text/escape.js';
import type { Tint } from './terminal/layout.js';

/** A verdict as people read it, with the colour that goes with it. */
export interface Word {
  readonly text: string;
  readonly tint: Tint;
}

/** Did a dry run stop here, with everything before the first probe in order? */
function isReady({ reasons }: StepResult): boolean {
  return reasons.length > 0 && reasons.every(({ code }) => code === 'dry-run');
}

/** Is it the result of `run --dry-run`, whose words are READY and NOT READY? */
export function isDryRun({ steps }: Pick<Result, 'steps'>): boolean {
  return steps.some(({ reasons }) => reasons.some(({ code }) => code === 'dry-run'));
}

/** True if a run would begin with every port observed and every step in order. */
export function isRunReady({ steps, coverage }: Pick<Result, 'steps' | 'coverage'>): boolean {
  return steps.every(isReady) && coverage.unobserved.length === 0;
}

const readyWord = { text: 'READY', tint: 'green' } as const satisfies Word;
const notReadyWord = { text: 'NOT READY', tint: 'yellow' } as const satisfies Word;

/** A step in one word: a demonstration that showed its leak REPRODUCED it, a gate HOLDS, is BROKEN or INCONCLUSIVE. */
export function stepWord(step: StepResult): Word {
  switch (step.verdict) {
    case 'holds':
      return { text: 'HOLDS', tint: step.asExpected ? 'green' : 'yellow' };
    case 'broken':
      if (!step.asExpected) return { text: 'BROKEN', tint: 'red' };
      if (step.expected === 'holds') return { text: 'KNOWN', tint: 'yellow' };
      return step.expected === 'broken' ? { text: 'REPRODUCED', tint: 'cyan' } : { text: 'BROKEN', tint: 'red' };
    case 'inconclusive':
      if (isReady(step)) return readyWord;
      return { text: 'INCONCLUSIVE', tint: 'yellow' };
    case null:
      return { text: step.reasons.some((reason) => reason.code === 'unsupported') ? 'UNSUPPORTED' : '–', tint: 'dim' };
  }
}

/** What stands for a verdict where a run came to no result. */
export const unendedWord = { text: 'NO RESULT', tint: 'yellow' } as const satisfies Word;

/** The expectation of a step: a claim of `seen`, the author's text, if that alone is unmet, else its verdict. */
export function expectedWord(step: StepResult): string {
  const [unmet] = step.unmet ?? [];
  return unmet !== undefined && step.verdict === step.expected ? unmet.claim : expectedVerdict(step);
}

/** The verdict that a step is expected to come to. */
export function expectedVerdict({ expected }: StepResult): 'holds' | 'a leak' | '–' {
  switch (expected) {
    case 'holds':
      return 'holds';
    case 'broken':
      return 'a leak';
    case null:
      return '–';
  }
}

/** How a step that has no leak to report is not as expected. */
export function unexpectedText({ unmet = [], expected, verdict }: StepResult): string {
  return unmet.length === 0
    ? `expected ${expected ?? 'nothing'}, was ${verdict ?? 'not judged'}`
    : `did not come true: ${unmet.map(({ claim }) => claim).join('; ')}`;
}

/** Nothing leaked but what leaks in the baseline, and something did. */
export function isKnownOnly({ exitCode, steps }: Result): boolean {
  return exitCode === 0 && steps.some((step) => stepWord(step).text === 'KNOWN');
}

/**
 * A whole run in one word, by its exit status first: a leak that was expected must not look like an alarm, nor the
 * other way round.
 */
export function runWord(result: Result): Word {
  if (isDryRun(result)) return isRunReady(result) ? readyWord : notReadyWord;
  if (isKnownOnly(result)) return { text: 'KNOWN', tint: 'yellow' };
  if (result.exitCode === 0)
    return result.verdict === 'broken'
      ? { text: 'REPRODUCED', tint: 'cyan' }
      : { text: result.verdict.toUpperCase(), tint: 'green' };
  if (result.exitCode === 2) return { text: 'BROKEN', tint: 'red' };
  if (result.exitCode === 4) return { text: 'NOT AS EXPECTED', tint: 'yellow' };
  return { text: 'INCONCLUSIVE', tint: 'yellow' };
}

/** The figure of test/lab/sabotage for the version that judged: it says whether the tool can fail. */
export function sabotageText({ tool: { sabotage } }: Pick<Result, 'tool'>): string {
  return `broken on purpose in ${sabotage.cases} ways and more before its release: ${sabotage.falseHolds} false HOLDS`;
}

function countedSteps(steps: readonly StepResult[], word: string, singular: string, many: string): readonly string[] {
  const number = steps.filter((step) => stepWord(step).text === word).length;
  return number === 0 ? [] : [counted(number, singular, many)];
}

/** `3 steps hold, 2 leaks reproduced` */
export function summary(result: Result): string {
  const { steps } = result;
  const parts = [
    ...countedSteps(steps, 'BROKEN', 'step is broken', 'steps are broken'),
    ...countedSteps(steps, 'KNOWN', 'step leaks as is known', 'steps leak as is known'),
    ...countedSteps(steps, 'INCONCLUSIVE', 'step is inconclusive', 'steps are inconclusive'),
    ...countedSteps(steps, 'HOLDS', 'step holds', 'steps hold'),
    ...countedSteps(steps, 'REPRODUCED', 'expected leak reproduced', 'expected leaks reproduced'),
    ...countedSteps(steps, 'READY', 'step is ready', 'steps are ready'),
    ...countedSteps(steps, 'UNSUPPORTED', 'step unsupported here', 'steps unsupported here'),
  ];
  return `${parts.length === 0 ? 'nothing was judged' : parts.join(', ')}${result.asExpected || isDryRun(result) ? '' : '; not as expected'}`;
}

/** The outcome of several runs, by their exit status together; `isExposed`: one is open to something by design. */
export function statusWord(status: number, allHold: boolean, isExposed: boolean): Word {
  switch (status) {
    case 0:
      if (isExposed) return { text: allHold ? 'HOLDS, EXPOSED' : 'EXPOSED', tint: 'yellow' };
      return { text: allHold ? 'HOLDS' : 'AS EXPECTED', tint: 'green' };
    case 2:
      return { text: 'BROKEN', tint: 'red' };
    case 4:
      return { text: 'NOT AS EXPECTED', tint: 'yellow' };
    case 69:
      return { text: 'LACKS SOMETHING', tint: 'yellow' };
    case 70:
      return { text: 'FAULT', tint: 'red' };
    default:
      return { text: 'INCONCLUSIVE', tint: 'yellow' };
  }
}
