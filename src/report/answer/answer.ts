import { isReasonCode, reasonHints } from '../../core/model/reasons.js';
import type { Finding, Result, StepResult } from '../../core/model/result.js';
import { counted, nounFor } from '../../core/text/escape.js';
import { readersText } from '../limits.js';
import type { ReportedRun } from '../reporter.js';
import { expectedWord, isDryRun, isKnownOnly, isRunReady, runWord, stepWord, type Word } from '../word.js';
import { type FirstFix, firstFix, storyPhrase } from './alternatives.js';
import { causeStories, type CauseStory } from './cause-stories.js';
import { exposedText } from './exposures.js';
import { type Audience, audienceOf, whoText } from './participants.js';
import { countText, setText, someText, stepsText } from '../../core/text/names.js';

/** Missing proof, once for all steps and observers. */
export interface ReasonStory {
  readonly code: string;
  /** From 0. */
  readonly steps: readonly number[];
  /** Empty = the whole step or run. */
  readonly observers: readonly string[];
  readonly text: string;
  /** '' = none. */
  readonly hint: string;
}

const origins: readonly string[] = ['unsupported', 'interrupted', 'guests-disturbed', 'host-lost', 'file-failed'];
const consequences: readonly string[] = ['not-run', 'coverage-partial'];

/** Causes among reasons come before their effects. */
export function rankOfReason(code: string): number {
  if (origins.includes(code)) return 0;
  return consequences.includes(code) ? 2 : 1;
}

function hintOf(code: string, { coverage: { unobserved } }: Result): string {
  const [first] = unobserved;
  if (code === 'coverage-partial' && first !== undefined) {
    const more = unobserved.length === 1 ? '' : `, nor was ${countText(unobserved.length - 1)} more`;
    return `${first.port} was not observed (${first.reason})${more}. End that, list it as an endpoint, or say why no observer listens there with \`scope: { partial: … }\`.`;
  }
  return isReasonCode(code) ? reasonHints[code] : '';
}

/** Causes first, then the reasons of most steps. */
export function reasonStories(result: Result): readonly ReasonStory[] {
  const stories = new Map<string, { steps: Set<number>; observers: Set<string>; text: string }>();
  result.steps.forEach((step, at) => {
    for (const { code, observer, text } of step.reasons) {
      let story = stories.get(code);
      if (story === undefined) stories.set(code, (story = { steps: new Set(), observers: new Set(), text }));
      story.steps.add(at);
      if (observer !== null) story.observers.add(observer);
    }
  });
  return [...stories]
    .map(([code, { steps, observers, text }]) => ({
      code,
      steps: [...steps],
      observers: [...observers],
      text,
      hint: hintOf(code, result),
    }))
    .sort((a, b) => rankOfReason(a.code) - rankOfReason(b.code) || b.steps.length - a.steps.length);
}

/** A run's outcome for people. Not escaped. */
export interface Answer {
  readonly word: Word;
  /** Without the word. */
  readonly sentence: string;
  /** Unexpected leaks first. */
  readonly stories: readonly CauseStory[];
  readonly reasons: readonly ReasonStory[];
  /** null = no leak, or nothing to type. */
  readonly fix: FirstFix | null;
  readonly audience: Audience;
}

/** The sentence without a word before it; names keep their case. */
export function standaloneSentence({ sentence }: Pick<Answer, 'sentence'>): string {
  return `${sentence.replace(/^(?:as expected|none of|nothing |known unicast |no claimed |it is not known|frames reached|read on |traffic between|something did|step )/, (begin) => begin.slice(0, 1).toUpperCase() + begin.slice(1))}.`;
}

/** Observers, senders and cause in a clause. */
export function storyText(story: CauseStory, audience: Audience): string {
  return `${whoText(story.group, audience)}: ${storyPhrase(story)}`;
}

function otherCauses(stories: readonly CauseStory[]): string {
  const [, second, ...others] = stories;
  if (second === undefined) return '';
  return others.length === 0 ? `; and ${storyPhrase(second)}` : `; and ${stories.length - 1} other causes`;
}

/** Unseen frames at the observer that could have seen most. */
export function zeroFrames(steps: readonly StepResult[]): number {
  return steps.reduce((total, { findings }) => total + Math.max(0, ...sentByObserver(findings).values()), 0);
}

function sentByObserver(findings: readonly Finding[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { allowed, observer, sent } of findings)
    if (allowed === 'no') sums.set(observer, (sums.get(observer) ?? 0) + (sent ?? 0));
  return sums;
}

/** Those that were asked; `*` = rows are folded. */
function endsOfUnicast({ steps }: Result): readonly string[] {
  const rows = steps.flatMap(({ findings }) => findings.filter((row) => row.class === 'known-unicast'));
  return [...new Set(rows.flatMap(({ from, to }) => [from, to ?? '*']))];
}

function exposedSentence(result: Result, accepted: string, { noun, names, besideHost }: Audience): string | null {
  const observedOnly = result.observedOnly?.guests.length ?? 0;
  const exposed = exposedText(result);
  if (exposed === '') return null;
  const ends = endsOfUnicast(result);
  const isOfSome = !ends.includes('*') && ends.length < names.size - observedOnly;
  const everybody =
    besideHost === undefined
      ? `${countText(names.size - observedOnly)} ${noun}`
      : `${countText(besideHost - observedOnly)} guests and the host`;
  const whom = isOfSome ? setText(ends) : everybody;
  return `${ends.length > 0 ? `known unicast between ${whom} is private` : 'no claimed barrier is breached'}${accepted}. ${exposed}`;
}

