import { groupMembers, routerPorts, portVlans } from '../bridge/host.js';
import { vlanWords } from '../bridge/change-commands.js';
import { reloadedRulesText } from '../bridge/rules-text.js';
import { type BridgeView } from '../bridge/view.js';
import type { Drift, Severity } from '../model/audit.js';
import type { DriftCode } from '../model/codes.js';
import type { VlanRange } from '../model/scenario.js';
import type { FdbState, Snapshot } from '../model/state.js';
import { fieldsOf } from '../text/json-text.js';
import { isGroupMacText } from '../wire/ethernet.js';
import { findNamed } from '../text/collections.js';

/** The kernel adds permanent entries for MACs of ports and bridge. */
function isOwnMac(view: BridgeView, { mac, port }: FdbState): boolean {
  if (mac === view.link.mac) return true;
  const portMac = findNamed([view, ...view.ports], port)?.link.mac;
  // of a port that joined after the links were read its own MAC is not known
  return portMac === undefined || portMac === mac;
}

function places(view: BridgeView): ReadonlyMap<string, FdbState> {
  return new Map(
    view.fdb
      .filter((entry) => !isGroupMacText(entry.mac) && (entry.state !== 'permanent' || !isOwnMac(view, entry)))
      .map((entry) => [`${entry.mac}${entry.vlan === null ? '' : ` vlan ${entry.vlan}`}`, entry]),
  );
}

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
  return what === 'programs' && snapshot.state.programs === null;
}

/** Replaces unread parts with those of an earlier snapshot. */
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

/** Makes findings of a bridge, or null for the host. */
export function driftOn(
  bridge: string | null,
): (
  code: DriftCode,
  severity: Severity,
  place: string,
  change: readonly [before: string | null, after: string | null],
  text: string,
) => Drift {
  return (code, severity, place, [before, after], text) => ({ code, severity, bridge, place, before, after, text });
}

function isMade(last: FdbState | undefined, { state }: FdbState): boolean {
  if (state === 'dynamic') return false;
  return last === undefined || last.state === 'dynamic' || (state === 'permanent' && last.state !== state);
}

function isGone(last: FdbState, entry: FdbState | undefined): boolean {
  return last.state !== 'dynamic' && (entry?.state ?? 'dynamic') === 'dynamic';
}

function isUnstuck(last: FdbState, entry: FdbState | undefined): boolean {
  return entry?.port === last.port && last.flags.includes('sticky') && !entry.flags.includes('sticky');
}

/** MACs that moved, and changed static entries. */
export function entryDrift(before: BridgeView, after: BridgeView): readonly Drift[] {
  const [old, now] = [places(before), places(after)];
  const drift = driftOn(after.name);
  return [
    ...[...now].flatMap(([key, entry]) => {
      const last = old.get(key);
      if (last !== undefined && last.port !== entry.port)
        return drift(
          'mac-moved',
          'high',
          key,
          [last.port, entry.port],
          'a MAC moved to another port: its guest moved, or another one claims it',
        );
      if (!isMade(last, entry)) return [];
      const isCut = entry.state === 'permanent' && entry.port !== after.name;
      return drift(
        'entry-added',
        isCut ? 'high' : 'low',
        key,
        [last?.state ?? null, `${entry.state} on ${entry.port}`],
        isCut
          ? 'an entry was made by hand: the bridge takes frames to this MAC for its own, and its guest gets none'
          : 'an entry was made by hand',
      );
    }),
    ...[...old]
      .filter(([key, entry]) => isUnstuck(entry, now.get(key)) && !isGone(entry, now.get(key)))
      .map(([key, { port }]) =>
        drift(
          'sticky-gone',
          'medium',
          key,
          [`sticky on ${port}`, `${now.get(key)?.state ?? 'dynamic'} on ${port}`],
          'an entry no longer holds its MAC on its port: another guest may claim it',
        ),
      ),
    ...[...old]
      .filter(([key, entry]) => isGone(entry, now.get(key)))
      .map(([key, { state, port }]) =>
        drift(
          'entry-gone',
          'medium',
          key,
          [`${state} on ${port}`, now.get(key)?.state ?? null],
          'an entry made by hand is gone',
        ),
      ),
  ];
}

