import type { Finding, StepResult } from '../../core/model/result.js';

export interface MatrixCell {
  readonly seen: number;
  readonly leak: boolean;
  readonly allowed: boolean;
  readonly proven: boolean;
}

export interface MatrixRow {
  readonly from: string;
  readonly cells: ReadonlyMap<string, MatrixCell>;
}

export interface Matrix {
  readonly class: string;
  /** Observers with a column of their own. */
  readonly columns: readonly string[];
  readonly rows: readonly MatrixRow[];
  /** Observers and senders folded away: every cell of theirs is a proven zero or was allowed. */
  readonly plainColumns: readonly string[];
  readonly plainRows: readonly string[];
}

/** Up to this many columns and rows nothing is folded. */
const mostColumns = 14;
const mostRows = 30;

function add(before: MatrixCell | undefined, finding: Finding, proven: boolean): MatrixCell {
  return {
    seen: (before?.seen ?? 0) + finding.seen,
    leak: (before?.leak ?? false) || finding.leak,
    allowed: (before?.allowed ?? true) && finding.allowed !== 'no',
    proven: (before?.proven ?? true) && proven,
  };
}

function isPlain(cell: MatrixCell | undefined): boolean {
  return cell === undefined || (!cell.leak && (cell.allowed || cell.proven));
}

/**
 * Who saw how much of whom, by class of a step's findings: the addressee left out. Of many observers and senders those
 * with nothing but proven zeros are folded into a number, so that what matters can be found among 200.
 */
export function matricesOf(step: StepResult): readonly Matrix[] {
  const doubted = new Set(step.reasons.map((reason) => reason.observer));
  const classes = new Map<string, Map<string, Map<string, MatrixCell>>>();
  const observers = new Set<string>();
  for (const finding of step.findings) {
    if (finding.observer === finding.to) continue;
    observers.add(finding.observer);
    const senders = classes.get(finding.class) ?? new Map<string, Map<string, MatrixCell>>();
    const cells = senders.get(finding.from) ?? new Map<string, MatrixCell>();
    cells.set(
      finding.observer,
      add(cells.get(finding.observer), finding, !doubted.has(null) && !doubted.has(finding.observer)),
    );
    senders.set(finding.from, cells);
    classes.set(finding.class, senders);
  }
  return [...classes].map(([name, senders]) => {
    const all = [...observers].filter((observer) => [...senders.values()].some((cells) => cells.has(observer)));
    const rows = [...senders].map(([from, cells]): MatrixRow => ({ from, cells }));
    const plainColumn = (observer: string): boolean => rows.every((row) => isPlain(row.cells.get(observer)));
    const plainRow = (row: MatrixRow): boolean => [...row.cells.values()].every(isPlain);
    const plainColumns = all.length <= mostColumns ? [] : all.filter(plainColumn);
    const plainRows = rows.length <= mostRows ? [] : rows.filter(plainRow);
    const [withoutColumns, withoutRows] = [new Set(plainColumns), new Set(plainRows)];
    return {
      class: name,
      columns: all.filter((observer) => !withoutColumns.has(observer)),
      rows: rows.filter((row) => !withoutRows.has(row)),
      plainColumns,
      plainRows: plainRows.map((row) => row.from),
    };
  });
}
