import type { Result, StepResult } from '../../core/model/result.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { arrived, type Cell, type FlowRow, flowRows, foldAddressees, pairText, wiresText } from '../flow-rows.js';
import { expectedVerdict, stepWord } from '../word.js';
import { fold, foldAfter, type Paint, padEnd, padStart, type Tint, widthOf } from './layout.js';

interface Painted {
  readonly text: string;
  readonly tints: readonly Tint[];
}

interface Line {
  readonly wire: string;
  readonly pair: string;
  readonly sent: string;
  readonly arrived: string;
  readonly overheard: readonly Painted[];
}

/** INCONCLUSIVE and a blank. */
const showedWidth = 13;
const expectedWidth = 9;

function isParty(row: FlowRow, observer: string): boolean {
  return observer === row.from || (observer === row.to && row.cells.get(observer)?.allowed !== 'no');
}

function cellText(row: FlowRow, observer: string): Painted {
  if (isParty(row, observer)) return { text: '–', tints: ['dim'] };
  const cell: Cell | undefined = row.cells.get(observer);
  if (cell === undefined) return { text: '', tints: [] };
  if (cell.leak) return { text: `${cell.seen}!`, tints: ['bold', 'red'] };
  if (cell.allowed !== 'no') return { text: `(${cell.seen})`, tints: ['dim'] };
  return cell.proven ? { text: '0', tints: ['green'] } : { text: '?', tints: ['bold', 'yellow'] };
}

function overheardText(row: FlowRow, observers: readonly string[]): Painted {
  const cells = observers
    .filter((name) => !isParty(row, name) && row.cells.has(name))
    .map((name) => ({ name, ...cellText(row, name) }));
  const leaks = cells.filter((cell) => cell.text.endsWith('!'));
  const named = leaks.slice(0, 4).map((cell) => `${escapeText(cell.name)} ${cell.text}`);
  if (leaks.length > 4) named.push(`${leaks.length - 4} more !`);
  const counted = ['0', '?']
    .map((text) => ({ text, names: cells.filter((cell) => cell.text === text).map((cell) => escapeText(cell.name)) }))
    .filter(({ names }) => names.length > 0);
  const others = leaks.length > 0 || counted.length > 1 ? 'others' : 'observers';
  const heldTints: Painted['tints'] = counted.some(({ text }) => text === '?') ? ['bold', 'yellow'] : ['green'];
  return {
    text: [
      ...named,
      ...counted.map(({ text, names }) =>
        names.length <= 3 ? names.map((name) => `${name} ${text}`).join(', ') : `${text} at ${names.length} ${others}`,
      ),
    ].join(', '),
    tints: leaks.length > 0 ? ['bold', 'red'] : heldTints,
  };
}

function lineOf(row: FlowRow, observers: readonly string[], asColumns: boolean): Line {
  return {
    wire: wiresText(row),
    pair: escapeText(pairText(row)),
    sent: row.sent === null ? '–' : String(row.sent),
    arrived: String(arrived(row) ?? '–'),
    overheard: asColumns ? observers.map((name) => cellText(row, name)) : [overheardText(row, observers)],
  };
}

function observersOf(result: Result): readonly string[] {
  const judged = new Set(result.steps.flatMap((step) => step.findings.map((finding) => finding.observer)));
  const listed = result.steps
    .flatMap((step) => step.observers.map((observer) => observer.name))
    .filter((name) => judged.has(name));
  return [...new Set([...listed, ...judged])];
}

const maxLines = 60;

interface ShownRows {
  readonly rows: readonly FlowRow[];
  readonly hidden: number;
}

/** Rows of many pairs are always shown: they have what the rest saw. */
function shownRows(step: StepResult): ShownRows {
  const flows = flowRows(step);
  if (flows.length <= maxLines) return { rows: flows, hidden: 0 };
  const folded = foldAddressees(flows);
  const leaks = (row: FlowRow): boolean => [...row.cells.values()].some((cell) => cell.leak);
  const first = new Set([...folded.filter(leaks), ...folded.filter((row) => !leaks(row))].slice(0, maxLines));
  const rows = folded.filter((row) => first.has(row) || row.from === '*');
  return { rows, hidden: folded.length - rows.length };
}

function stepLines(step: StepResult, index: number, width: number, paint: Paint): readonly string[] {
  const word = stepWord(step);
  const room = width - showedWidth - expectedWidth - 3;
  const name = foldAfter(`${padStart(String(index + 1), 2)}  `, escapeText(step.name), room);
  const expected = step.asExpected || step.expected === null ? expectedVerdict(step) : `≠ ${expectedVerdict(step)}`;
  return name.map((line, at) =>
    at > 0
      ? paint(line, 'bold')
      : `${paint(padEnd(line, room), 'bold')}   ${paint(padEnd(word.text, showedWidth), 'bold', word.tint)}${step.asExpected ? expected : paint(expected, 'bold', 'red')}`,
  );
}

