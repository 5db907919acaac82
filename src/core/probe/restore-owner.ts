import { isOnPort, placeOf } from '../model/attach.js';
import { bareName } from '../model/host-names.js';
import type { FrameSpec } from '../model/plan.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import { broadcastMac, ipPair } from './addresses.js';
import { frameSpec } from './frames/frame.js';
import type { FlowDraft, ProbeContext } from './probe-class.js';

/**
 * Who talks while a guest attacks: `via` of the scenario, else the bridge's uplinks, else everything that is not a
 * party.
 */
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

/** What a guest says to another while it is attacked: the addressee gets all of it, and nobody else any. */
export function flowTo(addressee: Endpoint, talker: Endpoint, frame: FrameSpec): FlowDraft {
  const { name } = addressee;
  return { from: talker.name, to: name, sender: talker.name, frame, must: [name], may: [name], judged: true };
}

/** The MAC behind which an endpoint is reached: its own, or the bridge's for the host. */
export function macReaching(context: ProbeContext, endpoint: Endpoint): Mac | undefined {
  return placeOf(endpoint.attach) === 'host' ? context.bridgeMacs[endpoint.bridge] : endpoint.macs[0];
}

/**
 * A word of the owner by which bridge and neighbours know it again: as its port has it, and in the VLAN of the attack,
 * where the bridge keeps an entry of its own.
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
 * The rightful owner announces itself at the end of an attack, `vlan` being its tags; null for a host, which the bridge
 * never forgets.
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
