import type { ChangeOf } from '../model/fabric.js';
import type { VlanRange } from '../model/scenario.js';
import { objectsOf, textOf, textsOf } from '../text/json-text.js';
import { vlanRanges } from './view.js';

/** What a change asks of the kernel, and what the kernel has, in the same words. */
export interface Compared {
  /** `VLAN 10 on vnet1`. */
  readonly what: string;
  /** `present pvid`, `static sticky`, `absent`, … */
  readonly wanted: string;
  readonly found: string;
}

/** Compares an entry of the forwarding database with `bridge -j fdb show dev PORT`. */
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

/** Compares a group's member with `bridge -j mdb show dev BRIDGE`. */
export function comparedMember({ act, entry }: ChangeOf<'mdb'>, json: unknown): Compared {
  const { group, port, vlan } = entry;
  const isThere = objectsOf(json)
    .flatMap((row) => objectsOf(row['mdb']))
    .some(
      (row) => row['grp'] === group.toLowerCase() && row['port'] === port && (vlan === null || row['vid'] === vlan),
    );
  return { what: `${group} on ${port}`, wanted: presence(act === 'add'), found: presence(isThere) };
}

/** Compares a range of VLANs with `bridge -j vlan show dev PORT`; the kernel may print ranges of its own. */
export function comparedVlan({ act, entry }: ChangeOf<'vlan'>, json: unknown): Compared {
  const { first, last, port } = entry;
  const ranges = vlanRanges(json, port) ?? [];
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

/** A VLAN of a port in words: `present pvid untagged`. */
export function flagged({ pvid, untagged }: Pick<VlanRange, 'pvid' | 'untagged'>): string {
  return `present${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}`;
}
