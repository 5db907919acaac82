import { counted, escapeText, nounFor, quoteForShell } from '../../core/text/escape.js';
import { notBeyond } from '../../core/discover/whole/probes.js';
import type { Result } from '../../core/model/result.js';
import { notExamined } from '../../core/model/run-record.js';
import { exitStatuses } from '../../core/model/verify-error.js';
import { probeClasses } from '../../core/probe/classes.js';
import type { PersistentFix } from '../../core/model/fix.js';
import { alternativesOf, commandsLine, priceText } from '../answer/alternatives.js';
import { type Answer, answerOf, holdLimits } from '../answer/answer.js';
import { exposedText, exposedWord, exposuresOf } from '../answer/exposures.js';
import { countText, listText, someText } from '../../core/text/names.js';
import { lingerText, notAskedInShort, notAskedTexts, askedRulesText, trustedTexts } from '../limits.js';
import type { ReportedRun, View } from '../reporter.js';
import { statusWord, unendedWord } from '../word.js';
import { cut, foldAfter, padEnd, type Paint, widthOf } from './layout.js';

function statusText(status: number): string {
  const known = exitStatuses.find((exit) => exit.status === status);
  return `exit status ${status}${known === undefined ? '' : `: ${known.short}`}`;
}

const maxSentence = 4;

function verdictText(answer: Answer, result: Result, width: number, paint: Paint): readonly string[] {
  const { word, sentence } = answer;
  const { limits, joint } = holdLimits(result);
  const complete = foldAfter(`${word.text}${limits === '' ? ': ' : joint}`, escapeText(sentence), width);
  const exposed = exposedText(result);
  const end = exposed === '' ? '…' : `… ${exposed}`;
  const isLong = complete.length > maxSentence;
  const last = cut(complete[maxSentence - 1] ?? '', width - widthOf(end) - 1);
  const lines = isLong ? [...complete.slice(0, maxSentence - 1), `${last} ${end}`] : complete;
  const [first = '', ...others] = lines;
  return [paint(word.text, 'bold', word.tint) + first.slice(word.text.length), ...others];
}

const maxTrust = 3;

function trustLines({ steps }: Result): readonly string[] {
  const names = [...new Set(steps.flatMap(({ untrusted = [] }) => untrusted.map(({ trust }) => trust)))];
  const shown = names.slice(0, maxTrust).map((name) => `--trust ${quoteForShell(escapeText(name))}`);
  const remaining = names.length - shown.length;
  const more = remaining === 0 ? [] : [`and ${countText(remaining)} more: "untrusted" in result.json`];
  return names.length === 0
    ? []
    : [`${counted(names.length, 'open matter')}: end it, or answer for it with`, ...shown, ...more].map(
        (text) => `  ${'trust'.padEnd(8)}${text}`,
      );
}

function closeLines(result: Result, paint: Paint): readonly string[] {
  const [first] = exposuresOf(result).filter(({ fixes }) => fixes.length > 0);
  if (first === undefined) return [];
  const cost = first.cost === '' ? '' : `; costs: ${first.cost}`;
  return [
    `  ${'fix'.padEnd(8)}${paint(escapeText(commandsLine(first.fixes)), 'bold')}`,
    `${priceIndent}${escapeText(`ends: ${first.what}${cost}`)}`,
  ];
}

function fixLines(answer: Answer, result: Result, trust: readonly string[], paint: Paint): readonly string[] {
  const { fix, reasons, stories, word } = answer;
  if (word.text === 'INCONCLUSIVE' || word.text === 'NOT READY')
    return reasons[0]?.hint === undefined ? [] : [`  ${'to do'.padEnd(8)}${escapeText(reasons[0].hint)}`, ...trust];
  if (fix === null) {
    if (stories.flatMap(alternativesOf).some(({ cutsOff, commands }) => cutsOff && commands.length > 0))
      return [`  ${'fix'.padEnd(8)}none that cuts no guests off; --verbose shows those that do, and their price`];
    // An exposure's fix does not end the leak
    return word.text === 'BROKEN'
      ? [`  ${'fix'.padEnd(8)}no command is known that ends it`]
      : closeLines(result, paint);
  }
  const price = [...(fix.ends === null ? [] : [`ends another cause: ${fix.ends}`]), priceText(fix)]
    .filter((text) => text !== '')
    .join('; ');
  return [
    `  ${'fix'.padEnd(8)}${paint(escapeText(commandsLine(fix.commands)), 'bold')}`,
    ...(price === '' ? [] : [`${priceIndent}${escapeText(price)}`]),
    ...persistentLine(fix.persistent),
  ];
}

