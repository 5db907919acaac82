import type { Finding, Held, Result, StepResult } from '../../core/model/result.js';
import { counted, nounFor } from '../../core/text/escape.js';
import { countText, listText, setText, someText, stepsText } from '../../core/text/names.js';
import { type Block, type Fact, factsOf, type Section, sectionOf, sentence, type Text } from '../document.js';
import { countRows, isUnacceptedLeak } from '../reported-leaks.js';
import { type ReportedRun, stepSeconds } from '../reporter.js';
import {
  apartStories,
  beforeAfterText,
  entryStories,
  entryText,
  fixStories,
  heldStories,
  measuredText,
  outcomeText,
  persistentBlocks,
  placesText,
  reachTexts,
} from '../stories.js';
import { expectedWord, isKnownOnly, stepWord } from '../word.js';
import { alternativesOf, commandsText, priceText, storyPhrase } from './alternatives.js';
import { type Answer, zeroFrames } from './answer.js';
import type { CauseStory } from './cause-stories.js';
import { exposuresOf, isFixedAbove } from './exposures.js';
import { type Audience, whoText } from './participants.js';
import { stepProof } from './proof.js';

const maxItems = 50;
const maxFacts = 200;

function exceptText(result: Result): string {
  const isAccepted = result.steps.some(({ findings }) => findings.some(({ leak }) => leak));
  const except = [...(isAccepted ? ['accepted'] : []), ...(exposuresOf(result).length > 0 ? ['open by design'] : [])];
  return except.length === 0 ? '' : `, but for what is ${except.join(' or ')}`;
}

/** For readers new to bridges. */
export function plainSentence(result: Result): string {
  const leaks = result.steps
    .filter((step) => !step.asExpected)
    .flatMap((step) => step.findings)
    .filter(isUnacceptedLeak);
  const observers = [...new Set(leaks.map((finding) => finding.observer))];
  switch (result.exitCode) {
    case 0:
      if (isKnownOnly(result)) return 'Nothing leaked that did not leak in an earlier run; that is known, not fixed.';
      if (result.verdict === 'broken')
        return 'This demonstration showed the leaks that it was meant to show, and nothing else leaked.';
      return result.verdict === 'holds'
        ? `No endpoint received frames meant for another${exceptText(result)}, and every observer could have captured them.`
        : 'Everything came out as it was expected.';
    case 2:
      return observers.length === 0
        ? 'Isolation is broken: frames reached an endpoint that must not receive them.'
        : `Isolation is broken: ${setText(observers)} received frames that were meant for others.`;
    case 4:
      return 'An expected leak did not appear. This is not a pass.';
    default:
      return 'The measurement does not carry a verdict: it is not known whether isolation holds. Below stands why, and what to do.';
  }
}

function fixFacts(ways: readonly { readonly commands: readonly string[]; readonly price: string }[]): readonly Block[] {
  return ways.flatMap(({ commands, price }, at): readonly Block[] => {
    const { line, more } = commandsText(commands);
    const isLong = more > 0 || (commands.length > 2 && line === commands.join(' && '));
    const typed = isLong ? `${commands.length} commands, below${price === '' ? '' : ';'}` : { code: line };
    return [
      ...factsOf([[at === 0 ? 'fix' : 'or', [typed, ...(price === '' ? [] : [` ${price}`])]]]),
      ...(isLong ? [{ kind: 'code', text: commands.join('\n') } as const] : []),
    ];
  });
}

const maxWindows = 3;

function windowFacts({ steps, group }: CauseStory, result: Result): readonly Fact[] {
  const mine = steps.flatMap((at) => result.steps[at] ?? []);
  const isOfStory = ({ leak, observer, causes }: Finding): boolean =>
    leak && group.observers.includes(observer) && (causes[0]?.code ?? group.cause) === group.cause;
  const windows = mine.flatMap(({ findings }) => findings.filter(isOfStory).flatMap((row) => row.windows ?? []));
  if (windows.length === 0) return [];
  const longest = windows.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs));
  const texts = longest.map(
    ({ fromMs, toMs, frames }) =>
      `${fromMs} to ${toMs} ms (${Math.round((toMs - fromMs) * 10) / 10} ms, ${counted(frames, 'frame')})`,
  );
  return [
    ['in windows', someText(texts, maxWindows)],
    ...mine.flatMap(({ events = [] }) =>
      events.map(({ commands, fromMs, toMs }): Fact => {
        const text = commands.map((command) => command.join(' ')).join(' · ');
        return ['meanwhile', `at ${fromMs} to ${toMs === null ? '?' : `${toMs} ms`}: ${text}`];
      }),
    ),
  ];
}

