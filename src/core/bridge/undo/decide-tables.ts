import { type GroupMember, groupMembers, portVlans } from '../host.js';
import type { FdbEntry, VlanRange } from '../../model/scenario.js';
import { type Fields, objectsOf, textOf, textsOf } from '../../text/json-text.js';
import { changeCommands } from '../change-commands.js';
import { flagged } from '../compare.js';
import {
  byIndex,
  changed,
  done,
  type FdbForm,
  type FdbRow,
  findLink,
  leave,
  linkOf,
  type Present,
  undo,
  type UndoDecision,
  type UndoOf,
} from './entry.js';
import { numbersFrom } from '../../text/collections.js';

type VlanFlags = Pick<VlanRange, 'pvid' | 'untagged'>;

function vlanWord(flags: VlanFlags | undefined): string {
  return flags === undefined ? 'absent' : flagged(flags);
}

function byVid(ranges: readonly VlanRange[]): ReadonlyMap<number, VlanFlags> {
  return new Map(
    ranges.flatMap(({ first, last, pvid, untagged }) =>
      numbersFrom(first, last).map((vid) => [vid, { pvid, untagged }] as const),
    ),
  );
}

/** Decides for each touched VLAN. The PVID is restored last. */
export function decideVlan({ on, self, set, was }: UndoOf<'vlan'>, { links, vlan }: Present): UndoDecision {
  const link = findLink(on, links);
  if ('kind' in link) return link;
  const [after, before, now] = [byVid(set), byVid(was), byVid(portVlans({ vlan }, link.name)?.ranges ?? [])];
  const touched = [...new Set([...after.keys(), ...before.keys()])].sort((a, b) => a - b);
  const others: string[] = [];
  const toRestore: number[] = [];
  for (const vid of touched) {
    const [isNow, asSet, asBefore] = [now, after, before].map((vlans) => vlanWord(vlans.get(vid)));
    if (isNow === asBefore) continue;
    if (isNow === asSet) toRestore.push(vid);
    else others.push(`VLAN ${vid} of ${link.name} is ${isNow}, not what the run had set (${asSet})`);
  }
  if (toRestore.length === 0) return others.length === 0 ? done : leave(others.slice(0, 5).join('; '));
  const command = (act: 'add' | 'del', entry: VlanRange): readonly (readonly string[])[] =>
    changeCommands({ kind: 'vlan', act, self, entry: { ...entry, port: byIndex(on.ifindex) } }, () => '');
  const takenAway = runsOf(
    toRestore.filter((vid) => !before.has(vid)).map((vid) => ({ vid, pvid: false, untagged: false })),
  );
  const givenBack = runsOf(
    toRestore.flatMap((vid) => {
      const flags = before.get(vid);
      return flags === undefined ? [] : [{ vid, ...flags }];
    }),
  );
  return undo(
    ...takenAway.flatMap((range) => command('del', range)),
    ...givenBack.filter(({ pvid }) => !pvid).flatMap((range) => command('add', range)),
    ...givenBack.filter(({ pvid }) => pvid).flatMap((range) => command('add', range)),
  );
}

/** A PVID stands alone. */
function runsOf(vlans: readonly ({ readonly vid: number } & VlanFlags)[]): readonly VlanRange[] {
  const runs: VlanRange[] = [];
  for (const { vid, pvid, untagged } of vlans) {
    const last = runs.at(-1);
    if (last !== undefined && last.last === vid - 1 && !pvid && !last.pvid && last.untagged === untagged)
      runs[runs.length - 1] = { ...last, last: vid };
    else runs.push({ first: vid, last: vid, pvid, untagged });
  }
  return runs;
}

function formWord(form: FdbForm | null): string {
  return form === null ? 'absent' : `${form.state}${form.sticky ? ' sticky' : ''}`;
}

/** An entry of `bridge -j fdb`. */
export function fdbForm(row: Fields): FdbForm {
  const state = (['static', 'permanent'] as const).find((name) => name === row['state']) ?? 'dynamic';
  return { state, sticky: textsOf(row['flags']).includes('sticky') };
}

interface JudgedRow {
  readonly vlan: number | null;
  readonly now: FdbForm | null;
  /** As before if it is the run's, else as it is. */
  readonly target: FdbForm | null;
  /** null = the run's. */
  readonly foreign: string | null;
}

