import { type Compared, comparedEntry, comparedMember, comparedVlan } from '../../core/bridge/compare.js';
import { isSameSetting } from '../../core/bridge/setting-value.js';
import type { ChangeOf } from '../../core/model/fabric.js';
import type { SettingValue } from '../../core/model/scenario.js';
import type { SettingPlace } from '../../core/model/settings.js';
import { VerifyError } from '../../core/model/verify-error.js';

/**
 * Returns `device.key = value`. Throws VerifyError: `read-back` (3), `unsupported` (69) if missing (old kernels
 * silently ignore unknown attributes).
 */
export function checkReadBack(
  device: string,
  place: SettingPlace,
  key: string,
  wanted: SettingValue,
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
  if (!isSameSetting(place, key, wanted, actual)) {
    throw new VerifyError(
      'read-back',
      3,
      `${device}.${key} was set to ${String(wanted)} but the kernel says ${String(actual)}`,
      'the kernel adjusts some values to others (with STP on, forward_delay is at least 2 s): ask for the value that it keeps',
    );
  }
  return `${device}.${key} = ${String(actual)}`;
}

/** Compares an entry with `bridge -j fdb show dev PORT`. Throws VerifyError (3) if it differs. */
export function checkFdb(change: ChangeOf<'fdb'>, json: unknown): string {
  return same(comparedEntry(change, json));
}

/** As `checkFdb`, with `bridge -j mdb show dev BRIDGE`. */
export function checkMdb(change: ChangeOf<'mdb'>, json: unknown): string {
  return same(comparedMember(change, json));
}

/** As `checkFdb`, with `bridge -j vlan show dev PORT`, whose ranges may differ. */
export function checkVlan(change: ChangeOf<'vlan'>, json: unknown): string {
  return same(comparedVlan(change, json));
}

function same({ what, wanted, found }: Compared): string {
  if (wanted === found) return `${what}: ${found}`;
  throw new VerifyError(
    'read-back',
    3,
    `${what} should be ${wanted} but the kernel says ${found}`,
    'the kernel did not keep the change: is there a rule or another program against it?',
  );
}
