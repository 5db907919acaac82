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

/** Parts of a state that may be unread while others are not, as `unread` names them, and where they are. */
const stateParts = {
  fdb: 'fdb',
  vlan: 'vlan',
  mdb: 'mdb',
  tc: 'tc',
  nft: 'nft',
  routing: 'routing',
  programs: 'programs',
  'packet handlers': 'packetHandlers',
  'legacy tables': 'legacyTables',
  'log groups': 'logGroups',
} as const;
const packetSockets = 'packet sockets';

function isUnread(what: string, snapshot: Snapshot): boolean {
  if (snapshot.state.unread.some((unread) => unread.what === what)) return true;
  if (what === packetSockets) return snapshot.packetSockets === null;
  // null = this user may not ask, absent = a snapshot of an earlier version
  return what === 'programs' && (snapshot.state.programs ?? null) === null;
}

/** A snapshot with the parts that it could not read as an earlier one has them, where that could. */
export function withLastRead(was: Snapshot, is: Snapshot): Snapshot {
  const isCarried = (what: string): boolean => isUnread(what, is) && !isUnread(what, was);
  const carried = Object.entries(stateParts).filter(([what]) => isCarried(what));
  const isSocketsCarried = isCarried(packetSockets);
  const known = new Set<string>([...carried.map(([what]) => what), ...(isSocketsCarried ? [packetSockets] : [])]);
  return {
    ...is,
    ...(isSocketsCarried ? { packetSockets: was.packetSockets } : {}),
    state: {
      ...is.state,
      ...Object.fromEntries(carried.map(([, key]) => [key, was.state[key]])),
      unread: is.state.unread.filter(({ what }) => !known.has(what)),
    },
  };
}

/** Gives findings the bridge that they are of. */
export function driftOn(bridge: string): (drift: Omit<Drift, 'bridge'>) => Drift {
  return ({ code, severity, ...rest }) => ({ code, severity, bridge, ...rest });
}

/** MACs that moved between ports, and entries made by hand that came or went. */
export function entryDrift(before: BridgeView, after: BridgeView): readonly Drift[] {
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
  return (['tc', 'nft', 'vlan'] as const)
    .filter((what) => asText(what, was) !== asText(what, is))
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
