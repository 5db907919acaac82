import { exposedWord } from '../answer/exposures.js';
import { answerOf, standaloneSentence } from '../answer/answer.js';
import { framesSection } from '../answer/frames.js';
import { leakSets } from '../answer/leak-sets.js';
import { headFacts, proofSections } from '../answer/proof.js';
import { outcomeSections, plainSentence } from '../answer/sections.js';
import { courseSections } from '../answer/timeline.js';
import type { Section } from '../document.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';
import { unendedWord } from '../word.js';
import { factsMarkup, type Pictures, sectionMarkup } from './blocks.js';
import { html, type Markup, nothing, toneOf, wordMarkup } from './markup.js';
import { matrixMarkup } from './matrix.js';
import { pageShell } from './page-shell.js';
import { earsOf, topologyMarkup } from './topology.js';

function sectionsOf(run: ReportedRun): readonly Section[] {
  const { result, details } = run;
  const outcome = outcomeSections(run, answerOf(run));
  const topology: Section = {
    id: 'topology',
    title: 'A diagram of bridges and leaks',
    short: 'Topology',
    depth: 'first',
    blocks: [{ kind: 'picture', picture: 'topology' }],
  };
  const matrix: Section = {
    id: 'matrix',
    title: 'The matrix of who overheard whom',
    short: 'Matrix',
    depth: 'folded',
    blocks: [{ kind: 'picture', picture: 'matrix' }],
  };
  return [
    ...outcome.filter(({ depth }) => depth === 'first'),
    ...(details === null ? [] : [topology]),
    ...(result.steps.some(({ findings }) => findings.length > 0) ? [matrix] : []),
    ...outcome.filter(({ depth }) => depth !== 'first'),
    ...proofSections(run),
    ...framesSection(result, details),
    ...courseSections(result, details),
  ];
}

function runMarkup(run: ReportedRun, sections: readonly Section[], number: string): Markup {
  const { result, details } = run;
  const word = exposedWord(result);
  const pictures: Pictures = {
    topology: details === null ? nothing : topologyMarkup(details, earsOf(result), leakSets(run)),
    matrix: matrixMarkup(result, details),
  };
  return html`<h1 id="name">${number}${result.scenario.name}: is one guest isolated from another?</h1>
<div class="verdict ${toneOf(word)}"><strong>${wordMarkup(word)}</strong><p>${plainSentence(result)}</p><p>${standaloneSentence(answerOf(run))}</p></div><div class="head">${factsMarkup(headFacts(run))}</div>${sections.map((section) => sectionMarkup(section, pictures))}`;
}

/** Runs share a page: ids must differ. */
function withOwnIds(markup: Markup, at: number): Markup {
  const ownIds = (ids: string): string =>
    ids
      .split(' ')
      .map((id) => `run${at + 1}-${id}`)
      .join(' ');
  const renamed = (_whole: string, name: string, value: string): string => {
    switch (name) {
      case 'href':
        return ` href="#${ownIds(value.slice(1))}"`;
      case 'aria-label':
        return ` aria-label="run ${at + 1}: ${value}"`;
      case 'aria-labelledby':
        return ` aria-labelledby="${ownIds(`${value} name`)}"`;
      default:
        return ` ${name}="${ownIds(value)}"`;
    }
  };
  return at === 0
    ? markup
    : { markup: markup.markup.replace(/ (id|href|aria-label|aria-labelledby)="([^"]*)"/g, renamed) };
}

/** One page for all runs. */
export const htmlReport: Reporter = (runs: readonly ReportedRun[], { unended = [] }: View): string => {
  const [first] = runs;
  const total = runs.length + unended.length;
  let title = total === 0 ? 'no run' : `${total} runs`;
  if (first !== undefined && total === 1) title = `${exposedWord(first.result).text}: ${first.result.scenario.name}`;
  const sections = runs.map(sectionsOf);
  const shown = runs.map((run, at) =>
    withOwnIds(runMarkup(run, sections[at] ?? [], total === 1 ? '' : `Run ${at + 1}, `), at),
  );
  return pageShell({
    title,
    nav: (sections[0] ?? []).flatMap(({ id, short }) =>
      short === undefined ? [] : [html`<a href="#${id}">${short}</a> `],
    ),
    content: [...shown, ...unended.map(({ name, why }) => html`<h1>${unendedWord.text}: ${name}</h1><p>${why}</p>`)],
    foot: `verify-isolation ${first?.result.tool.version ?? ''}. This file is a view of result.json; the evidence beside it is what counts.`,
  });
};
