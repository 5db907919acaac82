import type { SettingValue } from '../model/scenario.js';
import type { SettingKind, SettingPlace } from '../model/settings.js';
import { fieldsOf, objectsOf, textsOf } from '../text/json-text.js';
import { settingsOfPlace } from './attributes.js';

/** From the first link of `ip -j -d link`. Undefined = not reported. */
export function settingIn(json: unknown, place: SettingPlace, key: string): SettingValue | undefined {
  const link = objectsOf(json)[0];
  if (link === undefined) return undefined;
  if (place === 'link' && key === 'up')
    return Array.isArray(link['flags']) ? textsOf(link['flags']).includes('UP') : undefined;
  const info = fieldsOf(link['linkinfo']);
  const holder = place === 'link' ? link : fieldsOf(info?.[place === 'bridge' ? 'info_data' : 'info_slave_data']);
  const value = holder === null ? undefined : holder[key];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** True if two spellings are one value. */
export function isSameSetting(place: SettingPlace, key: string, first: SettingValue, second: SettingValue): boolean {
  const kind = settingsOfPlace(place).find((setting) => setting.key === key)?.kind ?? 'text';
  return comparable(kind, first) === comparable(kind, second);
}

/** The kernel prints bridges' switches as numbers, ports' as booleans. */
const on: readonly unknown[] = [true, 1, '1', 'on', 'true'];
const off: readonly unknown[] = [false, 0, '0', 'off', 'false'];

/** True if known to be on. */
export function isOn(value: SettingValue | undefined): boolean {
  return on.includes(value);
}

export function isOff(value: SettingValue | undefined): boolean {
  return off.includes(value);
}

/** 0x8 and 8 (hexadecimal text) are the same mask. */
function comparable(kind: SettingKind, value: SettingValue): string {
  switch (kind) {
    case 'switch':
      return isOn(value) ? 'on' : 'off';
    case 'mask':
      return String(typeof value === 'number' ? value : Number.parseInt(String(value), 16));
    case 'number':
    case 'centiseconds':
      return String(Number(value));
    case 'text':
      return String(value).toLowerCase();
  }
}
