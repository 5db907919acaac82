import { startSender } from '../inject/send-client.js';
import { startCapture } from '../system/capture/client.js';

/**
 * How a run listens and sends. A device may wrap another, to lose an ear or to withhold frames: `demo --deafen` and
 * test/sabotage do.
 */
export interface Devices {
  readonly startCapture: typeof startCapture;
  readonly startSender: typeof startSender;
}

/** Devices that do otherwise than those they are made of. */
export type AlterDevices = (devices: Devices) => Devices;

/** The kernel's own. */
export const kernelDevices: Devices = { startCapture, startSender };
