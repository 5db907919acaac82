import type { SettingValue } from '../model/scenario.js';
import { bridgeSettings, linkSettings, portSettings, type SettingKind, type SettingPlace } from '../model/settings.js';
import { fieldsOf, objectsOf, textsOf } from '../text/json-text.js';

/** One setting of the first link of `ip -j -d link`; undefined where the kernel does not tell it. */
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

/** Are two spellings of a setting one value? */
export function isSameSetting(place: SettingPlace, key: string, one: SettingValue, other: SettingValue): boolean {
  const kind = kindOf(place, key);
  return comparable(kind, one) === comparable(kind, other);
}

/** The settings of a place, by their keys. */
export function settingsOfPlace(place: SettingPlace): typeof bridgeSettings {
  switch (place) {
    case 'bridge':
      return bridgeSettings;
    case 'port':
      return portSettings;
    case 'link':
      return linkSettings;
  }
}

function kindOf(place: SettingPlace, key: string): SettingKind {
  return settingsOfPlace(place).find((setting) => setting.key === key)?.kind ?? 'text';
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
