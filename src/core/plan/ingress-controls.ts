import type { Flows, FrameSpec, Observer } from '../model/plan.js';
import type { Bridge, Endpoint, Mac } from '../model/scenario.js';
import { kindsOfFlows } from './flows/shortcuts.js';

/**
 * A group address is nobody's source (IEEE 802.3 3.2.3). No switch learns from it, and Linux's bridge drops what
 * carries it (br_handle_frame, net/bridge/br_input.c).
 */
export const ingressMac = '03:76:69:ff:ff:fd';

/** A frame that its observer must hear entering, from the guest behind its port. */
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
  /** Endpoints of a host's Open vSwitch whose MAC it has on their port. */
  readonly inPlace: readonly string[];
}

/** How it is proved that observers hear what enters as well. */
export interface IngressControls {
  readonly controls: readonly IngressControl[];
  /** Names of observers that nothing proves. */
  readonly unproved: readonly string[];
}

/**
 * Those who may get what another must get: by saying it again they could make a delivery that the bridge did not make.
 */
function couldDeliver(flows: Flows): ReadonlySet<string> {
  const could = new Set<string>();
  for (const { must, may } of flows)
    for (const name of may) if (must.some((addressee) => addressee !== name)) could.add(name);
  return could;
}

/**
 * The frame that proves it for one port; null = there is none. None goes further than the port's packet sockets on
 * Linux's bridge. Open vSwitch learns the source before it looks for the destination (xlate_normal,
 * ofproto/ofproto-dpif-xlate.c; mac_learning_may_learn, lib/mac-learning.c), and drops what is for the port that it
 * came from. In the lab a frame to the guest itself is therefore seen by others, on whom it proves nothing, only where
 * the switch does not know the guest; from the group address it teaches nothing. On a host it comes from the guest's
 * own MAC: where the switch has that on the port already it teaches nothing new, and where the switch floods everything
 * the frame carries no address that is not the guest's.
 */
function frameFor(
  { macs: [mac], name }: Endpoint,
  { kind }: Bridge,
  onHost: boolean,
  inPlace: readonly string[],
): FrameSpec | null {
  // unicast, to nobody: packet sockets can be deaf to what is for other hosts only
  if (kind !== 'ovs') return rawControl(ingressMac);
  if (mac === undefined) return null;
  if (!onHost) return rawControl(ingressMac, mac);
  return inPlace.includes(name) ? rawControl(mac, mac) : null;
}

/**
 * Who has to hear what enters, and by which frame that is proved: where somebody does not, its guest may say again what
 * it was allowed to hear, and the delivery to others would look proved. In the lab every port; on a host, where each
 * takes an injection port of its own, those that may get what another must get. Where no frame proves it, own probes
 * do, which have to show on their sender's port too.
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

/** Addresses of ear controls: locally administered, nobody's, so that a guest's stack drops what it gets. */
export const receiveControlMac = { src: '02:76:69:ff:ff:fd', dst: '02:76:69:ff:ff:fe' } as const;

/** What entry controls and the simplest ear controls look like. */
export function rawControl(srcMac: Mac, dstMac: Mac = receiveControlMac.dst): FrameSpec {
  return { carrier: 'raw', srcMac, dstMac, vlan: [], srcIp: null, dstIp: null, size: 60 };
}
