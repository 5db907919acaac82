import { assertKnown, VerifyError } from '../../core/model/verify-error.js';
import type { ToRelay } from '../../core/protocol/messages.js';
import { type HelperChannel, openHelperChannel } from '../process/helper-channel.js';
import { toolVersion } from '../process/package-path.js';
import { sealHelper } from '../process/seal-helper.js';
import { type CapSocket, openCapSocket } from './cap-socket.js';
import { isGroupMac } from '../../core/wire/ethernet.js';

const beatMs = 100;

interface Carrying {
  readonly bridge: CapSocket;
  readonly guest: CapSocket;
}

/**
 * The role `relay`: as VMware's bridge, it holds the bridge device promiscuous (flags 0x1103) and passes frames between
 * it and the endpoint.
 */
export function relayWorker(): void {
  openHelperChannel('relay', toolVersion(), (channel) => new RelayWorker(channel));
}

class RelayWorker {
  private readonly channel: HelperChannel<'relay'>;
  private readonly watch: NodeJS.Timeout;
  private carrying: Carrying | null = null;
  private toGuest = 0;
  private fromGuest = 0;
  private lost = 0;
  private lossReported = 0;

  constructor(channel: HelperChannel<'relay'>) {
    this.channel = channel;
    this.watch = setInterval(() => this.reportLoss(), beatMs);
  }

  message(message: ToRelay): void {
    switch (message.type) {
      case 'start':
        this.startOrReport(message);
        return;
      case 'stop':
        this.channel.say({ type: 'stopped', toGuest: this.toGuest, fromGuest: this.fromGuest });
        this.leave(0);
        return;
    }
  }

  end(): void {
    this.leave(Number(process.exitCode ?? 0));
  }

  private startOrReport(message: StartMessage): void {
    try {
      this.start(message);
    } catch (error) {
      assertKnown(error);
      const text = `${error.message}: ${error.hint}`;
      this.channel.say({ type: 'fault', code: error.code, observer: null, message: text });
    }
  }

  private start(message: StartMessage): void {
    if (this.carrying !== null)
      throw new VerifyError(
        'open-failed',
        70,
        'the relay carries frames already',
        'report this as a fault of verify-isolation',
      );
    const choose = isForGuest(message.macs, message.everything);
    const ends: { bridge?: CapSocket; guest?: CapSocket } = {};
    ends.guest = openCapSocket(message.device, (buffer, bytes) => {
      if (this.tryTo(() => ends.bridge?.send(buffer, bytes))) this.fromGuest += 1;
    });
    ends.bridge = openCapSocket(message.bridge, (buffer, bytes) => {
      if (choose(buffer, bytes) && this.tryTo(() => ends.guest?.send(buffer, bytes))) this.toGuest += 1;
    });
    this.carrying = { bridge: ends.bridge, guest: ends.guest };
    sealHelper('relay');
    this.channel.say({ type: 'relaying', bridge: message.bridge, device: message.device });
  }

  /** A full queue, or a frame above the receiver's MTU, is a loss. */
  private tryTo(send: () => void): boolean {
    try {
      send();
      return true;
    } catch {
      this.lost += 1;
      return false;
    }
  }

  private reportLoss(): void {
    const { carrying } = this;
    const lost = this.lost + (carrying === null ? 0 : carrying.bridge.dropped() + carrying.guest.dropped());
    if (lost === this.lossReported) return;
    this.lossReported = lost;
    const message = `the relay lost ${lost} frames so far`;
    this.channel.say({ type: 'fault', code: 'relay-lost', observer: null, message });
  }

  private leave(status: number): void {
    clearInterval(this.watch);
    this.reportLoss();
    this.carrying?.bridge.close();
    this.carrying?.guest.close();
    this.carrying = null;
    this.channel.exit(status);
  }
}

type StartMessage = Extract<ToRelay, { type: 'start' }>;

/**
 * Frames to the endpoint's MACs, groups and broadcast, or all with `everything`. Never the endpoint's own, which would
 * return to their origin.
 */
export function isForGuest(macs: readonly string[], everything: boolean): (frame: Buffer, bytes: number) => boolean {
  const guestMacs = new Set(macs.map(keyOfText));
  return (frame, bytes) => {
    if (bytes < 14) return false; // no Ethernet header (IEEE 802.3 clause 3)
    if (guestMacs.has(keyAt(frame, 6))) return false;
    return everything || isGroupMac(frame, 0) || guestMacs.has(keyAt(frame, 0));
  };
}

/** 48 bits fit a number exactly. */
function keyAt(frame: Buffer, offset: number): number {
  return frame.readUIntBE(offset, 6);
}

function keyOfText(mac: string): number {
  return Number.parseInt(mac.replaceAll(':', ''), 16);
}
