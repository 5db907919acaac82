import { escapeText } from '../../core/text/escape.js';
import { answerOf } from '../answer/answer.js';
import { countText } from '../answer/names.js';
import type { ReportedRun, View } from '../reporter.js';
import { statusText } from './closing.js';
import { cut, type Paint, padEnd, widthOf } from './layout.js';

/** What several runs came to: a line each, and how many of which verdict. */
export function sumLines(
  runs: readonly ReportedRun[],
  { status }: View,
  width: number,
  paint: Paint,
): readonly string[] {
  const answers = runs.map((run) => ({ run, answer: answerOf(run) }));
  const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(widthOf));
  const wordWidth = longest(answers.map(({ answer }) => answer.word.text));
  const names = runs.map(({ result }) => escapeText(result.scenario.name));
  const nameWidth = Math.min(longest(names), Math.floor(width * 0.35));
  const words = [...new Set(answers.map(({ answer }) => answer.word.text))];
  const counts = words.map(
    (word) => `${countText(answers.filter(({ answer }) => answer.word.text === word).length)} ${word}`,
  );
  return [
    ...answers.map(({ answer: { word, sentence } }, at) => {
      const name = padEnd(cut(names[at] ?? '', nameWidth), nameWidth);
      const room = width - wordWidth - nameWidth - 4;
      return `${paint(padEnd(word.text, wordWidth), 'bold', word.tint)}  ${name}  ${cut(escapeText(sentence), room)}`;
    }),
    `${countText(runs.length)} runs: ${counts.join(', ')}${status === undefined ? '' : `; ${statusText(status)}`}`,
  ];
}
