import { bareName } from '../model/host-names.js';
import type { FlowDraft, ProbeContext } from './probe-class.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import { broadcastMac, ipPair } from './addresses.js';
import { frameSpec } from './frame-spec.js';

/** Who talks while a guest attacks: `via` of the scenario, else the bridge's uplinks, else everybody who is no party. */
export function talkers(context: ProbeContext, bridge: string, parties: readonly string[]): readonly Endpoint[] {
  const all = [...context.endpoints.values()].filter((one) => bareName(one.bridge) === bareName(bridge) && !parties.includes(one.name) && one.attach === 'port' && one.started && one.tunnel === undefined);
  const { via } = context.entry;
  if (via !== null) return [...context.endpoints.values()].filter((one) => via.includes(one.name) && !parties.includes(one.name));
  const uplinks = all.filter((one) => one.role === 'uplink');
  return uplinks.length > 0 ? uplinks : all;
}

/** The MAC behind which an endpoint is reached: its own, or the bridge's for the host. */
export function macOf(context: ProbeContext, endpoint: Endpoint): Mac | undefined {
  return endpoint.attach === 'host' ? context.bridgeMacs[endpoint.bridge] : endpoint.macs[0];
}

/** The rightful owner announces itself, so that the bridge and the neighbours know it again; null for a host, which the bridge never forgets. */
export function restoring(owner: Endpoint, entry: ProbeContext['entry']): readonly FlowDraft[] {
  if (owner.attach === 'host' || owner.macs[0] === undefined) return [];
  const ip = owner.ips.find(({ family }) => family === 4)?.address;
  const carrier = ip === undefined ? 'raw' : 'arp';
  const addresses = ip === undefined ? ipPair('raw', owner, null) : { srcIp: ip, dstIp: ip };
  const frame = frameSpec({ carrier, vlan: [], srcMac: owner.macs[0], dstMac: broadcastMac, ...addresses }, { ...entry, srcMac: null, dstMac: null, srcIp: null, dstIp: null, size: null });
  return [{ from: owner.name, to: null, sender: owner.name, frame, must: [], may: [], judged: false, purpose: 'restore', count: 3 }];
}
