import { inventedMac, ipPair } from './addresses.js';
import { frameSpec } from './frames/frame.js';
import type { FlowDraft, ProbeContext, ProbePair } from './probe-class.js';
import { flowTo, macReaching, restoreOwner, talkers } from './restore-owner.js';

/** Several, as a bridge may be learning the MAC at the same moment. */
const claims = 5;

/**
 * The thief (`from`) sends with the MAC of `to`, to an unused MAC; then others talk to `to`, which alone has to get
 * these frames: a bridge that moved the MAC sends them to the thief. At the end the owner announces itself.
 */
export function theftFlows({ from, to, carrier, vlan }: ProbePair, context: ProbeContext): readonly FlowDraft[] {
  if (to === null) return [];
  const { entry, runTag, ordinal } = context;
  const stolen = macReaching(context, to);
  const claim = frameSpec(
    { carrier: 'raw', vlan, srcMac: stolen, dstMac: inventedMac(runTag, ordinal), srcIp: null, dstIp: null },
    { ...entry, dstMac: null },
  );
  const stimulus: FlowDraft = {
    from: from.name,
    to: to.name,
    sender: from.name,
    frame: claim,
    must: [],
    may: [],
    judged: false,
    purpose: 'stimulus',
    count: claims,
  };
  const talk = talkers(context, from.bridge, [from.name, to.name]).map((talker): FlowDraft => {
    const frame = frameSpec(
      { carrier, vlan, srcMac: macReaching(context, talker), dstMac: stolen, ...ipPair(carrier, talker, to) },
      { ...entry, srcMac: null, dstMac: null },
    );
    return flowTo(to, talker, frame);
  });
  return [...talk.flatMap((flow) => [stimulus, flow]), ...restoreOwner(to, entry, vlan)];
}
