import type { Result } from '../../core/model/result.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { type Act, actsOf } from '../answer/act-lines.js';
import { alternativesOf, commandsLine, priceText, storyPhrase } from '../answer/alternatives.js';
import { type Answer, answerOf, holdLimits } from '../answer/answer.js';
import type { CauseStory } from '../answer/cause-stories.js';
import { type Exposure, exposedWord, exposuresOf, isFixedAbove } from '../answer/exposures.js';
import { whoText } from '../answer/participants.js';
import { countText, listText, setText, stepsText } from '../../core/text/names.js';
import type { ReportedRun, View } from '../reporter.js';
import { heldStories, reachTexts } from '../stories.js';
import { summary } from '../word.js';
import { severityWords } from './audit-details.js';
import { closingLines } from './closing.js';
import {
  cut,
  firstThatFits,
  firstWhole,
  fitting,
  foldAfter,
  heightOf,
  padEnd,
  padStart,
  type Paint,
  widthOf,
} from './layout.js';
import { boundText } from '../answer/proof.js';

/** The answer and the prompt fit 24 lines. */
export const maxLines = 23;

const maxOfPipe = 60;

function linesOf({ height, uncut }: View): number {
  if (uncut === true) return maxOfPipe;
  return height === undefined ? maxLines : Math.min(Math.max(height - 1, maxLines), maxOfPipe);
}

interface Priced {
  readonly commands: readonly string[];
  readonly price: string;
}

/** Commands are not folded, to be copied. */
function pricedLines({ commands, price }: Priced, head: string, width: number, paint: Paint): readonly string[] {
  return [
    `     ${head}  ${paint(escapeText(commandsLine(commands)), 'bold')}`,
    ...(price === '' ? [] : foldAfter('          ', escapeText(price), width)),
  ];
}

interface StoryLines {
  readonly phrase: readonly string[];
  readonly lines: readonly string[];
  readonly alternatives: readonly (readonly string[])[];
}

const maxAlternatives = 3;

function storyLines(story: CauseStory, { audience, fix: advised }: Answer, width: number, paint: Paint): StoryLines {
  const { accepted } = story.group;
  const fixes = alternativesOf(story).filter(({ commands }) => commands.length > 0);
  const note = accepted === undefined ? '' : ` Accepted: ${accepted.reason}.`;
  const phrase = foldAfter(
    '  ',
    escapeText(
      `${severityWords[story.severity]}  ${storyPhrase(story)}, ${stepsText(story.steps)}${story.failing ? '' : ' (expected)'}`,
    ),
    width,
  ).map((line) => paint(line, 'bold'));
  // the last lines of the report say it with its price
  const isSaidBelow = fixes.length === 1 && fixes[0]?.commands.join('\n') === advised?.commands.join('\n');
  return {
    phrase,
    lines: [...phrase, ...foldAfter('     ', escapeText(`${whoText(story.group, audience)}.${note}`), width)],
    alternatives: (isSaidBelow ? [] : fixes)
      .slice(0, maxAlternatives)
      .map((fix, at) =>
        pricedLines({ commands: fix.commands, price: priceText(fix) }, at === 0 ? 'fix' : 'or ', width, paint),
      ),
  };
}

/** The first cause gets its observers last: the last sentence names them. */
function whyLines(answer: Answer, room: number, width: number, paint: Paint): readonly string[] {
  const stories = answer.stories.map((story) => storyLines(story, answer, width, paint));
  const blocks = stories.map(({ phrase }) => phrase);
  const put = (at: number, block: readonly string[]): boolean => {
    const isFitting = heightOf(blocks.with(at, block).flat(), width) <= room - 1;
    if (isFitting) blocks[at] = block;
    return isFitting;
  };
  const order = stories.map((_, at) => (at + 1) % stories.length);
  const isWhole = order.every((at) => put(at, stories[at]?.lines ?? [])) || stories.length === 1;
  for (const [at, { alternatives }] of isWhole ? stories.entries() : [])
    for (const more of alternatives) if (!put(at, [...(blocks[at] ?? []), ...more])) break;
  const { lines, remaining } = fitting(blocks, room - 1, width);
  return [
    paint('Why', 'bold'),
    ...lines,
    ...(remaining === 0 ? [] : [`  and ${counted(remaining, 'more cause')}: --verbose shows them`]),
  ];
}

