import type { FleetReport } from '../../core/model/fleet.js';
import { plainMarkdown } from '../markdown.js';
import { firstLines } from '../../core/text/names.js';
import {
  fleetCountsText,
  fleetWord,
  groupHosts,
  groupWord,
  hostLines,
  hostWord,
  runsText,
  worstFirst,
} from './terminal.js';

/** A job summary has 1 MiB at most. */
const [maxLines, maxDetailed, maxRows] = [20, 100, 1000];

const more = (count: number): readonly string[] => (count > 0 ? ['', `and ${count} more`] : []);

/** For comments and job summaries, worst hosts first. */
export function fleetMarkdown(report: FleetReport): string {
  const hosts = worstFirst(report.hosts);
  const rows = hosts
    .slice(0, maxRows)
    .map((host) => `| ${plainMarkdown(host.host)} | ${hostWord(host).text} | ${plainMarkdown(runsText(host))} |`);
  const groups = report.groups.map(
    (group) => `| ${groupWord(group).text} | ${plainMarkdown(group.code)} | ${plainMarkdown(groupHosts(group))} |`,
  );
  const changes = report.since?.changes ?? [];
  const detailed = hosts.filter((host) => hostLines(host).length > 0);
  const hostTexts = detailed.slice(0, maxDetailed).flatMap((host) => {
    const lines = hostLines(host);
    return [
      '',
      `**${plainMarkdown(host.host)}**`,
      '',
      ...firstLines(lines, maxLines, (more) => `and ${more} more`).map((line) => `- ${plainMarkdown(line)}`),
    ];
  });
  return `${[
    `## ${fleetWord(report).text}: ${fleetCountsText(report)}`,
    ...(groups.length === 0 ? [] : ['', '| what | cause | hosts |', '| --- | --- | --- |', ...groups]),
    ...(report.since === null ? [] : ['', `Since ${plainMarkdown(report.since.at)}:`, '']),
    ...(report.since !== null && changes.length === 0 ? ['- nothing changed'] : []),
    ...changes.slice(0, maxDetailed).map(({ host, text }) => `- ${plainMarkdown(host)}: ${plainMarkdown(text)}`),
    ...more(changes.length - maxDetailed),
    '',
    '| host | verdict | runs |',
    '| --- | --- | --- |',
    ...rows,
    ...more(hosts.length - maxRows),
    ...hostTexts,
    ...more(detailed.length - maxDetailed),
  ].join('\n')}\n`;
}
