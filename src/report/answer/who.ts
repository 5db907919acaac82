import type { Plan } from '../../core/model/plan.js';
import type { LeakGroup, Result } from '../../core/model/result.js';
import { countText, listText, setText } from './names.js';

/** Who takes part in a run, and what they are called together. */
export interface Audience {
  readonly noun: string;
  readonly names: ReadonlySet<string>;
}

/** The observers that are judged: guests where the plan says that all of them are, else endpoints. */
export function audienceOf(result: Result, plan: Plan | null): Audience {
  const judged = new Set(result.steps.flatMap(({ findings }) => findings.map(({ observer }) => observer)));
  if (plan === null) return { noun: 'endpoints', names: judged };
  const guests = new Set(plan.endpoints.filter(({ role }) => role === 'guest').map(({ name }) => name));
  return [...judged].every((name) => guests.has(name))
    ? { noun: 'guests', names: judged }
    : { noun: 'endpoints', names: judged };
}

function isSame(a: readonly (string | null)[], b: readonly (string | null)[]): boolean {
  const names = new Set(a);
  return names.size === new Set(b).size && b.every((name) => names.has(name));
}

function frames({ sent, seen }: LeakGroup): string {
  if (sent === null) return `${countText(seen)} ${seen === 1 ? 'frame' : 'frames'}`;
  return `${countText(seen)} of ${countText(sent)} frames`;
}

/** `50 of 50 guests`, or their names. */
function observersText({ observers }: LeakGroup, { noun, names }: Audience): string {
  if (observers.length > 3 && observers.every((name) => names.has(name)))
    return `${countText(observers.length)} of ${countText(names.size)} ${noun}`;
  return setText(observers);
}

/** What was sent, by whom and to whom. */
function trafficText({ from, to }: LeakGroup): string {
  const addressees = to.filter((name) => name !== null);
  const [send, toAll] = [from.length === 1 ? 'sends' : 'send', to.length > addressees.length];
  if (from.includes('*')) return 'traffic between others';
  if (from.length > 1 && !toAll && isSame(from, addressees)) return `what ${setText(from)} send to each other`;
  const receivers = [...(addressees.length === 0 ? [] : [setText(addressees)]), ...(toAll ? ['all'] : [])];
  return `what ${setText(from)} ${send} to ${listText(receivers, 'or')}`;
}

/** Who hears whom, with names and numbers, as a main clause: `kali3 receives what kali2 and lan send to each other (…)`. */
export function whoText(group: LeakGroup, audience: Audience): string {
  const { from, observers } = group;
  const some = observers.length === 1 ? 'receives' : 'receive';
  if (group.classes.length === 1 && group.classes[0] === 'stp-root')
    return `${observersText(group, audience)} ${observers.length === 1 ? 'takes' : 'take'} BPDUs of ${setText(from)}`;
  if (observers.length > 1 && isSame(from, observers))
    return `${observersText(group, audience)} receive each other's traffic (${frames(group)})`;
  return `${observersText(group, audience)} ${some} ${trafficText(group)} (${frames(group)})`;
}
