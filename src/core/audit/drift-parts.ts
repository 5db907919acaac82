import { type BridgeView } from '../bridge/view.js';
import { isGroupMacText } from '../wire/ethernet.js';
import type { Drift } from '../model/audit.js';
import type { FdbState, Snapshot } from '../model/state.js';
import { fieldsOf } from '../text/json-text.js';

/**
 * Somebody's place by MAC and VLAN; a port's own MAC (`permanent`) is the kernel's affair, one on the bridge device is
 * not.
 */
function places(view: BridgeView): ReadonlyMap<string, FdbState> {
  return new Map(
    view.fdb
      .filter(
        (entry) =>
          !isGroupMacText(entry.mac) &&
          (entry.state !== 'permanent' || (entry.port === view.name && entry.mac !== view.link.mac)),
      )
      .map((entry) => [`${entry.mac}${entry.vlan === null ? '' : ` vlan ${entry.vlan}`}`, entry]),
  );
}

/** Gives findings the bridge that they are of. */
export function driftOn(bridge: string): (drift: Omit<Drift, 'bridge'>) => Drift {
  return ({ code, severity, ...rest }) => ({ code, severity, bridge, ...rest });
}

/** MACs that moved between ports, and entries made by hand that came or went. */
export function entryDrift(before: BridgeView, was: Snapshot, after: BridgeView, is: Snapshot): readonly Drift[] {
  if ([...was.state.unread, ...is.state.unread].some(({ what }) => what === 'fdb')) return [];
  const [old, now] = [places(before), places(after)];
  const drift = driftOn(after.name);
  return [
    ...[...now].flatMap(([key, entry]) => {
      const last = old.get(key);
      if (last !== undefined && last.port !== entry.port)
        return [
          drift({
            code: 'mac-moved',
            severity: 'high',
            place: key,
            before: last.port,
            after: entry.port,
            text: 'a MAC moved to another port: its guest moved, or another one claims it',
          }),
        ];
      return (last === undefined || last.state === 'dynamic') && entry.state !== 'dynamic'
        ? [
            drift({
              code: 'entry-added',
              severity: 'low',
              place: key,
              before: last?.state ?? null,
              after: `${entry.state} on ${entry.port}`,
              text: 'an entry was made by hand',
            }),
          ]
        : [];
    }),
    ...[...old]
      .filter(([key, entry]) => entry.state !== 'dynamic' && (now.get(key)?.state ?? 'dynamic') === 'dynamic')
      .map(([key, entry]) =>
        drift({
          code: 'entry-gone',
          severity: 'medium',
          place: key,
          before: `${entry.state} on ${entry.port}`,
          after: now.get(key)?.state ?? null,
          text: 'an entry made by hand is gone',
        }),
      ),
  ];
}

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
function asText(what: 'tc' | 'nft' | 'vlan', { state }: Snapshot): string {
  const value = what === 'tc' ? fieldsOf(state.tc)?.['filters'] : state[what];
  return JSON.stringify(value, (key, member: unknown) => (moving.has(key) ? undefined : member)) ?? '';
}

/**
 * Rules of tc and nft, and VLANs of ports, that are no longer the same; what mirrors is reported by its own name
 * beside it.
 */
export function ruleDrift(was: Snapshot, is: Snapshot): readonly Drift[] {
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
