import { isOnPort, placeOf } from '../model/attach.js';
import { bareName } from '../model/host-names.js';
import type { FrameSpec } from '../model/plan.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import { broadcastMac, ipPair } from './addresses.js';
import { frameSpec } from './frames/frame.js';
import type { FlowDraft, ProbeContext } from './probe-class.js';

/** Senders during an attack: `via` of the scenario, else the bridge's uplinks, else all but the parties. */
export function talkers(context: ProbeContext, bridge: string, parties: readonly string[]): readonly Endpoint[] {
  const candidates = [...context.endpoints.values()].filter(
    (endpoint) =>
      bareName(endpoint.bridge) === bareName(bridge) &&
      !parties.includes(endpoint.name) &&
      isOnPort(endpoint.attach) &&
      endpoint.started &&
      endpoint.tunnel === undefined,
  );
  const { via } = context.entry;
  if (via !== null)
    return [...context.endpoints.values()].filter(
      (endpoint) => via.includes(endpoint.name) && !parties.includes(endpoint.name),
    );
  const uplinks = candidates.filter((endpoint) => endpoint.role === 'uplink');
  return uplinks.length > 0 ? uplinks : candidates;
}

/** Frames during an attack: the addressee gets all of them, and no other any. */
export function flowTo(addressee: Endpoint, talker: Endpoint, frame: FrameSpec): FlowDraft {
  const { name } = addressee;
  return { from: talker.name, to: name, sender: talker.name, frame, must: [name], may: [name], judged: true };
}

/** The MAC that reaches an endpoint: its own, or the bridge's for the host. */
export function macReaching(context: ProbeContext, endpoint: Endpoint): Mac | undefined {
  return placeOf(endpoint.attach) === 'host' ? context.bridgeMacs[endpoint.bridge] : endpoint.macs[0];
}

/**
 * A frame by which bridge and neighbours know the owner again: as its port has it, and in the attack's VLAN, which has
 * its own entry.
 */
export function restoreOwnerWith(
  owner: Endpoint,
  vlan: readonly number[],
  word: (vlan: readonly number[]) => FrameSpec,
): readonly FlowDraft[] {
  return [...(vlan.length === 0 ? [] : [vlan]), []].map(
    (stack): FlowDraft => ({
      from: owner.name,
      to: null,
      sender: owner.name,
      frame: word(stack),
      must: [],
      may: [],
      judged: false,
      purpose: 'restore',
      count: 3,
    }),
  );
}

/**
 * The owner announces itself at the end of an attack with tags `vlan`, but not a host, which the bridge never forgets.
 */
export function restoreOwner(
  owner: Endpoint,
  entry: ProbeContext['entry'],
  vlan: readonly number[],
): readonly FlowDraft[] {
  const [srcMac] = owner.macs;
  if (placeOf(owner.attach) === 'host' || srcMac === undefined) return [];
  const ip = owner.ips.find(({ family }) => family === 4)?.address;
  const carrier = ip === undefined ? 'raw' : 'arp';
  const addresses = ip === undefined ? ipPair('raw', owner, null) : { srcIp: ip, dstIp: ip };
  return restoreOwnerWith(owner, vlan, (stack) =>
    frameSpec(
      { carrier, vlan: stack, srcMac, dstMac: broadcastMac, ...addresses },
      { ...entry, srcMac: null, dstMac: null, srcIp: null, dstIp: null, size: null },
    ),
  );
}