function acceptedText({ group: { accepted } }: CauseStory): string {
  if (accepted === undefined) return 'expected';
  const { reason, owner, until } = accepted;
  return `accepted: ${[reason, ...(owner === null ? [] : [owner]), ...(until === null ? [] : [`until ${until}`])].join(', ')}`;
}

function causeItem(story: CauseStory, number: number, result: Result, audience: Audience): Block {
  const { group, steps, failing } = story;
  const severity = story.severity.toUpperCase();
  const tint = failing ? 'red' : 'cyan';
  const first = group.firstSighting;
  const sighting = first === null ? '' : `; first in frame ${first.frame} of evidence.pcapng, ${first.at}`;
  const probes = group.carriers.filter((carrier) => carrier !== 'native');
  const carriers = probes.length === 0 ? '' : ` as ${listText(probes)}`;
  const ways = alternativesOf(story).filter(({ commands }) => commands.length > 0);
  return {
    kind: 'item',
    tint,
    title: [
      `${number}. `,
      { text: severity, tint },
      `  ${storyPhrase(story)}, ${stepsText(steps)}${failing ? '' : ` (${acceptedText(story)})`}`,
    ],
    blocks: [
      sentence(`${whoText(group, audience)}, by ${listText(group.classes)}${carriers}${sighting}.`),
      ...factsOf(windowFacts(story, result)),
      ...fixFacts(ways.map((way) => ({ commands: way.commands, price: priceText(way) }))),
      ...persistentBlocks(ways.flatMap(({ persistent }) => persistent)),
    ],
  };
}

function causesSection(result: Result, { stories, audience }: Answer): readonly Section[] {
  const more = stories.length - maxItems;
  return sectionOf({
    id: 'causes',
    title: 'Why it leaks, and what ends it',
    short: 'Causes',
    depth: 'first',
    blocks: [
      ...stories.slice(0, maxItems).map((story, at) => causeItem(story, at + 1, result, audience)),
      ...(more > 0 ? [sentence(`and ${counted(more, 'more cause')}, all of them in result.json`)] : []),
      ...reachTexts(result).slice(0, maxItems).map(sentence),
    ],
  });
}

function exposedSection(result: Result): readonly Section[] {
  const exposures = exposuresOf(result);
  return sectionOf({
    id: 'exposed',
    title: 'EXPOSED, by the default settings of a bridge (--strict: BROKEN)',
    short: 'Exposed',
    tint: 'yellow',
    depth: 'first',
    blocks: exposures.map((exposure): Block => {
      const { what, allows, observers, fixes, cost } = exposure;
      const price = cost === '' ? '' : `costs: ${cost}`;
      const facts = isFixedAbove(exposure, exposures)
        ? factsOf([['fix', 'as above']])
        : fixFacts([{ commands: fixes, price }]);
      return {
        kind: 'item',
        tint: 'yellow',
        title: what,
        blocks: [
          sentence(`${allows}; open to it: ${setText([...observers].sort())}.`),
          ...(fixes.length === 0 ? [] : facts),
        ],
      };
    }),
  });
}

function leaksText({ findings }: StepResult): string {
  const rows = countRows(findings.filter(({ leak }) => leak));
  return rows === 0 ? 'no leak' : `${countText(rows)} leaking ${nounFor(rows, 'row')}`;
}

function reachedText(rows: readonly Finding[]): string | null {
  const failing = new Set(rows.filter(isUnacceptedLeak).map(({ observer }) => observer));
  const leaking = new Set(rows.filter(({ leak }) => leak).map(({ observer }) => observer));
  const accepted = [...leaking].filter((name) => !failing.has(name));
  const texts = [
    ...(failing.size === 0 ? [] : [setText([...failing])]),
    ...(accepted.length === 0 ? [] : [`${setText(accepted)} (accepted)`]),
  ];
  return texts.length === 0 ? null : texts.join(', and ');
}

/** A sentence of its own. null = no claim on frames, or not judged. */
export function claimSentence(step: StepResult): string | null {
  const rows = step.findings.filter(({ allowed }) => allowed === 'no');
  const namesOf = (of: readonly Finding[], key: 'from' | 'observer' | 'class'): string =>
    setText([...new Set(of.map((row) => row[key]))].filter((name) => name !== '*'));
  const senders = namesOf(rows, 'from');
  const frames = `frames (${namesOf(rows, 'class')})${senders === '' ? '' : ` from ${senders}`}`;
  const reached = reachedText(rows);
  if (rows.length === 0) return null;
  switch (step.verdict) {
    case 'holds':
      if (reached !== null) return `Some ${frames} reached ${reached}, which must not receive them.`;
      return `None of ${countText(zeroFrames([step]))} ${frames} reached an endpoint that must not receive them.`;
    case 'broken':
      return `Some ${frames} reached ${reached === null ? 'an endpoint that' : `${reached}, which`} must not receive them.`;
    case 'inconclusive':
      return `It is not known if ${frames} reached an endpoint that must not receive them.`;
    case null:
      return null;
  }
}

