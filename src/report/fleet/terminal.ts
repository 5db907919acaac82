import type { FleetGroup, FleetHost, FleetReport, FleetRun } from '../../core/model/fleet.js';
import { counted, escapeText } from '../../core/text/escape.js';
import type { View } from '../reporter.js';
import { foldAfter, makePaint, padEnd, widthOf } from '../terminal/layout.js';
import { statusWord, type Word } from '../word.js';
import { firstLines, someText } from '../../core/text/names.js';

const [maxLines, maxNames, maxHosts] = [12, 8, 50];

const groupWords = {
  leak: { text: 'LEAK', tint: 'red' },
  problem: { text: 'PROBLEM', tint: 'yellow' },
  doubt: { text: 'INCONCLUSIVE', tint: 'yellow' },
  exposed: { text: 'EXPOSED', tint: 'yellow' },
} as const satisfies Readonly<Record<FleetGroup['kind'], Word>>;

export function groupWord({ kind }: FleetGroup): Word {
  return groupWords[kind];
}

/** `12 hosts: hv1, hv2, … and 4 more` */
export function groupHosts({ hosts }: FleetGroup): string {
  return `${counted(hosts.length, 'host')}: ${someText(hosts, maxNames)}`;
}

const order = [2, 70, 69, 3, 4, 0];

/** Exposed hosts come first within a status. */
export function worstFirst(hosts: readonly FleetHost[]): readonly FleetHost[] {
  const exposed = ({ runs }: FleetHost): number => Number(runs.some((run) => run.exposed.length > 0));
  return [...hosts].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status) || exposed(b) - exposed(a));
}

/** Worst hosts first. The last line repeats the answer. */
export function fleetTerminal(report: FleetReport, view: View): string {
  const paint = makePaint(view.color);
  const width = Math.min(Math.max(view.width, 60), 100);
  const hosts = worstFirst(report.hosts);
  const shown = hosts.slice(0, maxHosts);
  const longest = Math.max(...shown.map(({ host }) => widthOf(escapeText(host))));
  const word = fleetWord(report);
  const groups = report.groups.flatMap((group) => {
    const { text, tint } = groupWord(group);
    const line = `${escapeText(group.code)}  ${escapeText(groupHosts(group))}`;
    const [first = '', ...rest] = foldAfter(' '.repeat(16), line, width);
    return [`  ${paint(padEnd(text, 12), tint)}  ${first.trimStart()}`, ...rest];
  });
  const changes = (report.since?.changes ?? []).map(({ host, text }) => `  ${escapeText(host)}: ${escapeText(text)}`);
  const hostTexts = shown.flatMap((host) => {
    const { text, tint } = hostWord(host);
    const found = hostLines(host);
    return [
      `  ${padEnd(escapeText(host.host), longest)}  ${paint(padEnd(text, 15), tint)}  ${escapeText(runsText(host))}`,
      ...firstLines(found, maxLines, (more) => `and ${more} more: --json has them`).flatMap((line) =>
        foldAfter('      ', escapeText(line), width),
      ),
      ...pagesOf(host).map((page) => `      report  ${escapeText(page)}`),
    ];
  });
  const answer = `${word.text}: ${fleetCountsText(report)}`;
  const lines = [
    `${paint(word.text, 'bold', word.tint)}  ${fleetCountsText(report)}`,
    '',
    ...(groups.length === 0 ? [] : ['By cause (explain CODE says more)', ...groups, '']),
    ...(report.since === null
      ? []
      : [
          `Since ${escapeText(report.since.at)}`,
          ...(changes.length === 0 ? ['  nothing changed'] : []),
          ...firstLines(changes, maxHosts, (more) => `  and ${more} more: --json has them`),
          '',
        ]),
    'Hosts',
    ...hostTexts,
    ...(hosts.length > maxHosts ? [`  and ${counted(hosts.length - maxHosts, 'host')} more: --json has them`] : []),
    '',
    paint(answer, 'bold', word.tint),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function pagesOf(host: FleetHost): readonly string[] {
  return host.runs.flatMap(({ page, exitCode, exposed }) =>
    page !== null && (exitCode !== 0 || exposed.length > 0) ? [page] : [],
  );
}

/** Each with its word if there are several. */
export function runsText({ runs }: FleetHost): string {
  const text = ({ scenario, answer, observed, ports }: FleetRun): string =>
    `${scenario} (${runs.length > 1 ? `${answer.replace(/:.*/s, '')}, ` : ''}${observed} of ${counted(ports, 'port')})`;
  return runs.length === 0 ? 'no run' : runs.map(text).join(', ');
}

/** A host's word by its exit status. */
export function hostWord({ status, runs }: FleetHost): Word {
  return outcomeWord(status, runs);
}

/** The word of the fleet. */
export function fleetWord({ exitCode, hosts }: FleetReport): Word {
  return outcomeWord(
    exitCode,
    hosts.flatMap(({ runs }) => runs),
  );
}

function outcomeWord(status: number, runs: readonly FleetRun[]): Word {
  const isExposed = runs.some(({ exposed }) => exposed.length > 0);
  return statusWord(
    status,
    runs.every(({ verdict }) => verdict === 'holds'),
    isExposed,
  );
}

/** Totals by status. */
export function fleetCountsText({ counts, hosts, signersChecked }: FleetReport): string {
  const part = (count: number, singular: string, many: string): readonly string[] =>
    count === 0 ? [] : [counted(count, singular, many)];
  const exposed = hosts.filter(({ status, runs }) => status === 0 && runs.some((run) => run.exposed.length > 0)).length;
  const parts = [
    ...part(counts.broken, 'is broken', 'are broken'),
    ...part(counts.faulty, 'could not run', 'could not run'),
    ...part(counts.inconclusive, 'is inconclusive', 'are inconclusive'),
    ...part(counts.unexpected, 'is not as expected', 'are not as expected'),
    ...part(counts.asExpected, 'is as expected', 'are as expected'),
    ...part(exposed, 'of these is EXPOSED', 'of these are EXPOSED'),
    ...(signersChecked ? [] : ['signers were not checked']),
  ];
  return parts.length === 0 ? 'no host' : `of ${counted(hosts.length, 'host')} ${parts.join(', ')}`;
}

const codesText = (codes: readonly { readonly code: string; readonly count: number }[], noun: string): string =>
  codes.map(({ code, count }) => `${code} (${counted(count, noun)})`).join(', ');

/** Leaks, faults, missing proof, exposures and findings. */
export function hostLines({ runs, problems, commands }: FleetHost): readonly string[] {
  return [
    ...runs.flatMap(({ scenario, causes, exitCode, leaks }) => [
      ...(exitCode === 2 && causes.length > 0 ? [`LEAK in ${scenario}: ${codesText(causes, 'row')}`] : []),
      ...leaks.map((text) => `LEAK in ${scenario}, ${text}`),
    ]),
    ...problems,
    ...runs.flatMap(({ scenario, reasons, doubts }) =>
      reasons.length === 0 && doubts.length > 0
        ? [`${scenario}: ${codesText(doubts, 'step')}`]
        : reasons.map((text) => `${scenario}, ${text}`),
    ),
    ...runs.flatMap(({ scenario, exposed }) =>
      exposed.length === 0 ? [] : [`EXPOSED in ${scenario}: ${codesText(exposed, 'row')}`],
    ),
    ...commands
      .filter(({ status }) => status > 0 && status < 5 && status !== 1)
      .map(({ name, status, text }) => `${name} ended with status ${status}${text === '' ? '' : `: ${text}`}`),
  ];
}