function judgeRow(
  { vlan, set, was }: FdbRow,
  of: { readonly entries: readonly Fields[]; readonly name: string; readonly mac: string; readonly self: boolean },
): JudgedRow {
  const inVlan = of.entries.filter((entry) => (entry['vlan'] ?? null) === vlan);
  const entriesHere = inVlan.filter((entry) => entry['ifname'] === of.name);
  // The device's own entry stands beside that of its bridge, and that of a bridge is printed with or without `self`
  const here = (of.self ? entriesHere.find((entry) => entry['master'] === undefined) : undefined) ?? entriesHere[0];
  const now = here === undefined ? null : fdbForm(here);
  const [isNow, asSet, asBefore] = [formWord(now), formWord(set), formWord(was)];
  if (isNow === asBefore) return { vlan, now, target: now, foreign: null };
  if (isNow === asSet) return { vlan, now, target: was, foreign: null };
  const what = `the entry of ${of.mac}${vlan === null ? '' : ` in VLAN ${vlan}`} on ${of.name}`;
  if (now !== null)
    return { vlan, now, target: now, foreign: `${what} is ${isNow}, not what the run had set (${asSet})` };
  // A static entry goes along with its MAC where that is seen on another port (br_fdb_update)
  const moved = inVlan.find((entry) => entry['ifname'] !== of.name && fdbForm(entry).state !== 'dynamic');
  if (!of.self && moved !== undefined)
    return { vlan, now, target: now, foreign: `${what} is on ${String(moved['ifname'])} by now` };
  // one that is learned ages
  const isAged = set?.state === 'dynamic';
  return { vlan, now, target: now, foreign: isAged ? null : `${what} is absent, not what the run had set (${asSet})` };
}

/** An entry without a VLAN is made in every VLAN (br_fdb_add), so that the others are set again. */
export function decideFdb({ on, self, mac, rows }: UndoOf<'fdb'>, { links, fdb }: Present): UndoDecision {
  const link = findLink(on, links);
  if ('kind' in link) return link;
  const bridge = textOf(linkOf(links, on.master === 0 ? on.ifindex : on.master)?.['ifname']);
  const entries = objectsOf(fdb).filter((entry) => entry['mac'] === mac && (self || entry['master'] === bridge));
  const judged = rows.map((row) => judgeRow(row, { entries, name: link.name, mac, self }));
  const wanted = judged.map(({ vlan, now, target }) => ({ vlan, now, target }));
  const others = judged.flatMap(({ foreign }) => foreign ?? []);
  const isOwed = ({ now, target }: { readonly now: FdbForm | null; readonly target: FdbForm | null }): boolean =>
    formWord(now) !== formWord(target);
  if (!wanted.some(isOwed)) return others.length === 0 ? done : leave(others.slice(0, 5).join('; '));
  const plain = wanted.find((row) => row.vlan === null && isOwed(row));
  const command = (vlan: number | null, target: FdbForm | null): readonly (readonly string[])[] => {
    const entry: FdbEntry = {
      mac,
      port: byIndex(on.ifindex),
      vlan,
      self,
      ...(target ?? { state: 'static', sticky: false }),
    };
    return changeCommands({ kind: 'fdb', act: target === null ? 'del' : 'add', entry }, () => '');
  };
  return undo(
    ...(plain === undefined ? [] : command(null, plain.target)),
    ...wanted.flatMap((row) => {
      if (row.vlan === null) return [];
      // Taken away without a VLAN it is gone from each, given back it is in each.
      const stands = plain === undefined || self ? row.now : plain.target;
      return formWord(stands) === formWord(row.target) ? [] : command(row.vlan, row.target);
    }),
  );
}

/** A group's member; null = none. */
export function mdbForm(
  mdb: unknown,
  { bridge, port, group, vlan }: Pick<GroupMember, 'bridge' | 'port' | 'group' | 'vlan'>,
): 'permanent' | 'temp' | null {
  const found = groupMembers({ mdb }).find(
    (member) =>
      member.bridge === bridge &&
      member.port === port &&
      member.group === group &&
      (vlan === null || member.vlan === vlan),
  );
  if (found === undefined) return null;
  return found.state === 'permanent' ? 'permanent' : 'temp';
}

export function decideMdb(entry: UndoOf<'mdb'>, { links, mdb }: Present): UndoDecision {
  const { on, bridge, group, vlan, set, was } = entry;
  const [port, above] = [findLink(on, links), findLink(bridge, links)];
  if ('kind' in port) return port;
  if ('kind' in above) return above;
  const now = mdbForm(mdb, { bridge: above.name, port: port.name, group, vlan });
  if (now === was) return done;
  if (now !== set) return changed(`the member ${port.name} of ${group}`, now ?? 'absent', set ?? 'absent');
  return undo([
    'bridge',
    'mdb',
    was === null ? 'del' : 'add',
    'dev',
    byIndex(bridge.ifindex),
    'port',
    byIndex(on.ifindex),
    'grp',
    group,
    ...(was === null ? [] : [was]),
    ...(vlan === null ? [] : ['vid', String(vlan)]),
  ]);
}
