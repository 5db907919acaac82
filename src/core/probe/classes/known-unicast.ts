import { ipPair, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

/**
 * Frames to the MAC of an endpoint that announced itself: a bridge that has learned sends them to one port (IEEE 802.1Q
 * 8.8).
 */
export const knownUnicast: ProbeClass = {
  name: 'known-unicast',
  meaning: 'Frames to a MAC that announced itself: where others get them, they read along.',
  forecast: 'known-unicast',
  question: 'third',
  proof: 'any',
  addressee: 'required',
  maySee: 'addressee',
  defaultCarriers: unicastCarriers,
  flows({ from, to, carrier, vlan }, { entry }) {
    if (to === null) return [];
    const frame = frameSpec(
      { carrier, vlan, srcMac: from.macs[0], dstMac: to.macs[0], ...ipPair(carrier, from, to) },
      entry,
    );
    const aim = [to.name];
    return [{ from: from.name, to: to.name, sender: from.name, frame, must: aim, may: aim, judged: true }];
  },
};
