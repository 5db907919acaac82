import { isOn } from '../../bridge/change-commands.js';
import { bridgeDefaults, portDefaults } from '../../bridge/kernel-defaults.js';
import type { Settings, SettingValue } from '../../model/scenario.js';
import { bridgeSettings, portSettings, type Setting } from '../../model/settings.js';
import type { LinkState } from '../../model/state.js';

/** What a part of a live bridge becomes in the scenario of its twin. */
export interface CopiedSettings {
  readonly settings: Settings;
  /** A line for each thing that the twin does not have. */
  readonly missing: readonly string[];
}

/**
 * STP's timers decide when a port forwards, not what it forwards: the lab's are short. A port's cost follows the speed
 * of its link.
 */
const notOfInterest: readonly string[] = ['forward_delay', 'hello_time', 'max_age', 'cost'];

/** A setting as a scenario file has it; null where no file can say it. */
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

function same({ kind }: Setting, value: SettingValue, usual: SettingValue | undefined): boolean {
  if (usual === undefined) return false;
  // The kernel keeps these times in its own ticks, and prints 3124 or 3125.
  if (kind === 'centiseconds') return Math.abs(Number(value) - Number(usual)) <= 1;
  return kind === 'switch' ? isOn(value) === isOn(usual) : String(value).replace(/^0x/, '') === String(usual);
}

function copied(device: string, known: readonly Setting[], defaults: Settings, values: Settings): CopiedSettings {
  const settings: Record<string, SettingValue> = {};
  const missing: string[] = [];
  for (const setting of known) {
    const value = values[setting.key];
    if (value === undefined || notOfInterest.includes(setting.key) || same(setting, value, defaults[setting.key]))
      continue;
    const word = written(setting, value);
    if (word === null) missing.push(`${device}.${setting.key} ${String(value)}`);
    else settings[setting.key] = word;
  }
  return { settings, missing };
}

/** The settings of a bridge that a new one would not have. */
export function copiedBridgeSettings(link: LinkState): CopiedSettings {
  return copied(link.name, bridgeSettings, bridgeDefaults, link.bridge ?? {});
}

/**
 * The settings of a port that a new one would not have. `ports`: those of the twin, one of which a backup port has to
 * be.
 */
export function copiedPortSettings(link: LinkState, ports: ReadonlySet<string>): CopiedSettings {
  const { settings, missing } = copied(link.name, portSettings, portDefaults, link.port ?? {});
  const { backup_port: backup, ...others } = settings;
  const mtu = link.mtu === 1500 ? {} : { mtu: link.mtu };
  if (backup === undefined || ports.has(String(backup))) return { settings: { ...settings, ...mtu }, missing };
  return {
    settings: { ...others, ...mtu },
    missing: [...missing, `${link.name}.backup_port ${String(backup)}: it is not in the twin`],
  };
}
