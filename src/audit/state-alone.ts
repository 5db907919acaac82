import type { Reading } from '../model/reading.js';
import type { HostState } from '../model/state.js';

/** A reading of which no more than the state is known. */
export function stateAlone(state: HostState): Reading {
  return { state, packetSockets: null, promiscuousLog: null, vmnet: [], ovs: null };
}
