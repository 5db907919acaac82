import { documentationPair, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'aged-unicast': true;
  }
}

/**
 * Frames to a guest that was silent for longer than ageing_time: the bridge has forgotten it and floods. IP carriers go
 * to documentation addresses, as an answer would teach the bridge its place (measured: 1 of 50 seen, not 50).
 */
export const agedUnicast: ProbeClass = {
  name: 'aged-unicast',
  meaning: 'Frames to a guest that was silent for longer than ageing_time, so that the bridge forgot it.',
  addressee: 'required',
  maySee: 'addressee',
  severity: 'high',
  defaultCarriers: unicastCarriers,
  flows({ from, to, carrier, vlan }, { entry }) {
    if (to === null) return [];
    const [srcIp, dstIp] = documentationPair(carrier);
    const frame = frameSpec({ carrier, vlan, srcMac: from.macs[0], dstMac: to.macs[0], srcIp, dstIp }, entry);
    const cutOff = to.settings['flood'] === false;
    return [
      {
        from: from.name,
        to: to.name,
        sender: from.name,
        frame,
        must: cutOff ? [] : [to.name],
        may: [to.name],
        judged: true,
      },
    ];
  },
};
