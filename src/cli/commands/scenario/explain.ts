import { classes, scenarioClasses } from '../../../core/probe/classes.js';
import { barrierCodes, barrierOf } from '../../../core/judge/explain/barriers.js';
import { isAuditId, isCauseCode, weaknesses, weaknessMeaning } from '../../../core/bridge/weaknesses.js';
import { isReasonCode, reasonHints } from '../../../core/model/reasons.js';
import { exitStatuses, usageError } from '../../../core/model/verify-error.js';
import { didYouMean } from '../../../core/scenario/yaml/nearest-word.js';
import { fold, foldAfter } from '../../../report/terminal/layout.js';
import {
  answerMeanings,
  carrierMeanings,
  cveMeanings,
  driftMeanings,
  expectationMeanings,
  noteMeanings,
  verdictMeanings,
} from './glossary.js';

const statusMeanings = Object.fromEntries(exitStatuses.map(({ status, long }) => [status, long]));

/** The most common kinds last. A finding may also be a cause. */
const kinds: readonly (readonly [string, readonly string[]])[] = [
  ['vulnerabilities', Object.keys(cveMeanings)],
  ['changes that a watch reports', Object.keys(driftMeanings)],
  ['notes before a run on a host', Object.keys(noteMeanings)],
  ['words of answers', Object.keys(answerMeanings)],
  ['carriers of probes', Object.keys(carrierMeanings)],
  ['classes of probes', scenarioClasses],
  ['barriers that keep frames from observers', barrierCodes],
  ['findings of the audit, causes of leaks', [...Object.keys(weaknesses), 'unexplained']],
  ['reasons why evidence does not carry a verdict', Object.keys(reasonHints)],
  ['expectations of a step', Object.keys(expectationMeanings)],
  ['exit statuses', Object.keys(statusMeanings)],
  ['verdicts', Object.keys(verdictMeanings)],
];

export const codes: readonly string[] = [...new Set(kinds.flatMap(([, list]) => list))];

const classMeanings = Object.fromEntries(Object.values(classes).map(({ name, meaning }) => [name, meaning]));

const words: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['a verdict', verdictMeanings],
  ['a word of an answer', answerMeanings],
  ['a word for what a step expects', expectationMeanings],
  ['a class of probes', classMeanings],
  ['a carrier of probes', carrierMeanings],
  ['a status with which this program ends', statusMeanings],
  ['a vulnerability', cveMeanings],
  ['a note before a run on a host, which changes no verdict', noteMeanings],
  ['a change that a watch reports', driftMeanings],
];

function barrierText(code: string): readonly string[] {
  const barrier = barrierOf(code);
  return barrier === null
    ? []
    : [
        `a barrier that keeps frames from an observer.\n  ${barrier.text[0]?.toUpperCase() ?? ''}${barrier.text.slice(1)}. Opened by ${barrier.opens}.`,
      ];
}

function weaknessText(code: string): string {
  if (!isAuditId(code)) return 'a cause of a leak';
  return isCauseCode(code) ? 'a finding of the audit, and the cause of a leak' : 'a finding of the audit';
}

/**
 * A code's meaning and remedy in `width` columns, or the codes that mention a word. Otherwise VerifyError (64) with the
 * nearest code.
 */
export function explainCode(typed: string, width = Infinity): string {
  const code = codes.includes(typed) ? typed : typed.toLowerCase().replaceAll(' ', '-');
  const parts = [
    ...(isReasonCode(code) ? [`a reason why evidence does not carry a verdict.\n  ${reasonHints[code]}`] : []),
    ...(isAuditId(code) || isCauseCode(code) ? [`${weaknessText(code)}.\n  ${weaknessMeaning(code)}`] : []),
    ...barrierText(code),
    ...words.flatMap(([what, meanings]) =>
      Object.hasOwn(meanings, code) ? [`${what}.\n  ${meanings[code] ?? ''}`] : [],
    ),
  ];
  if (parts.length === 0) return mentionsOf(typed, code, width);
  const lines = parts.flatMap((part) => `${code}: ${part}`.split('\n'));
  return `${lines.flatMap((line) => (line.startsWith('  ') ? foldAfter('  ', line.slice(2), width) : fold(line, width))).join('\n')}\n`;
}

function mentionsOf(typed: string, word: string, width: number): string {
  const named = codes.filter((code) => code.toLowerCase().split('-').includes(word));
  const [only] = named;
  if (only !== undefined && named.length === 1) return explainCode(only, width);
  const inText = new RegExp(`\\b${word.replaceAll(/[^a-z0-9]+/g, '.')}`, 'i');
  const found = word.length < 3 ? [] : codes.filter((code) => named.includes(code) || inText.test(explainCode(code)));
  if (found.length > 0) return `${typed} is not a code. These codes mention it:\n${listOf(found, width)}`;
  throw usageError(
    `${typed} is not a code of this program${didYouMean(word, codes)}`,
    'explain without a code lists them all',
  );
}

function listOf(list: readonly string[], width: number): string {
  const longest = Math.max(...list.map((code) => code.length));
  return list
    .flatMap((code) => foldAfter(`  ${code.padEnd(longest)}  `, glossOf(code), width))
    .map((line) => `${line}\n`)
    .join('');
}

function glossOf(code: string): string {
  const [, meaning = ''] = explainCode(code).split('\n');
  return /^.*?\.(?= |$)/.exec(meaning.trim())?.[0] ?? meaning.trim();
}

/** Every code by kind with a sentence, then verdicts and statuses. */
export function listCodes(width = Infinity): string {
  const tables = kinds.map(([kind, list]) => `${kind}:\n${listOf(list, width)}`);
  return `${tables.join('\n')}\nexplain WORD says what it means and what to do about it, as in: explain broken\n`;
}
