import { once } from '../text/collections.js';

/** Counters, timers and numbers of users in nft, tc and ip: they move on an idle machine. */
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

/** New after each load. */
const handles = ['handle'] as const;

function textWithout(rules: unknown, keys: ReadonlySet<string>): string {
  return JSON.stringify(rules, (key, value: unknown) => (keys.has(key) ? undefined : value)) ?? 'null';
}

const moving: ReadonlySet<string> = new Set(counters);
const incidental: ReadonlySet<string> = new Set([...counters, ...handles]);

/** Listings of a run are often one object, of up to ten thousand rules. */
const textOnce = once((rules: object) => textWithout(rules, moving));

/** Rules as text, without counters and timers; reloaded rules differ by their handles. */
export function rulesText(rules: unknown): string {
  return typeof rules === 'object' && rules !== null ? textOnce(rules) : textWithout(rules, moving);
}

/** The same without handles, for other runs or days: reloaded rules are equal. */
export function reloadedRulesText(rules: unknown): string {
  return textWithout(rules, incidental);
}
