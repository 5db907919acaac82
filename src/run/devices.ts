import { startCapture } from '../system/capture/client.js';
import { type CapturePool, keepCapture } from '../system/capture/keep-capture.js';
import { startSender } from '../system/inject/helper.js';
import { keepSender, type SenderPool } from '../system/inject/keep-sender.js';
import type { SendOutcome } from '../system/inject/sender.js';

/**
 * Listens and sends. Devices may wrap others to lose an observer or withhold frames, as `demo --deafen` and
 * test/lab/sabotage do.
 */
export interface Devices {
  readonly startCapture: typeof startCapture;
  readonly startSender: typeof startSender;
}

/** Wraps devices. */
export type AlterDevices = (devices: Devices) => Devices;

/** Helpers that stay from step to step. */
export interface Helpers {
  readonly captures: CapturePool;
  readonly senders: SenderPool;
}

/** `warm`: starts them now, in this process's network namespace. */
export function helpersOf(warm: boolean): Helpers {
  const helpers = { captures: keepCapture(), senders: keepSender() };
  if (warm) {
    helpers.captures.warm(null);
    helpers.senders.warm();
  }
  return helpers;
}

/** The kernel's own. */
export const kernelDevices: Devices = { startCapture, startSender };

/** Opens every socket and sends nothing. */
export function muted(devices: Devices): Devices {
  return {
    ...devices,
    async startSender(places) {
      const sender = await devices.startSender(places);
      const nothing = async (): Promise<SendOutcome> => ({ accepted: 0, error: null });
      return { ...sender, send: nothing, sendRouted: nothing };
    },
  };
}
