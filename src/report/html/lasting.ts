import type { LastingFix } from '../../core/model/persistent-fix.js';
import { html, type Markup, nothing } from './markup.js';

/** How a fix comes to stay, with the manager that keeps it; nothing where nobody is known. */
export function lastingPart(lasting: readonly LastingFix[]): Markup {
  if (lasting.length === 0) return nothing;
  const parts = lasting.map(
    ({ by, where, form, apply, note }) =>
      html`<p><strong>To last (${by}):</strong> ${where === '' ? note : where}</p>${form === '' ? nothing : html`<pre>${form.split('\n').map((line, at) => html`${at === 0 ? '' : { markup: '\n' }}${line}`)}</pre>`}${apply === '' ? nothing : html`<p>Then: ${apply}.</p>`}${where === '' || note === '' ? nothing : html`<p class="soft">${note}.</p>`}`,
  );
  return html`${parts}`;
}
