import type { ProvenFix } from '../../core/model/fix.js';
import type { Result, StepResult } from '../../core/model/result.js';
import { counted, nounFor } from '../../core/text/escape.js';
import { alternativesOf, storyTextsOf } from '../answer/alternatives.js';
import { answerOf, standaloneSentence } from '../answer/answer.js';
import type { CauseStory } from '../answer/cause-stories.js';
import { exposureFix, exposuresOf } from '../answer/exposures.js';
import { type Audience, countText, setText } from '../answer/participants.js';
import { countRows, isUnacceptedLeak } from '../reported-leaks.js';
import type { ReportedRun } from '../reporter.js';
import {
  apartStories,
  entryStories,
  entryText,
  beforeAfterText,
  fixStories,
  heldStories,
  measuredText,
  outcomeText,
  placesText,
} from '../stories.js';
import { expectedWord, isKnownOnly, runWord, stepWord } from '../word.js';
import { someOf } from './leaks.js';
import { html, type Markup, nothing, type Tone, toneOf, wordMarkup } from './markup.js';

/** The result in one sentence for readers new to bridges. */
export function plainSentence(result: Result): string {
  const leaks = result.steps
    .filter((step) => !step.asExpected)
    .flatMap((step) => step.findings)
    .filter(isUnacceptedLeak);
  const ears = [...new Set(leaks.map((finding) => finding.observer))];
  switch (result.exitCode) {
    case 0:
      if (isKnownOnly(result)) return 'Nothing leaked that did not leak in an earlier run; that is known, not fixed.';
      if (result.verdict === 'broken')
        return 'This demonstration showed the leaks that it was meant to show, and nothing else leaked.';
      return result.verdict === 'holds'
        ? 'No endpoint received frames meant for another, and every observer could have captured them.'
        : 'Everything came out as it was expected.';
    case 2:
      return ears.length === 0
        ? 'Isolation is broken: frames reached an endpoint that must not receive them.'
        : `Isolation is broken: ${ears.length > 3 ? `${ears.slice(0, 3).join(', ')} and ${ears.length - 3} more` : ears.join(' and ')} received frames that were meant for others.`;
    case 4:
      return 'An expected leak did not appear. This is not a pass.';
    default:
      return 'The measurement does not carry a verdict: it is not known whether isolation holds. Below stands why, and what to do.';
  }
}

/** The verdict with its answer: a sentence for everybody, one with names and numbers, why, and what ends it. */
export function verdictSection(run: ReportedRun): Markup {
  const { result } = run;
  const word = runWord(result);
  return html`<div class="verdict ${toneOf(word)}"><strong>${wordMarkup(word)}</strong><p>${plainSentence(result)}</p><p>${standaloneSentence(answerOf(run))}</p></div>`;
}

/** Causes of leaks that are reported; what is beyond is in result.json. */
const maxCauses = 50;

function causeRow(story: CauseStory, number: number, audience: Audience): Markup {
  const { phrase, steps, who, fixes, accepted } = storyTextsOf(story, audience);
  const commands = alternativesOf(story).filter((way) => way.commands.length > 0);
  const ways = fixes.map(({ command, price }, at) => {
    const blocks = commands[at]?.commands ?? [];
    const complete =
      blocks.length < 3
        ? nothing
        : html`<details><summary>${blocks.length} commands</summary><pre>${blocks.join('\n')}</pre></details>`;
    return html`<p><strong>${at === 0 ? 'Fix' : 'Or'}:</strong> <code>${command}</code>${price === '' ? nothing : html` <span class="soft">${price}</span>`}</p>${complete}`;
  });
  const expected = accepted === '' ? ' (expected by the scenario)' : ` (accepted: ${accepted})`;
  return html`<div class="leak ${story.failing ? '' : 'shown'}"><h3>${number}. ${phrase}</h3><p>${who}; ${steps}${story.failing ? '' : expected}.</p>${ways}</div>`;
}

/** Why frames leaked, who heard whom, and what ends it, by cause; nothing where nothing leaked. */
export function causesSection(run: ReportedRun): Markup {
  const { stories, audience } = answerOf(run);
  if (stories.length === 0) return nothing;
  const more = stories.length - maxCauses;
  return html`<section aria-labelledby="causes"><h2 id="causes">Why it leaks, and what ends it</h2>${stories.slice(0, maxCauses).map((story, at) => causeRow(story, at + 1, audience))}${more > 0 ? html`<p>${counted(more, 'more cause stands', 'more causes stand')} in result.json.</p>` : nothing}</section>`;
}

/** What is open by design, what it allows, and what would end it at which price; nothing where nothing is. */
export function exposedSection(result: Result): Markup {
  const exposures = exposuresOf(result);
  if (exposures.length === 0) return nothing;
  const rows = exposures.map((exposure) => {
    const fix = exposureFix(exposure);
    return html`<div class="leak shown"><h3>${exposure.what}</h3><p>${exposure.allows}; open to it: ${setText(exposure.observers)}.</p>${fix === '' ? nothing : html`<p><strong>Fix:</strong> <code>${fix}</code></p>`}</div>`;
  });
  return html`<section aria-labelledby="exposed"><h2 id="exposed">What is open by design</h2><p>A bridge with its default settings does this. With <code>--strict</code> it is a leak.</p>${rows}</section>`;
}

/** Leaks of a step: those that are folded count as what they stand for. */
function leaksText({ findings }: StepResult): string {
  const rows = countRows(findings.filter(({ leak }) => leak));
  return rows === 0 ? 'no leak' : `${countText(rows)} leaking ${nounFor(rows, 'row')}`;
}

