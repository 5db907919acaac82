import type { RuleRecord } from '../core/model/run-record.js';
import type { Result } from '../core/model/result.js';
import { surveyText } from '../core/bridge/bypass/copy-rules.js';
import { familyOf } from '../core/probe/addresses.js';
import { addTo } from '../core/text/collections.js';
import { counted } from '../core/text/escape.js';
import { listText, setText } from '../core/text/names.js';

/** A run holds as long as its held step with the shortest wait. */
function lingeredMs({ steps }: Result): number | null {
  const waits = steps.filter(({ verdict }) => verdict === 'holds').map(({ lingerMs }) => lingerMs);
  const known = waits.flatMap((ms) => (ms === undefined ? [] : [ms]));
  return known.length === 0 || known.length < waits.length ? null : Math.min(...known);
}

/** `holds until 10 s after the last probe`; null = the usual time, or nothing holds. */
export function lingerText(result: Result): string | null {
  const ms = lingeredMs(result);
  return ms === null ? null : `holds until ${Number((ms / 1000).toFixed(1))} s after the last probe of a step`;
}

/** Trusted bypasses, once each, with owner and reason. */
export function trustedTexts({ steps }: Result): readonly string[] {
  const declared = steps.flatMap(({ trusted = [] }) => trusted);
  const texts = declared.map(({ what, where, owner, ticket, until, reason }) => {
    const by = [owner, ticket].filter((name) => name !== null).join(', ');
    return `${what}${where === null ? '' : ` at ${where}`}${by === '' ? '' : `, by ${by}`}${until === null ? '' : `, until ${until}`}: ${reason}`;
  });
  return [...new Set(texts)];
}

/** `read on this host by suricata (4711)`, of its own programs; '' = none, or it does not hold. */
export function readersText({ steps, verdict }: Pick<Result, 'steps' | 'verdict'>): string {
  const names = steps.flatMap(({ readers = [] }) => readers.map(({ name, pid }) => `${name} (${pid})`));
  return verdict !== 'holds' || names.length === 0 ? '' : `read on this host by ${listText([...new Set(names)])}`;
}

type NotAskedNames = Record<'from' | 'to' | 'unknown', Set<string>>;

function notAskedByFamily({ steps }: Result): ReadonlyMap<string, NotAskedNames> {
  const byFamily = new Map<string, NotAskedNames>();
  for (const { carrier, from, to, unknown } of steps.flatMap(({ notAsked = [] }) => notAsked)) {
    const family = familyOf(carrier) === 6 ? 'IPv6' : 'IPv4';
    const sets = byFamily.get(family) ?? { from: new Set(), to: new Set(), unknown: new Set() };
    byFamily.set(family, sets);
    for (const name of from) sets.from.add(name);
    for (const name of unknown) sets.unknown.add(name);
    if (to !== null) sets.to.add(to);
  }
  return byFamily;
}

/** `IPv4 of 1 endpoint, IPv6 of 6 endpoints (no address)`; null = all was sent. */
export function notAskedInShort(result: Result): string | null {
  const byFamily = notAskedByFamily(result);
  if (byFamily.size === 0) return null;
  const without = new Map<string, string[]>();
  for (const [family, { unknown }] of byFamily)
    if (unknown.size > 0) addTo(without, [...unknown].sort().join('\n'), family);
  const texts = [...without].map(
    ([names, families]) => `${families.join(', ')} of ${counted(names.split('\n').length, 'endpoint')}`,
  );
  return texts.length === 0
    ? `${[...byFamily.keys()].join(', ')} to addresses that no guest has`
    : `${texts.join(', ')} (no address)`;
}

/** Unsent packets, once each. */
export function notAskedTexts(result: Result): readonly string[] {
  const families = new Map<string, string[]>();
  for (const [family, { from, to, unknown }] of notAskedByFamily(result)) {
    const addressees = to.size === 0 ? '' : ` to ${setText([...to])}`;
    const why =
      unknown.size === 0 ? 'the class sends to addresses that no guest has' : `no address of ${setText([...unknown])}`;
    const text = ` from ${setText([...from])}${addressees}: ${why}`;
    addTo(families, text, family);
  }
  return [...families].map(([text, names]) => `${listText(names)}${text}`);
}

/**
 * `rules: 40 read, 3 copy or move: 2 asked (9 witnesses), 1 not: needs ct mark 7`; null = none copies or moves.
 * `isPublic`: by names only, as rules' text is a host's firewall.
 */
export function askedRulesText({ rules: record }: Pick<Result, 'rules'>, isPublic = false): string | null {
  if (record === undefined) return null;
  const named = record.rules.map((rule) => ({ ...rule, notAsked: rule.name }));
  return surveyText(isPublic ? { ...record, rules: named } : record);
}

/** Ends, carrier and fields in a line. */
export function witnessText({ from, to, carrier, fields }: RuleRecord['witnesses'][number]): string {
  const values = Object.entries(fields).map(([name, value]) => `${name} ${value}`);
  return [`${from}${to === null ? '' : ` to ${to}`}`, carrier, ...values].join(', ');
}
