import { type Flow, type Flows, mostTokens } from '../../model/plan.js';

/** Which tokens of a step's flows entered at their senders' own places. */
export interface EnteredTokens {
  /**
   * False: the token has entered at this kind of place before. `port`: the sender's; else it left through the bridge
   * device, as the host's or a relay's do.
   */
  add(flow: Flow, sequence: number, place: 'port' | 'bridge'): boolean;
  /** Distinct tokens of the flow that entered anywhere. */
  count(flow: Flow): number;
  /** Distinct tokens that left through the bridge device. */
  throughDevice(flow: Flow): number;
}

const bits = { port: 1, bridge: 2 } as const;

export function createEnteredTokens(flows: Flows): EnteredTokens {
  const base = flows.at(0)?.first ?? 0;
  const last = flows.at(flows.length - 1);
  const entered = new Uint8Array(
    last === undefined ? 0 : Math.min(mostTokens, Math.max(0, last.first + last.count - base)),
  );
  const countWith = (flow: Flow, mask: number): number => {
    let count = 0;
    for (let at = flow.first - base, end = at + flow.count; at < end; at += 1)
      if (((entered[at] ?? 0) & mask) !== 0) count += 1;
    return count;
  };
  return {
    add(flow, sequence, place) {
      const at = flow.first - base + sequence;
      const known = entered[at];
      if (known === undefined || sequence < 0 || sequence >= flow.count) return true;
      entered[at] = known | bits[place];
      return (known & bits[place]) === 0;
    },
    count: (flow) => countWith(flow, bits.port | bits.bridge),
    throughDevice: (flow) => countWith(flow, bits.bridge),
  };
}
