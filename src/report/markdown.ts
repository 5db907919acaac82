import { exposedWord } from './answer/exposures.js';
import type { Result } from '../core/model/result.js';
import { counted, escapeText } from '../core/text/escape.js';
import { answerOf, standaloneSentence } from './answer/answer.js';
import { limitFacts } from './answer/proof.js';
import { outcomeSections } from './answer/sections.js';
import { type Block, type Fact, factsOf, plainText, type Text } from './document.js';
import { askedRulesText } from './limits.js';
import type { ReportedRun, Reporter, View } from './reporter.js';
import { unendedWord } from './word.js';

const marks: Readonly<Record<string, string>> = {
  HOLDS: '✔',
  BROKEN: '✖',
  REPRODUCED: '◆',
  KNOWN: '≡',
  INCONCLUSIVE: '?',
};

function textMarkdown(text: Text): string {
  if (typeof text === 'string') return plainMarkdown(text);
  const parts = text.map((part) => {
    if (typeof part === 'string') return plainMarkdown(part);
    // What would end a command early, or act in a table, is not a part of it.
    if ('code' in part) return `<code>${plainMarkdown(part.code)}</code>`;
    return `${marks[part.text] ?? ''} ${plainMarkdown(part.text)}`.trim();
  });
  return parts.join('');
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function blockMarkdown(block: Block, indent: string): readonly string[] {
  switch (block.kind) {
    case 'heading':
      return ['', `${indent}**${plainMarkdown(block.text)}**`, ''];
    case 'sentence':
      return [`${indent}- ${textMarkdown(block.text)}`];
    case 'facts':
      return block.facts.map(([name, text]) => `${indent}- ${plainMarkdown(name)}: ${textMarkdown(text)}`);
    case 'table':
      return [block.columns, block.columns.map(() => '---'), ...block.rows.map((row) => row.map(textMarkdown))].map(
        tableRow,
      );
    case 'item':
      return [
        `${indent}- **${plainMarkdown(plainText(block.title))}**`,
        ...block.blocks.flatMap((part) => blockMarkdown(part, `${indent}  `)),
      ];
    case 'code':
      return `<pre>${block.text.split('\n').map(plainMarkdown).join('\n')}</pre>`
        .split('\n')
        .map((line) => `${indent}  ${line}`);
    case 'picture':
      return [];
  }
}

/** Omits rules' words: they are a host's firewall. */
function besideFacts({ precheck = [], coverage: { unobserved } }: Result): readonly Fact[] {
  return [
    ...precheck.map(({ code, place, text }): Fact => ['beside', `${code}: ${place}: ${text}`]),
    ...unobserved.map(({ port, reason }): Fact => ['not observed', `${port}: ${reason}`]),
  ];
}

const shown = new Set(['causes', 'exposed', 'claims', 'reasons']);

function runLines(run: ReportedRun): readonly string[] {
  const { result, dir } = run;
  const answer = answerOf(run);
  const sumOf = (pick: (observer: Result['steps'][number]['observers'][number]) => number): number =>
    result.steps.flatMap((step) => step.observers).reduce((total, observer) => total + pick(observer), 0);
  const sections = outcomeSections(run, answer).filter(({ id }) => shown.has(id));
  const rules = askedRulesText(result, true);
  return [
    `## ${exposedWord(result).text}: ${plainMarkdown(result.scenario.name)}`,
    '',
    plainMarkdown(standaloneSentence(answer)),
    ...sections.flatMap(({ title, blocks }) => [
      '',
      `**${plainMarkdown(title)}**`,
      '',
      ...blocks.flatMap((block) => blockMarkdown(block, '')),
    ]),
    '',
    ...factsOf([...limitFacts(result), ...besideFacts(result)]).flatMap((block) => [...blockMarkdown(block, ''), '']),
    ...(rules === null ? [] : [`${plainMarkdown(rules)}.`, '']),
    `${result.coverage.observed} of ${counted(result.coverage.ports, 'port')} observed, ${sumOf((observer) => observer.controlsSeen)} of ${sumOf((observer) => observer.controlsSent)} controls seen, ${sumOf((observer) => observer.dropped)} of ${sumOf((observer) => observer.received)} frames dropped. Run ${plainMarkdown(result.run.id)}${dir === null ? '' : `, evidence in ${plainMarkdown(dir)}`}.`,
  ];
}

/** For comments and job summaries. */
export const markdownReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string =>
  `${[
    ...runs.map((run) => runLines(run).join('\n')),
    ...unended.map(({ name, why }) => `## ${unendedWord.text}: ${plainMarkdown(name)}\n\n${plainMarkdown(why)}`),
  ].join('\n\n')}\n`;

/** No mark, HTML or mention acts. */
export function plainMarkdown(text: string): string {
  return escapeText(text).replace(/[\\`*_{}[\]()#+!|~<>&@$:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
