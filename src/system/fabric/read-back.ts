import { isSameSetting } from '../../core/bridge/setting-value.js';
import { vlanRanges } from '../../core/bridge/view.js';
import type { Change } from '../../core/model/fabric.js';
import type { SettingValue, VlanRange } from '../../core/model/scenario.js';
import type { SettingPlace } from '../../core/model/settings.js';
import { VerifyError } from '../../core/model/verify-error.js';

/**
 * Compares what was asked with what the kernel says now; returns `device.key = value`. Throws VerifyError: `read-back`
 * (3) where the kernel chose another value, `unsupported` (69) where it does not know the setting (old kernels ignore
 * unknown attributes in silence).
 */
export function checkReadBack(
  device: string,
  place: SettingPlace,
  key: string,
  asked: SettingValue,
  actual: SettingValue | undefined,
): string {
  if (actual === undefined) {
    throw new VerifyError(
      'unsupported',
      69,
      `this kernel does not know ${device}.${key}`,
      'use a kernel that has this setting, or leave it out',
    );
  }
  if (!isSameSetting(place, key, asked, actual)) {
    throw new VerifyError(
      'read-back',
      3,
      `${device}.${key} was set to ${String(asked)} but the kernel says ${String(actual)}`,
      'the kernel adjusts some values to others (with STP on, forward_delay is at least 2 s): ask for the value that it keeps',
    );
  }
  return `${device}.${key} = ${String(actual)}`;
}

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/**
 * Compares an entry of the forwarding database with `bridge -j fdb show dev PORT`; throws VerifyError (3) where it is
 * not as asked.
 */
export function checkFdb(change: Of<'fdb'>, json: unknown): string {
  const { mac, port, state, sticky, vlan, self } = change.entry;
  const entry = rows(json).find(
    (row) =>
      text(row, 'mac') === mac.toLowerCase() &&
      (vlan === null || row.get('vlan') === vlan) &&
      (self || row.has('master')),
  ); // the bridge's own entry is printed with or without `self`
  const what = `${mac} on ${port}${vlan === null ? '' : ` in VLAN ${vlan}`}`;
  if (change.act === 'del') return gone(entry === undefined, what);
  const asked = self ? 'permanent' : state;
  const now =
    entry === undefined
      ? 'absent'
      : `${text(entry, 'state') ?? 'dynamic'}${flags(entry).includes('sticky') ? ' sticky' : ''}`;
  // An entry that is asked to be dynamic is printed without a state
  const wanted = `${asked}${sticky ? ' sticky' : ''}`;
  return same(what, wanted, now === '' ? 'dynamic' : now);
}

/** Compares a group's member with `bridge -j mdb show dev BRIDGE`. */
export function checkMdb(change: Of<'mdb'>, json: unknown): string {
  const { group, port, vlan } = change.entry;
  const entries = rows(json).flatMap((row) => rows(row.get('mdb')));
  const isThere = entries.some(
    (row) =>
      text(row, 'grp') === group.toLowerCase() &&
      text(row, 'port') === port &&
      (vlan === null || row.get('vid') === vlan),
  );
  const what = `${group} on ${port}`;
  return change.act === 'del' ? gone(!isThere, what) : same(what, 'present', isThere ? 'present' : 'absent');
}

/** Compares a range of VLANs with `bridge -j vlan show dev PORT`; the kernel may print ranges of its own. */
export function checkVlan(change: Of<'vlan'>, json: unknown): string {
  const { first, last, pvid, untagged, port } = change.entry;
  const ranges = vlanRanges(json, port) ?? [];
  const holding = (vid: number): VlanRange | undefined =>
    ranges.find((range) => range.first <= vid && vid <= range.last);
  const what = `VLAN ${first === last ? first : `${first}-${last}`} on ${port}`;
  const ends = [holding(first), holding(last)];
  if (change.act === 'del')
    return gone(
      ends.every((range) => range === undefined),
      what,
    );
  const now = ends.some((range) => range === undefined) ? undefined : ends[0];
  return same(what, presence({ pvid, untagged }), now === undefined ? 'absent' : presence(now));
}

function presence({ pvid, untagged }: Pick<VlanRange, 'pvid' | 'untagged'>): string {
  return `present${pvid ? ' pvid' : ''}${untagged ? ' untagged' : ''}`;
}

function gone(isGone: boolean, what: string): string {
  return same(what, 'absent', isGone ? 'absent' : 'present');
}

function same(what: string, asked: string, actual: string): string {
  if (asked === actual) return `${what}: ${actual}`;
  throw new VerifyError(
    'read-back',
    3,
    `${what} should be ${asked} but the kernel says ${actual}`,
    'the kernel did not keep the change: is there a rule or another program against it?',
  );
}

function rows(json: unknown): readonly ReadonlyMap<string, unknown>[] {
  return Array.isArray(json)
    ? json.filter((item) => typeof item === 'object' && item !== null).map((item) => new Map(Object.entries(item)))
    : [];
}

function text(row: ReadonlyMap<string, unknown>, key: string): string | null {
  const value = row.get(key);
  return typeof value === 'string' && value !== '' ? value : null;
}

function flags(row: ReadonlyMap<string, unknown>): readonly unknown[] {
  const value = row.get('flags');
  return Array.isArray(value) ? value : [];
}
