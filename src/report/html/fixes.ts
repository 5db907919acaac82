import type { ProvenFix, Result } from '../../core/model/result.js';
import { countsText, fixStories, outcomeWords } from '../fix-stories.js';
import { html, type Markup, nothing } from './markup.js';
import type { Tone } from './words.js';

const tones: Readonly<Record<ProvenFix['outcome'], Tone>> = {
  mends: 'good',
  partly: 'doubt',
  'still-leaks': 'bad',
  'cuts-off': 'bad',
  unproven: 'doubt',
  failed: 'bad',
};

/** What became of the fixes that were tried; nothing where none was. */
export function fixesSection(result: Result): Markup {
  const stories = fixStories(result);
  if (stories.length === 0) return nothing;
  const rows = stories.map(
    ({ step, fix }) =>
      html`<tr><td class="n">${step + 1}</td><th scope="row"><code>${fix.cause}</code></th><td>${fix.commands.map((command) => html`<div><code>${command}</code></div>`)}</td><td class="n">${countsText(fix)}</td><td class="word"><span class="${tones[fix.outcome]}">${outcomeWords[fix.outcome]}</span></td><td>${fix.text}</td></tr>`,
  );
  return html`<section aria-labelledby="fixes"><h2 id="fixes">Fixes that were tried</h2><p>Each in a lab of its own: the step as it was, the fix, the step again. A fix that stops a leak by cutting somebody off is no fix.</p><div class="wide" tabindex="0" role="region" aria-label="Fixes that were tried"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">cause</th><th scope="col">fix</th><th scope="col" class="n">leaked before → after</th><th scope="col">it</th><th scope="col">in short</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}
