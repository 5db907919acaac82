import type { Result, StepResult } from '../../core/model/result.js';
import { expectedWord, stepWord, type Word } from '../word.js';
import { rankOfReason, zeroFrames } from './answer.js';
import { groupsOf } from './cause-stories.js';
import { countText, setText, someText } from '../../core/text/names.js';
import { nounFor } from '../../core/text/escape.js';

/** One or several consecutive steps with the same report. */
export interface Act {
  /** From 0. */
  readonly steps: readonly number[];
  readonly name: string;
  readonly word: Word;
  readonly expected: string;
  readonly asExpected: boolean;
  readonly texts: readonly string[];
}

const maxSingle = 6;

function overheardTexts(steps: readonly StepResult[], whyNotJudged: string): readonly string[] {
  const groups = steps.flatMap(groupsOf);
  const codes = [...new Set(steps.flatMap(({ reasons }) => reasons.map(({ code }) => code)))].sort(
    (a, b) => rankOfReason(a) - rankOfReason(b),
  );
  if (groups.length > 0) {
    const observers = [...new Set(groups.flatMap((group) => group.observers))];
    const seen = groups.reduce((sum, group) => sum + group.seen, 0);
    const overheard = `${countText(seen)} ${observers.length > 1 ? `${nounFor(seen, 'copy', 'copies')} ` : ''}overheard`;
    return [`${overheard} by ${setText(observers)}`, overheard];
  }
  if (codes.join() === 'dry-run') return ['nothing was sent'];
  if (codes.length > 0) return [setText(codes), someText(codes, 1)];
  if (steps.every(({ verdict }) => verdict === null)) return [`not judged: ${whyNotJudged}`, 'not judged'];
  const frames = zeroFrames(steps);
  return [frames === 0 ? 'nothing was to be overheard' : `0 of ${countText(frames)} overheard`];
}

function headOf(name: string): string {
  const at = name.lastIndexOf(', ');
  return at <= 0 ? name : name.slice(0, at);
}

function actOf(result: Result, steps: readonly number[], whyNotJudged: string): readonly Act[] {
  const ofAct = steps.flatMap((at) => result.steps[at] ?? []);
  const [first] = ofAct;
  if (first === undefined) return [];
  return [
    {
      steps,
      name: ofAct.length === 1 ? first.name : headOf(first.name),
      word: stepWord(first),
      expected: expectedWord(first),
      asExpected: first.asExpected,
      texts: overheardTexts(ofAct, whyNotJudged),
    },
  ];
}

/** One line for consecutive steps with the same outcome, in a long run. */
export function actsOf(result: Result, whyNotJudged = 'this run claims nothing here'): readonly Act[] {
  const { steps } = result;
  if (steps.length <= maxSingle) return steps.flatMap((_step, at) => actOf(result, [at], whyNotJudged));
  const rows: number[][] = [];
  steps.forEach((step, at) => {
    const last = rows.at(-1);
    const before = last === undefined ? undefined : steps[last[0] ?? 0];
    const isAlike =
      before !== undefined &&
      headOf(before.name) === headOf(step.name) &&
      headOf(step.name) !== step.name &&
      stepWord(before).text === stepWord(step).text &&
      before.expected === step.expected &&
      before.asExpected === step.asExpected;
    if (isAlike) last?.push(at);
    else rows.push([at]);
  });
  return rows.flatMap((row) => actOf(result, row, whyNotJudged));
}
