import { isOnPort, placeOf } from '../../core/model/attach.js';
import type { FrameSpec, StepPlan } from '../../core/model/plan.js';
import type { Endpoint, Mac } from '../../core/model/scenario.js';
import { broadcastMac, probedMacs } from '../../core/probe/addresses.js';
import { buildFrame } from '../../core/probe/frames/frame.js';
import { tokenLength } from '../../core/wire/token.js';
import type { Sender } from '../../system/inject/sender.js';
import type { RunContext } from '../context.js';
import { senderSocket } from './sockets.js';

/** Bytes of an announcement: the smallest frame, without FCS (IEEE 802.3 4A.4.2). */
const size = 60;

/**
 * What teaches the bridge where an endpoint is, a frame for each of its MACs: a gratuitous ARP request (RFC 5227 3) of
 * the first where it has IPv4; else a frame to the bridge's own MAC, which goes to nobody else (a thousand broadcasts
 * to a thousand guests cost as much as all their probes), or where that is not known a broadcast.
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

/**
 * Lets the endpoints of `learn` announce themselves. The frames carry no token: they are not probes. One that the
 * kernel refuses keeps none back.
 */
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
