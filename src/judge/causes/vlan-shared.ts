import { word } from '../../audit/shell-word.js';
import { portVlans } from '../../audit/port-vlans.js';
import type { Endpoint } from '../../core/model/scenario.js';
import { type CauseFinder, isOn, type Leak } from '../../core/judge/explain/causes/leak.js';

/**
 * The VLAN in which frames of the row enter the bridge: their outer tag's, unless that is 0 (a priority tag) or none of
 * 802.1Q's, else their port's.
 */
function enteredIn({ finding, fromPort, flow, before }: Leak): number | null {
  const tag = flow?.frame.form === '802.1ad' ? undefined : finding.vlan[0];
  if (tag !== undefined && tag !== 0) return tag;
  return fromPort === null ? null : (portVlans(before.vlan, fromPort.name)?.native ?? null);
}

/** What the author says of an endpoint; null where he lists no VLANs. */
function belongsIn(endpoint: Endpoint | null, vid: number): boolean | null {
  const { vlans = [] } = endpoint ?? {};
  return vlans.length === 0 ? null : vlans.some(({ first, last }) => first <= vid && vid <= last);
}

/**
 * The bridge filters, and two ports that the author holds apart, by their VLANs or by their zones, are in the VLAN in
 * which the frames enter.
 */
export const vlanShared: CauseFinder = (leak) => {
  const { finding, bridge, port, fromPort, from, listener, before } = leak;
  if (port === null || fromPort === null || !isOn(bridge.bridge?.['vlan_filtering'])) return null;
  const vid = enteredIn(leak);
  if (vid === null || portVlans(before.vlan, port.name)?.members.has(vid) !== true) return null;
  const [sends, hears] = [belongsIn(from, vid), belongsIn(listener, vid)];
  // of a port that the author did not list he says nothing
  const zonesDiffer = (from?.zone ?? null) !== (listener?.zone ?? null);
  if (sends !== false && hears !== false && !zonesDiffer && finding.class !== 'vlan-hop') return null;
  const wrong = hears !== false && sends === false ? fromPort.name : port.name;
  const usual =
    Number(bridge.bridge?.['vlan_default_pvid']) === vid ? ', which the kernel gives to every new port' : '';
  return {
    place: `${wrong}.vlan ${vid}`,
    value: 'member',
    text: `frames of ${fromPort.name} enter in VLAN ${vid}${usual}, and ${port.name} is in it`,
    fix: `bridge vlan del dev ${word(wrong)} vid ${vid}`,
  };
};
