import { isOnPort, placeOf } from '../../core/model/attach.js';
import type { FrameSpec, StepPlan } from '../../core/model/plan.js';
import type { Endpoint, Mac } from '../../core/model/scenario.js';
import { broadcastMac, probedMacs } from '../../core/probe/addresses.js';
import { buildFrame } from '../../core/probe/frames/frame.js';
import { tokenLength } from '../../core/wire/token.js';
import type { Sender } from '../../system/inject/sender.js';
import type { RunContext } from '../context.js';
import { senderSocket } from './sockets.js';

/** The smallest frame, without FCS (IEEE 802.3 4A.4.2). */
const size = 60;

/**
 * A gratuitous ARP request (RFC 5227 3) of the first MAC, with IPv4. Else a frame to the bridge's MAC, or a broadcast
 * if that is unknown. 1,000 broadcasts to 1,000 guests cost as much as all probes.
 */
function announcements(endpoint: Endpoint, bridgeMac: Mac | undefined): readonly FrameSpec[] {
  return probedMacs(endpoint).map((srcMac, at) => {
    const ip = (at === 0 ? endpoint.ips.find(({ family }) => family === 4)?.address : undefined) ?? null;
    const quiet = ip === null && isOnPort(endpoint.attach);
    return {
      carrier: ip === null ? 'raw' : 'arp',
      srcMac,
      dstMac: (quiet ? bridgeMac : undefined) ?? broadcastMac,
      vlan: [],
      srcIp: ip,
      dstIp: ip,
      size,
    };
  });
}

/** Announces the endpoints of `learn` without tokens: these are not probes. A refused frame delays none. */
export async function announce(context: RunContext, step: StepPlan, sender: Sender): Promise<void> {
  const learning = new Set(step.learn);
  const endpoints = context.plan.endpoints.filter(
    (endpoint) => learning.has(endpoint.name) && placeOf(endpoint.attach) !== 'host',
  );
  const announced = endpoints.flatMap((endpoint) =>
    announcements(endpoint, context.plan.bridgeMacs[endpoint.bridge]).map((spec) => ({
      socket: senderSocket(endpoint.name),
      frame: buildFrame(spec, new Uint8Array(tokenLength)),
    })),
  );
  for (let at = 0; at < announced.length; ) {
    const rest = announced.slice(at);
    const { accepted } = await sender.sendRouted(
      rest.map(({ socket }) => ({ socket, count: 1 })),
      Buffer.concat(rest.map(({ frame }) => frame)),
      size,
      null,
    );
    at += accepted + 1;
  }
  context.timeline.log(step.index, { event: 'learned', endpoints: endpoints.map((endpoint) => endpoint.name) });
}
