import type { Finding, StepResult } from '../model/result.js';

/** One line of the table: the findings of one sender and addressee, by observer, carriers with the same outcome together. */
export interface FlowRow {
  readonly wires: readonly string[];
  readonly from: string;
  readonly to: string | null;
  /** So many addressees in one line; then `to` is null. */
  readonly addressees?: number;
  readonly sent: number | null;
  readonly cells: ReadonlyMap<string, Cell>;
}

export interface Cell {
  readonly seen: number;
  readonly allowed: Finding['allowed'];
  readonly leak: boolean;
  /** A zero that the evidence carries. */
  readonly proven: boolean;
}

/** What was on the wire, in few words: the carrier for the plain class, the class where it tells more, which kind of its frames, VLAN tags where there are any. */
function wireOf(finding: Finding): string {
  const tags = finding.vlan.length > 0 ? ` vlan ${finding.vlan.join('.')}` : '';
  if (finding.class === 'foreign-unicast') return 'listening';
  if (finding.carrier === 'native') return finding.class + tags;
  const kind = finding.variant === undefined || finding.variant === '' ? '' : ` ${finding.variant}`;
  return (finding.class === 'known-unicast' ? finding.carrier : `${finding.class} ${finding.carrier}`) + kind + tags;
}

function cellOf(step: StepResult, finding: Finding): Cell {
  const doubted = step.reasons.some((reason) => reason.observer === null || reason.observer === finding.observer);
  return { seen: finding.seen, allowed: finding.allowed, leak: finding.leak, proven: !doubted };
}

/** none, some or all of it: rows merge only where every observer says the same. */
function outcome(row: FlowRow): string {
  return [...row.cells].map(([name, cell]) => `${name} ${cell.allowed} ${cell.seen === 0 ? 'none' : cell.seen === row.sent ? 'all' : `${cell.seen}`} ${cell.proven}`).join('\n');
}

function merge(a: FlowRow, b: FlowRow): FlowRow {
  const cells = new Map(a.cells);
  for (const [name, cell] of b.cells) {
    const before = cells.get(name);
    cells.set(name, before === undefined ? cell : { ...cell, seen: before.seen + cell.seen });
  }
  return { ...a, wires: [...a.wires, ...b.wires], sent: a.sent === null || b.sent === null ? null : a.sent + b.sent, cells };
}

/** The findings of a step as lines of a table, in the plan's order. */
export function flowRows(step: StepResult): readonly FlowRow[] {
  const rows = new Map<string, FlowRow & { readonly cells: Map<string, Cell> }>();
  for (const finding of step.findings) {
    const grouped = finding.grouped === undefined ? null : finding.allowed;
    const key = JSON.stringify([finding.probe, finding.class, finding.carrier, finding.variant ?? null, finding.vlan, finding.from, finding.to, grouped]);
    const row = rows.get(key) ?? { wires: [wireOf(finding)], from: finding.from, to: finding.to, sent: finding.sent, cells: new Map<string, Cell>() };
    row.cells.set(finding.observer, cellOf(step, finding));
    rows.set(key, row);
  }
  const merged: FlowRow[] = [];
  /** Where the row stands that others of the same ends and outcome go into. */
  const places = new Map<string, number>();
  for (const row of rows.values()) {
    const key = isNative(row) ? null : JSON.stringify([row.from, row.to, outcome(row)]);
    const place = key === null ? undefined : places.get(key);
    const other = place === undefined ? undefined : merged[place];
    if (place !== undefined && other !== undefined) merged[place] = merge(other, row);
    else if (key !== null) places.set(key, merged.push(row) - 1);
    else merged.push(row);
  }
  return merged;
}

/** Rows of one sender that were overheard by the same in one row, whoever they were for: a mesh that leaks has a line for each pair. Rows that stand for many already stay. */
export function foldAddressees(rows: readonly FlowRow[]): readonly FlowRow[] {
  const folded = new Map<string, FlowRow>();
  for (const row of rows) {
    const overheard = [...row.cells].filter(([, { leak }]) => leak).map(([name]) => name);
    const key = JSON.stringify(overheard.length === 0 || row.to === '*' ? [row.from, row.to, row.wires, outcome(row)] : [row.from, row.wires, overheard]);
    const before = folded.get(key);
    folded.set(key, before === undefined ? row : { ...merge(before, row), wires: row.wires, to: null, addressees: (before.addressees ?? 1) + 1 });
  }
  return [...folded.values()];
}

/** `kali2 → lan`, not escaped. */
export function pairText({ from, to, addressees }: FlowRow): string {
  return `${from} → ${addressees === undefined ? (to ?? 'all') : `${addressees} of them`}`;
}

/** Real programs' traffic stays a line of its own: it is what the reader would do by hand. */
function isNative(row: FlowRow): boolean {
  return row.wires.some((wire) => /^(http|ping|tcp|udp|listening)\b/.test(wire));
}

/** The wires of a row in one text; what follows with the same class and carrier is told by its kind alone: `ip-spoof ipv4-udp plain, later-fragment`. */
export function wiresText({ wires }: FlowRow): string {
  const headOf = (wire: string | undefined): string => /^\S+ \S+ (?!vlan )/.exec(wire ?? '')?.[0] ?? '';
  return wires.map((wire, at) => (headOf(wire) !== '' && headOf(wire) === headOf(wires[at - 1]) ? wire.slice(headOf(wire).length) : wire)).join(', ');
}

/** Frames that reached whom they were for: the addressee, else the least of those who must see it; null = nobody has to. */
export function arrived(row: FlowRow): number | null {
  const addressee = row.to === null ? undefined : row.cells.get(row.to);
  if (addressee !== undefined) return addressee.seen;
  const must = [...row.cells.values()].filter((cell) => cell.allowed === 'must').map((cell) => cell.seen);
  return must.length === 0 ? null : Math.min(...must);
}
