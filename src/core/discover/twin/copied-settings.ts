import { bridgeSettings, portSettings } from '../../bridge/attributes.js';
import { isOn } from '../../bridge/setting-value.js';
import type { Settings, SettingValue } from '../../model/scenario.js';
import type { Setting } from '../../model/settings.js';
import type { LinkState } from '../../model/state.js';

/** Settings of a live bridge for its twin's scenario. */
export interface CopiedSettings {
  readonly settings: Settings;
  /** Missing ones, a line each. */
  readonly missing: readonly string[];
}

function written({ kind }: Setting, value: SettingValue): SettingValue | null {
  switch (kind) {
    case 'switch':
      return isOn(value) ? 'on' : 'off';
    case 'centiseconds':
      return Number(value) === 0 ? 0 : `${Number(value) * 10}ms`;
    case 'mask': {
      const mask = typeof value === 'number' ? value : Number.parseInt(String(value), 16);
      return Number.isInteger(mask) ? `0x${mask.toString(16)}` : null;
    }
    case 'number':
    case 'text':
      return value;
  }
}

function isDefault({ kind, default: usual }: Setting, value: SettingValue): boolean {
  if (usual === undefined) return false;
  // The kernel keeps these times in its own ticks, and prints 3124 or 3125.
  if (kind === 'centiseconds') return Math.abs(Number(value) - Number(usual)) <= 1;
  return kind === 'switch' ? isOn(value) === isOn(usual) : String(value).replace(/^0x/, '') === String(usual);
}

function copied(device: string, known: readonly Setting[], values: Settings): CopiedSettings {
  const settings: Record<string, SettingValue> = {};
  const missing: string[] = [];
  for (const setting of known) {
    const value = values[setting.key];
    if (value === undefined || setting.isCopied === false || isDefault(setting, value)) continue;
    const word = written(setting, value);
    if (word === null) missing.push(`${device}.${setting.key} ${String(value)}`);
    else settings[setting.key] = word;
  }
  return { settings, missing };
}

/** A bridge's settings that differ from a new one's. */
export function copiedBridgeSettings(link: LinkState): CopiedSettings {
  return copied(link.name, bridgeSettings, link.bridge ?? {});
}

/** A port's settings that differ from a new one's. `ports`: the twin's, one of which a backup port has to be. */
export function copiedPortSettings(link: LinkState, ports: ReadonlySet<string>): CopiedSettings {
  const { settings, missing } = copied(link.name, portSettings, link.port ?? {});
  const { backup_port: backup, ...others } = settings;
  const mtu = link.mtu === 1500 ? {} : { mtu: link.mtu };
  if (backup === undefined || ports.has(String(backup))) return { settings: { ...settings, ...mtu }, missing };
  return {
    settings: { ...others, ...mtu },
    missing: [...missing, `${link.name}.backup_port ${String(backup)}: it is not in the twin`],
  };
}
