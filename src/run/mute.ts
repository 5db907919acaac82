import type { SendOutcome } from '../inject/sender.js';
import type { Devices } from './devices.js';

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
