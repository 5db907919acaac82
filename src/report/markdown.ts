import type { Result } from '../core/model/result.js';
import { answerOf, standaloneSentence } from './answer/answer.js';
import type { CauseStory } from './answer/cause-stories.js';
import { exposureFix, exposuresOf } from './answer/exposures.js';
import { storyTextsOf } from './answer/alternatives.js';
import type { Audience } from './answer/participants.js';
import { counted, escapeText } from '../core/text/escape.js';
import { lingerText, notAskedTexts, trustedTexts } from './limits.js';
import type { ReportedRun, Reporter, View } from './reporter.js';
import { missingProof, type Reported } from './reported-leaks.js';
import { stepSeconds } from './reporter.js';
import { expectedWord, runWord, stepWord, unendedWord } from './word.js';

const maxLines = 50;

function list(title: string, reported: readonly Reported[]): readonly string[] {
  if (reported.length === 0) return [];
  return [
    '',
    `**${title}**`,
    '',
    ...reported.slice(0, maxLines).map(({ step, text }) => `- step ${step + 1}: ${plainMarkdown(text)}`),
    ...(reported.length > maxLines ? [`- and ${reported.length - maxLines} more, all of them in result.json`] : []),
  ];
}

const marks: Readonly<Record<string, string>> = {
  HOLDS: '✔',
  BROKEN: '✖',
  REPRODUCED: '◆',
  KNOWN: '≡',
  INCONCLUSIVE: '?',
};

/** A command as code: what would end it early, or act in a table, is not a part of a command that a cause makes. */
function code(text: string): string {
  return `<code>${plainMarkdown(text)}</code>`;
}

/** A cause, who hears whom, and what ends it. */
function storyMarkdown(story: CauseStory, audience: Audience): readonly string[] {
  const { phrase, steps, who, fixes, accepted } = storyTextsOf(story, audience);
  return [
    `- **${plainMarkdown(phrase)}**, ${steps}${story.failing ? '' : ` (${accepted === '' ? 'expected' : `accepted: ${plainMarkdown(accepted)}`})`}: ${plainMarkdown(who)}`,
    ...fixes.map(
      ({ command, price }, at) =>
        `  - ${at === 0 ? 'fix' : 'or'}: ${code(command)}${price === '' ? '' : `, ${plainMarkdown(price)}`}`,
    ),
  ];
}

function storyList(stories: readonly CauseStory[], audience: Audience): readonly string[] {
  if (stories.length === 0) return [];
  const more = stories.length - maxLines;
  return [
    '',
    '**Why it leaks**',
    '',
    ...stories.slice(0, maxLines).flatMap((story) => storyMarkdown(story, audience)),
    ...(more > 0 ? [`- and ${counted(more, 'more cause')}, all of them in result.json`] : []),
  ];
}

function exposedList(result: Result): readonly string[] {
  const lines = exposuresOf(result).map((exposure) => {
    const fix = exposureFix(exposure);
    return `- ${plainMarkdown(`${exposure.what}: ${exposure.allows}${fix === '' ? '' : `. Fix: ${fix}`}`)}`;
  });
  return lines.length === 0 ? [] : ['', '**Exposed, by the default settings of a bridge**', '', ...lines];
}

function limits(result: Result): readonly string[] {
  const trusted = trustedTexts(result);
  const until = lingerText(result);
  return [
    ...(trusted.length === 0
      ? []
      : ['', '**Trusted**', '', ...trusted.slice(0, maxLines).map((text) => `- ${plainMarkdown(text)}`)]),
    ...(until === null ? [] : ['', `It ${until}.`]),
    ...notAskedTexts(result).flatMap((text) => ['', `Not asked: ${plainMarkdown(text)}.`]),
  ];
}

function runLines(run: ReportedRun): readonly string[] {
  const { result, dir, details } = run;
  const answer = answerOf(run);
  const { stories, audience } = answer;
  const rows = result.steps.map((step, at) => {
    const word = stepWord(step).text;
    return `| ${at + 1} | ${plainMarkdown(step.name)} | ${marks[word] ?? ''} ${word} | ${expectedWord(step)}${step.asExpected ? '' : ' ≠'} | ${stepSeconds(details, at)?.toFixed(1) ?? '–'} s |`;
  });
  const sumOf = (pick: (observer: Result['steps'][number]['observers'][number]) => number): number =>
    result.steps.flatMap((step) => step.observers).reduce((total, observer) => total + pick(observer), 0);
  return [
    `## ${runWord(result).text}: ${plainMarkdown(result.scenario.name)}`,
    '',
    plainMarkdown(standaloneSentence(answer)),
    '',
    '| step | claim | the wire showed | expected | time |',
    '| ---: | --- | --- | --- | ---: |',
    ...rows,
    ...storyList(stories, audience),
    ...exposedList(result),
    ...list('Not proven', missingProof(result)),
    ...limits(result),
    '',
    `${result.coverage.observed} of ${counted(result.coverage.ports, 'port')} observed, ${sumOf((observer) => observer.controlsSeen)} of ${sumOf((observer) => observer.controlsSent)} controls seen, ${sumOf((observer) => observer.dropped)} of ${sumOf((observer) => observer.received)} frames dropped. Run ${plainMarkdown(result.run.id)}${dir === null ? '' : `, evidence in ${plainMarkdown(dir)}`}.`,
  ];
}

/** For comments and job summaries. */
export const markdownReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  `${[
    ...runs.map((run) => runLines(run).join('\n')),
    ...unended.map(({ name, why }) => `## ${unendedWord.text}: ${plainMarkdown(name)}\n\n${plainMarkdown(why)}`),
  ].join('\n\n')}\n`;

/** Text inside Markdown: no mark of it, no HTML and no mention of somebody acts. */
export function plainMarkdown(text: string): string {
  return escapeText(text).replace(/[\\`*_{}[\]()#+!|~<>&@$:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
