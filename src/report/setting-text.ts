import { bridgeSettings, linkSettings, portSettings } from '../core/bridge/attributes.js';
import type { SettingKind } from '../core/model/settings.js';

const kinds: ReadonlyMap<string, SettingKind> = new Map(
  [...bridgeSettings, ...portSettings, ...linkSettings].map(({ key, kind }) => [key, kind]),
);

/** The text behind the last dot: `flood` of `eth0.10.flood`. */
export function keyOfPlace(place: string): string {
  return place.slice(place.lastIndexOf('.') + 1);
}

/** Times in seconds, switches as on and off. null = absent. */
export function settingText(place: string, value: string | null): string {
  if (value === null) return 'nothing';
  switch (kinds.get(keyOfPlace(place))) {
    case 'centiseconds':
      return /^[1-9]\d*$/.test(value) ? `${Number(value) / 100} s` : value;
    case 'switch':
      if (value === 'true' || value === '1') return 'on';
      return value === 'false' || value === '0' ? 'off' : value;
    default:
      return value;
  }
}
