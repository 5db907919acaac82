import type { FleetReport } from '../../core/model/fleet.js';
import { counted } from '../../core/text/escape.js';
import { plainMarkdown } from '../markdown.js';
import { fleetCountsText, fleetWord, hostLines, hostWord } from './terminal.js';
import { firstLines } from '../../core/text/names.js';

const maxLines = 20;

/** For comments and job summaries. */
export function fleetMarkdown(report: FleetReport): string {
  const rows = report.hosts.map(
    (host) =>
      `| ${plainMarkdown(host.host)} | ${hostWord(host).text} | ${host.runs.map(({ scenario, observed, ports }) => `${plainMarkdown(scenario)}, ${observed} of ${counted(ports, 'port')}`).join('; ')} |`,
  );
  const hostTexts = report.hosts.flatMap((host) => {
    const lines = hostLines(host);
    if (lines.length === 0) return [];
    return [
      '',
      `**${plainMarkdown(host.host)}**`,
      '',
      ...firstLines(lines, maxLines, (more) => `and ${more} more`).map((line) => `- ${plainMarkdown(line)}`),
    ];
  });
  return `${[`## ${fleetWord(report).text}: ${fleetCountsText(report)}`, '', '| host | verdict | runs |', '| --- | --- | --- |', ...rows, ...hostTexts].join('\n')}\n`;
}
