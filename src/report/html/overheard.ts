import type { PersistentFix } from '../../core/model/fix.js';
import type { Cause, Finding, Result } from '../../core/model/result.js';
import { counted } from '../../core/text/escape.js';
import { type Leak, someOf } from './leaks.js';
import { html, type Markup, nothing } from './markup.js';

const maxShown = 60;
const maxAlike = 200;

function whatOf(finding: Finding): string {
  if (finding.carrier === 'native') return finding.class;
  return finding.class === 'known-unicast' ? finding.carrier : `${finding.class} ${finding.carrier}`;
}

/** `300 of 300 raw`; where observers differ `12 to 300 of 300 raw`. */
function amounts(findings: readonly Finding[]): string {
  return [...new Set(findings.map(whatOf))]
    .map((what) => {
      const same = findings.filter((finding) => whatOf(finding) === what);
      const amounts = same.map((finding) => finding.seen);
      const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
      const sent = same[0]?.sent ?? null;
      return `${least === most ? least : `${least} to ${most}`}${sent === null ? '' : ` of ${sent}`} ${what}`;
    })
    .join(', ');
}

/**
 * One cause, reported for the first place that shows it; the others, which differ in the port only, with their fixes
 * folded away.
 */
function causeMarkup([first, ...alike]: readonly Cause[]): Markup {
  if (first === undefined) return nothing;
  const rest = alike
    .slice(0, maxAlike)
    .map(
      ({ place, fix, lasting: persistent }) =>
        html`<li>${place}${fix === '' ? nothing : html`: <code>${fix}</code>`}${persistentPart(persistent ?? [])}</li>`,
    );
  return html`<p><strong>Why:</strong> ${first.text} <span class="soft">(<code>${first.code}</code>: ${first.place} is ${first.value})</span></p>${first.fix === '' ? nothing : html`<p><strong>Fix:</strong> <code>${first.fix}</code>${first.cost === undefined ? nothing : html`<br>It costs: ${first.cost}.`}</p>`}${persistentPart(first.lasting ?? [])}${alike.length === 0 ? nothing : html`<details><summary>The same at ${counted(alike.length, 'other place', 'other places')}</summary><ul>${rest}</ul>${alike.length > maxAlike ? html`<p>${counted(alike.length - maxAlike, 'more stands', 'more stand')} in result.json.</p>` : nothing}</details>`}`;
}

/** The sighting that comes first in the capture. */
function earliest(findings: readonly Finding[]): Finding['firstSighting'] {
  return findings.reduce<Finding['firstSighting']>(
    (first, { firstSighting }) =>
      first === null || (firstSighting !== null && firstSighting.frame < first.frame) ? firstSighting : first,
    null,
  );
}

function leakMarkup(leak: Leak, result: Result): Markup {
  const first = earliest(leak.findings);
  const perStep = leak.steps.map(({ step, findings }) => {
    const addressees = [...new Set(findings.map((finding) => finding.to))];
    const reported = addressees
      .slice(0, 4)
      .map(
        (to) => `${to === null ? 'to all' : `to ${to}`} ${amounts(findings.filter((finding) => finding.to === to))}`,
      );
    return html`<li>step ${step + 1}, ${result.steps[step]?.name ?? ''}: ${reported.join('; ')}${addressees.length > 4 ? `; ${counted(addressees.length - 4, 'more addressee')}` : ''}</li>`;
  });
  const accepted = leak.findings.flatMap((finding) => (finding.accepted === undefined ? [] : [finding.accepted]));
  const causes = [...new Set(leak.causes.map(({ code }) => code))].map((code) =>
    causeMarkup(leak.causes.filter((cause) => cause.code === code)),
  );
  return html`<div class="leak ${leak.expected ? 'shown' : ''}"><h3><span aria-hidden="true">✖</span> ${leak.number}. ${someOf(leak.observers, 3)} overheard ${leak.from} → ${someOf(leak.to, 3)}${leak.expected ? ' (expected by the scenario)' : ''}</h3><ul>${perStep}</ul>${causes}${leak.observers.length > 4 ? html`<details><summary>All ${leak.observers.length} who overheard it</summary><p>${leak.observers.slice(0, 1000).join(', ')}</p></details>` : nothing}${accepted.slice(0, 1).map((each) => html`<p>Accepted: ${each.reason}, ${each.owner ?? 'no owner'}${each.until === null ? '' : `, until ${each.until}`}</p>`)}${first === null ? nothing : html`<p>First in frame ${first.frame} of evidence.pcapng, ${first.at}</p>`}</div>`;
}

/** Who overheard whom, why, and what fixes it. */
export function overheardSection(leaks: readonly Leak[], result: Result): Markup {
  const more = leaks.length - maxShown;
  return html`<section class="screen" aria-labelledby="overheard"><h2 id="overheard">Who overheard whom</h2>${leaks.length === 0 ? html`<p>Nobody overheard anything.</p>` : leaks.slice(0, maxShown).map((leak) => leakMarkup(leak, result))}${more > 0 ? html`<p>${counted(more, 'more stands', 'more stand')} in result.json and in the matrix below.</p>` : nothing}</section>`;
}

/** How a fix comes to stay, with the manager that keeps it; nothing where nobody is known. */
function persistentPart(persistent: readonly PersistentFix[]): Markup {
  if (persistent.length === 0) return nothing;
  const parts = persistent.map(
    ({ by, where, form, apply, note }) =>
      html`<p><strong>To last (${by}):</strong> ${where === '' ? note : where}</p>${form === '' ? nothing : html`<pre>${form.split('\n').map((line, at) => html`${at === 0 ? '' : { markup: '\n' }}${line}`)}</pre>`}${apply === '' ? nothing : html`<p>Then: ${apply}.</p>`}${where === '' || note === '' ? nothing : html`<p class="soft">${note}.</p>`}`,
  );
  return html`${parts}`;
}
