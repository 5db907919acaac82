import { VerifyError } from '../../model/verify-error.js';
import type { Counters } from '../../model/timeline.js';
import { encodeBpf, packetTypes } from '../../sys/bpf.js';
import { linkIndex } from '../../sys/packet-socket.js';
import type { Engine, EngineHandle, OpenOptions, TakeFrame } from '../engine.js';
import { compileFilterFor } from './compile-filter.js';
import { openPacketRing, type PacketRing } from './packet-ring.js';

/** An observer of the ring: its frames, told by the index of its interface. */
interface Listener {
  readonly watch: OpenOptions['watch'];
  take: TakeFrame | null;
  delivered: number;
}

interface SharedRing {
  readonly ring: PacketRing;
  readonly filter: string;
  readonly snaplen: number;
  readonly listeners: Map<number, Listener>;
}

let shared: SharedRing | null = null;

/**
 * One packet socket for every observer of the process: a ring of its own that takes the frames of all interfaces of the network namespace,
 * from which each observer gets those of its interface. Made for bridges with many ports, where a handle a port costs 13 ms to open
 * and 24 ms to close. What the socket lost, every observer may have lost. All observers must have the same filter and snaplen.
 */
export const ringEngine: Engine = {
  name: 'ring',
  version: () => 'TPACKET_V3, one socket for all',
  open(options) {
    const first = shared === null;
    shared ??= openShared(options);
    const { ring, filter, snaplen, listeners } = shared;
    if (filter !== options.filter || snaplen !== options.snaplen) throw refused(options, 'another observer of the ring has another filter');
    const index = linkIndex(ring.fd, options.device);
    if (index === null) throw new VerifyError('interface-gone', 69, `there is no interface ${JSON.stringify(options.device)}`, 'has the guest been stopped?');
    if (listeners.has(index)) throw refused(options, 'it is listened to already');
    const listener: Listener = { watch: options.watch, take: null, delivered: 0 };
    listeners.set(index, listener);
    return handleOf(shared, listener, first);
  },
};

function refused(options: OpenOptions, why: string): VerifyError {
  return new VerifyError('open-failed', 70, `${JSON.stringify(options.device)} cannot be listened to: ${why}`, 'report this as a fault of verify-isolation');
}

function openShared(options: OpenOptions): SharedRing {
  const returnsSnaplen = 0x06;
  const program = options.filter === '' ? encodeBpf([[returnsSnaplen, 0, 0, options.snaplen]]) : compileFilterFor(options);
  return { ring: openPacketRing(0, program, options.buffer), filter: options.filter, snaplen: options.snaplen, listeners: new Map() };
}

function handleOf({ ring, listeners }: SharedRing, listener: Listener, first: boolean): EngineHandle {
  /** What the ring as a whole received and did not yet deliver, and what it dropped, may be this observer's. */
  const own = (): Counters => {
    const { received, dropped, delivered } = ring.counters();
    return { received: listener.delivered + (received - delivered), dropped, delivered: listener.delivered };
  };
  return {
    facts: { engine: 'ring', timestamps: 'kernel', originalLength: true, direction: 'known' },
    descriptors: first ? [ring.fd] : [],
    shared: {
      own,
      takeWith: (take) => {
        listener.take = take;
      },
    },
    drain: (_, budget) => (first ? ring.drain((index, packetType, bytes, offset, captured, original, seconds, nanoseconds) => {
      const to = listeners.get(index);
      if (to === undefined || to.take === null) return;
      const outgoing = packetType === packetTypes.outgoing;
      if (to.watch === 'bridge' && !outgoing && packetType > packetTypes.multicast) return;
      to.delivered += 1;
      to.take(bytes, offset, captured, original, seconds, nanoseconds, outgoing);
    }, budget) : 0),
    counters: () => [ring.counters()],
    refuse: () => ring.refuse(),
    close: () => undefined, // the socket ends with the process
  };
}
