import type { Flows, FrameSpec, Observer } from '../model/plan.js';
import type { Bridge, Endpoint, Mac } from '../model/scenario.js';
import { kindsOfFlows } from './flows/shortcuts.js';

/**
 * No valid source (IEEE 802.3 3.2.3): no switch learns from a group address, and Linux's bridge drops it
 * (br_handle_frame, net/bridge/br_input.c).
 */
export const ingressMac = '03:76:69:ff:ff:fd';

/** A guest's frame that its port's observer must hear entering. */
export interface IngressControl {
  readonly observer: Observer;
  readonly frame: FrameSpec;
}

export interface IngressControlsInput {
  readonly flows: Flows;
  readonly observers: readonly Observer[];
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  readonly onHost: boolean;
  /** Endpoints of a host's Open vSwitch with their MAC on their port. */
  readonly inPlace: readonly string[];
}

/** Controls for entering frames. */
export interface IngressControls {
  readonly controls: readonly IngressControl[];
  /** Names of observers without such a control. */
  readonly unproved: readonly string[];
}

/** By repeating another's frames these could fake a delivery by the bridge. */
function couldDeliver(flows: Flows): ReadonlySet<string> {
  const could = new Set<string>();
  for (const { must, may } of flows)
    for (const name of may) if (must.some((addressee) => addressee !== name)) could.add(name);
  return could;
}

/**
 * The frame for one port; null = none. On Linux's bridge it goes no further than the port's packet sockets. Open
 * vSwitch learns the source before it looks up the destination (xlate_normal, ofproto/ofproto-dpif-xlate.c;
 * mac_learning_may_learn, lib/mac-learning.c), and drops frames for their own port. In the lab a frame to the guest
 * itself reaches others, as no proof, only if the switch does not know the guest; from the group address it teaches
 * nothing. On a host it comes from the guest's MAC: a switch that has it on the port learns nothing new, and one that
 * floods everything gets no foreign address.
 */
function frameFor(
  { macs: [mac], name }: Endpoint,
  { kind }: Bridge,
  onHost: boolean,
  inPlace: readonly string[],
): FrameSpec | null {
  // unicast to no station: packet sockets can be deaf to frames for other hosts alone
  if (kind !== 'ovs') return rawControl(ingressMac);
  if (mac === undefined) return null;
  if (!onHost) return rawControl(ingressMac, mac);
  return inPlace.includes(name) ? rawControl(mac, mac) : null;
}

/**
 * Observers that must hear entering frames, and each one's frame: a deaf one's guest may repeat frames that it was
 * allowed to hear, and fake delivery to others. In the lab all ports; on a host, where each takes an injection port,
 * those allowed to get another's frames. Without such a frame the sender's probes must show on its port too.
 */
export function ingressControls({
  flows,
  observers,
  endpoints,
  bridges,
  onHost,
  inPlace,
}: IngressControlsInput): IngressControls {
  const could = onHost ? couldDeliver(flows) : null;
  const controls: IngressControl[] = [];
  const mute: string[] = [];
  for (const observer of observers) {
    const [endpoint, bridge] = [endpoints.get(observer.name), bridges.get(observer.bridge)];
    if (
      observer.place !== 'port' ||
      endpoint === undefined ||
      endpoint.tunnel !== undefined ||
      bridge === undefined ||
      could?.has(observer.name) === false
    )
      continue;
    const frame = frameFor(endpoint, bridge, onHost, inPlace);
    if (frame === null) mute.push(observer.name);
    else controls.push({ observer, frame });
  }
  const senders = new Set<string>();
  for (const { sender } of kindsOfFlows(flows)) senders.add(sender);
  return { controls, unproved: mute.filter((name) => !senders.has(name)) };
}

/** Addresses of receive controls, locally administered and unused: a guest's stack drops them. */
export const receiveControlMac = { src: '02:76:69:ff:ff:fd', dst: '02:76:69:ff:ff:fe' } as const;

/** Form of entry controls and of the simplest receive controls. */
export function rawControl(srcMac: Mac, dstMac: Mac = receiveControlMac.dst): FrameSpec {
  return { carrier: 'raw', srcMac, dstMac, vlan: [], srcIp: null, dstIp: null, size: 60 };
}
