import type { SettingValue } from '../core/model/scenario.js';
import { bridgeSettings, linkSettings, portSettings, type SettingKind } from '../core/model/settings.js';
import { VerifyError } from '../core/model/verify-error.js';

export type SettingPlace = 'bridge' | 'port' | 'link';

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
  found: SettingValue | undefined,
): string {
  if (found === undefined) {
    throw new VerifyError(
      'unsupported',
      69,
      `this kernel does not know ${device}.${key}`,
      'use a kernel that has this setting, or leave it out',
    );
  }
  const kind = kindOf(place, key);
  if (comparable(kind, asked) !== comparable(kind, found)) {
    throw new VerifyError(
      'read-back',
      3,
      `${device}.${key} was set to ${String(asked)} but the kernel says ${String(found)}`,
      'the kernel adjusts some values to others (with STP on, forward_delay is at least 2 s): ask for the value that it keeps',
    );
  }
  return `${device}.${key} = ${String(found)}`;
}

function kindOf(place: SettingPlace, key: string): SettingKind {
  const known = place === 'bridge' ? bridgeSettings : place === 'port' ? portSettings : linkSettings;
  return known.find((setting) => setting.key === key)?.kind ?? 'text';
}

/** One spelling for each value: 1, true and `on` are the same switch, 0x8 and 8 (hexadecimal text) the same mask. */
function comparable(kind: SettingKind, value: SettingValue): string {
  switch (kind) {
    case 'switch':
      return [true, 1, '1', 'on', 'true'].includes(value) ? 'on' : 'off';
    case 'mask':
      return String(typeof value === 'number' ? value : Number.parseInt(String(value), 16));
    case 'number':
    case 'centiseconds':
      return String(Number(value));
    case 'text':
      return String(value).toLowerCase();
  }
}
