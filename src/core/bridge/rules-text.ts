import { once } from '../text/collections.js';

/** Counters, timers and numbers of users in listings of nft, tc and ip: they move on an idle machine. */
const counters = [
  'packets',
  'bytes',
  'used',
  'last',
  'expires',
  'stats',
  'installed',
  'last_used',
  'refcnt',
  'ref',
  'bind',
  // htb's frames without a class
  'direct_packets_stat',
] as const;

/** Numbers that the kernel gives anew to rules that are loaded again. */
const handles = ['handle'] as const;

function textWithout(rules: unknown, keys: ReadonlySet<string>): string {
  return JSON.stringify(rules, (key, value: unknown) => (keys.has(key) ? undefined : value)) ?? 'null';
}

const moving: ReadonlySet<string> = new Set(counters);
const incidental: ReadonlySet<string> = new Set([...counters, ...handles]);

/** Listings of one run are often one object, which may have ten thousand rules. */
const textOnce = once((rules: object) => textWithout(rules, moving));

/** Rules without counters and timers, as text: rules that were removed and loaded again differ by their handles. */
export function rulesText(rules: unknown): string {
  return typeof rules === 'object' && rules !== null ? textOnce(rules) : textWithout(rules, moving);
}

/** The same without handles, for rules of two runs or days: rules that were loaded again are equal. */
export function reloadedRulesText(rules: unknown): string {
  return textWithout(rules, incidental);
}
