import type { ReaderOnHost } from '../../core/audit/audit.js';
import type { ForeignDirection, ForeignPair, ForeignReport } from '../../core/judge/foreign/report.js';
import { counted, escapeText, nounFor } from '../../core/text/escape.js';
import { setText, someText } from '../../core/text/names.js';
import type { View } from '../reporter.js';
import { fold, foldAfter, makePaint, type Paint } from './layout.js';

const maxShown = 24;
const maxProtocols = 6;

function directionLine(direction: ForeignDirection, width: number): readonly string[] {
  const protocols = someText(
    direction.protocols.map(({ name, frames }) => `${name} ${frames}`),
    maxProtocols,
  );
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
    '',
  ];
}

function limitLines(reports: readonly ForeignReport[], { width }: View): readonly string[] {
  const limits = [...new Set(reports.flatMap((report) => report.limits))];
  return limits.length === 0 ? [] : [...limits.flatMap((limit) => foldAfter('note: ', limit, width)), ''];
}

/** Judged captures of other programs. */
export function foreignText(reports: readonly ForeignReport[], view: View): string {
  return [...reports.flatMap((report) => reportLines(report, view)), ...limitLines(reports, view)].join('\n');
}

function readerLines(readers: readonly ReaderOnHost[], { width, color }: View): readonly string[] {
  const paint = makePaint(color);
  return readers.flatMap(({ id, place, value, text, isCertain }) => {
    const [first = '', ...others] = foldAfter(
      isCertain ? 'READER: ' : 'MAY READ: ',
      escapeText(`${place}, ${value}: ${text} (${id})`),
      width,
    );
    const word = first.slice(0, first.indexOf(':'));
    return [paint(word, 'bold', isCertain ? 'red' : 'yellow') + first.slice(word.length), ...others];
  });
}

/** The end of listening. `notKnown`: unreadable parts of the host, in which a reader may be. */
export interface ListenEnd {
  readonly status: number;
  readonly notKnown: readonly string[];
}

function listenSum(
  reports: readonly ForeignReport[],
  readers: readonly ReaderOnHost[],
  { status, notKnown }: ListenEnd,
): string {
  const certain = readers.filter(({ isCertain }) => isCertain).length;
  const found = reports.filter((report) => report.found);
  const open = reports.filter((report) => !report.found && report.exitCode === 3);
  const otherwise = open.length + notKnown.length > 0 ? 'INCONCLUSIVE' : 'NOTHING FOUND';
  const word = certain + found.length > 0 ? 'FOUND' : otherwise;
  const names = found.map(({ listener }) => listener ?? '').filter((name) => name !== '');
  const noReader = notKnown.length > 0 ? 'readers on this host are not known' : 'no reader on this host';
  const parts = [
    certain === 0 ? noReader : `${counted(certain, 'reader')} on this host`,
    ...(readers.length > certain ? [`${readers.length - certain} that may read`] : []),
    `foreign unicast at ${found.length} of ${counted(reports.length, 'port')}${names.length === 0 ? '' : ` (${setText(names)})`}`,
    ...(open.length === 0 ? [] : [`not known at ${open.length}`]),
  ];
  return `${word}: ${parts.join('; ')}; exit status ${status}`;
}

/** Readers, then foreign frames at ports. */
export function listenText(
  reports: readonly ForeignReport[],
  readers: readonly ReaderOnHost[],
  view: View & ListenEnd,
): string {
  const sum = fold(escapeText(listenSum(reports, readers, view)), view.width);
  return [
    ...readerLines(readers, view),
    ...view.notKnown.flatMap((text) => foldAfter('not known: ', escapeText(text), view.width)),
    ...reports.flatMap((report) => reportLines(report, view)),
    ...limitLines(reports, view),
    ...sum,
    '',
  ].join('\n');
}
