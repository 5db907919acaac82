import type { Result, StepResult } from '../core/model/result.js';
import { counted } from '../core/text/escape.js';
import type { Tint } from './terminal/layout.js';

/** A verdict for people, with its colour. */
export interface Word {
  readonly text: string;
  readonly tint: Tint;
}

function isReady({ reasons }: StepResult): boolean {
  return reasons.length > 0 && reasons.every(({ code }) => code === 'dry-run');
}

/** True for `run --dry-run`: READY or NOT READY. */
export function isDryRun({ steps }: Pick<Result, 'steps'>): boolean {
  return steps.some(({ reasons }) => reasons.some(({ code }) => code === 'dry-run'));
}

/** True if every port is observed and every step is in order. */
export function isRunReady({ steps, coverage }: Pick<Result, 'steps' | 'coverage'>): boolean {
  return steps.every(isReady) && coverage.unobserved.length === 0;
}

const readyWord = { text: 'READY', tint: 'green' } as const satisfies Word;
const notReadyWord = { text: 'NOT READY', tint: 'yellow' } as const satisfies Word;

/** REPRODUCED for a demonstrated leak, else HOLDS, BROKEN or INCONCLUSIVE. */
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

/** The word of a run without result. */
export const unendedWord = { text: 'NO RESULT', tint: 'yellow' } as const satisfies Word;

/** The unmet claim of `seen` if it alone fails, else the verdict. */
export function expectedWord(step: StepResult): string {
  const [unmet] = step.unmet ?? [];
  return unmet !== undefined && step.verdict === step.expected ? unmet.claim : expectedVerdict(step);
}

/** A step's expected verdict. */
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

/** Why a step without leaks is not as expected. */
export function unexpectedText({ unmet = [], expected, verdict }: StepResult): string {
  return unmet.length === 0
    ? `expected ${expected ?? 'nothing'}, was ${verdict ?? 'not judged'}`
    : `did not come true: ${unmet.map(({ claim }) => claim).join('; ')}`;
}

/** True if only known leaks leaked. */
export function isKnownOnly({ exitCode, steps }: Result): boolean {
  return exitCode === 0 && steps.some((step) => stepWord(step).text === 'KNOWN');
}

/** A run's word, by exit status first: an expected leak must not look like an alarm, nor the other way round. */
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

/** Figure of test/lab/sabotage for the version that judged. */
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

/** The word of several runs by their common exit status; `isExposed`: one is, by design. */
export function statusWord(status: number, allHold: boolean, isExposed: boolean): Word {
  switch (status) {
    case 0:
      if (isExposed) return { text: allHold ? 'HOLDS, EXPOSED' : 'EXPOSED', tint: 'yellow' };
      return { text: allHold ? 'HOLDS' : 'AS EXPECTED', tint: 'green' };
    case 2:
      return { text: 'BROKEN', tint: 'red' };
    case 4:
      return { text: 'NOT AS EXPECTED', tint: 'yellow' };
    case 64:
      return unendedWord;
    case 69:
      return { text: 'LACKS SOMETHING', tint: 'yellow' };
    case 70:
      return { text: 'FAULT', tint: 'red' };
    default:
      return { text: 'INCONCLUSIVE', tint: 'yellow' };
  }
}
