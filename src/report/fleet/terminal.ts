import type { FleetHost, FleetReport } from '../../core/model/fleet.js';
import { counted, escapeText } from '../../core/text/escape.js';
import type { View } from '../reporter.js';
import { foldAfter, makePaint, padEnd, widthOf } from '../terminal/layout.js';
import { statusWord, type Word } from '../word.js';
import { firstLines } from '../../core/text/names.js';

/** Lines reported of one host; the rest is in the JSON. */
const maxLines = 12;

/** For people: the verdict over all, a line for each host, worst first, and below it what is wrong there. */
export function fleetTerminal(report: FleetReport, view: View): string {
  const paint = makePaint(view.color);
  const width = Math.min(Math.max(view.width, 60), 100);
  const order = [2, 70, 69, 3, 4, 0];
  const hosts = [...report.hosts].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  const longest = Math.max(...hosts.map(({ host }) => widthOf(escapeText(host))));
  const word = fleetWord(report);
  const lines = hosts.flatMap((host) => {
    const { text, tint } = hostWord(host);
    const ran = host.runs
      .map(({ scenario, observed, ports }) => `${escapeText(scenario)} (${observed} of ${counted(ports, 'port')})`)
      .join(', ');
    const lines = hostLines(host);
    return [
      `  ${padEnd(escapeText(host.host), longest)}  ${paint(padEnd(text, 15), tint)}  ${ran === '' ? 'no run' : ran}`,
      ...firstLines(lines, maxLines, (more) => `and ${more} more: --json has them`).flatMap((line) =>
        foldAfter('      ', escapeText(line), width),
      ),
    ];
  });
  return `${[`${paint(word.text, 'bold', word.tint)}  ${fleetCountsText(report)}`, '', ...lines].map((line) => line.trimEnd()).join('\n')}\n`;
}

/** What became of a host in one word, by its exit status. */
export function hostWord({ status, runs }: FleetHost): Word {
  return statusWord(
    status,
    runs.every(({ verdict }) => verdict === 'holds'),
  );
}

/** What became of all of them. */
export function fleetWord({ exitCode, hosts }: FleetReport): Word {
  return statusWord(
    exitCode,
    hosts.every(({ runs }) => runs.every(({ verdict }) => verdict === 'holds')),
  );
}

/** `of 200 hosts 3 are broken, 1 is inconclusive, 196 are as expected` */
export function fleetCountsText({ counts, hosts }: FleetReport): string {
  const part = (count: number, singular: string, many: string): readonly string[] =>
    count === 0 ? [] : [counted(count, singular, many)];
  const parts = [
    ...part(counts.broken, 'is broken', 'are broken'),
    ...part(counts.faulty, 'could not run', 'could not run'),
    ...part(counts.inconclusive, 'is inconclusive', 'are inconclusive'),
    ...part(counts.unexpected, 'is not as expected', 'are not as expected'),
    ...part(counts.asExpected, 'is as expected', 'are as expected'),
  ];
  return parts.length === 0 ? 'no host' : `of ${counted(hosts.length, 'host')} ${parts.join(', ')}`;
}

/**
 * What is to be reported of a host beside its word: leaks first, then what is wrong with its evidence, then what is not
 * proven; audits that found something.
 */
export function hostLines({ runs, problems, commands }: FleetHost): readonly string[] {
  return [
    ...runs.flatMap(({ scenario, leaks }) => leaks.map((text) => `LEAK in ${scenario}, ${text}`)),
    ...problems,
    ...runs.flatMap(({ scenario, reasons }) => reasons.map((text) => `${scenario}, ${text}`)),
    ...commands
      .filter(({ status }) => status > 0 && status < 5 && status !== 1)
      .map(({ name, status, text }) => `${name} ended with status ${status}${text === '' ? '' : `: ${text}`}`),
  ];
}
