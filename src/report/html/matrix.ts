import type { Result, StepResult } from '../../core/model/result.js';
import { type Matrix, type MatrixCell, matricesOf } from './fold-matrix.js';
import { html, type Markup, nothing } from './markup.js';

/** What a cell says, with the mark that says it without colour. */
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

function one(matrix: Matrix, step: StepResult, index: number): Markup {
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
  return html`<h3>Step ${index + 1}, ${matrix.class}: ${step.name}</h3>${table}${folded(matrix.plainRows, 'more senders')}${folded(matrix.plainColumns, 'more observers')}${hidden > 0 ? html`<p>${hidden} more rows and columns stand in result.json.</p>` : nothing}`;
}

/** For each step and class: who saw how much of whom. */
export function matrixSection(result: Result): Markup {
  const all = result.steps.flatMap((step, index) => matricesOf(step).map((matrix) => one(matrix, step, index)));
  return html`<section aria-labelledby="matrix"><h2 id="matrix">The matrix</h2><p>0: proven, it could have been seen and was not · n !: a leak · (n): seen, and allowed to be · ?: not proven · –: a party to it, or not asked. Who sent stands at the left, who observed at the top; the addressee itself is left out, carriers are added up.</p>${all}</section>`;
}