function reasonLines({ reasons }: Answer, room: number, width: number, paint: Paint): readonly string[] {
  const blocksOf = (more: (text: string) => string): readonly (readonly string[])[] =>
    reasons.map(({ code, observers, steps, text }) => {
      const where = observers.length === 0 ? '' : ` at ${setText(observers)}`;
      return foldAfter('  ', escapeText(`${code}${where}, ${stepsText(steps)}${more(text)}`), width);
    });
  const blocks = firstWhole([blocksOf((text) => `: ${text}`), blocksOf(() => '')], room - 1, width);
  const { lines, remaining } = fitting(blocks, room - 1, width);
  return [
    paint('Not proven', 'bold', 'yellow'),
    ...lines,
    ...(remaining === 0 ? [] : [`  and ${remaining} more: --verbose shows them`]),
  ];
}

function heldLines(result: Result, room: number, width: number, paint: Paint): readonly string[] {
  const byBarrier = new Map<string, { classes: Set<string>; steps: Set<number>; opens: Set<string> }>();
  for (const { steps, story } of heldStories(result)) {
    const verb = story.barriers.length === 1 ? 'stops' : 'stop';
    const names = `${listText(story.barriers.map(({ code }) => code))}${story.alone ? ' alone' : ''}`;
    const key = names === 'unexplained alone' ? 'no known barrier stops' : `${names} ${verb}`;
    const known = byBarrier.get(key) ?? { classes: new Set(), steps: new Set(), opens: new Set() };
    known.classes.add(story.class);
    for (const step of steps) known.steps.add(step);
    for (const { opens } of story.alone ? story.barriers : []) known.opens.add(opens);
    byBarrier.set(key, known);
  }
  const bound = boundText(result);
  const blocksOf = (opening: (opens: ReadonlySet<string>) => string): readonly (readonly string[])[] =>
    [...byBarrier].map(([barrier, { classes, opens }]) =>
      foldAfter('  ', escapeText(`${barrier} ${setText([...classes])}${opening(opens)}`), width),
    );
  const complete = blocksOf((opens) =>
    opens.size === 0 ? '' : `; opened by ${[...opens][0] ?? ''}`.replace('opened by unknown: ', ''),
  );
  const blocks = firstWhole([complete, blocksOf(() => '')], room - 1, width);
  const folded = bound === null ? [] : foldAfter('  ', bound, width);
  if (blocks.length + folded.length === 0 || room < 3) return [];
  // A heading, one barrier and a line for the others stand before the bound
  const bounds = 2 + heightOf(blocks[0] ?? [], width) + folded.length <= room ? folded : [];
  const { lines, remaining } = fitting(blocks, room - 1 - bounds.length, width);
  return [
    paint('Why it holds', 'bold'),
    ...lines,
    ...(remaining === 0 ? [] : [`  and ${remaining} more: --verbose shows them`]),
    ...bounds,
  ];
}

function actLine(act: Act, nameWidth: number, width: number, paint: Paint): string {
  const numbers =
    act.steps.length === 1 ? `${(act.steps[0] ?? 0) + 1}` : `${(act.steps[0] ?? 0) + 1}-${(act.steps.at(-1) ?? 0) + 1}`;
  const [start = ''] = [cut(escapeText(act.name), nameWidth)];
  const head = `${padStart(numbers, 5)}  ${padEnd(start, nameWidth)}  `;
  const room = width - widthOf(head) - 14;
  // INCONCLUSIVE is never expected, and says so itself
  const expected =
    act.asExpected || ['INCONCLUSIVE', 'READY'].includes(act.word.text)
      ? ''
      : `≠ expected ${escapeText(act.expected)}; `;
  const text = firstThatFits(
    act.texts.map((said) => `${expected}${escapeText(said)}`),
    room,
  );
  return `${head}${paint(padEnd(act.word.text, 12), 'bold', act.word.tint)}  ${text}`;
}

function actLines(
  { steps }: Result,
  acts: readonly Act[],
  room: number,
  width: number,
  paint: Paint,
): readonly string[] {
  const nameWidth = Math.min(
    Math.max(4, ...acts.map(({ name }) => widthOf(escapeText(name)))),
    Math.floor(width * 0.4),
  );
  const fits = acts.length + 1 <= room;
  const sorted = fits ? acts : [...acts].sort((a, b) => Number(a.asExpected) - Number(b.asExpected));
  const shown = fits ? sorted : sorted.slice(0, Math.max(1, room - 2));
  const remaining = acts.length - shown.length;
  return [
    paint(acts.length === steps.length ? 'Steps' : 'Acts', 'bold'),
    ...shown.map((act) => actLine(act, nameWidth, width, paint)),
    ...(remaining === 0
      ? []
      : [
          `       and ${remaining} more${acts.some(({ asExpected }) => !asExpected) && shown.some(({ asExpected }) => asExpected) ? ', all as expected' : ''}: --verbose shows them`,
        ]),
  ];
}

