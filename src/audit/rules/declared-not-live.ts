import type { BridgeRule } from '../../core/audit/rule.js';
import { linkOfRecord } from '../../inventory/link-of-record.js';
import type { Declared } from '../../model/declared.js';
import type { LinkState } from '../../model/state.js';
import { type BridgeView, isOn } from '../bridge-view.js';

const grave: ReadonlySet<Declared['key']> = new Set([
  'isolated',
  'master',
  'native_vlan',
  'vlan_filtering',
  'ageing_time',
]);

/** The value that runs; null = it is not told, or means nothing here. */
function live({ key }: Declared, link: LinkState, view: BridgeView): boolean | number | string | null {
  switch (key) {
    case 'master':
      return link.master ?? 'none';
    case 'native_vlan':
      return isOn(view.settings, 'vlan_filtering') === true ? (view.vlansOf(link.name)?.native ?? null) : null;
    case 'ageing_time': {
      const value = link.bridge?.[key];
      return typeof value === 'number' ? value : null;
    }
    case 'stp_state':
    case 'vlan_filtering':
    case 'mcast_snooping':
      return isOn(link.bridge ?? {}, key);
    case 'isolated':
    case 'learning':
    case 'hairpin':
    case 'neigh_suppress':
      return isOn(link.port ?? {}, key);
  }
}

function word(value: boolean | number | string): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

/** What a host's configuration says and the running bridge does not do: it was changed since, or never took effect. */
export const declaredNotLive: BridgeRule = (view, reading) =>
  (reading.declared ?? []).flatMap((declared) => {
    const link = linkOfRecord(declared, reading.state);
    if (link === undefined) return [];
    const here =
      declared.key === 'master' ? declared.value === view.name : link.name === view.name || link.master === view.name;
    if (!here) return [];
    const now = live(declared, link, view);
    if (now === null || now === declared.value) return [];
    return [
      {
        severity: grave.has(declared.key) ? 'high' : 'medium',
        place: `${link.name}.${declared.key}`,
        value: `${word(now)}, ${declared.by} says ${word(declared.value)}`,
        readFrom: `${declared.readFrom}, ip -d link`,
        probe: null,
        fix: declared.apply,
        text:
          declared.key === 'isolated' && declared.value === true
            ? 'it is to be isolated, and the running port is not'
            : 'what is configured is not what runs: it changed since, or never took effect',
      } as const,
    ];
  });
