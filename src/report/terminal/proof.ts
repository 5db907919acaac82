import type { Result, StepResult } from '../../core/model/result.js';
import { upperBound95 } from '../../core/judge/rows/probe-row.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { trustedTexts } from '../limits.js';
import { foldAfter, type Paint } from './layout.js';

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** `49 of 50 (kali3 9 of 10)`: the total, and the sender that is short of its part. */
function controls(steps: readonly StepResult[]): string {
  const observers = steps.flatMap((step) => step.observers);
  const short = observers.filter((observer) => observer.controlsSeen < observer.controlsSent);
  const names = short
    .slice(0, 4)
    .map((observer) => `${escapeText(observer.name)} ${observer.controlsSeen} of ${observer.controlsSent}`);
  return `${sum(observers.map((each) => each.controlsSeen))} of ${sum(observers.map((each) => each.controlsSent))} seen${names.length > 0 ? ` (short: ${names.join(', ')})` : ''}`;
}

/** How many of the frames that were sent may leak unseen, at most; null = no row says so. */
export function loosestBound(result: Result): string | null {
  const bounds = result.steps
    .filter((step) => step.verdict === 'holds')
    .flatMap((step) => step.findings)
    .flatMap((finding) => (finding.seen === 0 && finding.upperBound95 !== null ? [finding.upperBound95] : []));
  if (bounds.length === 0) return null;
  return `at most ${(Math.ceil(bounds.reduce((most, bound) => Math.max(most, bound), 0) * 10_000) / 100).toFixed(2)} % of such frames leak (95 % confidence); more frames tighten it`;
}

/** A row of fewer frames says little by itself: the frames of a class are taken together. */
const loose = 0.1;

/** Frames of a class that nobody overheard, at the observer that could have overheard most of them. */
function framesOfClass(result: Result, name: string): number {
  const sums = new Map<string, number>();
  for (const { findings } of result.steps)
    for (const row of findings)
      if (row.class === name && row.allowed === 'no' && !row.leak)
        sums.set(row.observer, (sums.get(row.observer) ?? 0) + (row.sent ?? 0));
  return Math.max(0, ...sums.values());
}

/**
 * The bound as it is reported: that of the loosest row; where rows have few frames each, pooled by class, since a run
 * in rounds asks many pairs little. Null = no row says so.
 */
export function boundText(result: Result): string | null {
  const bounds = result.steps
    .filter(({ verdict }) => verdict === 'holds')
    .flatMap(({ findings }) => findings)
    .flatMap(({ seen, upperBound95: bound }) => (seen === 0 && bound !== null ? [bound] : []));
  if (bounds.every((bound) => bound <= loose)) return loosestBound(result);
  const classes = [...new Set(result.steps.flatMap(({ findings }) => findings.map((row) => row.class)))];
  const pooled = classes.flatMap((name) => {
    const frames = framesOfClass(result, name);
    const leaks = result.steps.some(({ findings }) => findings.some((row) => row.class === name && row.leak));
    const bound = leaks ? null : upperBound95(frames);
    return bound === null
      ? []
      : [`${(Math.ceil(bound * 10_000) / 100).toFixed(2)} % of ${name} (${counted(frames, 'frame')})`];
  });
  return pooled.length === 0
    ? loosestBound(result)
    : `at most ${pooled.slice(0, 3).join(', ')} leaks (95 % confidence, all pairs of a class together)`;
}

