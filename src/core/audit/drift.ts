import { type BridgeView, bridgeViews, describeHolders, isPromiscuous } from '../bridge/view.js';
import { findingsOn } from '../bridge/weaknesses.js';
import type { Drift } from '../model/audit.js';
import { receives } from '../model/packet-socket.js';
import { type HostState, type Snapshot } from '../model/state.js';
import { driftOn, entryDrift, groupDrift, ruleDrift, vlanDrift, withLastRead } from './drift-parts.js';
import { returnDrift, settingDrift, type SettingsByName } from './drift-settings.js';

/** Rules whose findings are things that come and go, rather than settings. */
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
    const findingsOf = (
      view: BridgeView,
      snapshot: Snapshot,
    ): ReadonlyMap<string, { place: string; value: string; text: string }> =>
      new Map(
        findingsOn(id, view, snapshot).map(({ place, value, text }) => [`${place}\0${value}`, { place, value, text }]),
      );
    const [old, now] = [findingsOf(before, was), findingsOf(after, is)];
    return [
      ...[...now]
        .filter(([key]) => !old.has(key))
        .map(
          ([, { place, value, text }]): Drift => ({
            code: `${what}-appeared`,
            severity: 'high',
            bridge: after.name,
            place,
            before: null,
            after: value,
            text,
          }),
        ),
      ...[...old]
        .filter(([key]) => !now.has(key))
        .map(
          ([, { place, value }]): Drift => ({
            code: `${what}-gone`,
            severity: 'info',
            bridge: after.name,
            place,
            before: value,
            after: null,
            text: 'it is gone',
          }),
        ),
    ];
  });
}

function promiscuousDrift(before: BridgeView, after: BridgeView, is: Snapshot): readonly Drift[] {
  const [was, now] = [isPromiscuous(before.link), isPromiscuous(after.link)];
  if (was === now) return [];
  const holders =
    is.packetSockets === null
      ? null
      : is.packetSockets.filter((socket) => socket.ifindex === after.link.ifindex && receives(socket));
  return [
    now
      ? {
          code: 'bridge-promiscuous',
          severity: 'high',
          bridge: after.name,
          place: after.name,
          before: 'promiscuity 0',
          after: `promiscuity ${after.link.promiscuity ?? 'unknown'}, held by ${describeHolders(holders)}`,
          text: 'something bridges this bridge or listens on it: frames to what is behind it flood to all ports',
        }
      : {
          code: 'bridge-not-promiscuous',
          severity: 'info',
          bridge: after.name,
          place: after.name,
          before: `promiscuity ${before.link.promiscuity ?? 'unknown'}`,
          after: 'promiscuity 0',
          text: 'no program holds the bridge device any more',
        },
  ];
}

function portDrift(before: BridgeView, after: BridgeView): readonly Drift[] {
  const names = (view: BridgeView): ReadonlySet<string> => new Set(view.ports.map(({ name }) => name));
  const [old, now] = [names(before), names(after)];
  const drift = driftOn(after.name);
  return [
    ...[...now]
      .filter((name) => !old.has(name))
      .map((name) =>
        drift({
          code: 'port-joined',
          severity: 'medium',
          place: name,
          before: null,
          after: after.name,
          text: 'a port joined the bridge',
        }),
      ),
    ...[...old]
      .filter((name) => !now.has(name))
      .map((name) =>
        drift({
          code: 'port-left',
          severity: 'low',
          place: name,
          before: before.name,
          after: null,
          text: 'a port left the bridge',
        }),
      ),
  ];
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

/** Parts that can no longer be read. */
function unreadDrift(before: HostState['unread'], after: HostState['unread']): readonly Drift[] {
  return after
    .filter(({ what }) => !before.some((unread) => unread.what === what))
    .map(({ what, why }) => ({
      code: 'unread',
      severity: 'high',
      bridge: null,
      place: what,
      before: 'read',
      after: why,
      text: 'it can no longer be read: changes of it are reported when it can be read again',
    }));
}

function hostDrift(was: Snapshot, is: Snapshot): readonly Drift[] {
  const sysctls = [...new Set([...Object.keys(was.state.sysctl), ...Object.keys(is.state.sysctl)])];
  const vmnet = (snapshot: Snapshot): Readonly<Record<string, string>> =>
    Object.fromEntries(
      snapshot.vmnet.map(({ path, mode, group }) => [path, `mode ${(mode & 0o777).toString(8)}, group ${group}`]),
    );
  const [oldNet, newNet] = [vmnet(was), vmnet(is)];
  return [
    ...ruleDrift(was, is),
    ...sysctls
      .filter((name) => was.state.sysctl[name] !== is.state.sysctl[name])
      .map(
        (name): Drift => ({
          code: 'sysctl-changed',
          severity: 'high',
          bridge: null,
          place: name,
          before: was.state.sysctl[name] ?? null,
          after: is.state.sysctl[name] ?? null,
          text: 'what the host forwards or filters changed',
        }),
      ),
    ...[...new Set([...Object.keys(oldNet), ...Object.keys(newNet)])]
      .filter((path) => oldNet[path] !== newNet[path])
      .map(
        (path): Drift => ({
          code: 'vmnet-changed',
          severity: 'medium',
          bridge: null,
          place: path,
          before: oldNet[path] ?? null,
          after: newNet[path] ?? null,
          text: "a device of VMware's networking changed",
        }),
      ),
  ];
}

export interface DriftOptions {
  /** null = all of them. */
  readonly bridge: string | null;
  /** What is known to be unread already; absent = what the first snapshot could not read. */
  readonly unread?: HostState['unread'];
  /** What bridges and ports that the first snapshot lacks were last seen with; absent = nothing is known of them. */
  readonly earlier?: SettingsByName;
}

/**
 * What differs between two snapshots, for one bridge or all of them. Parts that one of them could not read are left
 * out, and said as `unread`. Counters, timers and what bridges learn and forget by themselves are no drift.
 */
export function driftOf(first: Snapshot, second: Snapshot, options: DriftOptions = { bridge: null }): readonly Drift[] {
  // a part that one of them lacks is the same in both
  const [was, is] = [withLastRead(second, first), withLastRead(first, second)];
  const views = (snapshot: Snapshot): ReadonlyMap<string, BridgeView> =>
    new Map(
      bridgeViews(snapshot)
        .filter(({ name }) => options.bridge === null || name === options.bridge)
        .map((view) => [view.name, view]),
    );
  const [old, now] = [views(was), views(is)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  const earlier = options.earlier ?? new Map<string, never>();
  const bridges = names.flatMap((name): readonly Drift[] => {
    const [before, after] = [old.get(name), now.get(name)];
    if (before === undefined)
      return [
        {
          code: 'bridge-appeared',
          severity: 'medium',
          bridge: name,
          place: name,
          before: null,
          after: 'there',
          text: 'a bridge appeared',
        },
        ...(after === undefined ? [] : returnDrift(null, after, earlier)),
      ];
    if (after === undefined)
      return [
        {
          code: 'bridge-gone',
          severity: 'high',
          bridge: name,
          place: name,
          before: 'there',
          after: null,
          text: 'the bridge is gone',
        },
      ];
    return [...bridgeDrift(before, was, after, is), ...returnDrift(before, after, earlier)];
  });
  const unread = unreadDrift(options.unread ?? first.state.unread, second.state.unread);
  const pairs = [...now].flatMap(([name, after]) => {
    const before = old.get(name);
    return before === undefined ? [] : [[before, after] as const];
  });
  return [...bridges, ...vlanDrift(was, is, pairs), ...hostDrift(was, is), ...unread];
}
