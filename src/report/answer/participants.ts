import { classes } from '../../core/probe/classes.js';
import type { Plan } from '../../core/model/plan.js';
import type { LeakGroup, Result } from '../../core/model/result.js';
import { nounFor } from '../../core/text/escape.js';

/** Who takes part in a run, and what they are called together. */
export interface Audience {
  readonly noun: string;
  readonly names: ReadonlySet<string>;
  /** How many are guests, where beside them the host alone is judged; absent elsewhere. */
  readonly besideHost?: number;
}

/** The observers that are judged: guests where the plan says that all of them are, else endpoints. */
export function audienceOf(result: Result, plan: Plan | null): Audience {
  const judged = new Set(result.steps.flatMap(({ findings }) => findings.map(({ observer }) => observer)));
  if (plan === null) return { noun: 'endpoints', names: judged };
  const guests = new Set(plan.endpoints.filter(({ role }) => role === 'guest').map(({ name }) => name));
  const others = [...judged].filter((name) => !guests.has(name));
  if (others.length === 0) return { noun: 'guests', names: judged };
  const hosts = new Set(plan.endpoints.filter(({ role }) => role === 'host').map(({ name }) => name));
  return {
    noun: 'endpoints',
    names: judged,
    ...(others.every((name) => hosts.has(name)) ? { besideHost: judged.size - others.length } : {}),
  };
}

function isSame(a: readonly (string | null)[], b: readonly (string | null)[]): boolean {
  const names = new Set(a);
  return names.size === new Set(b).size && b.every((name) => names.has(name));
}

function frames({ sent, seen }: LeakGroup): string {
  if (sent === null) return `${countText(seen)} ${nounFor(seen, 'frame')}`;
  return `${countText(seen)} of ${countText(sent)} ${nounFor(sent, 'frame')}`;
}

/** `50 of 50 guests`, or their names. */
function observersText({ observers }: LeakGroup, { noun, names }: Audience): string {
  if (observers.length > 3 && observers.every((name) => names.has(name)))
    return `${countText(observers.length)} of ${countText(names.size)} ${noun}`;
  return setText(observers);
}

const crowds: Readonly<Record<string, string>> = {
  'unknown-unicast': 'a MAC that no guest has',
  multicast: 'a multicast group',
  'link-local-multicast': 'multicast groups of the link',
  'igmp-query': 'a multicast group',
};

function crowdText(classes: readonly string[]): string {
  const [crowd = 'all', ...others] = new Set(classes.map((name) => crowds[name] ?? 'all'));
  return others.length === 0 ? crowd : 'all';
}

function trafficText({ from, to, classes, answers }: LeakGroup): string {
  const addressees = to.filter((name) => name !== null);
  const [send, toAll] = [from.length === 1 ? 'sends' : 'send', to.length > addressees.length];
  if (answers === true)
    return `what ${setText(from)} ${from.length === 1 ? 'answers' : 'answer'} to ${setText(addressees)}`;
  if (from.includes('*')) return 'traffic between others';
  if (from.length > 1 && addressees.length > 1 && addressees.every((name) => from.includes(name)))
    return `what ${setText(from)} send to each other${toAll ? ` and to ${crowdText(classes)}` : ''}`;
  const receivers = [...(addressees.length === 0 ? [] : [setText(addressees)]), ...(toAll ? [crowdText(classes)] : [])];
  return `what ${setText(from)} ${send} to ${listText(receivers, 'or')}`;
}

/** What no guest may send, by class: an endpoint that gets it, addressed or not, is reached by an attack. */
const attacks: ReadonlyMap<string, string> = new Map(
  Object.values(classes).flatMap(({ name, attack }) => (attack === undefined ? [] : [[name, attack] as const])),
);

/** The attacks that a group is about; null = it is about other frames, too. */
function attackText({ classes: names }: LeakGroup): string | null {
  const known = names.map((name) => attacks.get(name));
  return known.some((text) => text === undefined) ? null : listText(known.flatMap((text) => text ?? []));
}

/** Of observers that hear each other; the odd one alone where the others do not hear one another. */
function mutualText({ from, odd }: LeakGroup, who: string): string {
  return odd === undefined
    ? `${who} receive each other's traffic`
    : `${odd} reaches ${setText(from.filter((name) => name !== odd))} and is reached by them`;
}

