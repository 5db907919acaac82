import { attributesOf, type BridgeKey, decidesAlone, type PortKey } from '../../bridge/attributes.js';
import { advice, setPort } from '../../bridge/changes.js';
import { type BridgeView, isSettingOn, readFrom } from '../../bridge/view.js';
import { linkOfRecord } from '../../discover/guests/guest-of-port.js';
import type { Declared } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import type { BridgeRule } from '../rule.js';

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
export const declaredNotLiveRule: BridgeRule = (view, reading) =>
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

/**
 * With firewall=1 Proxmox puts a bridge fwbrIDiN between the tap and the real bridge, where the guest's port is
 * fwprIDpN: flags that are set on the tap act on the small bridge only, which has no other guest.
 */
export const proxmoxFirewallPortRule: BridgeRule = ({ name, ports }, { state }) => {
  const found = /^fwbr(\d+)i(\d+)$/.exec(name);
  if (found === null) return [];
  const outer = `fwpr${found[1] ?? ''}p${found[2] ?? ''}`;
  const real = state.links.find((link) => link.name === outer);
  return ports
    .filter(
      (port) =>
        port.name.startsWith('tap') &&
        isSettingOn(port.settings, 'isolated') === true &&
        real?.port?.['isolated'] === false,
    )
    .map((port) => ({
      severity: 'high',
      place: `${outer}.isolated`,
      value: `off, while ${port.name} has it on`,
      readFrom: readFrom.link,
      text: `isolated on ${port.name} has no effect: between guests the port that counts is ${outer}`,
      probe: 'known-unicast',
      fix: { changes: [setPort(outer, 'isolated', true)] },
    }));
};
