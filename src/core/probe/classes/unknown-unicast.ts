import { inventedMac, ipPair, namesByRole, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'unknown-unicast': true;
  }
}

/** Frames to an unused MAC: a bridge floods them to every port with `flood` (net/bridge/br_forward.c, br_flood). */
export const unknownUnicast: ProbeClass = {
  name: 'unknown-unicast',
  meaning: 'Frames to a MAC that no endpoint has, which a bridge floods.',
  addressee: 'none',
  maySee: 'uplink-and-host',
  severity: 'medium',
  defaultCarriers: unicastCarriers,
  flows({ from, carrier, vlan }, { entry, endpoints, runTag, ordinal }) {
    const frame = frameSpec(
      { carrier, vlan, srcMac: from.macs[0], dstMac: inventedMac(runTag, ordinal), ...ipPair(carrier, from, null) },
      entry,
    );
    const may = namesByRole(endpoints.values(), from.bridge, ['uplink', 'host']);
    return [{ from: from.name, to: null, sender: from.name, frame, must: [], may, judged: true }];
  },
};
