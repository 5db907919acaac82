import type { Capture } from '../system/capture/client.js';
import type { ObserverRequest } from '../system/capture/helper.js';
import type { AlterDevices } from './devices.js';
import { sumCounts } from '../system/capture/join.js';

/** The capture of `name` in a helper of its own, which dies (SIGKILL) once the first half of the probes is through. */
function splitOff(name: string, others: Capture, ear: Capture): Capture {
  const both = [others, ear] as const;
  const mine = ({ observer }: ObserverRequest): boolean => observer === name;
  return {
    files: both.flatMap(({ files }) => files),
    pids: () => both.flatMap((capture) => capture.pids()),
    async open(observers) {
      const opened = await Promise.all([
        others.open(observers.filter((one) => !mine(one))),
        ear.open(observers.filter(mine)),
      ]);
      return opened.flat();
    },
    async seal() {
      const [sealed, { filtered }] = await Promise.all([others.seal(), ear.seal()]);
      return { ...sealed, filtered: sealed.filtered && filtered };
    },
    async mark(id) {
      const [one, two] = await Promise.all([others.mark(id), ear.mark(id)]);
      if (id === 'between') {
        ear.kill();
        await ear.ended();
      }
      return { ...one, ...two };
    },
    async stop() {
      const [one, two] = await Promise.all([others.stop(), ear.stop()]);
      return {
        counters: { ...one.counters, ...two.counters },
        written: { ...one.written, ...two.written },
        kept: [...one.kept, ...two.kept],
      };
    },
    ended: async () => void (await Promise.all([others.ended(), ear.ended()])),
    onCounts: (listener) => sumCounts(both, listener),
    onFault(listener) {
      others.onFault(listener);
      ear.onFault((fault) =>
        listener({ ...fault, text: `${fault.text}: killed on purpose in the middle of the probes (--deafen ${name})` }),
      );
    },
    kill: () => both.forEach((capture) => capture.kill()),
  };
}

/** Devices whose ear at observer `name` goes deaf in the middle of every step, to show that the verdict notices. */
export function deafened(name: string): AlterDevices {
  return (devices) => ({
    ...devices,
    async startCapture(options) {
      const others = await devices.startCapture(options);
      const ear = await devices.startCapture({ ...options, file: options.file.replace(/(\.[^./]*)?$/, '-ear$1') });
      return splitOff(name, others, ear);
    },
  });
}
