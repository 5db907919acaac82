import type { Drift } from '../model/drift.js';
import type { Reading } from '../model/reading.js';
import type { FdbState } from '../model/state.js';
import { isGroup, type BridgeView } from './bridge-view.js';

/**
 * Somebody's place by MAC and VLAN; a port's own MAC (`permanent`) is the kernel's affair, one on the bridge device is
 * not.
 */
function places(view: BridgeView): ReadonlyMap<string, FdbState> {
  return new Map(
    view.fdb
      .filter(
        (entry) =>
          !isGroup(entry.mac) &&
          (entry.state !== 'permanent' || (entry.port === view.name && entry.mac !== view.link.mac)),
      )
      .map((entry) => [`${entry.mac}${entry.vlan === null ? '' : ` vlan ${entry.vlan}`}`, entry]),
  );
}

/** MACs that moved between ports, and entries made by hand that came or went. */
export function entryDrift(before: BridgeView, was: Reading, after: BridgeView, is: Reading): readonly Drift[] {
  if ([...was.state.unread, ...is.state.unread].some(({ what }) => what === 'fdb')) return [];
  const [old, now] = [places(before), places(after)];
  const drift = (
    code: string,
    severity: Drift['severity'],
    place: string,
    from: string | null,
    to: string | null,
    text: string,
  ): Drift => ({ code, severity, bridge: after.name, place, before: from, after: to, text });
  return [
    ...[...now].flatMap(([key, entry]) => {
      const last = old.get(key);
      if (last !== undefined && last.port !== entry.port)
        return [
          drift(
            'mac-moved',
            'high',
            key,
            last.port,
            entry.port,
            'a MAC moved to another port: its guest moved, or another one claims it',
          ),
        ];
      return (last === undefined || last.state === 'dynamic') && entry.state !== 'dynamic'
        ? [
            drift(
              'entry-added',
              'low',
              key,
              last?.state ?? null,
              `${entry.state} on ${entry.port}`,
              'an entry was made by hand',
            ),
          ]
        : [];
    }),
    ...[...old]
      .filter(([key, entry]) => entry.state !== 'dynamic' && (now.get(key)?.state ?? 'dynamic') === 'dynamic')
      .map(([key, entry]) =>
        drift(
          'entry-gone',
          'medium',
          key,
          `${entry.state} on ${entry.port}`,
          now.get(key)?.state ?? null,
          'an entry made by hand is gone',
        ),
      ),
  ];
}
