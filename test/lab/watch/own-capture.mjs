// Captures on a port with both engines until stdin closes, as a run does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCapture } from '../../../build/system/capture/client.js';

const dir = mkdtempSync(join(tmpdir(), 'own-capture-'));
const capture = await startCapture({ file: join(dir, 'raw.pcapng'), runTag: 1 });
const request = (observer, engine) => ({
  observer,
  device: process.argv[2],
  watch: 'port',
  engine,
  macs: [],
  filter: 'ether proto 0x88b5',
  snaplen: 200,
  buffer: 1 << 20,
  description: observer,
});
await capture.open([request('a', 'libpcap'), request('b', 'cap')]);
console.log(JSON.stringify({ event: 'capturing' }));
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
await capture.stop();
rmSync(dir, { recursive: true });