/** What the zeros rest on: who listened, whether it could hear, whether anything was lost. */
export function terminalProof(result: Result, width: number, paint: Paint): readonly string[] {
  const judged = result.steps.filter((step) => step.observers.length > 0);
  if (judged.length === 0) return [];
  const bound = boundText(result);
  const { evidence, calibration } = result;
  const lines: readonly NamedLine[] = [
    ['ports', portsText(result, judged)],
    ['ears', earsText(judged)],
    ['entry', entryText(judged)],
    ['losses', lossesText(judged)],
    ...line('kept', evidence.keep === undefined ? null : keptText(evidence.discarded ?? 0)),
    ...line('bound', bound),
    ...line(
      'planted',
      calibration === undefined
        ? null
        : `a leak planted in a lab on this kernel right before was seen: ${calibration.seen} of ${calibration.planted} frames`,
    ),
    ...trustedTexts(result).map((text): NamedLine => ['trusted', escapeText(text)]),
    ...(result.precheck ?? []).map(
      ({ code, place, value }): NamedLine => ['beside', `${code}: ${escapeText(place)} (${escapeText(value)})`],
    ),
  ];
  return [
    paint('What the zeros rest on', 'bold'),
    ...lines.flatMap(([name, text]) => foldAfter(`  ${name.padEnd(7)} `, text, width)),
    '',
  ];
}

type NamedLine = readonly [name: string, text: string];

/** None where there is nothing to say. */
function line(name: string, text: string | null): readonly NamedLine[] {
  return text === null ? [] : [[name, text]];
}

function portsText({ coverage }: Result, judged: readonly StepResult[]): string {
  const engines = new Set(judged.flatMap(({ observers }) => observers.flatMap(({ engine }) => engine ?? [])));
  return [
    `${coverage.observed} of ${coverage.ports} observed`,
    engines.size === 0 ? '' : `, engine ${[...engines].join(' and ')}`,
    ...coverage.unobserved.map(({ port, reason }) => `; not ${escapeText(port)}: ${escapeText(reason)}`),
  ].join('');
}

function earsText(judged: readonly StepResult[]): string {
  // A bridge without an address in the sender's VLAN gets no entry control, and is not deaf.
  const deaf = judged.flatMap((step) =>
    step.observers
      .filter(
        ({ name, controlsSent, controlsSeen }) =>
          controlsSent > 0 && controlsSeen === 0 && step.reasons.some((reason) => reason.observer === name),
      )
      .map(({ name }) => escapeText(name)),
  );
  return `controls ${controls(judged)}${deaf.length > 0 ? `; deaf: ${[...new Set(deaf)].join(', ')}` : ''}`;
}

function entryText(judged: readonly StepResult[]): string {
  const sent = sum(judged.map(({ entry }) => entry.sent));
  const received = sum(judged.map(({ entry }) => entry.seen));
  if (sent === 0)
    return 'no controls; proved by what addressees got, left through the bridge device, or showed on the sender’s port';
  const byAddressees = judged.some(({ verdict, entry }) => verdict === 'holds' && entry.seen < entry.sent);
  return `controls ${received} of ${sent} received on the bridge${byAddressees ? '; the others entered by what addressees got' : ''}`;
}

function lossesText(judged: readonly StepResult[]): string {
  const observers = judged.flatMap((step) => step.observers);
  const dropped = sum(observers.map((observer) => observer.dropped));
  return `${dropped} of ${sum(observers.map(({ received }) => received))} captured frames dropped`;
}

function keptText(discarded: number): string {
  return `leaks, controls and what else is looked at closer; ${counted(discarded, 'frame was', 'frames were')} counted and not kept (--keep leaks, or beyond the first 1000 leaks at an observer of a mesh)`;
}

/** Why a step carries no verdict or a doubtful one, and what to do about it. */
export function terminalReasons(result: Result, width: number, paint: Paint): readonly string[] {
  const lines = result.steps.flatMap((step, index) =>
    step.reasons.flatMap((reason) =>
      foldAfter(
        `  step ${index + 1}  `,
        `${escapeText(reason.code)}${reason.observer === null ? '' : ` at ${escapeText(reason.observer)}`}: ${escapeText(reason.text)}`,
        width,
      ),
    ),
  );
  return lines.length === 0 ? [] : [paint('What is not proven, and why', 'bold', 'yellow'), ...lines, ''];
}
