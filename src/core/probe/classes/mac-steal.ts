import { unicastCarriers } from '../addresses.js';
import type { ProbeClass } from '../probe-class.js';
import { theftFlows } from '../theft.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'mac-steal': true;
  }
}

/**
 * A guest takes another's MAC: the bridge learns it on the thief's port, which gets the owner's frames
 * (net/bridge/br_fdb.c, br_fdb_update).
 */
export const macSteal: ProbeClass = {
  name: 'mac-steal',
  meaning: "Frames with another guest's MAC, after which others talk to it.",
  addressee: 'required',
  takesVia: true,
  maySee: 'addressee',
  severity: 'high',
  provokes: ['mac-moved'],
  defaultCarriers: unicastCarriers,
  flows: theftFlows,
};
