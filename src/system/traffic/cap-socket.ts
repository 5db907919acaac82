import { createRequire } from 'node:module';
import { VerifyError, messageOf } from '../../core/model/verify-error.js';
import { packetTypes } from '../../core/pcap/ring/block.js';
import { encodeBpf, loadPacketType, refuse, takeWhole } from '../kernel/bpf.js';
import { libc } from '../kernel/libc.js';
import {
  attachFilter,
  linkFlags,
  openPacketSocket,
  ownPacketSockets,
  packetStatistics,
} from '../kernel/packet-socket.js';

interface CapObject {
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  close(): boolean;
  send(buffer: Buffer, length: number): void;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
}
type CapClass = new () => CapObject;

/** A promiscuous device by `cap`, without outgoing frames. */
export interface CapSocket {
  /** Throws the kernel's error. */
  send(frame: Buffer, bytes: number): void;
  dropped(): number;
  close(): void;
}

/**
 * The kernel allocates twice as much. A slot takes 1,600 bytes without segmentation offloads, else 65,616: then 16 MiB
 * hold 255 frames.
 */
const ringBytes = 16 << 20;
const maxFrame = 65_536;
const IFF_UP = 1;

/** cap keeps a raw pointer to its buffer. */
const pinned: { readonly object: CapObject; readonly buffer: Buffer }[] = [];

/**
 * Promiscuous. `take` receives incoming frames in one buffer. Throws VerifyError (69) without cap, or if the device is
 * missing or down: cap itself would end the process.
 */
export function openCapSocket(device: string, take: (buffer: Buffer, bytes: number) => void): CapSocket {
  const Cap = capClass();
  requireUp(device);
  const known = new Set(ownPacketSockets());
  const object = new Cap();
  const buffer = Buffer.alloc(maxFrame);
  pinned.push({ object, buffer });
  try {
    object.open(device, '', ringBytes, buffer);
  } catch (error) {
    throw new VerifyError(
      'open-failed',
      69,
      `cap cannot open ${JSON.stringify(device)}: ${messageOf(error)}`,
      'it takes root or CAP_NET_RAW',
    );
  }
  const fd = ownPacketSockets().find((packetSocket) => !known.has(packetSocket));
  if (fd === undefined)
    throw new VerifyError(
      'open-failed',
      70,
      `the socket that cap opened on ${JSON.stringify(device)} was not found`,
      'report this as a fault of verify-isolation',
    );
  attachFilter(fd, incomingOnly);
  object.on('packet', (bytes) => take(buffer, bytes));
  let dropped = 0;
  let open = true;
  return {
    send: (frame, bytes) => object.send(frame, bytes),
    dropped: () => {
      if (open) dropped += packetStatistics(fd).drops;
      return dropped;
    },
    close: () => {
      if (!open) return;
      open = false;
      object.close(); // never used again: a second call would crash
    },
  };
}

function capClass(): CapClass {
  try {
    const module: { readonly Cap: CapClass } = createRequire(import.meta.url)('cap');
    return module.Cap;
  } catch {
    throw new VerifyError(
      'cap-missing',
      69,
      'an endpoint behind the bridge device (attach: promiscuous) needs the package cap, which is not installed or was not built',
      'install a C++ compiler, make, python3 and libpcap-dev (Debian: build-essential python3 libpcap-dev), then run `npm install` again',
    );
  }
}

function requireUp(device: string): void {
  const fd = openPacketSocket(device);
  const flags = linkFlags(fd, device);
  libc().close(fd);
  if (flags === null || (flags & IFF_UP) === 0) {
    throw new VerifyError(
      'interface-down',
      69,
      `the relay cannot work on ${JSON.stringify(device)}: it is down`,
      'set it up before the endpoint starts',
    );
  }
}

/** libpcap's filters first test packet types in user space (libpcap issues 1482, 1402, 1254). */
const incomingOnly = encodeBpf([loadPacketType, [0x15, 0, 1, packetTypes.outgoing], refuse, takeWhole]);