function groupsOf(bridge: string, { state }: Snapshot): Readonly<Record<'members' | 'routers', readonly string[]>> {
  const members = groupMembers(state)
    .filter((member) => member.bridge === bridge && member.state === 'permanent')
    .map(({ group, port, vlan, source }) => {
      const from = source === null ? '' : ` from ${source}`;
      return `${group ?? 'a group'}${from}${vlan === null ? '' : ` vlan ${vlan}`} on ${port}`;
    });
  return { members: [...new Set(members)], routers: [...new Set(routerPorts(state, bridge))] };
}

/** Differences between two lists. */
export function cameAndWent(
  bridge: string,
  [old, now]: readonly [readonly string[], readonly string[]],
  came: readonly [code: DriftCode, severity: Severity, text: string],
  went: readonly [code: DriftCode, severity: Severity, text: string],
  word = 'there',
): readonly Drift[] {
  const drift = driftOn(bridge);
  return [
    ...now.flatMap((place) => (old.includes(place) ? [] : drift(came[0], came[1], place, [null, word], came[2]))),
    ...old.flatMap((place) => (now.includes(place) ? [] : drift(went[0], went[1], place, [word, null], went[2]))),
  ];
}

/** Changed static group members and multicast router ports. */
export function groupDrift(bridge: string, was: Snapshot, is: Snapshot): readonly Drift[] {
  const [old, now] = [groupsOf(bridge, was), groupsOf(bridge, is)];
  return [
    ...cameAndWent(
      bridge,
      [old.members, now.members],
      ['member-added', 'medium', 'a port was made a member of a multicast group by hand'],
      ['member-gone', 'low', 'a port is no longer a member of a multicast group by hand'],
    ),
    ...cameAndWent(
      bridge,
      [old.routers, now.routers],
      ['router-port-appeared', 'high', 'a port is a multicast router port now, and gets every group'],
      ['router-port-gone', 'info', 'a port is no longer a multicast router port'],
    ),
  ];
}

/** Every link brings its own tc discipline, which is no drift. */
function asText(what: 'tc' | 'nft', { state }: Snapshot): string {
  return reloadedRulesText(what === 'tc' ? fieldsOf(state.tc)?.['filters'] : state[what]);
}

/** Changed rules of tc and nft. Mirrors have their own findings. */
export function ruleDrift(was: Snapshot, is: Snapshot): readonly Drift[] {
  return (['tc', 'nft'] as const)
    .filter((what) => asText(what, was) !== asText(what, is))
    .map((what) =>
      driftOn(null)(
        'rules-changed',
        'medium',
        what,
        ['other rules', 'these rules'],
        `rules of ${what} changed, and with them perhaps the frames that pass`,
      ),
    );
}

/** The kernel may list equal neighbours alone or as a range. */
function vlansText(ranges: readonly VlanRange[]): string {
  const joined: VlanRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    const isNext = last !== undefined && last.last + 1 === range.first;
    if (isNext && last.pvid === range.pvid && last.untagged === range.untagged)
      joined[joined.length - 1] = { ...last, last: range.last };
    else joined.push(range);
  }
  return joined.length === 0 ? 'none' : joined.map((range) => vlanWords(range, 'add').slice(1).join(' ')).join(', ');
}

/** Changed VLANs of bridges and ports in both snapshots. */
export function vlanDrift(
  was: Snapshot,
  is: Snapshot,
  pairs: readonly (readonly [before: BridgeView, after: BridgeView])[],
): readonly Drift[] {
  if (JSON.stringify(was.state.vlan) === JSON.stringify(is.state.vlan)) return [];
  return pairs.flatMap(([{ devices }, after]) =>
    [...after.devices]
      .filter((device) => devices.has(device))
      .flatMap((device): readonly Drift[] => {
        const [before, later] = [was, is].map(({ state }) => vlansText(portVlans(state, device)?.ranges ?? []));
        if (before === undefined || later === undefined || before === later) return [];
        return [
          driftOn(after.name)('rules-changed', 'high', device, [before, later], `the VLANs of ${device} changed`),
        ];
      }),
  );
}
