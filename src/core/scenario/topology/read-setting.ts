import type { Settings, SettingValue } from '../../model/scenario.js';
import { bridgeSettings, linkSettings, portSettings } from '../../bridge/attributes.js';
import type { Setting, SettingPlace } from '../../model/settings.js';
import { quote } from '../../text/escape.js';
import { centiseconds } from '../../text/time.js';
import { reservedGroup } from '../../wire/ethernet.js';
import { describe, where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';

type Raw = string | number | boolean;

const known: Readonly<Record<SettingPlace, readonly Setting[]>> = {
  bridge: [...bridgeSettings, ...linkSettings],
  port: [...portSettings, ...linkSettings],
  link: linkSettings,
};

/**
 * Settings with keys and values of `ip -j -d link`. Unknown names, wrong values and both names of one setting are
 * faults.
 */
export function readSettings(
  faults: FaultList,
  place: SettingPlace,
  raw: Readonly<Record<string, unknown>>,
  path: Path,
): Settings {
  const settings = new Map<string, SettingValue>();
  for (const [word, value] of Object.entries(raw)) {
    if (value === undefined) continue;
    const at = [...path, word];
    const setting = known[place].find(({ key }) => key === word) ?? known[place].find(({ option }) => option === word);
    if (setting === undefined) {
      const words = known[place].flatMap(({ key, option }) => [key, option]);
      faults.addKey(
        at,
        `${where(at)}: ${quote(word)} is no setting of a ${place === 'link' ? 'link that is neither a bridge nor a bridge port' : place}${didYouMean(word, words)}`,
      );
    } else if (settings.has(setting.key)) {
      faults.addKey(
        at,
        `${where(at)}: ${setting.key} is set twice, as ${setting.key} and as ${setting.option}; expected once`,
      );
    } else {
      const read = readValue(setting, place, value);
      if (read.ok) settings.set(setting.key, read.value);
      else faults.add(at, `${where(at)}: expected ${read.expected}, got ${describe(value)}`);
    }
  }
  return Object.fromEntries(settings);
}

type Read = { readonly ok: true; readonly value: SettingValue } | { readonly ok: false; readonly expected: string };

function isSingle(value: unknown): value is Raw {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function readValue(setting: Setting, place: SettingPlace, value: unknown): Read {
  const refuse = (expected: string): Read => ({ ok: false, expected });
  if (!isSingle(value)) return refuse('a single value');
  switch (setting.kind) {
    case 'switch': {
      const on = readSwitch(value);
      if (on === null) return refuse('on or off');
      // A bridge prints its switches as 0 and 1, a port as false and true; `up` is a flag of the link.
      return { ok: true, value: place === 'bridge' && setting.key !== 'up' ? Number(on) : on };
    }
    case 'number': {
      const number = wholeNumber(value);
      return number === null ? refuse('a whole number from 0 to 4294967295') : { ok: true, value: number };
    }
    case 'centiseconds': {
      const hundredths = centiseconds(value);
      return hundredths === null
        ? refuse('a time with unit such as 30s, 500ms or 2m in steps of 10ms, or 0')
        : { ok: true, value: hundredths };
    }
    case 'mask': {
      const mask = wholeNumber(value);
      return mask === null || mask > 0xffff
        ? refuse('a mask as a number or as text such as "0x4000", at most 0xffff')
        : { ok: true, value: mask.toString(16) };
    }
    case 'text':
      return readText(setting.key, value);
  }
}

function readText(key: string, value: Raw): Read {
  const text = String(value);
  if (key === 'vlan_protocol') {
    const upper = text.replace(
      /^802\.1(q|ad)$/i,
      (_, kind: string) => `802.1${kind === 'q' || kind === 'Q' ? 'Q' : 'ad'}`,
    );
    return upper === '802.1Q' || upper === '802.1ad'
      ? { ok: true, value: upper }
      : { ok: false, expected: '802.1Q or 802.1ad' };
  }
  if (key === 'group_addr') {
    return reservedGroup(text) !== null
      ? { ok: true, value: text.toLowerCase() }
      : { ok: false, expected: 'a MAC address from 01:80:c2:00:00:00 to 01:80:c2:00:00:0f' };
  }
  return isInterfaceName(text) ? { ok: true, value: text } : { ok: false, expected: 'an interface name' };
}

export function readSwitch(value: unknown): boolean | null {
  if (value === true || value === 1 || value === 'on') return true;
  if (value === false || value === 0 || value === 'off') return false;
  return null;
}

function wholeNumber(value: Raw): number | null {
  if (typeof value === 'boolean') return null;
  if (typeof value === 'string' && !/^(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(value)) return null;
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 && number <= 0xffffffff ? number : null;
}

/**
 * dev_valid_name() of net/core/dev.c. Its isspace() takes byte 0xa0 for white space, so that some letters of UTF-8 (à
 * is c3 a0) are refused.
 */
export function isInterfaceName(text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 0 || bytes.length > 15 || text === '.' || text === '..') return false;
  return !bytes.some(
    (byte) =>
      byte === 0 || byte === 0x2f || byte === 0x3a || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xa0,
  );
}
