import type { Flow, StepPlan } from '../../model/plan.js';
import type { SocketProcess } from '../../model/packet-socket.js';
import type { TracedDevice, TracedPlace, TraceLine } from '../../model/timeline.js';
import { framesOfStep } from '../../plan/flows/shortcuts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { forTokens } from '../count/token-ranges.js';
import { isLeak, partyOf } from '../parties.js';
import type { StepFacts } from '../proof/step-facts.js';
import type { RowInput } from '../rows/probe-row.js';

/** A step with its trace. */
export interface TraceInput extends Omit<RowInput, 'day'> {
  readonly trace: readonly TraceLine[];
  /** In any direction, whatever became of the frame. */
  readonly isHeardAt: (observer: string, token: number) => boolean;
}

/** Headers before the quoted packet: IPv4's, IPv6's (RFC 792, RFC 4443 3). */
const beforeQuote: readonly number[] = [28, 48];

/** At least ICMP and IP headers precede a quote. A tag moves a token by four bytes. */
const leastQuoted = 20;

/** Flows of a step by token. */
export class FlowFinder {
  private readonly offsets = new Map<string, number>();

  constructor(private readonly step: StepPlan) {}

  flowOf(token: number): Flow | null {
    const { flows } = this.step;
    let [low, high] = [0, flows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((flows.at(middle)?.first ?? 0) <= token) low = middle;
      else high = middle - 1;
    }
    const flow = flows.at(low);
    return flow !== undefined && token >= flow.first && token < flow.first + flow.count ? flow : null;
  }

  forProbes(tokens: string, use: (flow: Flow | null, sequence: number) => void): void {
    const first = this.step.flows.at(0)?.first ?? 0;
    forTokens(tokens, { first, end: first + framesOfStep(this.step) }, (token) => {
      const flow = this.flowOf(token);
      use(flow, token - (flow?.first ?? 0));
    });
  }

  /** True if the token stands at its place in its flow's frames: no other packet quotes it. */
  isAsSent(flow: Flow, tokenAt: number): boolean {
    return tokenAt < this.tokenPlace(flow) + leastQuoted;
  }

  /** An ICMP error quotes it: an answer to a device that had the probe. */
  isInError(flow: Flow, tokenAt: number): boolean {
    return flow.carrier !== 'raw' && beforeQuote.includes(tokenAt - this.tokenPlace(flow));
  }

  private tokenPlace({ frame }: Flow): number {
    const protocol = frame.fields?.protocol ?? '';
    const key = `${frame.carrier} ${frame.vlan.length} ${frame.form ?? ''} ${protocol}`;
    const known = this.offsets.get(key) ?? frameTemplate(frame).tokenAt;
    this.offsets.set(key, known);
    return known;
  }
}

/** True of a probe as sent, unquoted, that entered a bridge once: a guest may have passed on a further entry. */
export function isFirst(
  { tally }: TraceInput,
  finder: FlowFinder,
  { tokenAt }: TracedPlace,
  flow: Flow,
  sequence: number,
): boolean {
  return finder.isAsSent(flow, tokenAt) && !tally.entries.isAgain(flow, sequence);
}

/** Every frame that left by a port was heard: only then is a token that an observer did not hear one that passed it. */
export function isLossless({ stopped }: StepFacts, { observers }: StepPlan): boolean {
  return observers.every(({ name }) => {
    const counters = stopped[name];
    return counters !== undefined && counters.dropped === 0 && counters.delivered === counters.received;
  });
}

/** How a device is called to people: `eth0 in /run/netns/blue`, `interface 7 in network namespace 4026532987`. */
export function tracedDeviceText({ name, ifindex, path, space, home }: TracedDevice): string {
  const device = name ?? `interface ${ifindex}`;
  return home ? device : `${device} in ${path ?? `network namespace ${space}`}`;
}

/** `process 4711 (/usr/bin/qemu-system-x86_64)`, or its name if the program is unknown. */
export function readerText({ pid, name, program }: SocketProcess): string {
  const called = program?.path ?? name;
  return called === '' ? `process ${pid}` : `process ${pid} (${called})`;
}

/** True of a flow that the host itself rightly has. */
export function isForHost({ step }: TraceInput, { must, may }: Flow): boolean {
  return step.observers.some(({ place, name }) => place === 'bridge' && (must.includes(name) || may.includes(name)));
}

/**
 * True if a device sent or received the packets. In another namespace their end there suffices: bpf_redirect_peer hands
 * them on without a tracepoint.
 */
export function isAtDevice(line: TraceLine): line is TracedPlace & { readonly device: TracedDevice } {
  if (line.place === 'end' || line.place === 'read' || line.device === null || line.device.own === true) return false;
  return line.place === 'transmit' || line.place === 'receive' || !line.device.home;
}

/** True of a flow that this party rightly has, by its observers' permissions. */
export function isRightly({ step, parties }: TraceInput, flow: Flow, party: string): boolean {
  return step.observers.some((observer) => partyOf(observer) === party && !isLeak(flow, observer, parties));
}
