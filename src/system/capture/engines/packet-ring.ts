import { VerifyError } from '../../../core/model/verify-error.js';
import { ringBlock } from '../../../core/pcap/ring/block.js';
import { libc } from '../../kernel/libc.js';
import {
  attachFilter,
  linkAddress,
  linkAddressLength,
  openUnboundPacketSocket,
  packetStatistics,
} from '../../kernel/packet-socket.js';
import { SOL_PACKET } from '../../kernel/socket-constants.js';
import { refuseEverything } from '../socket-filter.js';

const options = { rxRing: 5, version: 10, reserve: 12 } as const;
const everyProtocol = 0x0003; // ETH_P_ALL
const version3 = 2; // TPACKET_V3
const blockBytes = 1 << 20;
/** A mark waits for a partly filled block. */
const retireMs = 10;
const ofUser = 1;
/**
 * The kernel aligns the bytes behind the Ethernet header to 16 (tpacket_rcv, af_packet.c). Two more bytes align the
 * frame to a word, for searches by words. They cost no room: frames are padded to 8 bytes.
 */
const reserved = 2;

/** Takes the ring's block at `at`, which is valid during the call only. */
export type TakeRingBlock = (ring: Buffer, view: DataView, at: number) => void;

/** A TPACKET_V3 socket on one interface or all of its network namespace. */
export interface PacketRing {
  readonly fd: number;
  /** Whole blocks of about `budget` frames. Gives their number of frames. */
  drain(take: TakeRingBlock, budget: number): number;
  /** It may rest this long. */
  restMs(): number;
  counters(): { readonly received: number; readonly dropped: number; readonly delivered: number };
  refuse(): void;
  close(): void;
}

/**
 * Opens a ring of about `bytes` bytes. `filter` attaches the kernel's program before any frame is received, so none is
 * stale. `interfaceIndex` 0 = all of the namespace. Throws VerifyError (69) `open-failed`.
 */
export function openPacketRing(interfaceIndex: number, filter: (fd: number) => void, bytes: number): PacketRing {
  const c = libc();
  const fd = openUnboundPacketSocket();
  const blocks = Math.max(2, Math.round(bytes / blockBytes));
  const length = blocks * blockBytes;
  const must = (result: number, what: string): void => {
    if (result >= 0) return;
    const why = c.errnoName(c.errno());
    c.close(fd);
    throw new VerifyError(
      'open-failed',
      69,
      `a ring for captured frames cannot be set up: ${what}: ${why}`,
      'free some memory, or use --engine libpcap',
    );
  };
  must(c.setsockopt(fd, SOL_PACKET, options.version, words(version3), 4), 'PACKET_VERSION');
  must(c.setsockopt(fd, SOL_PACKET, options.reserve, words(reserved), 4), 'PACKET_RESERVE');
  // struct tpacket_req3: block size and number, frame size and number, retire timeout, private bytes, features
  must(
    c.setsockopt(fd, SOL_PACKET, options.rxRing, words(blockBytes, blocks, 2048, length / 2048, retireMs, 0, 0), 28),
    'PACKET_RX_RING',
  );
  filter(fd);
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
  const rest = createRingRest(blocks, blockBytes);
  let [received, dropped, delivered] = [0, 0, 0];

  return {
    fd,
    drain(take, budget) {
      let [taken, takenBlocks, bytes] = [0, 0, 0];
      while (taken < budget) {
        const at = current * blockBytes;
        if ((view.getUint32(at + ringBlock.status, true) & ofUser) === 0) break;
        taken += view.getUint32(at + ringBlock.packets, true);
        bytes += view.getUint32(at + ringBlock.used, true);
        takenBlocks += 1;
        take(ring, view, at);
        view.setUint32(at + ringBlock.status, 0, true);
        current = (current + 1) % blocks;
      }
      delivered += taken;
      rest.took(performance.now(), takenBlocks, bytes);
      return taken;
    },
    restMs: rest.restMs,
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

/** Learns from the fill rate how long a ring may rest. */
export interface RingRest {
  took(nowMs: number, blocks: number, bytes: number): void;
  /** 0 = take frames at once. */
  restMs(): number;
}

/** A sender as fast as the capture waits longer for counts (run/send/pace.ts). */
export const maxRestMs = 30;
const windowMs = 60;
/** Of the ring: a sender as fast as the capture lets half of it fill. */
const share = 1 / 16;

/**
 * Waking costs more than draining a block or two. So a ring that fills by a block or more a rest is left alone after
 * each drain. A ring that begins to fill, or brings less than half a block, is drained at once: a reader may wait for
 * the last counts.
 */
export function createRingRest(ringBlocks: number, blockBytes: number): RingRest {
  let restMs = 0;
  let window = { since: 0, blocks: 0, bytes: 0 };

  return {
    took(nowMs, blocks, bytes) {
      if (restMs > 0 && bytes < blockBytes / 2) {
        restMs = 0;
        window = { since: nowMs, blocks: 0, bytes: 0 };
        return;
      }
      window.blocks += blocks;
      window.bytes += bytes;
      const ms = nowMs - window.since;
      if (ms < windowMs) return;
      const fast = (window.bytes / ms) * maxRestMs >= blockBytes;
      restMs = fast ? Math.min(maxRestMs, Math.floor((ringBlocks * share * ms) / window.blocks)) : 0;
      window = { since: nowMs, blocks: 0, bytes: 0 };
    },
    restMs: () => restMs,
  };
}
