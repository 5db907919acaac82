import { type BridgeView, bridgeViews, describeHolders, isPromiscuous } from '../bridge/view.js';
import type { RuleFinding } from '../bridge/weakness.js';
import { findingsOn } from '../bridge/weaknesses.js';
import type { Drift } from '../model/audit.js';
import { holdsPromiscuous } from '../model/packet-socket.js';
import { type HostState, type Snapshot } from '../model/state.js';
import { cameAndWent, driftOn, entryDrift, groupDrift, ruleDrift, vlanDrift, withLastRead } from './drift-parts.js';
import { returnDrift, settingDrift, type LinksByName } from './drift-settings.js';
import { changedKeys, mapByName, namesIn } from '../text/collections.js';

const transientRules = [
  ['tc-mirror', 'mirror'],
  ['nft-mirror', 'mirror'],
  ['xdp-program', 'mirror'],
  ['bypass-possible', 'bypass'],
  ['sniffer-on-host', 'sniffer'],
  ['behind-bridge', 'behind-bridge'],
] as const;

function appearedAndGone(before: BridgeView, was: Snapshot, after: BridgeView, is: Snapshot): readonly Drift[] {
  return transientRules.flatMap(([id, what]) => {
    const findingsOf = (view: BridgeView, snapshot: Snapshot): ReadonlyMap<string, RuleFinding> =>
      new Map(findingsOn(id, view, snapshot).map((finding) => [`${finding.place}\0${finding.value}`, finding]));
    const [old, now] = [findingsOf(before, was), findingsOf(after, is)];
    const drift = driftOn(after.name);
    return [
      ...[...now].flatMap(([key, { place, value, text }]) =>
        old.has(key) ? [] : drift(`${what}-appeared`, 'high', place, [null, value], text),
      ),
      ...[...old].flatMap(([key, { place, value }]) =>
        now.has(key) ? [] : drift(`${what}-gone`, 'info', place, [value, null], 'it is gone'),
      ),
    ];
  });
}

function promiscuousDrift(before: BridgeView, after: BridgeView, is: Snapshot): readonly Drift[] {
  const [was, now] = [isPromiscuous(before.link), isPromiscuous(after.link)];
  if (was === now) return [];
  const holders = is.packetSockets?.filter((socket) => holdsPromiscuous(socket, after.link.ifindex)) ?? null;
  const drift = driftOn(after.name);
  return [
    now
      ? drift(
          'bridge-promiscuous',
          'high',
          after.name,
          ['promiscuity 0', `promiscuity ${after.link.promiscuity ?? 'unknown'}, held by ${describeHolders(holders)}`],
          'something bridges this bridge or listens on it: frames to the guest behind it flood to all ports',
        )
      : drift(
          'bridge-not-promiscuous',
          'info',
          after.name,
          [`promiscuity ${before.link.promiscuity ?? 'unknown'}`, 'promiscuity 0'],
          'no program holds the bridge device any more',
        ),
  ];
}

function portDrift(before: BridgeView, after: BridgeView): readonly Drift[] {
  const [old = [], now = []] = [before, after].map(({ ports }) => namesIn(ports));
  return cameAndWent(
    after.name,
    [old, now],
    ['port-joined', 'medium', 'a port joined the bridge'],
    ['port-left', 'low', 'a port left the bridge'],
    after.name,
  );
}

function bridgeDrift(before: BridgeView, was: Snapshot, after: BridgeView, is: Snapshot): readonly Drift[] {
  return [
    ...promiscuousDrift(before, after, is),
    ...portDrift(before, after),
    ...settingDrift(before, after, is),
    ...entryDrift(before, after),
    ...groupDrift(after.name, was, is),
    ...appearedAndGone(before, was, after, is),
  ];
}

function unreadDrift(before: HostState['unread'], after: HostState['unread']): readonly Drift[] {
  return after
    .filter(({ what }) => !before.some((unread) => unread.what === what))
    .map(({ what, why }) =>
      driftOn(null)(
        'unread',
        'high',
        what,
        ['read', why],
        'it can no longer be read: changes of it are reported when it can be read again',
      ),
    );
}

function hostDrift(was: Snapshot, is: Snapshot): readonly Drift[] {
  const vmnetOf = ({ vmnet }: Snapshot): Readonly<Record<string, string>> =>
    Object.fromEntries(
      vmnet.map(({ path, mode, group }) => [path, `mode ${(mode & 0o777).toString(8)}, group ${group}`]),
    );
  const drift = driftOn(null);
  return [
    ...ruleDrift(was, is),
    ...changedKeys(was.state.sysctl, is.state.sysctl).map(({ key, before, after }) =>
      drift('sysctl-changed', 'high', key, [before, after], 'a setting of forwarding or filtering on the host changed'),
    ),
    ...changedKeys(vmnetOf(was), vmnetOf(is)).map(({ key, before, after }) =>
      drift('vmnet-changed', 'medium', key, [before, after], "a device of VMware's networking changed"),
    ),
  ];
}

export interface DriftOptions {
  /** null = all. */
  readonly bridge: string | null;
  /** Absent = unread in the first snapshot. */
  readonly unread?: HostState['unread'];
  readonly earlier?: LinksByName;
}

/** Differences between snapshots. Names parts unread in one `unread`. Ignores counters, timers and MAC learning. */
export function driftOf(first: Snapshot, second: Snapshot, options: DriftOptions = { bridge: null }): readonly Drift[] {
  // a part that one of them lacks is the same in both
  const [was, is] = [withLastRead(second, first), withLastRead(first, second)];
  const views = (snapshot: Snapshot): ReadonlyMap<string, BridgeView> =>
    mapByName(bridgeViews(snapshot).filter(({ name }) => options.bridge === null || name === options.bridge));
  const [old, now] = [views(was), views(is)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  const earlier = options.earlier ?? new Map<string, never>();
  const bridges = names.flatMap((name): readonly Drift[] => {
    const [before, after] = [old.get(name), now.get(name)];
    const drift = driftOn(name);
    if (before === undefined)
      return [
        drift('bridge-appeared', 'medium', name, [null, 'there'], 'a bridge appeared'),
        ...(after === undefined ? [] : returnDrift(null, after, earlier)),
      ];
    if (after === undefined) return [drift('bridge-gone', 'high', name, ['there', null], 'the bridge is gone')];
    return [...bridgeDrift(before, was, after, is), ...returnDrift(before, after, earlier)];
  });
  const unread = unreadDrift(options.unread ?? first.state.unread, second.state.unread);
  const pairs = [...now].flatMap(([name, after]) => {
    const before = old.get(name);
    return before === undefined ? [] : [[before, after] as const];
  });
  return [...bridges, ...vlanDrift(was, is, pairs), ...hostDrift(was, is), ...unread];
}
