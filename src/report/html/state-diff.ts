import type { RunDetails } from '../reporter.js';
import { type Difference, stateDifferences } from '../state-differences.js';
import { settingText } from '../setting-text.js';
import { html, type Markup, nothing } from './markup.js';

const maxLines = 200;

function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function lines(differences: readonly Difference[], title: string): Markup {
  if (differences.length === 0) return html`<h4>${title}</h4><p class="good">✔ nothing</p>`;
  const shown = differences
    .slice(0, maxLines)
    .flatMap((difference) => [
      ...(difference.before === null
        ? []
        : [
            html`<span class="bad">− ${difference.place} ${cut(settingText(difference.place, difference.before))}</span>`,
            { markup: '\n' },
          ]),
      ...(difference.after === null
        ? []
        : [
            html`<span class="good">+ ${difference.place} ${cut(settingText(difference.place, difference.after))}</span>`,
            { markup: '\n' },
          ]),
    ]);
  return html`<h4>${title}</h4><div class="wide" tabindex="0" role="region" aria-label="${title}"><pre>${shown}</pre></div>${differences.length > maxLines ? html`<p>${differences.length - maxLines} more in the state files.</p>` : nothing}`;
}

/** What each step set, and whether anything moved while the probes were on their way. */
export function stateDiffSection(details: RunDetails | null): Markup {
  if (details === null) return nothing;
  let last: RunDetails['states'][number]['after'] = null;
  const parts: Markup[] = [];
  details.plan.steps.forEach((step, index) => {
    const states = details.states[index];
    const before = states?.before ?? null;
    const after = states?.after ?? null;
    if (before !== null) {
      const name = `step ${index + 1}`;
      const set = last === null ? nothing : lines(stateDifferences(last, before), `Changed before ${name}'s probes`);
      parts.push(
        html`<h3>Step ${index + 1}: ${step.name}</h3>${set}${after === null ? html`<p class="doubt">? the state after the probes was not read</p>` : lines(stateDifferences(before, after), `Changed while ${name}'s probes were sent`)}`,
      );
    }
    last = after ?? before ?? last;
  });
  if (parts.length === 0) return nothing;
  return html`<section class="screen" aria-labelledby="state"><h2 id="state">State before and after</h2><p>− what the kernel said before, + what it said after; timers and counters left out. An entry of the forwarding database that is learned is what probes do.</p><details><summary>Settings, ports, forwarding database, filters by step</summary>${parts}</details></section>`;
}
