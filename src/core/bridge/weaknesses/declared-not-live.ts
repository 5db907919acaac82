import type { Declared } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { attributesOf, type BridgeKey, decidesAlone, type PortKey } from '../attributes.js';
import { advice } from '../changes.js';
import { type BridgeView, isSettingOn } from '../view.js';
import { linkOfRecord } from '../view.js';
import type { Audited, BridgeRule } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'declared-not-live': 'finding';
  }
}

/** What a port belongs to decides as much as an attribute that decides alone. */
const isHigh = (key: Declared['key']): boolean => key === 'master' || key === 'native_vlan' || decidesAlone(key);

/** The value that runs; null = it is not reported, or means nothing here. */
function live({ key }: Declared, link: LinkState, view: BridgeView): boolean | number | string | null {
  switch (key) {
    case 'master':
      return link.master ?? 'none';
    case 'native_vlan':
      return isSettingOn(view.settings, 'vlan_filtering') === true ? (view.vlansOf(link.name)?.native ?? null) : null;
    default:
      return liveAttribute(key, link);
  }
}

function liveAttribute(key: (BridgeKey | PortKey) & Declared['key'], link: LinkState): boolean | number | null {
  const holder = link.kind === 'bridge' ? link.bridge : link.port;
  const attribute = attributesOf[link.kind === 'bridge' ? 'bridge' : 'port'].find((each) => each.key === key);
  const value = holder?.[key];
  if (attribute?.kind === 'switch') return isSettingOn(holder ?? {}, key);
  return typeof value === 'number' ? value : null;
}

function valueText(value: boolean | number | string): string {
  if (typeof value !== 'boolean') return String(value);
  return value ? 'on' : 'off';
}

/** What a host's configuration says and the running bridge does not do: it was changed since, or never took effect. */
const declaredNotLiveRule: BridgeRule = (view, snapshot) =>
  (snapshot.declared ?? []).flatMap((declared) => {
    const link = linkOfRecord(declared, snapshot.state);
    if (link === undefined) return [];
    const here =
      declared.key === 'master' ? declared.value === view.name : link.name === view.name || link.master === view.name;
    if (!here) return [];
    const now = live(declared, link, view);
    if (now === null || now === declared.value) return [];
    return [
      {
        severity: isHigh(declared.key) ? 'high' : 'medium',
        place: `${link.name}.${declared.key}`,
        value: `${valueText(now)}, ${declared.by} says ${valueText(declared.value)}`,
        readFrom: `${declared.readFrom}, ip -d link`,
        probe: null,
        fix: advice(declared.apply),
        text:
          declared.key === 'isolated' && declared.value === true
            ? 'it is to be isolated, and the running port is not'
            : 'what is configured is not what runs: it changed since, or never took effect',
      } as const,
    ];
  });

export const declaredNotLive: Audited = {
  meaning:
    'The configuration of libvirt, Proxmox VE, netplan or ifupdown differs from what runs. Apply it, or restart the guest.',
  finding: { onBridge: declaredNotLiveRule },
};
