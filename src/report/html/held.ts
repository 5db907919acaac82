import type { Result } from '../../core/model/result.js';
import { apartStories, heldStories, placesText } from '../held-stories.js';
import { someOf } from './leaks.js';
import { html, type Markup, nothing } from './markup.js';

const mostShown = 100;

/**
 * What kept frames from whom, and what would open it; where one carrier hides what another shows. Nothing where no step
 * says so.
 */
export function heldSection(result: Result): Markup {
  const stories = heldStories(result);
  const apart = apartStories(result);
  if (stories.length === 0 && apart.length === 0) return nothing;
  const rows = stories.slice(0, mostShown).map(({ steps, held }) => {
    const barriers = held.barriers.map(
      (barrier) =>
        html`<div><code>${barrier.code}</code>${held.alone ? html` <strong>alone</strong>` : nothing}: ${barrier.text} <span class="soft">${placesText(barrier, 6)}</span></div>`,
    );
    const opens = held.barriers.map(
      ({ code, opens: what }) => html`<div>${held.alone ? nothing : html`<code>${code}</code>: `}${what}</div>`,
    );
    return html`<tr><td class="n">${steps.map((step) => step + 1).join(', ')}</td><th scope="row">${held.class} <span class="soft">${held.carriers.join(', ')}</span></th><td>${someOf(held.from, 3)}</td><td>${someOf(held.observers, 3)}</td><td>${barriers}</td><td>${opens}</td></tr>`;
  });
  return html`<section aria-labelledby="held"><h2 id="held">Why it holds</h2><p>What the state around a step shows in the way of the frames that did not arrive. What rests on one barrier alone is open when that one goes.</p>${stories.length === 0 ? nothing : html`<div class="wide" tabindex="0" role="region" aria-label="Barriers"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">probe</th><th scope="col">from</th><th scope="col">kept from</th><th scope="col">by</th><th scope="col">opened by</th></tr></thead><tbody>${rows}</tbody></table></div>`}${stories.length > mostShown ? html`<p>${stories.length - mostShown} more stand in result.json.</p>` : nothing}${apart.slice(0, mostShown).map(({ step, apart: one }) => html`<p>Step ${step + 1}, ${one.class} ${one.from} → ${one.to ?? 'all'} at ${someOf(one.observers, 3)}: ${one.text}</p>`)}</section>`;
}
