import type { FaultCode } from '../../../core/model/reasons.js';
import { VerifyError, messageOf } from '../../../core/model/verify-error.js';
import { searchDepthsOf } from '../../../core/wire/token-filter.js';
import { libc } from '../../kernel/libc.js';
import {
  attachFilter,
  attachFirstFilter,
  linkFlags,
  openPacketSocket,
  ownPacketSockets,
  packetStatistics,
} from '../../kernel/packet-socket.js';
import type { Engine, EngineHandle, OpenOptions } from '../engine.js';
import { refuseEverything } from '../socket-filter.js';
import { type CapObject, capModule } from './cap-module.js';
import { frameQueue } from './frame-queue.js';
import { libpcapEngine } from './libpcap.js';
import { compileFilterFor, libpcap } from './libpcap-library.js';

const IFF_UP = 1;
/** cap's bufSize hangs at 2,000 MiB. */
const maxBuffer = 512 << 20;
const frameBytes = 65536; // cap's snaplen is 65,535

/** cap keeps a raw pointer to its buffer, and crashes in its destructor after a failed open. */
const pinned: { readonly object: CapObject; readonly buffer: Buffer }[] = [];

/**
 * The package `cap`: promiscuous, one call a frame, user-space times, no original lengths. Frames from the observer's
 * MACs count as outgoing. Its process dies when the interface goes down. Bridges use libpcap: promiscuous, all frames
 * would look leaked.
 */
export const capEngine: Engine = {
  name: 'cap',
  version: () => `cap ${capModule().version}, ${libpcap().version()}`,
  open(options) {
    if (options.watch === 'bridge') return libpcapEngine.open(options);
    return openPort(options);
  },
};

function openPort(options: OpenOptions): EngineHandle {
  const { device } = options;
  if (options.buffer > maxBuffer)
    throw failed('open-failed', device, `cap takes a buffer of at most ${maxBuffer} bytes, not ${options.buffer}`);
  compileFilterFor(options); // what is not a filter is refused before cap opens anything
  const programs = searchDepthsOf(options.filter).map((depth) => () => compileFilterFor(options, depth));
  requireUp(device);
  const known = new Set(ownPacketSockets());
  const object = new (capModule().Cap)();
  const buffer = Buffer.alloc(frameBytes);
  pinned.push({ object, buffer });
  try {
    // Without a filter: libpcap would filter in user space what it received before, and the kernel's counters would not
    // close.
    const linkType = object.open(device, '', options.buffer, buffer);
    if (linkType !== 'ETHERNET') throw new Error(`it is no Ethernet interface but ${linkType}`);
  } catch (error) {
    throw failed('open-failed', device, messageOf(error));
  }
  const fd = ownPacketSockets().find((each) => !known.has(each));
  if (fd === undefined) throw failed('open-failed', device, "cap's descriptor was not found");
  attachFilter(fd, refuseEverything);
  const before = packetStatistics(fd);
  attachFirstFilter(fd, programs);

  let received = before.packets - before.drops;
  let dropped = 0;
  let delivered = 0;
  let open = true;
  const queue = frameQueue(new Set(options.macs.map((mac) => mac.toLowerCase())), received);
  object.on('packet', (bytes) => queue.push(buffer, Math.min(bytes, options.snaplen)));
  return {
    facts: { engine: 'cap', timestamps: 'user', originalLength: false, direction: 'inferred' },
    descriptors: [],
    drain(take, budget) {
      const taken = queue.drain(take, budget);
      delivered += taken;
      return taken;
    },
    counters() {
      if (open) {
        const since = packetStatistics(fd);
        received += since.packets;
        dropped += since.drops;
      }
      return [{ received, dropped: dropped + queue.dropped(), delivered }];
    },
    refuse: () => attachFilter(fd, refuseEverything),
    close() {
      if (!open) return;
      open = false;
      object.close(); // it is never touched again: a second close or open crashes
    },
  };
}

/** After a failed open, cap dies of SIGSEGV. */
function requireUp(device: string): void {
  const fd = openPacketSocket(device);
  const flags = linkFlags(fd, device);
  libc().close(fd);
  if (flags === null || (flags & IFF_UP) === 0) throw failed('interface-down', device, 'it is down');
}

function failed(code: FaultCode, device: string, why: string): VerifyError {
  return new VerifyError(
    code,
    69,
    `${JSON.stringify(device)} cannot be listened to with cap: ${why}`,
    'or use --engine libpcap',
  );
}
