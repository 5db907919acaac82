import { isRoutedTo } from '../../model/attach.js';
import { ipPair, macTowards, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

/**
 * Frames to the MAC of an endpoint that announced itself: a bridge that has learned sends them to one port (IEEE 802.1Q
 * 8.8). Where the host routes, packets for its own MAC, which it carries to the addressee; other frames are for nobody.
 */
export const knownUnicast: ProbeClass = {
  name: 'known-unicast',
  meaning: 'Frames to a MAC that announced itself: where others get them, they read along.',
  forecast: 'known-unicast',
  question: 'third',
  proof: 'any',
  addressee: 'required',
  maySee: 'addressee',
  defaultCarriers: (from, to) =>
    unicastCarriers(from, to).filter((carrier) => carrier !== 'raw' || !isRoutedTo(from.attach)),
  flows({ from, to, carrier, vlan }, { entry, bridgeMacs }) {
    if (to === null) return [];
    const frame = frameSpec(
      {
        carrier,
        vlan,
        srcMac: from.macs[0],
        dstMac: macTowards(from, to, carrier, bridgeMacs),
        ...ipPair(carrier, from, to),
      },
      entry,
    );
    const aim = isRoutedTo(from.attach) && carrier === 'raw' ? [] : [to.name];
    return [{ from: from.name, to: to.name, sender: from.name, frame, must: aim, may: aim, judged: true }];
  },
};
