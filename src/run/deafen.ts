import type { Capture } from '../system/capture/client.js';
import { joinCaptures } from '../system/capture/join.js';
import type { AlterDevices } from './devices.js';

function splitOff(name: string, others: Capture, ear: Capture): Capture {
  const joined = joinCaptures([
    { capture: others, observers: { has: (observer) => observer !== name } },
    { capture: ear, observers: { has: (observer) => observer === name } },
  ]);
  let isThere = false;
  return {
    ...joined,
    open(requests) {
      isThere = requests.some(({ observer }) => observer === name);
      return joined.open(requests);
    },
    async mark(id, withAccounts) {
      const counters = await joined.mark(id, withAccounts);
      if (id === 'between' && isThere) {
        ear.kill();
        await ear.ended();
      }
      return counters;
    },
    onFault(listener) {
      others.onFault(listener);
      ear.onFault((fault) =>
        listener({ ...fault, text: `${fault.text}: killed on purpose in the middle of the probes (--deafen ${name})` }),
      );
    },
  };
}

/** Observer `name` goes deaf in the middle of every step. */
export function deafen(name: string): AlterDevices {
  return (devices) => ({
    ...devices,
    async startCapture(options) {
      const others = await devices.startCapture(options);
      const ear = await devices.startCapture({ ...options, file: options.file.replace(/(\.[^./]*)?$/, '-ear$1') });
      return splitOff(name, others, ear);
    },
  });
}
