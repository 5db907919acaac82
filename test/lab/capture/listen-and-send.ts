import { type Capture, startCapture } from '../../../src/system/capture/client.js';
import type { CaptureOptions, ObserverRequest } from '../../../src/system/capture/helper.js';
import { startSender } from '../../../src/system/inject/helper.js';
import type { Sender } from '../../../src/system/inject/sender.js';
import { guestMac, type TestNetwork } from '../../support/lab/test-network.js';

/** An observer at the guest's port of a test network. */
export function portRequest(
  engine: ObserverRequest['engine'],
  changes: Partial<ObserverRequest> = {},
): ObserverRequest {
  return {
    observer: 'g1',
    device: 'vnet0',
    watch: 'port',
    engine,
    macs: [guestMac],
    filter: '',
    snaplen: 256,
    buffer: 8 << 20,
    description: '',
    ...changes,
  };
}

/**
 * What a test listens and sends with: a capture at a time, and for each network a sender, begun when it is first
 * needed.
 */
export interface ListenAndSend {
  /** A capture that opens nothing yet. */
  start(network: TestNetwork, options?: Partial<CaptureOptions>): Promise<Capture>;
  /**
   * Sends frames of `length` bytes to the guest, from `vnet0`, or from it, from `eth0`; gives how many the kernel
   * accepted.
   */
  send(
    network: TestNetwork,
    socket: 'toGuest' | 'fromGuest',
    bytes: Buffer,
    length?: number,
    perSecond?: number | null,
  ): Promise<number>;
  /** Ends the capture, whatever became of it. */
  endCapture(): Promise<void>;
  /** Ends the network's sender and the network. */
  leave(network: TestNetwork): Promise<void>;
}

export function listenAndSend(): ListenAndSend {
  const senders = new Map<TestNetwork, Sender>();
  let capture: Capture | undefined;
  return {
    async start(network, options = {}) {
      capture = await startCapture({ file: network.file(), netns: network.netns, ...options });
      return capture;
    },
    async send(network, socket, bytes, length = 60, perSecond = null) {
      const sender =
        senders.get(network) ??
        (await startSender({
          toGuest: { device: 'vnet0', netns: network.netns },
          fromGuest: { device: 'eth0', netns: network.netns },
        }));
      senders.set(network, sender);
      return (await sender.send(socket, bytes, length, perSecond)).accepted;
    },
    async endCapture() {
      capture?.kill();
      await capture?.ended();
      capture = undefined;
    },
    async leave(network) {
      await senders.get(network)?.stop();
      senders.delete(network);
      network.close();
    },
  };
}
