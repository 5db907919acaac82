import { ovsColumnKind, ovsColumns, ovsFlood } from '../../bridge/ovs-settings.js';
import type { Settings, SettingValue } from '../../model/scenario.js';
import { linkSettings } from '../../bridge/attributes.js';
import { quote } from '../../text/escape.js';
import { describe, where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import { readSettings, readSwitch } from './read-setting.js';

/**
 * Settings of Open vSwitch's bridge or port: columns of ovs-vsctl's tables (`other_config:KEY` for one key), settings
 * of any link, and a port's `flood`. Switches become booleans, other values stay. Settings that a run could not restore
 * are faults.
 */
export function readOvsSettings(
  faults: FaultList,
  place: 'ovs-bridge' | 'ovs-port',
  raw: Readonly<Record<string, unknown>>,
  path: Path,
): Settings {
  const [thing, columns]: readonly [string, readonly string[]] =
    place === 'ovs-bridge' ? ['bridge', ovsColumns.bridge] : ['port', [...ovsColumns.port, ovsFlood]];
  const links = linkSettings.map(({ key }) => key);
  const ofLink = Object.entries(raw).filter(([key]) => links.includes(key));
  const settings = new Map<string, SettingValue>(
    Object.entries(readSettings(faults, 'link', Object.fromEntries(ofLink), path)),
  );
  for (const [word, value] of Object.entries(raw)) {
    if (value === undefined || links.includes(word)) continue;
    const at = [...path, word];
    const [column = '', key] = word.split(/:(.*)/s);
    const kind = ovsColumnKind(column);
    const read = column === ovsFlood ? readSwitch(value) : readValue(kind, value);
    if (!columns.includes(column))
      faults.addKey(
        at,
        `${where(at)}: ${quote(word)} is no setting of a ${thing} of Open vSwitch that a run can put back${didYouMean(column, [...columns, ...links])}`,
      );
    else if ((kind === 'map') !== (key !== undefined && /^[\w.-]{1,100}$/.test(key)))
      faults.addKey(
        at,
        `${where(at)}: expected ${kind === 'map' ? `one of its keys, such as ${column}:mac-table-size` : `${column} alone`}`,
      );
    else if (read === null)
      faults.add(
        at,
        `${where(at)}: expected ${kind === 'switch' || column === ovsFlood ? 'on or off' : 'a value as ovs-vsctl takes it, such as 10 or 10,20'}, got ${describe(value)}`,
      );
    else settings.set(word, read);
  }
  return Object.fromEntries(settings);
}

function readValue(kind: ReturnType<typeof ovsColumnKind>, value: unknown): SettingValue | null {
  if (kind === 'switch') return readSwitch(value);
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return kind === 'map' ? value : null;
  return typeof value === 'string' && /^[\w.,:\[\] -]{1,200}$/.test(value) ? value : null;
}
