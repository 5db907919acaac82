// capture-inside.mjs FLOOD SCRATCH ROUNDS, in namespaces of its own: who captures a flood on one veth without loss, at
// what price. Prints [{ name, sent, seconds, seen, processor, reading }]; `reading`: processor seconds that reading the
// file back in order takes, null where this program does not.
import { execFileSync, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCapture } from '../../build/system/capture/client.js';
import { readRawFrames } from '../../build/system/evidence/collate/raw-frames.js';
import { processorSeconds } from '../frame/processor.mjs';
import { makeVeth, moveAway } from './veth.mjs';

const [flood, scratch, rounds] = process.argv.slice(2);
const perSecond = 600_000;
const seconds = 3;
const bytes = 60;
const file = join(scratch, 'capture');
const pipeReader = fileURLToPath(new URL('pipe-reader.mjs', import.meta.url));
makeVeth();
const away = await moveAway('a');

/** Floods in a process of its own, so that nobody who listens waits for it. */
function send() {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'nsenter',
      [`--net=${away}`, flood, 'a', String(perSecond * seconds), String(perSecond), String(bytes)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('close', (status) => {
      const [sent, took] = text.trim().split(' ').map(Number);
      if (status === 0) resolve({ sent, seconds: took });
      else reject(new Error(`flood: exit status ${status}`));
    });
  });
}

/**
 * A capture program that says on stderr when it listens and counts what it writes to a file; `reader` reads it from a
 * pipe instead.
 */
async function withProgram(argv, listening, reader) {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', reader === undefined ? 'ignore' : 'pipe', 'pipe'] });
  const reading =
    reader === undefined ? null : spawn(process.execPath, [reader], { stdio: [child.stdout, 'pipe', 'inherit'] });
  if (reading !== null) child.stdout.destroy(); // the pipe is between the two
  let read = '';
  reading?.stdout.on('data', (chunk) => {
    read += chunk;
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  while (!listening.test(said)) {
    if (child.exitCode !== null) throw new Error(said);
    await sleep(10);
  }
  await sleep(300);
  const before = processorSeconds(child.pid);
  const reported = await send();
  await sleep(500);
  const processor = processorSeconds(child.pid) - before;
  const ended = new Promise((resolve) => child.once('close', resolve));
  const readingEnded = reading === null ? null : new Promise((resolve) => reading.once('close', resolve));
  child.kill('SIGINT');
  await ended;
  await readingEnded;
  return { ...reported, processor, reading: null, seen: reading === null ? countIn(file) : Number(read) };
}

/** Reads a raw capture as a run does that collates it. */
async function readBack(path) {
  const before = process.cpuUsage();
  let seen = 0;
  const damages = [];
  const blocks = [{ step: 0, observer: 0, name: 'b', description: 'b' }];
  for await (const frames of readRawFrames([path], { blocks, damages, clocks: new Map() }))
    frames.each((_, __, interfaceId) => {
      if (interfaceId === 0) seen += 1;
    });
  if (damages.length > 0) throw new Error(damages.join('\n'));
  const { user, system } = process.cpuUsage(before);
  return { seen, reading: (user + system) / 1e6 };
}

/**
 * Frames of equal length in a capture file: classic pcap or pcapng, from its size, which dumpcap and tcpdump do not lie
 * about.
 */
function countIn(path) {
  const reported = execFileSync('capinfos', ['-rcM', path], { encoding: 'utf8' });
  return Number(/Number of packets(?: = |:\s+)(\d+)/.exec(reported)?.[1] ?? Number.NaN);
}

async function withEngine(engine, buffer) {
  const capture = await startCapture({ netns: null, file: `${file}.pcapng`, only: 'all' });
  await capture.open([
    {
      observer: 'b',
      device: 'b',
      watch: 'port',
      engine,
      macs: [],
      filter: '',
      snaplen: 2048,
      buffer,
      description: 'b',
    },
  ]);
  await capture.seal();
  await sleep(300);
  const [pid] = capture.pids();
  const before = processorSeconds(pid);
  const reported = await send();
  await sleep(500);
  const processor = processorSeconds(pid) - before;
  const { counters, written } = await capture.stop();
  await capture.ended();
  if (counters.b.received - counters.b.dropped !== written.b) throw new Error('written is not what was received');
  const { seen, reading } = await readBack(`${file}.pcapng`);
  if (seen !== written.b) throw new Error('what is read back is not what was written');
  return { ...reported, processor, reading, seen };
}

const mebibyte = 1 << 20;
const contestants = [
  ['`tcpdump -w FILE`', () => withProgram(['tcpdump', '-p', '-i', 'b', '-w', file, '-Z', 'root'], /listening on/)],
  [
    '`tcpdump -B 65536 -w FILE`',
    () => withProgram(['tcpdump', '-p', '-B', '65536', '-i', 'b', '-w', file, '-Z', 'root'], /listening on/),
  ],
  [
    '`tcpdump -w -` into a pipe',
    () => withProgram(['tcpdump', '-p', '-i', 'b', '-w', '-', '-Z', 'root'], /listening on/, pipeReader),
  ],
  ['`dumpcap -w FILE`', () => withProgram(['dumpcap', '-p', '-q', '-i', 'b', '-w', file], /File: /)],
  ['engine libpcap, 2 × 2 MiB', () => withEngine('libpcap', 2 * mebibyte)],
  ['engine ring, 64 MiB', () => withEngine('ring', 64 * mebibyte)],
];
const reported = [];
for (let round = 0; round < Number(rounds); round += 1) {
  for (const [name, run] of contestants) {
    reported.push({ name, ...(await run()) });
    for (const path of [file, `${file}.pcapng`]) rmSync(path, { force: true });
  }
}
process.stdout.write(JSON.stringify(reported));
