import { type Flow, type Flows, maxTokens } from '../../model/plan.js';

/** Tokens that entered, at their senders' places and elsewhere. */
export interface EnteredTokens {
  /** False = entered there before. `bridge`: by the bridge device. */
  add(flow: Flow, sequence: number, place: 'port' | 'bridge'): boolean;
  count(flow: Flow): number;
  throughDevice(flow: Flow): number;
  addAgain(flow: Flow, sequence: number, how: Again): void;
  isAgain(flow: Flow, sequence: number, how?: Again): boolean;
}

/**
 * A further entry of a token: `repeated` as sent, by a guest that had got it; `answered` by one in a frame of its own
 * (an ICMP error quotes it); `reflected` by an uplink; `unheard` from a guest that no capture saw it reach.
 */
export type Again = 'repeated' | 'answered' | 'reflected' | 'unheard';

const bits = { port: 1, bridge: 2, repeated: 4, reflected: 8, unheard: 16, answered: 32 } as const;
const anyAgain = bits.repeated | bits.reflected | bits.unheard | bits.answered;

export function createEnteredTokens(flows: Flows): EnteredTokens {
  const base = flows.at(0)?.first ?? 0;
  const last = flows.at(flows.length - 1);
  const entered = new Uint8Array(
    last === undefined ? 0 : Math.min(maxTokens, Math.max(0, last.first + last.count - base)),
  );
  const countWith = (flow: Flow, mask: number): number => {
    let count = 0;
    for (let at = flow.first - base, end = at + flow.count; at < end; at += 1)
      if (((entered[at] ?? 0) & mask) !== 0) count += 1;
    return count;
  };
  const positionOf = (flow: Flow, sequence: number): number =>
    sequence < 0 || sequence >= flow.count ? -1 : flow.first - base + sequence;
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
    addAgain(flow, sequence, how) {
      const at = positionOf(flow, sequence);
      const known = entered[at];
      if (known !== undefined) entered[at] = known | bits[how];
    },
    isAgain: (flow, sequence, how) =>
      ((entered[positionOf(flow, sequence)] ?? 0) & (how === undefined ? anyAgain : bits[how])) !== 0,
  };
}