function legend(lines: readonly Line[], steps: readonly StepResult[], width: number): readonly string[] {
  const shown = lines.flatMap((line) => line.overheard.map((cell) => cell.text)).join(' ');
  const parts = [
    /(^|\s)0/.test(shown) ? '0 proven: could have seen it and did not' : '',
    shown.includes('?') ? '? not proven' : '',
    shown.includes('–') ? '– party to it' : '',
    shown.includes('!') ? '! a leak' : '',
    shown.includes('(') ? '(n) seen, and allowed to' : '',
    steps.some((step) => !step.asExpected && step.expected !== null) ? '≠ not as expected' : '',
  ].filter((part) => part !== '');
  return fold(parts.join(' · '), width - 4).map((line) => `    ${line}`);
}

/** Steps with outcome and expectation, below them senders, addressees and observers. */
export function terminalTable(result: Result, width: number, paint: Paint): readonly string[] {
  const shown = result.steps.map((step) => shownRows(step));
  const layout = layoutOf(result, shown, width);
  const lines = shown.map(({ rows }) => rows.map((row) => lineOf(row, layout.observers, layout.asColumns)));
  const rule = paint('─'.repeat(width), 'dim');
  return [
    ...headLines(layout, paint),
    rule,
    ...result.steps.flatMap((step, index) => [
      ...stepLines(step, index, width, paint),
      ...(lines[index] ?? []).flatMap((line) => rowLines(line, layout, paint)),
      ...hiddenLines(shown[index]?.hidden ?? 0, paint),
    ]),
    rule,
    ...legend(lines.flat(), result.steps, width).map((line) => paint(line, 'dim')),
  ];
}

interface Layout {
  readonly width: number;
  readonly observers: readonly string[];
  /** False: overheard frames in words. */
  readonly asColumns: boolean;
  readonly wire: number;
  readonly pair: number;
  readonly fixed: number;
  readonly columns: readonly number[];
}

function layoutOf(result: Result, shown: readonly ShownRows[], width: number): Layout {
  const observers = observersOf(result);
  const rows = shown.flatMap((step) => step.rows);
  const widest = (textOf: (row: FlowRow) => string, least: number): number =>
    rows.reduce((most, row) => Math.max(most, widthOf(textOf(row))), least);
  const columns = observers.map((name) =>
    widest((row) => cellText(row, name).text, Math.max(3, widthOf(escapeText(name)))),
  );
  const columnsWidth = columns.reduce((sum, column) => sum + column + 2, 0);
  const pair = widest((row) => escapeText(pairText(row)), 9);
  const wire = Math.min(widest(wiresText, 4), Math.max(14, width - 4 - pair - 18 - columnsWidth));
  const fixed = 4 + wire + 2 + pair + 2 + 5 + 2 + 7;
  return { width, observers, asColumns: fixed + columnsWidth <= width, wire, pair, fixed, columns };
}

function leftText(layout: Layout, wire: string, pair: string, sent: string, got: string): string {
  return `    ${padEnd(wire, layout.wire)}  ${padEnd(pair, layout.pair)}  ${padStart(sent, 5)}  ${padStart(got, 7)}`;
}

function headLines(layout: Layout, paint: Paint): readonly string[] {
  const { width, observers, asColumns, columns, fixed } = layout;
  const names = observers.map((name, at) => `  ${padStart(escapeText(name), columns[at] ?? 0)}`).join('');
  const heading = leftText(layout, 'wire', 'from → to', 'sent', 'arrived');
  return [
    paint(`${padEnd('step', width - showedWidth - expectedWidth)}${padEnd('showed', showedWidth)}expected`, 'dim'),
    ...(asColumns && observers.length > 0 ? [paint(`${' '.repeat(fixed)}  overheard by`, 'dim')] : []),
    paint(`${heading}${asColumns ? names : '  overheard by'}`, 'dim'),
  ];
}

function rowLines(line: Line, layout: Layout, paint: Paint): readonly string[] {
  const [wire = '', ...moreWire] = fold(line.wire, layout.wire);
  const start = leftText(layout, wire, line.pair, line.sent, line.arrived);
  return [...overheardLines(start, line.overheard, layout, paint), ...moreWire.map((more) => `    ${more}`)];
}

function overheardLines(
  start: string,
  overheard: readonly Painted[],
  { width, asColumns, columns, fixed }: Layout,
  paint: Paint,
): readonly string[] {
  if (asColumns) {
    const cells = overheard.map((cell, at) => `  ${paint(padStart(cell.text, columns[at] ?? 0), ...cell.tints)}`);
    return [start + cells.join('')];
  }
  const { text, tints } = overheard[0] ?? { text: '', tints: [] };
  const room = width - fixed - 2;
  if (room >= 16)
    return fold(text, room).map((part, at) => `${at === 0 ? start : ' '.repeat(fixed)}  ${paint(part, ...tints)}`);
  return [start, ...foldAfter('      overheard by ', text, width).map((part) => paint(part, ...tints))];
}

function hiddenLines(hidden: number, paint: Paint): readonly string[] {
  return hidden > 0 ? [paint(`    and ${counted(hidden, 'more line')}, all of them in result.json`, 'bold')] : [];
}
