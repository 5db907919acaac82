import { unicastCarriers } from '../addresses.js';
import type { ProbeClass } from '../probe-class.js';
import { theftFlows } from '../theft.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'gateway-steal': true;
  }
}

/**
 * A guest takes the MAC of the gateway `to`: a router behind a port, or the host, whose MAC the bridge never learns
 * from a port.
 */
export const gatewaySteal: ProbeClass = {
  name: 'gateway-steal',
  meaning: "Frames with the router's MAC, after which others talk to it.",
  addressee: 'required',
  takesVia: true,
  maySee: 'addressee',
  severity: 'high',
  provokes: ['mac-moved'],
  defaultCarriers: unicastCarriers,
  flows: theftFlows,
};
