// Reads a capture with the codec alone and counts packets and bytes.
import { readCapture } from '../../build/system/evidence/read/read-capture.js';
import { printPeak } from '../frame/peak.mjs';

printPeak();
let packets = 0;
let bytes = 0;
for await (const item of readCapture(process.argv[2], { fleeting: true })) {
  if (item.kind === 'damage') throw new Error(item.message);
  if (item.kind !== 'batch') continue;
  packets += item.count;
  for (let i = 0; i < item.count; i += 1) bytes += item.captured[i];
}
console.log(packets, bytes);
