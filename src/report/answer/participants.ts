import { classes } from '../../core/probe/classes.js';
import type { Plan } from '../../core/model/plan.js';
import type { LeakGroup, Result } from '../../core/model/result.js';
import { nounFor } from '../../core/text/escape.js';
import { countText, listText, setText } from '../../core/text/names.js';

/** Judged endpoints and their common name. */
export interface Audience {
  readonly noun: string;
  readonly names: ReadonlySet<string>;
  /** The guests, if only the host is judged beside them. */
  readonly besideHost?: number;
}

/** Guests, if the plan says so of all judged observers. Else endpoints. */
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

/** Several observers each get a copy of a frame. */
function frames({ sent, seen, observers }: LeakGroup): string {
  const [singular, plural] = observers.length > 1 ? ['copy', 'copies'] : ['frame', 'frames'];
  if (sent === null) return `${countText(seen)} ${nounFor(seen, singular, plural)}`;
  return `${countText(seen)} of ${countText(sent)} ${nounFor(sent, singular, plural)}`;
}

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
  const crowd = to.length > addressees.length ? [crowdText(classes)] : [];
  if (answers === true) return `replies from ${setText(from)} to ${setText(addressees)}`;
  if (from.includes('*')) return 'traffic between others';
  if (from.length > 1 && addressees.length > 1 && addressees.every((name) => from.includes(name)))
    return [`traffic between ${setText(from)}`, ...crowd].join(', and for ');
  const receivers = [...(addressees.length === 0 ? [] : [setText(addressees)]), ...crowd];
  return `traffic from ${setText(from)} for ${listText(receivers)}`;
}

/** No guest may send these: an attack succeeds at any receiver, addressed or not. */
const attacks: ReadonlyMap<string, string> = new Map(
  Object.values(classes).flatMap(({ name, attack }) => (attack === undefined ? [] : [[name, attack] as const])),
);

function attackText({ classes: names }: LeakGroup): string | null {
  const known = names.map((name) => attacks.get(name));
  return known.some((text) => text === undefined) ? null : listText(known.flatMap((text) => text ?? []));
}

function mutualText({ from, odd }: LeakGroup, who: string): string {
  const others = from.filter((name) => name !== odd);
  return odd === undefined || others.length === 1
    ? `${who} receive each other's traffic`
    : `${odd} reaches ${setText(others)} and is reached by them`;
}

/** `kali3 receives traffic between kali2 and lan (…)` */
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
