import type { Drift } from '../model/drift.js';
import type { Reading } from '../model/reading.js';
import { fieldsOf } from '../core/text/json-fields.js';

const moving: ReadonlySet<string> = new Set([
  'packets',
  'bytes',
  'used',
  'expires',
  'last',
  'installed',
  'last_used',
  'handle',
  'refcnt',
  'ref',
  'bind',
]);

/** Rules as text, without what moves by itself. Of tc the filters only: every link brings a discipline of its own. */
function asText(what: 'tc' | 'nft' | 'vlan', { state }: Reading): string {
  const value = what === 'tc' ? fieldsOf(state.tc)?.['filters'] : state[what];
  return JSON.stringify(value, (key, one: unknown) => (moving.has(key) ? undefined : one)) ?? '';
}

/**
 * Rules of tc and nft, and VLANs of ports, that are no longer the same; what mirrors is told by its own name beside it.
 */
export function ruleDrift(was: Reading, is: Reading): readonly Drift[] {
  const blind = new Set([...was.state.unread, ...is.state.unread].map(({ what }) => what));
  return (['tc', 'nft', 'vlan'] as const)
    .filter((what) => !blind.has(what) && asText(what, was) !== asText(what, is))
    .map((what) => ({
      code: 'rules-changed',
      severity: what === 'vlan' ? 'high' : 'medium',
      bridge: null,
      place: what,
      before: 'other rules',
      after: 'these rules',
      text:
        what === 'vlan'
          ? 'the VLANs of ports changed'
          : `rules of ${what} changed: what they let through may have, too`,
    }));
}
