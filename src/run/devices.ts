import { startCapture } from '../system/capture/client.js';
import { type CapturePool, keepCapture } from '../system/capture/keep-capture.js';
import { startSender } from '../system/inject/helper.js';
import { keepSender, type SenderPool } from '../system/inject/keep-sender.js';
import type { SendOutcome } from '../system/inject/sender.js';

/**
 * How a run listens and sends. A device may wrap another, to lose an ear or to withhold frames: `demo --deafen` and
 * test/lab/sabotage do.
 */
export interface Devices {
  readonly startCapture: typeof startCapture;
  readonly startSender: typeof startSender;
}

/** Devices that do otherwise than those they are made of. */
export type AlterDevices = (devices: Devices) => Devices;

/** The helpers of a run, which stay from step to step. */
export interface Helpers {
  readonly captures: CapturePool;
  readonly senders: SenderPool;
}

/** `warm`: they start now, in this process's network namespace, and not when a step needs them. */
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

/** Devices that open every socket and send nothing on any of them. */
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