function leadLines({ result }: ReportedRun, width: number, paint: Paint): readonly string[] {
  const word = exposedWord(result);
  const { limits, joint } = holdLimits(result);
  const [first = '', ...others] = foldAfter(
    `${word.text}${limits === '' ? '  ' : joint}`,
    `${limits === '' ? '' : `${escapeText(limits)}. `}${escapeText(result.scenario.name)}: ${summary(result)}`,
    width,
  );
  return [paint(word.text, 'bold', word.tint) + first.slice(word.text.length), ...others];
}

const leastActs = 4;

function whyOf({ result }: ReportedRun, answer: Answer, room: number, width: number, paint: Paint): readonly string[] {
  const leaks = answer.stories.length > 0;
  if (answer.reasons.length > 0 && (!leaks || ![0, 2].includes(result.exitCode)))
    return reasonLines(answer, room, width, paint);
  if (!leaks) return heldLines(result, room, width, paint);
  const [first, ...more] = reachTexts(result);
  const others = more.length === 0 ? '' : ` (and ${counted(more.length, 'more device')}: --verbose)`;
  const reached = first === undefined ? [] : foldAfter('  ', escapeText(`${first}${others}`), width);
  return [...whyLines(answer, room - heightOf(reached, width), width, paint), ...reached];
}

function exposureLines(result: Result, room: number, width: number, paint: Paint): readonly string[] {
  const exposures = exposuresOf(result);
  if (exposures.length === 0 || room < 2) return [];
  const fixLines = (exposure: Exposure): readonly string[] => {
    if (exposure.fixes.length === 0) return [];
    if (isFixedAbove(exposure, exposures)) return ['     fix  as above'];
    const price = exposure.cost === '' ? '' : `costs: ${exposure.cost}`;
    return pricedLines({ commands: exposure.fixes, price }, 'fix', width, paint);
  };
  const complete = exposures.map((exposure) => [
    ...foldAfter('  ', escapeText(`${exposure.what}: ${exposure.allows}`), width),
    ...fixLines(exposure),
  ]);
  const blocks =
    heightOf(complete.flat(), width) < room
      ? complete
      : exposures.map(({ what }, at) => (at < room ? [cut(`  ${escapeText(what)}`, width)] : []));
  const { lines, remaining } = fitting(blocks, room - 1, width);
  return [
    paint('EXPOSED, by the default settings of a bridge (--strict: BROKEN)', 'bold', 'yellow'),
    ...lines,
    ...(remaining === 0 ? [] : [`  and ${remaining} more: --verbose shows them`]),
  ];
}

function keptForExposures(result: Result, room: number): number {
  const { length } = exposuresOf(result);
  if (length === 0) return 0;
  return result.exitCode === 0 ? Math.min(length + 1, room - 3) : 1;
}

function exposedBeside(result: Result, room: number, width: number, paint: Paint): readonly string[] {
  if (result.exitCode === 0) return exposureLines(result, room, width, paint);
  const names = exposuresOf(result).map(({ what }) => what);
  if (names.length === 0) return [];
  const texts = names.map((_, at) => {
    const shown = names.slice(0, names.length - at).join(', ');
    return `EXPOSED: ${shown}${at === 0 ? '' : `, and ${countText(at)} more`}`;
  });
  return [firstThatFits(texts, width)];
}

/** A run in the terminal's lines, at least 24, with the verdict and commands last. */
export function shortReport(run: ReportedRun, view: View, width: number, paint: Paint): readonly string[] {
  const { result } = run;
  const answer = answerOf(run);
  const lead = leadLines(run, width, paint);
  const closing = closingLines(run, view, width, paint);
  const room = linesOf(view) - heightOf(lead, width) - heightOf(closing, width) - 2;
  const acts = actsOf(result, view.whyNotJudged);
  const actsHeight = Math.min(acts.length + 1, Math.max(leastActs, Math.ceil(room / 2)));
  const rest = room - actsHeight;
  const reserved = keptForExposures(result, rest);
  const because = whyOf(run, answer, rest - reserved, width, paint);
  const why = [...because, ...exposedBeside(result, rest - heightOf(because, width), width, paint)];
  const rows = actLines(result, acts, room - heightOf(why, width), view.uncut === true ? Infinity : width, paint);
  return [...lead, ...why, '', ...rows, '', ...closing];
}