/** The claims of the scenario, each with what was shown. */
export function claimsSection(result: Result): Markup {
  const rows = result.steps.map((step, at) => {
    const reasons = [...new Set(step.reasons.map((reason) => reason.code))];
    return html`<tr><td class="n">${at + 1}</td><th scope="row">${step.name}</th><td class="word">${wordMarkup(stepWord(step))}</td><td>${expectedWord(step)}${step.asExpected ? nothing : html` <strong class="bad">≠ not as expected</strong>`}</td><td>${leaksText(step)}${reasons.length === 0 ? '' : `; ${reasons.join(', ')}`}</td></tr>`;
  });
  return html`<section aria-labelledby="claims"><h2 id="claims">The claims</h2><div class="wide" tabindex="0" role="region" aria-label="Claims and their verdicts"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">claim</th><th scope="col">the wire showed</th><th scope="col">expected</th><th scope="col">in short</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

/** Why a step carries no verdict or a doubtful one; nothing where all is proven. */
export function reasonsSection(result: Result, hintOf: (code: string) => string): Markup {
  const reasons = result.steps.flatMap((step, at) => step.reasons.map((reason) => ({ reason, at })));
  if (reasons.length === 0) return nothing;
  const rows = reasons
    .slice(0, 200)
    .map(
      ({ reason, at }) =>
        html`<tr><td class="n">${at + 1}</td><td><code>${reason.code}</code></td><td>${reason.observer ?? 'the step'}</td><td>${reason.text}<br><span class="soft">${hintOf(reason.code)}</span></td></tr>`,
    );
  return html`<section aria-labelledby="reasons"><h2 id="reasons">What is not proven, and what to do</h2><div class="wide" tabindex="0" role="region" aria-label="Reasons"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">reason</th><th scope="col">where</th><th scope="col">what it means</th></tr></thead><tbody>${rows}</tbody></table></div>${reasons.length > 200 ? html`<p>${counted(reasons.length - 200, 'more stands', 'more stand')} in result.json.</p>` : nothing}</section>`;
}

const tones: Readonly<Record<ProvenFix['outcome'], Tone>> = {
  works: 'good',
  partly: 'doubt',
  'still-leaks': 'bad',
  'no-effect': 'bad',
  separates: 'bad',
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
      html`<tr><td class="n">${step + 1}</td><th scope="row"><code>${fix.cause}</code></th><td>${fix.commands.map((command) => html`<div><code>${command}</code></div>`)}</td><td class="n">${beforeAfterText(fix)}</td><td class="word"><span class="${tones[fix.outcome]}">${outcomeText(fix)}</span></td><td>${fix.text}</td></tr>`,
  );
  return html`<section aria-labelledby="fixes"><h2 id="fixes">Fixes that were tried</h2><p>Each in a lab of its own: the step as it was, the fix, the step again. A fix that stops a leak by cutting an endpoint off is no fix.</p><div class="wide" tabindex="0" role="region" aria-label="Fixes that were tried"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">cause</th><th scope="col">fix</th><th scope="col" class="n">leaked before → after</th><th scope="col">it</th><th scope="col">in short</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

const maxShown = 100;

/**
 * What kept frames from whom, and what would open it; where one carrier hides what another shows. Nothing where no step
 * says so.
 */
export function heldSection(result: Result): Markup {
  const stories = heldStories(result);
  const apart = apartStories(result);
  const entries = entryStories(result);
  if (stories.length === 0 && apart.length === 0 && entries.length === 0) return nothing;
  const rows = stories.slice(0, maxShown).map(({ steps, story }) => {
    const barriers = story.barriers.map(
      (barrier) =>
        html`<div><code>${barrier.code}</code>${story.alone ? html` <strong>alone</strong>` : nothing}: ${barrier.text} <span class="soft">${placesText(barrier, 6)}</span></div>`,
    );
    const opens = story.barriers.map(
      ({ code, opens: what }) => html`<div>${story.alone ? nothing : html`<code>${code}</code>: `}${what}</div>`,
    );
    return html`<tr><td class="n">${steps.map((step) => step + 1).join(', ')}</td><th scope="row">${story.class} <span class="soft">${story.carriers.join(', ')}</span></th><td>${someOf(story.from, 3)}</td><td>${someOf(story.observers, 3)}</td><td>${barriers}${measuredText(story).map((text) => html`<div class="soft">${text}</div>`)}</td><td>${opens}</td></tr>`;
  });
  return html`<section aria-labelledby="held"><h2 id="held">Why it holds</h2><p>What the state around a step shows in the way of the frames that did not arrive. What rests on one barrier alone is open when that one goes.</p>${stories.length === 0 ? nothing : html`<div class="wide" tabindex="0" role="region" aria-label="Barriers"><table><thead><tr><th scope="col" class="n">step</th><th scope="col">probe</th><th scope="col">from</th><th scope="col">kept from</th><th scope="col">by</th><th scope="col">opened by</th></tr></thead><tbody>${rows}</tbody></table></div>`}${stories.length > maxShown ? html`<p>${counted(stories.length - maxShown, 'more stands', 'more stand')} in result.json.</p>` : nothing}${entries.slice(0, maxShown).map(({ step, held }) => html`<p>Step ${step + 1}, ${entryText(held)}</p>`)}${apart.slice(0, maxShown).map(({ step, apart: carriers }) => html`<p>Step ${step + 1}, ${carriers.class} ${carriers.from} → ${carriers.to ?? 'all'} at ${someOf(carriers.observers, 3)}: ${carriers.text}</p>`)}</section>`;
}
