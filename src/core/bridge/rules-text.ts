import { once } from '../text/collections.js';

/** These move on an idle machine. */
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

const handles = ['handle'] as const;

function textWithout(rules: unknown, keys: ReadonlySet<string>): string {
  return JSON.stringify(rules, (key, value: unknown) => (keys.has(key) ? undefined : value)) ?? 'null';
}

const moving: ReadonlySet<string> = new Set(counters);
const incidental: ReadonlySet<string> = new Set([...counters, ...handles]);

/** Up to ten thousand rules, often one object. */
const textOnce = once((rules: object) => textWithout(rules, moving));

/** Rules without counters and timers. Reloading changes handles. */
export function rulesText(rules: unknown): string {
  return typeof rules === 'object' && rules !== null ? textOnce(rules) : textWithout(rules, moving);
}

/** Rules as text without handles, so that reloaded rules are equal. */
export function reloadedRulesText(rules: unknown): string {
  return textWithout(rules, incidental);
}
