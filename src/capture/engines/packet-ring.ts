import { VerifyError } from '../../model/verify-error.js';
import { libc } from '../../sys/libc.js';
import { attachFilter, linkAddress, linkAddressLength, openUnboundPacketSocket, packetStatistics } from '../../sys/packet-socket.js';
import { SOL_PACKET } from '../../sys/socket-constants.js';
import { refuseEverything } from '../socket-filter.js';

const options = { rxRing: 5, version: 10, reserve: 12 } as const;
const everyProtocol = 0x0003; // ETH_P_ALL
const version3 = 2; // TPACKET_V3
const blockBytes = 1 << 20;
/** A partly filled block is handed over after this time at the latest. */
const retireMs = 20;
/** struct tpacket_block_desc, struct tpacket3_hdr and the sockaddr_ll behind it (linux/if_packet.h), in octets. */
const block = { status: 8, packets: 12, first: 16 } as const;
const header = { next: 0, seconds: 4, nanoseconds: 8, captured: 12, original: 16, status: 20, mac: 24, vlanTci: 32, vlanType: 36, interface: 52, packetType: 58 } as const;
const ofUser = 1;
const vlanValid = 1 << 4;
const vlanTypeValid = 1 << 6;
const tagBytes = 4;

/** Takes a frame of interface `index`; the octets are valid during the call only. `packetType`: PACKET_HOST 0, …, PACKET_OUTGOING 4. */
export type TakeRingFrame = (index: number, packetType: number, bytes: Buffer, offset: number, captured: number, original: number, seconds: number, nanoseconds: number) => void;

/** One packet socket with a ring that the kernel fills (TPACKET_V3), on one interface or on all of its network namespace. */
export interface PacketRing {
  readonly fd: number;
  /** Hands over whole blocks until about `budget` frames are through; gives how many were. */
  drain(take: TakeRingFrame, budget: number): number;
  counters(): { readonly received: number; readonly dropped: number; readonly delivered: number };
  refuse(): void;
  close(): void;
}

/**
 * Opens a ring of about `bytes` octets. `program`: classic BPF that the kernel runs on each frame. Nothing is received before all is set
 * up, so there is nothing stale. `interfaceIndex` 0: every interface of the namespace. Throws VerifyError (69) `open-failed`.
 */
export function openPacketRing(interfaceIndex: number, program: Uint8Array, bytes: number): PacketRing {
  const c = libc();
  const fd = openUnboundPacketSocket();
  const blocks = Math.max(2, Math.round(bytes / blockBytes));
  const length = blocks * blockBytes;
  const must = (result: number, what: string): void => {
    if (result >= 0) return;
    const why = c.errnoName(c.errno());
    c.close(fd);
    throw new VerifyError('open-failed', 69, `a ring for captured frames cannot be set up: ${what}: ${why}`, 'free some memory, or use --engine libpcap');
  };
  must(c.setsockopt(fd, SOL_PACKET, options.version, words(version3), 4), 'PACKET_VERSION');
  must(c.setsockopt(fd, SOL_PACKET, options.reserve, words(tagBytes), 4), 'PACKET_RESERVE');
  // struct tpacket_req3: block size and number, frame size and number, retire timeout, private octets, features
  must(c.setsockopt(fd, SOL_PACKET, options.rxRing, words(blockBytes, blocks, 2048, length / 2048, retireMs, 0, 0), 28), 'PACKET_RX_RING');
  attachFilter(fd, program);
  const mapped = c.mapShared(fd, length);
  if (mapped === null) must(-1, 'mmap');
  must(c.bind(fd, linkAddress(interfaceIndex, everyProtocol), linkAddressLength), 'bind');
  return ringOf(fd, Buffer.from(mapped ?? new ArrayBuffer(0)), blocks);
}

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function ringOf(fd: number, ring: Buffer, blocks: number): PacketRing {
  const view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  let current = 0;
  let [received, dropped, delivered] = [0, 0, 0];

  function drainBlock(at: number, take: TakeRingFrame): number {
    const packets = view.getUint32(at + block.packets, true);
    let frame = at + view.getUint32(at + block.first, true);
    for (let i = 0; i < packets; i += 1) {
      let offset = frame + view.getUint16(frame + header.mac, true);
      let captured = view.getUint32(frame + header.captured, true);
      let original = view.getUint32(frame + header.original, true);
      const status = view.getUint32(frame + header.status, true);
      if ((status & vlanValid) !== 0 && captured >= 12) {
        // the kernel holds the outermost tag of a received frame aside: it goes back to its place
        ring.copyWithin(offset - tagBytes, offset, offset + 12);
        offset -= tagBytes;
        view.setUint16(offset + 12, (status & vlanTypeValid) !== 0 ? view.getUint16(frame + header.vlanType, true) : 0x8100);
        view.setUint16(offset + 14, view.getUint32(frame + header.vlanTci, true) & 0xffff);
        captured += tagBytes;
        original += tagBytes;
      }
      take(
        view.getInt32(frame + header.interface, true), view.getUint8(frame + header.packetType), ring, offset, captured, original,
        view.getUint32(frame + header.seconds, true), view.getUint32(frame + header.nanoseconds, true),
      );
      frame += view.getUint32(frame + header.next, true);
    }
    return packets;
  }
  return {
    fd,
    drain(take, budget) {
      let taken = 0;
      while (taken < budget) {
        const at = current * blockBytes;
        if ((view.getUint32(at + block.status, true) & ofUser) === 0) break;
        taken += drainBlock(at, take);
        view.setUint32(at + block.status, 0, true);
        current = (current + 1) % blocks;
      }
      delivered += taken;
      return taken;
    },
    counters() {
      const { packets, drops } = packetStatistics(fd);
      received += packets;
      dropped += drops;
      return { received, dropped, delivered };
    },
    refuse: () => attachFilter(fd, refuseEverything),
    close: () => void libc().close(fd),
  };
}
