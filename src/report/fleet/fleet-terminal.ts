import type { FleetReport } from '../../core/model/fleet.js';
import { escapeText } from '../../model/escape-text.js';
import { foldAfter, padEnd, widthOf } from '../lay-out.js';
import { makePaint } from '../paint.js';
import type { View } from '../reporter.js';
import { countsText, fleetWord, hostLines, hostWord } from './host-word.js';

/** Lines told of one host; the rest is in the JSON. */
const mostLines = 12;

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
      .map(({ scenario, observed, ports }) => `${escapeText(scenario)} (${observed} of ${ports} ports)`)
      .join(', ');
    const told = hostLines(host);
    return [
      `  ${padEnd(escapeText(host.host), longest)}  ${paint(padEnd(text, 15), tint)}  ${ran === '' ? 'no run' : ran}`,
      ...told.slice(0, mostLines).flatMap((line) => foldAfter('      ', escapeText(line), width)),
      ...(told.length > mostLines ? [`      and ${told.length - mostLines} more: --json has them`] : []),
    ];
  });
  return `${[`${paint(word.text, 'bold', word.tint)}  ${countsText(report)}`, '', ...lines].map((line) => line.trimEnd()).join('\n')}\n`;
}