function persistentLine(persistent: readonly PersistentFix[]): readonly string[] {
  const known = persistent.find(({ where }) => where !== '');
  if (known === undefined) return [];
  const form = known.form.trim();
  const what = form === '' || form.includes('\n') ? '' : `: ${form}`;
  return [`  ${'to last'.padEnd(8)}${escapeText(`${known.where} (${known.by})${what}`)}`];
}

function limitLines(result: ReportedRun['result'], width: number): readonly string[] {
  const [trusted, ...more] = trustedTexts(result);
  const until = lingerText(result);
  const rules = askedRulesText(result);
  return [
    ...(rules === null ? [] : foldAfter(`  ${'rules'.padEnd(8)}`, escapeText(rules.replace(/^rules: /, '')), width)),
    ...(trusted === undefined
      ? []
      : [
          cut(
            `  ${'trusted'.padEnd(8)}${more.length === 0 ? '' : `(1 of ${countText(more.length + 1)}) `}${escapeText(trusted)}`,
            width,
          ),
        ]),
    ...(until === null ? [] : [`  ${'until'.padEnd(8)}${until}`]),
  ];
}

function evidenceLine({ dir, result, capture: name }: ReportedRun, command: string): readonly string[] {
  if (dir === null) return [];
  const leaks = result.steps.some(({ findings }) => findings.some(({ leak }) => leak));
  const capture = result.evidence.files.find(({ path }) => path === 'evidence.pcapng');
  if (!leaks || capture === undefined)
    return [`  ${'again'.padEnd(8)}${escapeText(command)} replay ${quoteForShell(escapeText(dir))}`];
  const path = quoteForShell(escapeText(`${dir}/${name ?? capture.path}`));
  return [`  ${'frames'.padEnd(8)}wireshark -Y 'frame.comment contains "LEAK"' ${path}`];
}

const manyClasses = 4;

interface NotAsked {
  readonly text: string;
  readonly short: string;
}

function classesNotAsked({ result }: ReportedRun): readonly NotAsked[] {
  if (result.calibration === undefined) return [];
  const tested = new Set(result.steps.flatMap(({ findings }) => findings.map((row) => row.class)));
  if (tested.size < manyClasses) return [];
  const remaining = probeClasses.filter((name) => !tested.has(name));
  const some = someText(remaining, 1, 0, `more ${nounFor(remaining.length - 1, 'class', 'classes')}`);
  const short = counted(remaining.length, 'class', 'classes');
  return remaining.length === 0 ? [] : [{ text: `${some}: ask by run --class NAME`, short }];
}

function notAskedBeyond({ result, details }: ReportedRun): readonly NotAsked[] {
  if (result.calibration === undefined || details === null) return [];
  const { endpoints } = details.plan;
  const bridgeOf = new Map(endpoints.map(({ name, bridge }) => [name, bridge]));
  const rows = result.steps.flatMap(({ findings }) => findings);
  const askedOn = (bridge?: string): ReadonlySet<string> =>
    new Set(rows.flatMap((row) => (bridge === undefined || bridgeOf.get(row.from) === bridge ? [row.class] : [])));
  return endpoints.flatMap(({ name: uplink, role, bridge }) => {
    if (role !== 'uplink') return [];
    const remaining = notBeyond.filter((name) => askedOn().has(name) && !askedOn(bridge).has(name));
    const text = `${listText(remaining)} on ${bridge}: a switch beyond ${uplink} would learn wrong addresses; run --class NAME`;
    const short = `${counted(remaining.length, 'class', 'classes')} on ${bridge}`;
    return remaining.length === 0 ? [] : [{ text: escapeText(text), short: escapeText(short) }];
  });
}

const notAskedLabel = '  not asked  ';
const priceIndent = ' '.repeat(10);

const maxNotAsked = 2;

