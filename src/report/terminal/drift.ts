import type { Drift } from '../../core/model/audit.js';
import { groupBy } from '../../core/text/collections.js';
import { escapeText } from '../../core/text/escape.js';
import { setText } from '../../core/text/names.js';
import { keyOfPlace, settingText } from '../setting-text.js';

function consequence({ code, place, after }: Drift): string {
  if (code === 'bridge-promiscuous') return 'is promiscuous now';
  if (code !== 'setting-changed') return '';
  const isOn = settingText(place, after) === 'on';
  switch (keyOfPlace(place)) {
    case 'ageing_time':
      return after === '0' ? 'is a hub now' : '';
    case 'learning':
      return isOn ? 'learns MACs again' : 'learns no MACs now';
    case 'flood':
      return isOn ? 'receives frames to MACs that the bridge does not know now' : '';
    case 'isolated':
      return isOn ? 'is isolated now' : 'is no longer isolated';
    case 'vlan_filtering':
      return isOn ? 'obeys VLAN tags now' : 'ignores VLAN tags now';
    case 'locked':
      return isOn ? '' : 'takes frames with any source MAC now';
    default:
      return '';
  }
}

function changeText({ place, before, after }: Drift): string {
  return `${settingText(place, before)} → ${settingText(place, after)}`;
}

function deviceOf(drift: Drift): string {
  const key = keyOfPlace(drift.place);
  return drift.code === 'setting-changed' ? drift.place.slice(0, -key.length - 1) : drift.place;
}

function lineOf(drifts: readonly Drift[], at: Date): string {
  const [drift] = drifts;
  if (drift === undefined) return '';
  const head = `${at.toISOString()} ${drift.severity.toUpperCase().padEnd(6)}`;
  const devices = setText(drifts.map(deviceOf));
  const meaning = consequence(drift);
  if (meaning !== '') {
    const what = drift.code === 'setting-changed' ? `${keyOfPlace(drift.place)} ` : '';
    // The devices are several: `is` is `are` then.
    const plain = drifts.length === 1 ? meaning : meaning.replace(/^(is|learns|receives|obeys|ignores|takes) /, plural);
    return `${head} ${devices} ${plain}: ${what}${changeText(drift)} (${drift.code})`;
  }
  const place = drifts.length === 1 ? drift.place : `${keyOfPlace(drift.place)} at ${devices}`;
  return `${head} ${drift.code}: ${place}: ${changeText(drift)} (${drift.text})`;
}

function plural(_whole: string, verb: string): string {
  return verb === 'is' ? 'are ' : `${verb.slice(0, -1)} `;
}

/** A line each, the effect first. Ports that changed alike share one. */
export function driftLines(drifts: readonly Drift[], at: Date): readonly string[] {
  const groups = groupBy(drifts, ({ code, severity, bridge, place, before, after }) =>
    code === 'setting-changed'
      ? JSON.stringify([code, severity, bridge, keyOfPlace(place), before, after, place.startsWith(`${bridge}.`)])
      : JSON.stringify([code, place, before, after]),
  );
  return [...groups.values()].map((group) => escapeText(lineOf(group, at)));
}