/**
 * Who hears whom, with names and numbers, as a main clause: `kali3 receives what kali2 and lan send to each other (…)`.
 */
export function whoText(group: LeakGroup, audience: Audience): string {
  const { from, to, observers } = group;
  const addressees = to.filter((name) => name !== null);
  const isMutual =
    observers.length > 1 && isSame(from, observers) && (addressees.length === 0 || isSame(from, addressees));
  const [who, attack] = [observersText(group, audience), attackText(group)];
  const some = observers.length === 1 ? 'receives' : 'receive';
  if (attack !== null && group.answers !== true) {
    const count = group.classes.join() === 'stp-root' ? '' : ` (${frames(group)})`;
    return `${who} ${some} ${attack} from ${isMutual ? 'each other' : setText(from)}${count}`;
  }
  if (isMutual && group.answers !== true) return `${mutualText(group, who)} (${frames(group)})`;
  if (!from.includes('*') && isSame(to, observers))
    return `${setText(from)} ${from.length === 1 ? 'reaches' : 'reach'} ${who} (${frames(group)})`;
  return `${who} ${some} ${trafficText(group)} (${frames(group)})`;
}

/** `1,234,567` */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `a`, `a and b`, `a, b and c` */
export function listText(names: readonly string[], word = 'and'): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1) ?? ''}`;
}

/** A name with the number at its end; null = it ends in none. */
function numbered(name: string): { readonly stem: string; readonly number: number } | null {
  const [, stem, digits] = /^(.*?)(0|[1-9]\d{0,8})$/.exec(name) ?? [];
  return stem === undefined || digits === undefined ? null : { stem, number: Number(digits) };
}

/** Runs of names that are numbered on, as `g1 to g50`; the others by themselves. */
function runsOf(names: readonly string[]): readonly string[] {
  const byStem = new Map<string, number[]>();
  const others: string[] = [];
  for (const name of names) {
    const parts = numbered(name);
    if (parts === null) others.push(name);
    else byStem.set(parts.stem, [...(byStem.get(parts.stem) ?? []), parts.number]);
  }
  const runs = [...byStem].flatMap(([stem, numbers]) => {
    const sorted = [...numbers].sort((a, b) => a - b);
    const parts: string[] = [];
    let first = sorted[0] ?? 0;
    sorted.forEach((number, at) => {
      if (sorted[at + 1] === number + 1) return;
      if (number - first >= 2) parts.push(`${stem}${first} to ${stem}${number}`);
      else for (let counter = first; counter <= number; counter += 1) parts.push(`${stem}${counter}`);
      first = sorted[at + 1] ?? 0;
    });
    return parts;
  });
  return [...runs, ...others];
}

const maxNames = 4;
/** A name that is longer is cut where it stands in a sentence. */
const maxLength = 32;

function cutName(name: string): string {
  const letters = [...name];
  return letters.length <= maxLength ? name : `${letters.slice(0, maxLength - 1).join('')}…`;
}

/** A set of names in few words: all of them where they are few, `g1 to g50`, else the first and how many more. */
export function setText(given: readonly string[]): string {
  const names = given.map(cutName);
  if (names.length <= maxNames) return listText(names);
  const runs = runsOf(names);
  if (runs.length <= 3) return `${listText(runs)} (${countText(names.length)})`;
  return `${names.slice(0, 3).join(', ')} and ${countText(names.length - 3)} more`;
}

/** `step 3`, `steps 3, 4 and 7`; 0-based in, 1-based out. */
export function stepsText(steps: readonly number[]): string {
  const runs: string[] = [];
  let first = steps[0] ?? 0;
  steps.forEach((step, at) => {
    if (steps[at + 1] === step + 1) return;
    runs.push(first === step ? `${step + 1}` : `${first + 1}${step === first + 1 ? ' and ' : ' to '}${step + 1}`);
    first = steps[at + 1] ?? 0;
  });
  if (runs.length > 4) return `${steps.length} steps`;
  return `${steps.length === 1 ? 'step' : 'steps'} ${runs.length === 1 ? (runs[0] ?? '') : runs.join(', ')}`;
}
