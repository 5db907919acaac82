import type { Result } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { beforeAfterText, fixStories, outcomeWords } from '../stories.js';
import { foldAfter, type Paint } from './layout.js';

/**
 * What became of the fixes that were tried: frames leaked before → after, and the commands to paste; nothing where none
 * was.
 */
export function terminalFixes(result: Result, width: number, paint: Paint): readonly string[] {
  const stories = fixStories(result);
  if (stories.length === 0) return [];
  return [
    paint('Fixes that were tried in the lab: frames leaked before → after', 'bold'),
    ...stories.flatMap(({ step, fix }) => [
      ...foldAfter(
        `  step ${step + 1}  `,
        escapeText(`${beforeAfterText(fix)}  ${outcomeWords[fix.outcome]}  ${fix.cause}: ${fix.text}`),
        width,
      ),
      ...fix.commands.map((command) => `          ${escapeText(command)}`),
    ]),
    '',
  ];
}
