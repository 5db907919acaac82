import type { Finding, StepResult } from '../core/model/result.js';
import { foldInARow, groupByPair, kindNumbers, numbering } from './group.js';

/** Findings of one sender and addressee by observer, equal carriers together. */
export interface FlowRow {
  readonly wires: readonly string[];
  readonly from: string;
  readonly to: string | null;
  /** Addressees in one line. `to` is then null. */
  readonly addressees?: number;
  readonly sent: number | null;
  readonly cells: ReadonlyMap<string, Cell>;
}

export interface Cell {
  readonly seen: number;
  readonly allowed: Finding['allowed'];
  readonly leak: boolean;
  readonly proven: boolean;
}

function wireOf(finding: Finding): string {
  const tags = finding.vlan.length > 0 ? ` vlan ${finding.vlan.join('.')}` : '';
  if (finding.class === 'foreign-unicast') return 'listening';
  if (finding.carrier === 'native') return finding.class + tags;
  const kind = finding.variant === undefined || finding.variant === '' ? '' : ` ${finding.variant}`;
  return (finding.class === 'known-unicast' ? finding.carrier : `${finding.class} ${finding.carrier}`) + kind + tags;
}

function amount(seen: number, sent: FlowRow['sent']): string {
  if (seen === 0) return 'none';
  return seen === sent ? 'all' : String(seen);
}

function outcome(row: FlowRow): string {
  return [...row.cells]
    .map(([name, cell]) => `${name} ${cell.allowed} ${amount(cell.seen, row.sent)} ${cell.proven}`)
    .join('\n');
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function addCells(cells: Map<string, Cell>, more: ReadonlyMap<string, Cell>): void {
  for (const [name, cell] of more) {
    const before = cells.get(name);
    cells.set(
      name,
      before === undefined
        ? cell
        : { seen: before.seen + cell.seen, allowed: cell.allowed, leak: cell.leak, proven: cell.proven },
    );
  }
}

function merge(a: FlowRow, b: FlowRow): FlowRow {
  const cells = new Map(a.cells);
  addCells(cells, b.cells);
  return { ...a, wires: [...a.wires, ...b.wires], sent: sum(a.sent, b.sent), cells };
}

function singleRows(step: StepResult): readonly FlowRow[] {
  const kindOf = kindNumbers(({ probe, class: name, carrier, variant, vlan, grouped, allowed }) => [
    probe,
    name,
    carrier,
    variant ?? null,
    vlan,
    grouped === undefined ? null : allowed,
  ]);
  const doubted = new Set(step.reasons.map(({ observer }) => observer));
  const cellOf = ({ observer, seen, allowed, leak }: Finding): Cell => ({
    seen,
    allowed,
    leak,
    proven: !doubted.has(null) && !doubted.has(observer),
  });
  return groupByPair(
    step.findings,
    (finding) => finding,
    (finding) => String(kindOf(finding)),
  ).flatMap((findings) => {
    const [first] = findings;
    if (first === undefined) return [];
    const cells = new Map<string, Cell>();
    for (const finding of findings) cells.set(finding.observer, cellOf(finding));
    return [{ wires: [wireOf(first)], from: first.from, to: first.to, sent: first.sent, cells }];
  });
}

/** In the plan's order. */
export function flowRows(step: StepResult): readonly FlowRow[] {
  return groupByPair(
    singleRows(step),
    (row) => row,
    (row) => (isNative(row) ? null : outcome(row)),
  ).map((rows) => rows.reduce(merge));
}

interface Folded {
  readonly first: FlowRow;
  sent: number | null;
  readonly cells: Map<string, Cell>;
  addressees: number;
}

function onlyEar(row: FlowRow): string | null {
  if (row.cells.size !== 1 || row.wires.length !== 1 || row.to === '*') return null;
  for (const [name, { leak }] of row.cells) return leak ? name : null;
  return null;
}

function isOverheardAlike(a: FlowRow, b: FlowRow): boolean {
  if (a.from !== b.from || a.wires[0] !== b.wires[0]) return false;
  const ear = onlyEar(a);
  return ear !== null && ear === onlyEar(b);
}

function addRow(folded: Folded, row: FlowRow): void {
  folded.sent = sum(folded.sent, row.sent);
  addCells(folded.cells, row.cells);
  folded.addressees += 1;
}

/** A leaking mesh has a row for each pair. Folds rows of one sender with the same observers. */
export function foldAddressees(rows: readonly FlowRow[]): readonly FlowRow[] {
  const nameOf = numbering<string | null>();
  const wiresOf = numbering<string>();
  const keyOf = (row: FlowRow): string => {
    let overheard = '';
    for (const [name, { leak }] of row.cells) if (leak) overheard += ` ${nameOf(name)}`;
    const common = `${nameOf(row.from)} ${wiresOf(row.wires.join('\n'))}`;
    return overheard === '' || row.to === '*'
      ? `${common}\n${nameOf(row.to)}\n${outcome(row)}`
      : `${common}${overheard}`;
  };
  const begin = (row: FlowRow): Folded => ({ first: row, sent: row.sent, cells: new Map(row.cells), addressees: 1 });
  return foldInARow(rows, { keyOf, isAlike: isOverheardAlike, begin, add: addRow }).map(
    ({ first, sent, cells, addressees }) =>
      addressees === 1 ? first : { wires: first.wires, from: first.from, to: null, sent, cells, addressees },
  );
}

/** `kali2 → lan`, not escaped. */
export function pairText({ from, to, addressees }: FlowRow): string {
  return `${from} → ${addressees === undefined ? (to ?? 'all') : `${addressees} of them`}`;
}

/** Real programs' traffic has its own line, as the reader would test by hand. */
function isNative(row: FlowRow): boolean {
  return row.wires.some((wire) => /^(http|ping|tcp|udp|listening)\b/.test(wire));
}

/** A row's wires in one text, a repeated class and carrier only by kind: `ip-spoof ipv4-udp plain, later-fragment`. */
export function wiresText({ wires }: FlowRow): string {
  const headOf = (wire: string | undefined): string => /^\S+ \S+ (?!vlan )/.exec(wire ?? '')?.[0] ?? '';
  return wires
    .map((wire, at) =>
      headOf(wire) !== '' && headOf(wire) === headOf(wires[at - 1]) ? wire.slice(headOf(wire).length) : wire,
    )
    .join(', ');
}

/** At the addressee, else the least of the required observers. null = none is required. */
export function arrived(row: FlowRow): number | null {
  const addressee = row.to === null ? undefined : row.cells.get(row.to);
  if (addressee !== undefined) return addressee.seen;
  const must = [...row.cells.values()].filter((cell) => cell.allowed === 'must').map((cell) => cell.seen);
  return must.length === 0 ? null : Math.min(...must);
}
