import { hostOf } from '../model/host-names.js';
import type { Mac, VlanRange } from '../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import { groupBy, numbersFrom, once } from '../text/collections.js';
import { type Fields, fieldsOf, objectsOf, textOf, textsOf } from '../text/json-text.js';

type Links = Pick<HostState, 'links'>;
type Fdb = Pick<HostState, 'fdb'>;

const linkTables = once((links: HostState['links']) => ({
  byName: groupBy(links, ({ name }) => name),
  byIndex: groupBy(links, ({ ifindex }) => ifindex),
  byMaster: groupBy(links, ({ master }) => master),
}));

/** The first link of that name. */
export function linkNamed({ links }: Links, name: string | null | undefined): LinkState | undefined {
  return linkTables(links).byName.get(name ?? '')?.[0];
}

/** The link of an index on a host. null = the orchestrator's own, or the only one. */
export function linkAt({ links }: Links, ifindex: number | null, host: string | null = null): LinkState | undefined {
  const found = ifindex === null ? undefined : linkTables(links).byIndex.get(ifindex);
  return found?.find(({ name }) => hostOf(name) === host);
}

/** A master's ports, in link order. */
export function portsOf({ links }: Links, master: string): readonly LinkState[] {
  return linkTables(links).byMaster.get(master) ?? [];
}

const fdbTables = once((fdb: HostState['fdb']) => ({
  byMac: groupBy(fdb, ({ mac }) => mac),
  byPort: groupBy(fdb, ({ port }) => port),
  byMaster: groupBy(fdb, ({ master }) => master),
}));

/** A MAC's entries in all databases. */
export function entriesOf({ fdb }: Fdb, mac: Mac | null): readonly FdbState[] {
  return (mac === null ? undefined : fdbTables(fdb).byMac.get(mac)) ?? [];
}

/** Entries that lead to a device, and its own. */
export function entriesOn({ fdb }: Fdb, port: string): readonly FdbState[] {
  return fdbTables(fdb).byPort.get(port) ?? [];
}

/** Entries whose master is the bridge. */
export function entriesIn({ fdb }: Fdb, bridge: string): readonly FdbState[] {
  return fdbTables(fdb).byMaster.get(bridge) ?? [];
}

export interface GroupMember {
  readonly bridge: string;
  readonly port: string;
  /** null = not understood. */
  readonly group: string | null;
  readonly vlan: number | null;
  /** null = any sender. */
  readonly source: string | null;
  /** `permanent`: static. `temp`: joined. */
  readonly state: string;
  readonly flags: readonly string[];
}

function memberOf({ dev, port, grp, vid, src, state, flags }: Fields): GroupMember {
  const text = (value: unknown): string => textOf(value) ?? '?';
  return {
    ...{
      bridge: text(dev),
      port: text(port),
      group: textOf(grp),
      state: textOf(state) ?? 'temp',
      flags: textsOf(flags),
    },
    vlan: typeof vid === 'number' && vid > 0 ? vid : null,
    source: src === undefined ? null : text(src),
  };
}

/** `[{"mdb":[{"dev":"br0","port":"vnet0","grp":"239.1.1.1"}],"router":{"br0":[…]}}]` */
const mdbTables = once((mdb: object) => ({
  members: objectsOf(mdb)
    .flatMap((part) => objectsOf(part['mdb']))
    .map(memberOf),
  routers: objectsOf(mdb).map((part) => fieldsOf(part['router'])),
}));
const noMembers: object = [];

function mdbOf({ mdb }: Pick<HostState, 'mdb'>): ReturnType<typeof mdbTables> {
  return mdbTables(typeof mdb === 'object' && mdb !== null ? mdb : noMembers);
}

export function groupMembers(state: Pick<HostState, 'mdb'>): readonly GroupMember[] {
  return mdbOf(state).members;
}

/** Multicast router ports, set so or with a received query. */
export function routerPorts(state: Pick<HostState, 'mdb'>, bridge: string): readonly string[] {
  return mdbOf(state).routers.flatMap((router) => objectsOf(router?.[bridge]).map(({ port }) => textOf(port) ?? '?'));
}

export interface PortVlans {
  readonly ranges: readonly VlanRange[];
  /** The VLAN of untagged frames. */
  readonly native: number | null;
  readonly members: ReadonlySet<number>;
  /** Equal texts mean equal VLANs. */
  readonly text: string;
}

function rangeOf({ vlan, vlanEnd = vlan, flags }: Fields): readonly VlanRange[] {
  if (typeof vlan !== 'number' || typeof vlanEnd !== 'number' || vlan > vlanEnd || vlanEnd > 4095) return [];
  const words = textsOf(flags);
  return [{ first: vlan, last: vlanEnd, pvid: words.includes('PVID'), untagged: words.includes('Egress Untagged') }];
}

/** A trunk may have four thousand VLANs. */
const membersOf = once(
  (ranges: readonly VlanRange[]) => new Set(ranges.flatMap(({ first, last }) => numbersFrom(first, last))),
);
const vlansOfPort = once((listed: readonly Fields[]): PortVlans => {
  const ranges = listed.flatMap((port) => objectsOf(port['vlans'])).flatMap(rangeOf);
  return {
    ranges,
    native: ranges.find(({ pvid }) => pvid)?.first ?? null,
    get members() {
      return membersOf(ranges);
    },
    get text() {
      return JSON.stringify(listed);
    },
  };
});
const vlanTables = once((vlan: object) => groupBy(objectsOf(vlan), ({ ifname }) => ifname));

/**
 * From `bridge -j vlan show`: `[{"ifname":"vnet0","vlans":[{"vlan":1,"flags":["PVID"]},{"vlan":20,"vlanEnd":29}]}]`.
 * null = not listed.
 */
export function portVlans({ vlan }: Pick<HostState, 'vlan'>, name: string): PortVlans | null {
  const listed = typeof vlan === 'object' && vlan !== null ? vlanTables(vlan).get(name) : undefined;
  return listed === undefined ? null : vlansOfPort(listed);
}
