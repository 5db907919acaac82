import type { Cause, Finding, Result } from '../../core/model/result.js';
import { groupByPair, kindNumbers, numbering } from '../group.js';

/** What was overheard of one sender, the same at each of its observers: one story, one number in the picture. */
export interface Leak {
  /** 1-based, in the order of the result. */
  readonly number: number;
  readonly from: string;
  readonly observers: readonly string[];
  readonly to: readonly string[];
  /** Where it shows: steps, 0-based, each with its findings. */
  readonly steps: readonly { readonly step: number; readonly findings: readonly Finding[] }[];
  readonly findings: readonly Finding[];
  readonly causes: readonly Cause[];
  /** Every step in which it shows came out as expected. */
  readonly expected: boolean;
}

interface Overheard {
  readonly finding: Finding;
  readonly step: number;
}

/** Groups in the order in which their first member came. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/**
 * A key of what was overheard: in which step, for whom, of which class and carrier, and whether the scenario accepts
 * it.
 */
function overheardKeys(): (overheard: Overheard) => string {
  const nameOf = numbering<string | null>();
  const kindOf = kindNumbers(({ class: name, carrier }) => [name, carrier]);
  return ({ finding, step }) =>
    `${step} ${nameOf(finding.to)} ${kindOf(finding)} ${finding.accepted === undefined ? '' : JSON.stringify(finding.accepted)}`;
}

/** The leaks of a run: observers who overheard the same of the same sender stand together. */
export function leaksOf(result: Result): readonly Leak[] {
  const nameOf = numbering<string>();
  const keyOf = overheardKeys();
  const leaks = result.steps.flatMap((step, index) =>
    step.findings.filter((finding) => finding.leak).map((finding): Overheard => ({ finding, step: index })),
  );
  const pairs = groupByPair(
    leaks,
    ({ finding: { from, observer } }) => ({ from, to: observer }),
    () => '',
  );
  const stories = groupBy(pairs, (pair) => {
    const codes = new Set(pair.flatMap(({ finding }) => finding.causes).map((cause) => cause.code));
    return `${nameOf(pair[0]?.finding.from ?? '')}\n${JSON.stringify([...codes])}\n${[...new Set(pair.map(keyOf))].join('\n')}`;
  });
  return stories.flatMap((story, at) => {
    const parts = story.flat();
    const [head] = parts;
    if (head === undefined) return [];
    const steps = [...new Set(parts.map(({ step }) => step))];
    const causes = new Map(
      parts.flatMap(({ finding }) => finding.causes).map((cause) => [`${cause.code} ${cause.place}`, cause]),
    );
    return [
      {
        number: at + 1,
        from: head.finding.from,
        observers: [...new Set(parts.map(({ finding }) => finding.observer))],
        causes: [...causes.values()],
        steps: steps.map((step) => ({
          step,
          findings: parts.filter((part) => part.step === step).map(({ finding }) => finding),
        })),
        to: [...new Set(parts.map(({ finding }) => finding.to ?? 'all'))],
        findings: parts.map(({ finding }) => finding),
        expected: steps.every((step) => result.steps[step]?.asExpected === true),
      },
    ];
  });
}

/** `kali2, kali3 and 198 more` */
export function someOf(names: readonly string[], most: number): string {
  if (names.length > most + 1) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
