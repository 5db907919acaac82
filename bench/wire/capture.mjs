import { fileURLToPath } from 'node:url';
import { compile } from '../frame/compile.mjs';
import { inside } from '../frame/inside.mjs';
import { install } from '../frame/install.mjs';
import { median, spread } from '../frame/median.mjs';

export const title = 'Capturing 600,000 frames a second of 60 bytes on one veth';
export const about =
  "A small C program (bench/wire/flood.c) sends for 3 s at one end, which is in a namespace of its own as a guest's is; who listens at the other writes all of it to a file, or where it says so into a pipe that a Node program reads. Peer: tcpdump as it is. Processor time is that of the process that captures alone (user and system), without the reader of a pipe; what the kernel does for each frame before the process has it, copying it to the ring, it does in the sender's time for all of them. `read back`: what putting the frames of the file in order takes later, when the run is judged.";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

export function measure({ scratch, rounds }) {
  const missing = install({ tcpdump: 'tcpdump', dumpcap: 'wireshark-common', capinfos: 'wireshark-common' });
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
  const reported = inside(path('capture-inside.mjs'), compile(path('flood.c'), scratch), scratch, rounds);
  const names = [...new Set(reported.map(({ name }) => name))];
  const perFrame = (one) => (one.processor / one.seen) * 1e6;
  const peer = median(reported.filter(({ name }) => name === names[0]).map(perFrame));
  return names.map((name) => {
    const own = reported.filter((one) => one.name === name);
    const lost = own.map(({ sent, seen }) => ((sent - seen) / sent) * 100);
    return {
      what: name,
      'frames/s': Math.round(median(own.map(({ sent, seconds }) => sent / seconds))).toLocaleString('en-US'),
      'lost %': median(lost).toFixed(2),
      'least–most %': spread(lost),
      'µs a frame': median(own.map(perFrame)).toFixed(3),
      'least–most µs': spread(own.map(perFrame), 3),
      'processor / peer': (median(own.map(perFrame)) / peer).toFixed(2),
      'µs read back':
        own[0].reading === null ? '' : median(own.map(({ reading, seen }) => (reading / seen) * 1e6)).toFixed(3),
    };
  });
}