function notAskedLines(run: ReportedRun, { verbose }: View, width: number): readonly string[] {
  const classesLeft = [...notAskedBeyond(run), ...classesNotAsked(run)];
  const texts = [...notAskedTexts(run.result).map(escapeText), ...classesLeft.map(({ text }) => text)];
  const lines = texts.flatMap((text) => foldAfter(notAskedLabel, text, width));
  if (verbose === true || lines.length <= maxNotAsked) return lines;
  const packets = notAskedInShort(run.result);
  const parts = [...(packets === null ? [] : [packets]), ...classesLeft.map(({ short }) => short)];
  return foldAfter(notAskedLabel, `${parts.join(', ')}: see --verbose`, width);
}

function besideLine({ precheck = [] }: Result, width: number): readonly string[] {
  const remaining = precheck.filter(({ code }) => code === notExamined);
  const [first] = remaining;
  if (first === undefined) return [];
  const more = remaining.length === 1 ? '' : ` (and ${countText(remaining.length - 1)} more)`;
  return [cut(`  ${'beside'.padEnd(8)}not examined${more}: ${escapeText(`${first.place}, ${first.value}`)}`, width)];
}

/** Verdict, best fix, further reading and exit status. */
export function closingLines(run: ReportedRun, view: View, width: number, paint: Paint): readonly string[] {
  const { page, result } = run;
  const status = (view.brief === true ? view.status : undefined) ?? run.status ?? result.exitCode;
  const answer = answerOf(run);
  const lines = [
    ...limitLines(result, width),
    ...fixLines(answer, result, trustLines(result), paint),
    ...(page === undefined ? [] : [`  ${'report'.padEnd(8)}${escapeText(page)}`]),
    ...evidenceLine(run, view.command ?? 'verify-isolation'),
  ];
  return [
    ...verdictText(answer, result, width, paint),
    ...lines.flatMap((line) => {
      const head = proseLabels.find((label) => line.startsWith(label));
      return head === undefined ? [line] : foldAfter(head, line.slice(head.length), width);
    }),
    ...notAskedLines(run, view, width),
    ...besideLine(result, width),
    `  ${statusText(status)}; it took ${(result.run.durationMs / 1000).toFixed(1)} s`,
  ];
}

const proseLabels = ['  to do   ', priceIndent] as const;

function countsText(words: readonly string[], exposed: number): string {
  return [
    ...[...new Set(words)].map((word) => `${countText(words.filter((text) => text === word).length)} ${word}`),
    ...(exposed === 0 ? [] : [`of these ${counted(exposed, 'is EXPOSED', 'are EXPOSED')}`]),
  ].join(', ');
}

/** A line each, and counts of verdicts. */
export function sumLines(
  runs: readonly ReportedRun[],
  { status, unended = [] }: View,
  width: number,
  paint: Paint,
): readonly string[] {
  const answers = [
    ...runs.map((run) => {
      const shown = exposedWord(run.result);
      return { name: run.result.scenario.name, ...answerOf(run), shown };
    }),
    ...unended.map(({ name, why }) => ({ name, word: unendedWord, shown: unendedWord, sentence: why })),
  ];
  const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(widthOf));
  const wordWidth = longest(answers.map(({ shown }) => shown.text));
  const names = answers.map(({ name }) => escapeText(name));
  const nameWidth = Math.min(longest(names), Math.floor(width * 0.35));
  const words = answers.map(({ word }) => word.text);
  const exposed = answers.filter(({ word, shown }) => shown.text !== word.text).length;
  const isAllHeld = words.every((word) => word === 'HOLDS');
  const overall = status === undefined ? '' : `${statusWord(status, isAllHeld, exposed > 0).text}: `;
  return [
    ...answers.map(({ shown, sentence }, at) => {
      const name = padEnd(cut(names[at] ?? '', nameWidth), nameWidth);
      const room = width - wordWidth - nameWidth - 4;
      return `${paint(padEnd(shown.text, wordWidth), 'bold', shown.tint)}  ${name}  ${cut(escapeText(sentence), room)}`;
    }),
    `${overall}${countText(answers.length)} ${nounFor(answers.length, 'run')}: ${countsText(words, exposed)}${status === undefined ? '' : `; ${statusText(status)}`}`,
  ];
}
