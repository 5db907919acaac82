import type { Finding, Result, StepResult } from '../../core/model/result.js';
import { counted } from '../../core/text/escape.js';
import { html, type Markup, nothing } from './markup.js';

function cellMarkup(cell: MatrixCell | undefined): Markup {
  if (cell === undefined) return html`<td class="n soft">–</td>`;
  if (cell.leak) return html`<td class="n"><strong class="bad">${cell.seen} !</strong></td>`;
  if (cell.allowed) return html`<td class="n soft">(${cell.seen})</td>`;
  return cell.proven ? html`<td class="n good">0</td>` : html`<td class="n"><strong class="doubt">?</strong></td>`;
}

function folded(names: readonly string[], what: string): Markup {
  return names.length === 0
    ? nothing
    : html`<details><summary>${names.length} ${what}: nothing but proven zeros</summary><p>${names.slice(0, 1000).join(', ')}${names.length > 1000 ? ' …' : ''}</p></details>`;
}

function matrixMarkup(matrix: Matrix, step: StepResult, index: number): Markup {
  const columns = matrix.columns.slice(0, 100);
  const rows = matrix.rows.slice(0, 300);
  const hidden = matrix.columns.length - columns.length + matrix.rows.length - rows.length;
  const head = columns.map((name) => html`<th scope="col" class="n">${name}</th>`);
  const body = rows.map(
    (row) => html`<tr><th scope="row">${row.from}</th>${columns.map((name) => cellMarkup(row.cells.get(name)))}</tr>`,
  );
  const table =
    columns.length === 0 || rows.length === 0
      ? html`<p class="good">✔ every cell is a proven zero</p>`
      : html`<div class="wide" tabindex="0" role="region" aria-label="Step ${index + 1}, ${matrix.class}"><table><thead><tr><th scope="col">from</th>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
  return html`<h3>Step ${index + 1}, ${matrix.class}: ${step.name}</h3>${table}${folded(matrix.plainRows, 'more senders')}${folded(matrix.plainColumns, 'more observers')}${hidden > 0 ? html`<p>${counted(hidden, 'more row or column stands', 'more rows and columns stand')} in result.json.</p>` : nothing}`;
}

/** For each step and class: how much each observer saw of each sender. */
export function matrixSection(result: Result): Markup {
  const matrices = result.steps.flatMap((step, index) =>
    matricesOf(step).map((matrix) => matrixMarkup(matrix, step, index)),
  );
  return html`<section class="screen" aria-labelledby="matrix"><h2 id="matrix">The matrix</h2><p>0: proven, it could have been seen and was not · n !: a leak · (n): seen, and allowed to be · ?: not proven · –: a party to it, or not asked. Who sent stands at the left, who observed at the top; the addressee itself is left out, carriers are added up.</p>${matrices}</section>`;
}

interface MatrixCell {
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
const maxColumns = 14;
const maxRows = 30;

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
    const shown = [...observers].filter((observer) => [...senders.values()].some((cells) => cells.has(observer)));
    const rows = [...senders].map(([from, cells]): MatrixRow => ({ from, cells }));
    const plainColumn = (observer: string): boolean => rows.every((row) => isPlain(row.cells.get(observer)));
    const plainRow = (row: MatrixRow): boolean => [...row.cells.values()].every(isPlain);
    const plainColumns = shown.length <= maxColumns ? [] : shown.filter(plainColumn);
    const plainRows = rows.length <= maxRows ? [] : rows.filter(plainRow);
    const [withoutColumns, withoutRows] = [new Set(plainColumns), new Set(plainRows)];
    return {
      class: name,
      columns: shown.filter((observer) => !withoutColumns.has(observer)),
      rows: rows.filter((row) => !withoutRows.has(row)),
      plainColumns,
      plainRows: plainRows.map((row) => row.from),
    };
  });
}
