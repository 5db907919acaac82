import type { Counters } from '../../../core/model/timeline.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { closeRingBlock, eachRingFrame, packetTypes, ringBlock, ringFrame } from '../../../core/pcap/ring/block.js';
import { searchDepthsOf } from '../../../core/wire/token-filter.js';
import { encodeBpf } from '../../kernel/bpf.js';
import { attachFirstFilter, linkIndex } from '../../kernel/packet-socket.js';
import {
  emptyFrame,
  type Engine,
  type EngineHandle,
  type OpenOptions,
  type SharedTarget,
  type TakeBlock,
} from '../engine.js';
import { compileFilterFor } from './libpcap-library.js';
import { openPacketRing, type PacketRing } from './packet-ring.js';

interface RingObserver {
  readonly watch: OpenOptions['watch'];
  target: SharedTarget | null;
  delivered: number;
}

interface SharedRing {
  readonly ring: PacketRing;
  readonly filter: string;
  readonly snaplen: number;
  readonly observers: Map<number, RingObserver>;
  takeBlock: TakeBlock | null;
  frames: Uint32Array;
}

let shared: SharedRing | null = null;

/**
 * One packet socket and ring for all observers of the process. A handle a port costs 13 ms to open and 24 ms to close.
 * Every observer may have lost the socket's lost frames. All must share filter and snaplen. A block of observed frames
 * alone goes to the file whole, at little more cost than its bytes.
 */
export const ringEngine: Engine = {
  name: 'ring',
  version: () => 'TPACKET_V3, one socket for all',
  open(options) {
    const first = shared === null;
    shared ??= openShared(options);
    const { ring, filter, snaplen, observers } = shared;
    if (filter !== options.filter || snaplen !== options.snaplen)
      throw refused(options, 'another observer of the ring has another filter');
    const index = linkIndex(ring.fd, options.device);
    if (index === null)
      throw new VerifyError(
        'interface-gone',
        69,
        `there is no interface ${JSON.stringify(options.device)}`,
        'has the guest been stopped?',
      );
    if (observers.has(index)) throw refused(options, 'it is listened to already');
    const observer: RingObserver = { watch: options.watch, target: null, delivered: 0 };
    observers.set(index, observer);
    return handleOf(shared, observer, index, first);
  },
};

function refused(options: OpenOptions, why: string): VerifyError {
  return new VerifyError(
    'open-failed',
    70,
    `${JSON.stringify(options.device)} cannot be listened to: ${why}`,
    'report this as a fault of verify-isolation',
  );
}

function openShared(options: OpenOptions): SharedRing {
  const returnsSnaplen = 0x06;
  const programs =
    options.filter === ''
      ? [() => encodeBpf([[returnsSnaplen, 0, 0, options.snaplen]])]
      : searchDepthsOf(options.filter).map((depth) => () => compileFilterFor(options, depth));
  return {
    ring: openPacketRing(
      0,
      (fd) => {
        if (options.search?.attach(fd, options, 'every', 0) !== true) attachFirstFilter(fd, programs);
      },
      options.buffer,
    ),
    filter: options.filter,
    snaplen: options.snaplen,
    observers: new Map(),
    takeBlock: null,
    frames: new Uint32Array(0),
  };
}

/** At a bridge device, frames for other hosts do not reach the host's stack. */
function takes(observer: RingObserver, packetType: number): boolean {
  return observer.watch === 'port' || packetType === packetTypes.outgoing || packetType <= packetTypes.multicast;
}

function countFrames({ observers, frames }: SharedRing, view: DataView, at: number): boolean {
  frames.fill(0);
  let frame = at + view.getUint32(at + ringBlock.first, true);
  let remaining = view.getUint32(at + ringBlock.packets, true);
  while (remaining > 0) {
    const index = view.getInt32(frame + ringFrame.interface, true);
    const observer = observers.get(index);
    if (observer === undefined || observer.target === null) return false;
    // frames come in runs of one interface's, of which each costs a few reads
    const before = remaining;
    do {
      if (!takes(observer, view.getUint8(frame + ringFrame.packetType))) return false;
      frame += view.getUint32(frame + ringFrame.next, true);
      remaining -= 1;
    } while (remaining > 0 && view.getInt32(frame + ringFrame.interface, true) === index);
    const { interface: id } = observer.target;
    frames[id] = (frames[id] ?? 0) + before - remaining;
  }
  return true;
}

function handOver(shared: SharedRing, ring: Buffer, view: DataView, at: number): void {
  const { observers, frames, takeBlock } = shared;
  if (takeBlock !== null && countFrames(shared, view, at) && takeBlock(closeRingBlock(ring, view, at), frames)) {
    for (const observer of observers.values())
      if (observer.target !== null) observer.delivered += frames[observer.target.interface] ?? 0;
    return;
  }
  const taken = emptyFrame(ring);
  const fault = eachRingFrame(
    ring,
    view,
    at,
    at + view.getUint32(at + ringBlock.used, true),
    ({ index, packetType, offset, captured, original, seconds, nanoseconds }) => {
      const observer = observers.get(index);
      if (observer === undefined || observer.target === null || !takes(observer, packetType)) return;
      observer.delivered += 1;
      taken.offset = offset;
      taken.captured = captured;
      taken.original = original;
      taken.seconds = seconds;
      taken.nanoseconds = nanoseconds;
      taken.outgoing = packetType === packetTypes.outgoing;
      observer.target.take(taken);
    },
  );
  if (fault !== null)
    throw new VerifyError(
      'open-failed',
      70,
      `the kernel's ring cannot be read: ${fault}`,
      'use --engine libpcap, and report this as a fault of verify-isolation',
    );
}

function handleOf(shared: SharedRing, observer: RingObserver, index: number, first: boolean): EngineHandle {
  const { ring } = shared;
  /** Any undelivered or dropped frame of the ring may be this observer's. */
  const countersNow = (): Counters => {
    const { received, dropped, delivered } = ring.counters();
    return { received: observer.delivered + (received - delivered), dropped, delivered: observer.delivered };
  };
  return {
    facts: { engine: 'ring', timestamps: 'kernel', originalLength: true, direction: 'known' },
    descriptors: first ? [ring.fd] : [],
    shared: {
      index,
      lossCounters: countersNow,
      restMs: ring.restMs,
      takeWith(target) {
        observer.target = target;
        shared.frames = new Uint32Array(Math.max(shared.frames.length, target.interface + 1));
        shared.takeBlock = target.takeBlock;
      },
    },
    drain: (_, budget) => (first ? ring.drain((bytes, view, at) => handOver(shared, bytes, view, at), budget) : 0),
    counters: () => [ring.counters()],
    refuse: () => ring.refuse(),
    close: () => undefined, // the socket ends with the process
  };
}
