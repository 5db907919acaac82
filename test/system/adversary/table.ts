import { release } from 'node:os';
import type { Judged, Outcome } from './outcome.js';
import { isLack, itemOfCase, outcomeOf } from './outcome.js';
import { nameOf } from './attack.js';
import type { SoundAnswer } from './sound-hosts.js';

/** The outcome of a case with its verdict: broken and inconclusive can both be as expected. */
const columns = ['BROKEN', 'inconclusive as due', 'inconclusive', 'HOLDS', 'no leak', 'deaf', 'not available'] as const;
type Column = (typeof columns)[number];

const columnOfOutcome: Readonly<Record<Exclude<Outcome, 'found'>, Column>> = {
  undecided: 'inconclusive',
  'false holds': 'HOLDS',
  'no leak': 'no leak',
  deaf: 'deaf',
  'not available': 'not available',
};

function columnOf(judged: Judged): Column {
  const outcome = outcomeOf(judged);
  if (outcome !== 'found') return columnOfOutcome[outcome];
  return judged.verdict === 'broken' ? 'BROKEN' : 'inconclusive as due';
}

const caseName = (judged: Judged): string => `${judged.provider}: ${nameOf(judged.attack)}`;

/** What was counted of the cases of one row. */
type Counts = Record<Column, number>;

const none = (): Counts => ({
  BROKEN: 0,
  'inconclusive as due': 0,
  inconclusive: 0,
  HOLDS: 0,
  'no leak': 0,
  deaf: 0,
  'not available': 0,
});

/** A table of verdicts by kind of leak, as Markdown, with date, machine and seed. */
export function tableOf(cases: readonly Judged[], about: { readonly date: string; readonly seed: number }): string {
  const rows = new Map<string, Counts>();
  const totals = none();
  for (const judged of cases) {
    const { kind } = judged.attack;
    const counts = rows.get(kind) ?? none();
    const column = columnOf(judged);
    counts[column] += 1;
    totals[column] += 1;
    rows.set(kind, counts);
  }
  const cells = (counts: Counts): string => columns.map((column) => counts[column] || '–').join(' | ');
  const onHosts = cases.filter(({ provider }) => provider === 'host').length;
  return [
    `${cases.length} cases, ${onHosts} of them on a host, ${about.date}, Linux ${release()}, seed ${about.seed}.`,
    `Of the leaks that an ear heard, ${share(cases)} came out as is due.`,
    '',
    `| kind | ${columns.join(' | ')} |`,
    `| --- |${columns.map(() => ' ---: |').join('')}`,
    ...[...rows].sort(([a], [b]) => a.localeCompare(b)).map(([kind, counts]) => `| ${kind} | ${cells(counts)} |`),
    `| all | ${cells(totals)} |`,
    '',
    ...lackingLines(cases),
  ].join('\n');
}

function share(cases: readonly Judged[]): string {
  const heard = cases.map(outcomeOf).filter((outcome) => ['found', 'undecided', 'false holds'].includes(outcome));
  const found = heard.filter((outcome) => outcome === 'found').length;
  return heard.length === 0 ? 'none' : `${found} of ${heard.length} (${((100 * found) / heard.length).toFixed(1)} %)`;
}

/** What this kernel or machine lacks parts of, and the number of cases that need them. */
function lackingLines(cases: readonly Judged[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { refused, attack } of cases) {
    if (refused === null) continue;
    const what = refused.includes('no such fabric') ? `fabric ${attack.fabric}` : attack.primitive;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const parts = [...counts].sort().map(([what, count]) => `${what} (${count})`);
  return parts.length === 0 ? [] : [`Not available here: ${parts.join(', ')}.`];
}

/** A case that failed or could not be judged, in one line. */
export function lineOf(judged: Judged): string {
  const heard = Object.entries(judged.heard)
    .filter(([name]) => name !== 'b')
    .map(([name, { tokens, offsets }]) => `${name} heard ${tokens}${tokens > 0 ? ` at ${offsets.join(', ')}` : ''}`);
  const { verdict, reasons, refused, folder } = judged;
  return `${outcomeOf(judged)}: ${caseName(judged)}: ${verdict ?? 'no verdict'}${reasons.length > 0 ? ` (${[...new Set(reasons)].join(', ')})` : ''}; ${heard.join(', ')}${refused === null ? '' : `; ${refused}`}; ${itemOfCase(judged)}; ${folder}`;
}

/** The cases whose outcome is a failure of the program, by name. */
export function failuresIn(cases: readonly Judged[]): ReadonlyMap<string, Judged> {
  return new Map(
    cases
      .filter((judged) => ['false holds', 'undecided'].includes(outcomeOf(judged)))
      .map((judged) => [caseName(judged), judged]),
  );
}

/** The cases that show nothing because the adversary itself failed: a deaf ear, a script that failed. */
export function brokenCases(cases: readonly Judged[]): readonly string[] {
  return cases
    .filter((judged) => outcomeOf(judged) === 'deaf' || (judged.refused !== null && !isLack(judged.refused)))
    .map(lineOf);
}

/** A line about a sound host: the answer of its run. */
export const soundLine = ({ name, verdict, reasons, refused }: SoundAnswer): string =>
  [
    `${verdict ?? (refused === null ? 'no verdict' : 'not available')}: ${name}`,
    ...reasons,
    ...(refused === null ? [] : [refused]),
  ].join('; ');

/** How many sound hosts held each time, and for the others how often, with the reasons. */
export function soundSummary(answers: readonly SoundAnswer[], date: string): readonly string[] {
  const there = answers.filter(({ refused }) => refused === null);
  const held = there.filter(({ verdict }) => verdict === 'holds').length;
  const names = [...new Set(there.map(({ name }) => name))];
  const lacking = new Set(answers.map(({ name }) => name)).size - names.length;
  const lines = names.flatMap((name) => {
    const said = there.filter((answer) => answer.name === name);
    const not = said.filter(({ verdict }) => verdict !== 'holds');
    if (not.length === 0) return [];
    const why = [...new Set(not.flatMap(({ verdict, reasons }) => [verdict ?? 'no verdict', ...reasons]))];
    return [`- ${name}: ${said.length - not.length} of ${said.length} times; else ${why.join('; ')}`];
  });
  return [
    `${held} of ${there.length} runs hold on ${names.length} sound hosts, ${date}, Linux ${release()}; ${lacking} more cannot be built there.`,
    ...(lines.length === 0 ? [] : ['']),
    ...lines,
  ];
}

export { caseName };
