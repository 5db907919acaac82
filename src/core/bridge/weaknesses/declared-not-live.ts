import type { Declared } from '../../model/host-config.js';
import type { Setting } from '../../model/settings.js';
import type { LinkState } from '../../model/state.js';
import { attributesOf, type BridgeKey, decidesAlone, type PortKey } from '../attributes.js';
import { advice } from '../changes.js';
import { type BridgeView, isSettingOn, linkOfRecord } from '../view.js';
import type { Audited, BridgeRule, RuleFinding } from '../weakness.js';
import { hasStaticEntry } from './learning.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'declared-not-live': 'finding';
  }
}

type Consequence = Pick<RuleFinding, 'severity' | 'text' | 'fix' | 'kept'>;

const isHigh = (key: Declared['key']): boolean => key === 'master' || key === 'native_vlan' || decidesAlone(key);

/** The running value; null = not reported, or meaningless here. */
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

const placeOf = ({ kind }: LinkState): 'bridge' | 'port' => (kind === 'bridge' ? 'bridge' : 'port');

function attributeOf(key: Declared['key'], link: LinkState): Setting | undefined {
  return attributesOf[placeOf(link)].find((attribute) => attribute.key === key);
}

function liveAttribute(key: (BridgeKey | PortKey) & Declared['key'], link: LinkState): boolean | number | null {
  const holder = link.kind === 'bridge' ? link.bridge : link.port;
  const value = holder?.[key];
  if (attributeOf(key, link)?.kind === 'switch') return isSettingOn(holder ?? {}, key);
  return typeof value === 'number' ? value : null;
}

function valueText(value: boolean | number | string): string {
  if (typeof value !== 'boolean') return String(value);
  return value ? 'on' : 'off';
}

function protects(value: boolean | number | string, { key }: Declared, link: LinkState, view: BridgeView): boolean {
  // without learning an entry has to say where the guest is, or what is for it floods
  if (key === 'learning')
    return value === false && view.guests.some((port) => port.name === link.name && hasStaticEntry(view, port));
  const protecting = attributeOf(key, link)?.protects;
  return protecting === 'above 0' ? value !== 0 : value === protecting;
}

function keeping(now: boolean | number | string, declared: Declared, link: LinkState): Consequence {
  const { by, readFrom, key, value } = declared;
  return {
    severity: 'low',
    text: 'the running setting protects, the configuration does not: the protection is lost at the next start',
    fix: advice(
      `correct ${key} in the configuration of ${by} (${readFrom}): ${valueText(now)}, not ${valueText(value)}`,
    ),
    kept: [{ kind: 'set', place: placeOf(link), device: link.name, key, value: now }],
  };
}

function applying({ key, value, apply }: Declared): Consequence {
  return {
    severity: isHigh(key) ? 'high' : 'medium',
    text:
      key === 'isolated' && value === true
        ? 'it is to be isolated, and the running port is not'
        : 'the configured value does not run: it changed since, or never took effect',
    fix: advice(apply),
  };
}

const declaredNotLiveRule: BridgeRule = (view, snapshot) =>
  (snapshot.declared ?? []).flatMap((declared) => {
    const link = linkOfRecord(declared, snapshot.state);
    if (link === undefined) return [];
    const here =
      declared.key === 'master' ? declared.value === view.name : link.name === view.name || link.master === view.name;
    if (!here) return [];
    const now = live(declared, link, view);
    if (now === null || now === declared.value) return [];
    const isSafer = protects(now, declared, link, view) && !protects(declared.value, declared, link, view);
    return [
      {
        place: `${link.name}.${declared.key}`,
        value: `${valueText(now)}, ${declared.by} says ${valueText(declared.value)}`,
        readFrom: `${declared.readFrom}, ip -d link`,
        probe: null,
        ...(isSafer ? keeping(now, declared, link) : applying(declared)),
      },
    ];
  });

export const declaredNotLive: Audited = {
  meaning:
    'The configuration of libvirt, Proxmox VE, netplan or ifupdown differs from what runs. Apply it, or correct it.',
  finding: { onBridge: declaredNotLiveRule },
};