function claimsSection({ result, details }: ReportedRun): readonly Section[] {
  const rows = result.steps.map((step, at): readonly Text[] => {
    const claim = result.calibration === undefined ? null : claimSentence(step);
    const seconds = stepSeconds(details, at);
    return [
      String(at + 1),
      claim === null ? step.name : `${claim} (${step.name})`,
      [stepWord(step)],
      [expectedWord(step), ...(step.asExpected ? [] : ['; ', { text: 'not as expected', tint: 'red' } as const])],
      seconds === null ? '–' : `${seconds.toFixed(1)} s`,
      leaksText(step),
      stepProof(result, at, details),
    ];
  });
  return sectionOf({
    id: 'claims',
    title: 'The claims',
    short: 'Claims',
    depth: 'first',
    blocks: [
      { kind: 'table', columns: ['step', 'claim', 'the wire showed', 'expected', 'time', 'leaks', 'rests on'], rows },
    ],
  });
}

function reasonsSection({ steps }: Result, { reasons }: Answer): readonly Section[] {
  const lines = steps.flatMap((step, at) =>
    step.reasons.map(({ code, observer, text }): Fact => {
      const where = observer === null ? '' : ` at ${observer}`;
      return [`step ${at + 1}`, `${code}${where}: ${text}`];
    }),
  );
  const hints = reasons.flatMap(({ code, hint }): readonly Fact[] => (hint === '' ? [] : [[code, hint]]));
  return sectionOf({
    id: 'reasons',
    title: 'Missing proofs, and why',
    short: 'Not proven',
    tint: 'yellow',
    depth: 'first',
    blocks: [...factsOf(lines, maxFacts), ...(hints.length === 0 ? [] : [sentence('To do:'), ...factsOf(hints)])],
  });
}

function fixesSection(result: Result): readonly Section[] {
  return sectionOf({
    id: 'fixes',
    title: 'Fixes that were tried in the lab: frames leaked before → after',
    short: 'Fixes',
    depth: 'folded',
    blocks: factsOf(
      fixStories(result).map(
        ({ step, fix }): Fact => [
          `step ${step + 1}`,
          [
            `${beforeAfterText(fix)}  ${outcomeText(fix)}  ${fix.cause}: ${fix.text} `,
            ...fix.commands.map((code) => ({ code })),
          ],
        ],
      ),
    ),
  });
}

function barriersText({ alone, barriers }: Held): string {
  return barriers
    .map((barrier) => {
      const places = barrier.places.length === 0 ? '' : ` (${placesText(barrier, 2)})`;
      return `${barrier.code}${alone ? ' alone' : ''}${places}`;
    })
    .join(', and ');
}

function heldText(story: Held): string {
  const opens = story.alone ? story.barriers.map((barrier) => `; opened by ${barrier.opens}`).join('') : '';
  const measured = measuredText(story).map((text) => `; ${text}`);
  return `${story.class} from ${setText(story.from)} kept from ${setText(story.observers)} by ${barriersText(story)}${opens}${measured.join('')}`;
}

function heldSection(result: Result): readonly Section[] {
  return sectionOf({
    id: 'held',
    title: 'Why it holds',
    short: 'Why it holds',
    depth: 'folded',
    blocks: [
      ...factsOf(
        heldStories(result).map(({ steps, story }): Fact => [stepsText(steps), heldText(story)]),
        maxItems,
      ),
      ...factsOf(
        entryStories(result).map(({ step, story }): Fact => [`step ${step + 1}`, entryText(story)]),
        maxItems,
      ),
      ...factsOf(
        apartStories(result).map(
          ({ step, apart: { class: name, from, to, observers, text } }): Fact => [
            `step ${step + 1}`,
            `${name} ${from} → ${to ?? 'all'} at ${setText(observers)}: ${text}`,
          ],
        ),
        maxItems,
      ),
    ],
  });
}

/** In reading order. */
export function outcomeSections(run: ReportedRun, answer: Answer): readonly Section[] {
  const { result } = run;
  return [
    ...causesSection(result, answer),
    ...exposedSection(result),
    ...claimsSection(run),
    ...reasonsSection(result, answer),
    ...fixesSection(result),
    ...heldSection(result),
  ];
}
