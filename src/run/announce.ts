import type { Sender } from '../inject/send-client.js';
import type { FrameSpec, StepPlan } from '../model/plan.js';
import type { Endpoint } from '../model/scenario.js';
import { buildFrame } from '../probe/frame.js';
import { tokenLength } from '../wire/token.js';
import type { RunContext } from './context.js';
import { senderSocket } from './sockets.js';

/** A gratuitous ARP request (RFC 5227 3) where the endpoint has IPv4, else a raw broadcast: both teach the bridge where it is. */
function announcement(endpoint: Endpoint): FrameSpec | null {
  const [srcMac] = endpoint.macs;
  if (srcMac === undefined) return null;
  const ip = endpoint.ips.find(({ family }) => family === 4)?.address ?? null;
  return { carrier: ip === null ? 'raw' : 'arp', srcMac, dstMac: 'ff:ff:ff:ff:ff:ff', vlan: [], srcIp: ip, dstIp: ip, size: 60 };
}

/** Lets the endpoints of `learn` announce themselves. The frames carry no token: they are no probes. */
export async function announce(context: RunContext, step: StepPlan, sender: Sender): Promise<void> {
  const endpoints = context.plan.endpoints.filter((endpoint) => step.learn.includes(endpoint.name) && endpoint.attach !== 'host');
  await Promise.all(endpoints.map(async (endpoint) => {
    const spec = announcement(endpoint);
    if (spec !== null) await sender.send(senderSocket(endpoint.name), buildFrame(spec, new Uint8Array(tokenLength)), spec.size, null);
  }));
  context.timeline.log(step.index, { event: 'learned', endpoints: endpoints.map((endpoint) => endpoint.name) });
}