function heldForText({ verdict, observedOnly }: Pick<Result, 'verdict' | 'observedOnly'>): string {
  if (observedOnly === undefined || verdict !== 'holds') return '';
  const { guests, of } = observedOnly;
  return `for ${countText(of - guests.length)} of ${countText(of)} guests; ${countText(guests.length)} ${guests.length === 1 ? 'was' : 'were'} only observed: ${setText(guests)}`;
}

/**
 * Text behind HOLDS: `for 49 of 50 guests; 1 was only observed: web7`, `read on this host by suricata (4711)`; '' =
 * none. `joint`: between word and text.
 */
export function holdLimits(result: Pick<Result, 'verdict' | 'observedOnly' | 'steps'>): {
  readonly limits: string;
  readonly joint: string;
} {
  const [forWhom, readers] = [heldForText(result), readersText(result)];
  return { limits: [forWhom, readers].filter((text) => text !== '').join('; '), joint: forWhom === '' ? '; ' : ' ' };
}

function acceptedText(stories: readonly CauseStory[], audience: Audience): string {
  const texts = stories.flatMap(({ group }) => (group.accepted === undefined ? [] : [whoText(group, audience)]));
  return texts.length === 0 ? '' : `, but for what is accepted: ${someText(texts, 1)}`;
}

function holdsText(result: Result, stories: readonly CauseStory[], audience: Audience): string {
  const { noun, names } = audience;
  const holding = result.steps.filter(({ verdict }) => verdict === 'holds');
  const observers = result.steps.flatMap((step) => step.observers);
  const [seen, sent] = [
    observers.reduce((sum, { controlsSeen }) => sum + controlsSeen, 0),
    observers.reduce((sum, { controlsSent }) => sum + controlsSent, 0),
  ];
  const accepted = acceptedText(stories, audience);
  const lead = exposedSentence(result, accepted, audience);
  if (lead !== null) return `${lead} (${countText(seen)} of ${countText(sent)} controls seen)`;
  return `none of ${countText(names.size)} ${noun} received any of ${countText(zeroFrames(holding))} frames not meant for it${accepted}. All could hear (${countText(seen)} of ${countText(sent)} controls seen)`;
}

function heldText(result: Result, stories: readonly CauseStory[], audience: Audience): string {
  const { limits } = holdLimits(result);
  const text = holdsText(result, stories, audience);
  return limits === '' ? text : `${limits}. ${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function reproducedText(stories: readonly CauseStory[], audience: Audience): string {
  const [first] = stories;
  if (first === undefined) return 'the leaks that were expected showed';
  return `as expected, ${storyText(first, audience)}${otherCauses(stories)}`;
}

function knownText(stories: readonly CauseStory[], audience: Audience): string {
  const known = stories.filter(({ group }) => group.accepted !== undefined);
  const [first] = known;
  if (first === undefined) return 'nothing leaks that is not known';
  return `nothing leaks that is not known: ${storyText(first, audience)} (${first.group.accepted?.reason ?? ''})${otherCauses(known)}`;
}

function inconclusiveText(result: Result, reasons: readonly ReasonStory[]): string {
  if (isDryRun(result) && isRunReady(result)) return 'everything but sending was done, and works';
  const [first] = reasons;
  const judged = result.steps.filter(({ verdict, reasons: missing }) => verdict !== null || missing.length > 0).length;
  if (first === undefined && isDryRun(result))
    return `a port would not be observed: ${hintOf('coverage-partial', result)}`;
  if (first === undefined) return 'nothing was judged, so it is not known whether isolation holds';
  const where = first.observers.length === 0 ? '' : ` at ${setText(first.observers)}`;
  const more = reasons.length < 2 ? '' : ` and ${reasons.length - 1} more`;
  const what = isDryRun(result) ? 'a run would be inconclusive' : 'it is not known whether isolation holds';
  return `${what}: ${first.code}${where}${more}, in ${countText(first.steps.length)} of ${countText(judged)} ${nounFor(judged, 'step')}`;
}

function unexpectedText(result: Result): string {
  const [first, ...others] = result.steps.flatMap((step, at) => (step.asExpected ? [] : [{ step, at }]));
  if (first === undefined) return 'something did not come out as it was expected';
  const more = others.length === 0 ? '' : `; and ${counted(others.length, 'more step')}`;
  return `${stepsText([first.at])} (${first.step.name}) expected ${expectedWord(first.step)} and came to ${stepWord(first.step).text}${more}`;
}

function sentenceOf(
  result: Result,
  stories: readonly CauseStory[],
  reasons: readonly ReasonStory[],
  audience: Audience,
): string {
  const failing = stories.filter((story) => story.failing);
  const [first] = failing;
  switch (result.exitCode) {
    case 0:
      if (isKnownOnly(result)) return knownText(stories, audience);
      return result.verdict === 'holds' ? heldText(result, stories, audience) : reproducedText(stories, audience);
    case 2:
      return first === undefined
        ? 'frames reached an endpoint that must not receive them'
        : `${storyText(first, audience)}${otherCauses(failing)}`;
    case 4:
      return unexpectedText(result);
    default:
      return inconclusiveText(result, reasons);
  }
}

/** Verdict, reasons and remedy. */
export function answerOf({ result, details }: ReportedRun): Answer {
  const audience = audienceOf(result, details?.plan ?? null);
  const stories = causeStories(result);
  const reasons = isDryRun(result)
    ? reasonStories(result).filter(({ code }) => code !== 'dry-run')
    : reasonStories(result);
  return {
    word: runWord(result),
    sentence: sentenceOf(result, stories, reasons, audience),
    stories,
    reasons,
    fix: firstFix(stories),
    audience,
  };
}
