import { isReasonCode, reasonHints } from '../../core/model/reasons.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';
import { leakSets } from '../answer/leak-sets.js';
import { runWord, unendedWord } from '../word.js';
import { framesSection } from './frames.js';
import { guestsSection } from './guests.js';
import { heatSection } from './heat.js';
import { leaksOf } from './leaks.js';
import { html, type Markup, nothing } from './markup.js';
import { matrixSection } from './matrix.js';
import { overheardSection } from './overheard.js';
import { pageShell } from './page-shell.js';
import { methodSection, proofSection, provenanceSection } from './proof.js';
import { stateDiffSection } from './state-diff.js';
import { timelineSection } from './timeline.js';
import { earsOf, topologySection } from './topology.js';
import {
  causesSection,
  claimsSection,
  exposedSection,
  fixesSection,
  heldSection,
  reasonsSection,
  verdictSection,
} from './verdict.js';

/** When the run was, and on whose behalf: what a printed page is filed under. */
function headLine({ result, details }: ReportedRun): Markup {
  const declared = details?.run.provenance?.who;
  const parts = [
    `${result.run.startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    ...[declared?.operator ?? []].flat().map((name) => `operator ${name}`),
    ...[declared?.ticket ?? []].flat().map((ticket) => `ticket ${ticket}`),
    `run ${result.run.id}`,
  ];
  return html`<p class="soft">${parts.join(' · ')}</p>`;
}

function runMarkup(run: ReportedRun, number: string): Markup {
  const { result, details } = run;
  const leaks = leaksOf(result);
  return html`<h1 id="name">${number}${result.scenario.name}: is one guest isolated from another?</h1>
${headLine(run)}${verdictSection(run)}${causesSection(run)}${exposedSection(result)}${claimsSection(result)}${reasonsSection(result, (code) => (isReasonCode(code) ? reasonHints[code] : ''))}${details === null ? nothing : topologySection(details, earsOf(result), leakSets(run))}${heatSection(result, details)}${guestsSection(result, details)}${overheardSection(leaks, result)}${fixesSection(result)}${heldSection(result)}${proofSection(result, details)}${provenanceSection(result, details)}${matrixSection(result)}${framesSection(leaks, result, details)}${timelineSection(result, details)}${stateDiffSection(details)}${methodSection(result)}`;
}

/** Several runs stand in one page one after the other: what one page names once, the others name with their number. */
function withOwnIds(markup: Markup, at: number): Markup {
  return at === 0
    ? markup
    : {
        markup: markup.markup.replace(
          / (id|href|aria-label|aria-labelledby|name)="([^"]*)"/g,
          (_whole, name: string, value: string) => {
            switch (name) {
              case 'href':
                return ` href="#run${at + 1}-${value.slice(1)}"`;
              case 'aria-label':
                return ` aria-label="run ${at + 1}: ${value}"`;
              case 'aria-labelledby':
                return ` aria-labelledby="${[...value.split(' '), 'name'].map((id) => `run${at + 1}-${id}`).join(' ')}"`;
              default:
                return ` ${name}="${value
                  .split(' ')
                  .map((id) => `run${at + 1}-${id}`)
                  .join(' ')}"`;
            }
          },
        ),
      };
}

/** One page for all runs, one after the other. */
export const htmlReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string => {
  const [first] = runs;
  const total = runs.length + unended.length;
  let title = total === 0 ? 'no run' : `${total} runs`;
  if (first !== undefined && total === 1) title = `${runWord(first.result).text}: ${first.result.scenario.name}`;
  const places = [
    ['causes', 'Causes'],
    ['claims', 'Claims'],
    ['topology', 'Topology'],
    ['heat', 'Map'],
    ['guests', 'Guest by guest'],
    ['overheard', 'Who overheard whom'],
    ['fixes', 'Fixes'],
    ['held', 'Why it holds'],
    ['proof', 'Proof'],
    ['provenance', 'Hashes'],
    ['matrix', 'Matrix'],
    ['method', 'Method and limits'],
  ] as const;
  const shown = runs.map((run, at) => withOwnIds(runMarkup(run, total === 1 ? '' : `Run ${at + 1}, `), at));
  const complete = shown.map((each) => each.markup).join('');
  const links = places
    .filter(([id]) => complete.includes(`id="${id}"`))
    .map(([id, text]) => html`<a href="#${id}">${text}</a> `);
  return pageShell({
    title,
    nav: links,
    content: [...shown, ...unended.map(({ name, why }) => html`<h1>${unendedWord.text}: ${name}</h1><p>${why}</p>`)],
    foot: `verify-isolation ${first?.result.tool.version ?? ''}. This file is a view of result.json; the evidence beside it is what counts.`,
  });
};
