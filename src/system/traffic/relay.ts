import { VerifyError } from '../../core/model/verify-error.js';
import type { ToRelay } from '../../core/protocol/messages.js';
import { type HelperChannel, openHelperChannel } from '../process/helper-channel.js';
import { toolVersion } from '../process/package-path.js';
import { sealHelper } from '../process/seal-helper.js';
import { type CapSocket, openCapSocket } from './cap-socket.js';

const beatMs = 100;

/** What a relay holds while it carries frames. */
interface Carrying {
  readonly bridge: CapSocket;
  readonly guest: CapSocket;
}

/**
 * The role `relay`: does what VMware's bridge does to a Linux bridge that it is pointed at. It holds the bridge device
 * promiscuous, whose flags become 0x1103, and hands frames to the endpoint; what the endpoint sends leaves through the
 * bridge device itself.
 */
export function relayWorker(): void {
  openHelperChannel('relay', toolVersion(), serve);
}

function serve(channel: HelperChannel<'relay'>): { message(message: ToRelay): void; end(): void } {
  let carrying: Carrying | null = null;
  let toGuest = 0;
  let fromGuest = 0;
  let lost = 0;
  let lossReported = 0;

  const watch = setInterval(() => reportLoss(), beatMs);

  function count(send: () => void): boolean {
    try {
      send();
      return true;
    } catch {
      lost += 1; // a full queue, or a frame longer than the other side's MTU: reported with the next beat
      return false;
    }
  }
  function reportLoss(): void {
    const all = lost + (carrying === null ? 0 : carrying.bridge.dropped() + carrying.guest.dropped());
    if (all === lossReported) return;
    lossReported = all;
    channel.say({ type: 'fault', code: 'relay-lost', observer: null, message: `the relay lost ${all} frames so far` });
  }
  function start(message: Extract<ToRelay, { type: 'start' }>): void {
    if (carrying !== null)
      throw new VerifyError(
        'open-failed',
        70,
        'the relay carries frames already',
        'report this as a fault of verify-isolation',
      );
    const choose = isForGuest(message.macs, message.everything);
    const ends: { bridge?: CapSocket; guest?: CapSocket } = {};
    ends.guest = openCapSocket(message.device, (buffer, bytes) => {
      if (count(() => ends.bridge?.send(buffer, bytes))) fromGuest += 1;
    });
    ends.bridge = openCapSocket(message.bridge, (buffer, bytes) => {
      if (choose(buffer, bytes) && count(() => ends.guest?.send(buffer, bytes))) toGuest += 1;
    });
    carrying = { bridge: ends.bridge, guest: ends.guest };
    sealHelper('relay');
    channel.say({ type: 'relaying', bridge: message.bridge, device: message.device });
  }
  function leave(status: number): void {
    clearInterval(watch);
    reportLoss();
    carrying?.bridge.close();
    carrying?.guest.close();
    carrying = null;
    channel.exit(status);
  }

  return {
    message(message) {
      switch (message.type) {
        case 'start':
          try {
            start(message);
          } catch (error) {
            if (!(error instanceof VerifyError)) throw error;
            channel.say({
              type: 'fault',
              code: error.code,
              observer: null,
              message: `${error.message}: ${error.hint}`,
            });
          }
          return;
        case 'stop':
          channel.say({ type: 'stopped', toGuest, fromGuest });
          leave(0);
          return;
      }
    },
    end: () => leave(Number(process.exitCode ?? 0)),
  };
}

/**
 * Which frames of the bridge device a relay hands to the endpoint behind it: those to one of its MACs, to groups and to
 * everybody, or all if it asked for `everything`; never those whose source is the endpoint itself, which would come
 * back to where they are from.
 */
export function isForGuest(macs: readonly string[], everything: boolean): (frame: Buffer, bytes: number) => boolean {
  const own = new Set(macs.map(keyOfText));
  return (frame, bytes) => {
    if (bytes < 14) return false; // no Ethernet header (IEEE 802.3 clause 3)
    if (own.has(keyAt(frame, 6))) return false;
    const isGroup = (frame.readUInt8(0) & 1) === 1;
    return everything || isGroup || own.has(keyAt(frame, 0));
  };
}

/** 48 bits fit a number exactly. */
function keyAt(frame: Buffer, offset: number): number {
  return frame.readUIntBE(offset, 6);
}

function keyOfText(mac: string): number {
  return Number.parseInt(mac.replaceAll(':', ''), 16);
}
