import type { ForeignDirection, ForeignPair, ForeignReport } from '../../core/judge/foreign/report.js';
import { counted, escapeText, nounFor } from '../../core/text/escape.js';
import type { View } from '../reporter.js';
import { foldAfter, makePaint, type Paint } from './layout.js';

const maxShown = 24;
const maxProtocols = 6;

function directionLine(direction: ForeignDirection, width: number): readonly string[] {
  const more = direction.protocols.length - maxProtocols;
  const protocols =
    direction.protocols
      .slice(0, maxProtocols)
      .map(({ name, frames }) => `${name} ${frames}`)
      .join(', ') + (more > 0 ? `, and ${more} more` : '');
  return foldAfter(
    `  ${escapeText(direction.from)} → ${escapeText(direction.to)}  `,
    `${counted(direction.frames, 'frame')} (${protocols}), ${counted(direction.payloadOctets, 'byte')} of data readable; ${direction.first} to ${direction.last}; first is frame ${direction.firstSighting.frame} of ${escapeText(direction.firstSighting.file)}`,
    width,
  );
}

function pairLines(pair: ForeignPair, width: number, paint: Paint): readonly string[] {
  return [
    ...pair.heard.flatMap((direction) => directionLine(direction, width)),
    ...foldAfter('    ', escapeText(pair.reading), width).map((line) =>
      pair.ways === 'one' ? paint(line, 'yellow') : line,
    ),
  ];
}

function reportLines(report: ForeignReport, { width, color }: View): readonly string[] {
  const paint = makePaint(color);
  const who =
    report.listener === null
      ? report.macs.join(', ')
      : `${escapeText(report.listener)} (${report.macs.join(', ') || 'no MAC of its own'})`;
  const foreign = report.files.reduce((sum, file) => sum + file.foreign, 0);
  let headline = `${paint('NOTHING FOUND', 'bold')}: no foreign unicast at ${who}`;
  if (report.found)
    headline = `${paint('FOUND', 'bold', 'red')}: ${counted(foreign, 'unicast frame')} that ${nounFor(foreign, 'was', 'were')} not meant for ${who}`;
  else if (report.exitCode === 3)
    headline = `${paint('INCONCLUSIVE', 'bold', 'yellow')}: no foreign unicast at ${who}, but the captures do not carry a "none"`;
  const more = report.pairs.length - maxShown;
  return [
    headline,
    ...report.pairs.slice(0, maxShown).flatMap((pair) => pairLines(pair, width, paint)),
    ...(more > 0 ? [`  and ${counted(more, 'more pair')}, all of them with --json`] : []),
    ...(report.notKept > 0
      ? [`  and ${counted(report.notKept, 'frame')} of further pairs, which were only counted`]
      : []),
    ...report.files.flatMap((file) =>
      foldAfter(
        '  ',
        `${escapeText(file.path)}: ${counted(file.frames, 'frame')}, ${file.own} own, ${file.controls === undefined ? '' : `${counted(file.controls, 'control')} of this tool, `}${file.group} broadcast and multicast, ${file.foreign} foreign${file.passing > 0 ? `, ${file.passing} passing through` : ''}${file.unread > 0 ? `, ${file.unread} not read` : ''}${file.first === null ? '' : `; ${file.first} to ${file.last ?? ''}`}`,
        width,
      ),
    ),
    ...report.reasons.flatMap((reason) =>
      foldAfter('  because ', `${escapeText(reason.text)} (${reason.code})`, width),
    ),
    ...report.limits.flatMap((limit) => foldAfter('  note: ', limit, width)),
    '',
  ];
}

/** What listeners heard that was not meant for them, for the terminal. */
export function foreignText(reports: readonly ForeignReport[], view: View): string {
  return reports.flatMap((report) => reportLines(report, view)).join('\n');
}
