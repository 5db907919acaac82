// sending-inside.mjs FLOOD SCRATCH ROUNDS MISSING, in namespaces of its own: who puts frames of 60 bytes on a veth how
// fast. Prints [{ name, sent, seconds, processor }].
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSender } from '../../build/system/inject/helper.js';
import { classicFileHeader, classicRecord } from './classic.mjs';
import { processorSeconds } from '../frame/processor.mjs';
import { arrivedAt, makeVeth } from './veth.mjs';

const [flood, scratch, rounds, missing] = process.argv.slice(2);
const count = 1_000_000;
const bytes = 60;
const frame = Buffer.alloc(bytes);
Buffer.from('02000000000202000000000188b5', 'hex').copy(frame);
makeVeth();

const capture = join(scratch, 'frames.pcap');
const many = 10_000;
writeFileSync(
  capture,
  Buffer.concat([classicFileHeader(), ...Array.from({ length: many }, () => classicRecord(frame))]),
);
const config = join(scratch, 'frame.cfg');
writeFileSync(config, `{ ${[...frame].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', ')} }\n`);

/**
 * Starts a program, waits for its end, and counts what arrived at the other end; the time is from start to exit, what
 * is inside the program's own count of time being its own word.
 */
function run(argv) {
  return () =>
    new Promise((resolve, reject) => {
      const before = arrivedAt('b');
      const from = performance.now();
      const child = spawn('bash', ['-c', 'TIMEFORMAT="@@ %U %S"; time "$@"', 'bash', ...argv], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, LC_ALL: 'C' },
      });
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      child.once('close', (status) => {
        const seconds = (performance.now() - from) / 1000;
        const [, user, system] = /@@ (\S+) (\S+)/.exec(said) ?? [];
        if (status === 0) resolve({ sent: arrivedAt('b') - before, seconds, processor: Number(user) + Number(system) });
        else reject(new Error(`${argv.join(' ')}: ${said}`));
      });
    });
}

/**
 * The sending helper as a run without a rate uses it: frames go to it over its pipe, the next while it sends, what the
 * kernel took comes back. Its start is not counted, as nobody's lab is.
 */
async function helper() {
  const sender = await startSender({ a: { device: 'a', netns: null } });
  const frames = Buffer.concat(Array.from({ length: many }, () => frame));
  await sender.send('a', frames, bytes, null);
  const before = arrivedAt('b');
  const used = processorSeconds(sender.pid);
  const own = process.cpuUsage();
  const from = performance.now();
  let sending = Promise.resolve({ error: null });
  const check = async () => {
    const { error } = await sending;
    if (error !== null) throw new Error(error);
  };
  for (let sent = 0; sent < count; sent += many) {
    const next = sender.send('a', frames, bytes, null);
    await check();
    sending = next;
  }
  await check();
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(own);
  const reported = {
    sent: arrivedAt('b') - before,
    seconds,
    processor: processorSeconds(sender.pid) - used + (user + system) / 1e6,
  };
  await sender.stop();
  return reported;
}

const contestants = [
  [
    '`trafgen`',
    'trafgen',
    run(['trafgen', '--dev', 'a', '--conf', config, '--num', String(count), '--cpus', '1', '--no-sock-mem']),
  ],
  [
    '`tcpreplay --topspeed --preload-pcap`',
    'tcpreplay',
    run(['tcpreplay', '-i', 'a', '--topspeed', '--preload-pcap', '--loop', String(count / many), capture]),
  ],
  ['the sending helper, through its pipe', null, helper],
  ['C program with sendmmsg (bench/wire/flood.c)', null, run([flood, 'a', String(count), '0', String(bytes)])],
];
const reported = [];
for (let round = 0; round < Number(rounds); round += 1) {
  for (const [name, program, send] of contestants)
    reported.push({
      name,
      ...(program !== null && missing.split(',').includes(program) ? { missing: true } : await send()),
    });
}
process.stdout.write(JSON.stringify(reported));
