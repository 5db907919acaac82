import { settingsOfPlace } from './attributes.js';
import type { LinkState } from '../model/state.js';
import { groupMembers, portVlans } from './host.js';
import type { ChangeOf } from '../model/fabric.js';
import type { SettingValue, VlanRange } from '../model/scenario.js';
import { objectsOf, textOf, textsOf } from '../text/json-text.js';

type Reader = 'judge' | 'drift' | 'report';

interface LinkFact {
  readonly of: (link: LinkState) => SettingValue | null | undefined;
  readonly by: readonly Reader[];
}

const linkFacts: ReadonlyMap<string, LinkFact> = new Map([
  ['ifindex', { of: ({ ifindex }) => ifindex, by: ['judge'] }],
  ['master', { of: ({ master }) => master, by: ['judge', 'report'] }],
  ['MAC', { of: ({ mac }) => mac, by: ['judge', 'report'] }],
  ['MTU', { of: ({ mtu }) => mtu, by: ['judge', 'report'] }],
  ['VNI', { of: ({ vni }) => vni, by: ['judge'] }],
  ['UP', { of: ({ flags }) => flags.includes('UP'), by: ['judge', 'report'] }],
  ['carrier', { of: ({ flags }) => flags.includes('LOWER_UP'), by: ['judge', 'report'] }],
  ['promiscuity', { of: ({ promiscuity }) => promiscuity, by: ['judge', 'report'] }],
  ['XDP program', { of: ({ xdp }) => xdp, by: ['judge'] }],
] satisfies readonly (readonly [string, LinkFact])[]);
const settingFacts = (['bridge', 'port'] as const).flatMap((place) =>
  settingsOfPlace(place).map(({ key }) => [key, (link: LinkState) => link[place]?.[key]] as const),
);
/** A key of bridges and of ports is in both. */
const comparedBy = (reader: Reader): readonly (readonly [string, LinkFact['of']])[] => [
  ...[...linkFacts].flatMap(([what, { of, by }]) => (by.includes(reader) ? [[what, of] as const] : [])),
  ...settingFacts,
  // It follows the settings and what is heard on the port: the judge asks for `forwarding`
  ...(reader === 'report' ? [['state', ({ port }: LinkState) => port?.['state']] as const] : []),
];
const compared = { judge: comparedBy('judge'), drift: comparedBy('drift'), report: comparedBy('report') };

/** A link's fact or attribute. null = none. */
export function factOf(link: LinkState | undefined, what: string): SettingValue | null {
  if (link === undefined) return null;
  return linkFacts.get(what)?.of(link) ?? link.port?.[what] ?? link.bridge?.[what] ?? null;
}

export interface LinkChange {
  readonly what: string;
  readonly was: SettingValue | null;
  readonly is: SettingValue | null;
}

/** Changed facts and settings that matter to the reader. */
export function compareLinks(before: LinkState, after: LinkState, reader: Reader): readonly LinkChange[] {
  return compared[reader].flatMap(([what, of]) => {
    const [was, is] = [of(before) ?? null, of(after) ?? null];
    return was === is || JSON.stringify(was) === JSON.stringify(is) ? [] : [{ what, was, is }];
  });
}

/** Wish and kernel state in the same words. */
export interface Compared {
  /** `VLAN 10 on vnet1`. */
  readonly what: string;
  /** `present pvid`, `static sticky`, `absent`. */
  readonly wanted: string;
  readonly found: string;
}

/** Compares with `bridge -j fdb show dev PORT`. */
export function comparedEntry({ act, entry: target }: ChangeOf<'fdb'>, json: unknown): Compared {
  const { mac, port, state, sticky, vlan, self } = target;
  const entry = objectsOf(json).find(
    (row) =>
      row['mac'] === mac.toLowerCase() &&
      (vlan === null || row['vlan'] === vlan) &&
      (self || row['master'] !== undefined),
  ); // the bridge's own entry is printed with or without `self`
  const what = `${mac} on ${port}${vlan === null ? '' : ` in VLAN ${vlan}`}`;
  if (act === 'del') return { what, wanted: 'absent', found: presence(entry !== undefined) };
  const wanted = `${self ? 'permanent' : state}${sticky ? ' sticky' : ''}`;
  if (entry === undefined) return { what, wanted, found: 'absent' };
  // An entry that is asked to be dynamic is printed without a state
  const now = textOf(entry['state']) || 'dynamic';
  return { what, wanted, found: `${now}${textsOf(entry['flags']).includes('sticky') ? ' sticky' : ''}` };
}

/** Compares with `bridge -j mdb show dev BRIDGE`. */
export function comparedMember({ act, entry }: ChangeOf<'mdb'>, json: unknown): Compared {
  const { group, port, vlan } = entry;
  const isThere = groupMembers({ mdb: json }).some(
    (member) => member.group === group.toLowerCase() && member.port === port && (vlan === null || member.vlan === vlan),
  );
  return { what: `${group} on ${port}`, wanted: presence(act === 'add'), found: presence(isThere) };
}

/** Compares with `bridge -j vlan show dev PORT`, whose ranges may differ. */
export function comparedVlan({ act, entry }: ChangeOf<'vlan'>, json: unknown): Compared {
  const { first, last, port } = entry;
  const ranges = portVlans({ vlan: json }, port)?.ranges ?? [];
  const holding = (vid: number): VlanRange | undefined =>
    ranges.find((range) => range.first <= vid && vid <= range.last);
  const what = `VLAN ${first === last ? first : `${first}-${last}`} on ${port}`;
  const ends = [holding(first), holding(last)];
  if (act === 'del') return { what, wanted: 'absent', found: presence(ends.some((range) => range !== undefined)) };
  const now = ends.some((range) => range === undefined) ? undefined : ends[0];
  return { what, wanted: flagged(entry), found: now === undefined ? 'absent' : flagged(now) };
}

function presence(isThere: boolean): string {
  return isThere ? 'present' : 'absent';
}

/** `present pvid untagged`. */
export function flagged({ pvid, untagged }: Pick<VlanRange, 'pvid' | 'untagged'>): string {
  return `present${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}`;
}
