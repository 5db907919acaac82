import { inventedMac, ipPair, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { FlowDraft, ProbeClass } from '../probe-class.js';
import { flowTo, restoreOwner, restoreOwnerWith, talkers } from '../restore-owner.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'mac-flood': true;
  }
}

/**
 * `count` frames with a source MAC each, then frames of others to `to`, which speaks only after the flood: a bridge
 * with a full table (fdb_max_learned) does not learn it, and floods. Earlier entries stay: begin with `fdb: { flush: …
 * }` and `learn: none`.
 */
export const macFlood: ProbeClass = {
  name: 'mac-flood',
  meaning: "Frames from many source MACs, which fill the bridge's table.",
  newMacs: true,
  addressee: 'required',
  takesVia: true,
  maySee: 'addressee',
  severity: 'high',
  provokes: [],
  defaultCarriers: unicastCarriers,
  flows({ from, to, carrier, vlan }, context) {
    if (to === null) return [];
    const { entry, runTag, ordinal } = context;
    const dstMac = inventedMac(runTag, ordinal);
    const swept = frameSpec(
      {
        carrier: 'raw',
        vlan,
        srcMac: inventedMac(runTag, ordinal + 0x800),
        dstMac,
        srcIp: null,
        dstIp: null,
        form: 'source-sweep',
      },
      { ...entry, srcMac: null },
    );
    const flood: FlowDraft = {
      from: from.name,
      to: to.name,
      sender: from.name,
      frame: swept,
      must: [],
      may: [],
      judged: false,
      purpose: 'stimulus',
    };
    // No entry control may come from `to` before the flood: it would be known by it.
    const speaks = restoreOwnerWith(to, vlan, (stack) =>
      frameSpec(
        { carrier: 'raw', vlan: stack, srcMac: to.macs[0], dstMac, srcIp: null, dstIp: null },
        { ...entry, srcMac: null, dstMac: null },
      ),
    );
    const talk = talkers(context, from.bridge, [from.name, to.name]).map((talker): FlowDraft => {
      const frame = frameSpec(
        { carrier, vlan, srcMac: talker.macs[0], dstMac: to.macs[0], ...ipPair(carrier, talker, to) },
        { ...entry, srcMac: null },
      );
      return flowTo(to, talker, frame);
    });
    return [flood, ...speaks, ...talk, ...restoreOwner(to, entry, vlan)];
  },
};
