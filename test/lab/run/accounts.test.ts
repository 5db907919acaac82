// @module-tag alike: frames decide these tests, whoever runs them.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type LabRun, program, runLab, threeOn } from '../../support/lab/program.js';
import { file, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const python = '/usr/bin/python3';
const tools = fileURLToPath(new URL('../../system/adversary/tools/attack.py', import.meta.url));
/** Sends broadcasts out of a device of the bridges' namespace: as any program does, or past every packet socket. */
const sender = `
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
if sys.argv[3] == 'past': out.setsockopt(263, 20, 1) # SOL_PACKET, PACKET_QDISC_BYPASS
out.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[2])): out.send(bytes.fromhex('ffffffffffff' '020000000099' '88b5') + bytes(46))
`;

const processors = cpus().length;

async function sending(device: string, frames: number, how: 'past' | 'heard', guests = ''): Promise<LabRun> {
  const command = JSON.stringify([python, '-c', sender, device, String(frames), how]);
  const probe = '{ class: known-unicast, from: a, to: b, count: 150 }';
  const file = threeOn(
    '{ ageing_time: 30s }',
    `  - { name: s, probe: ${probe}, during: [ { at: 100ms, run: [${command}] } ], expect: private }`,
    guests,
  );
  return runLab(file, '--allow-run');
}
const reasonsOf = ({ result }: LabRun): readonly { readonly code: string }[] =>
  (result.steps[0]?.reasons ?? []).map(({ code, observer, text }) => ({ code, observer, text }));

const framesText = (frames: number): string => (frames === 1 ? '1 frame' : `${frames} frames`);
const unheardAt = (number: string): readonly object[] => [
  {
    code: 'unheard-frames',
    observer: 'c',
    text: `${number} left by p2 that no packet socket was offered: the kernel counted more than was heard there`,
  },
];

describe('frames that leave by a port past every ear', needs(file(python)), () => {
  const told = async (frames: number): Promise<void> => {
    const run = await sending('p2', frames, 'past');
    expect(run.status).toBe(3);
    // where each processor is in the middle of a frame at every reading, that many are not certain
    const least = Math.max(1, frames - processors);
    const certain = Array.from({ length: frames - least }, (_, at) => `at least ${framesText(least + at)}`);
    expect([framesText(frames), ...certain].map(unheardAt)).toContainEqual(reasonsOf(run));
    const again = await program(['replay', run.dir, '--json']);
    expect(JSON.parse(again.stdout)).toEqual(run.result);
  };
  const title = 'are told, with their number, where the port is at rest before and after: %i';
  it.concurrent.each([1])(title, { timeout: patient(300_000) }, told);
  it.concurrent.each([40])(title, { tags: 'all', timeout: patient(300_000) }, told);

  it.concurrent(
    'are none where as many leave as any program sends them, and the run holds',
    async () => {
      const run = await sending('p2', 60_000, 'heard');
      expect([run.status, reasonsOf(run)]).toEqual([0, []]);
      const timeline = readFileSync(join(run.dir, 'timeline.ndjson'), 'utf8');
      expect(timeline).toMatch(/"event":"accounts-read","when":"after","windows":\{"p0":/);
    },
    patient(300_000),
  );

  it.concurrent('are told where a program hands them over behind the port, between two snapshots', {
    ...needs(root),
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    // each of a's frames for b goes on, and a copy of it into c's own namespace (bpf_redirect_peer)
    const came = 'cat /sys/class/net/p0/statistics/rx_packets';
    const peer = [
      `said=$(mktemp); ${python} ${tools} bpf p0 tcx-in peer p2 1 >"$said" &`,
      'until grep -q ready "$said"; do kill -0 $!; sleep 0.02; done; rm -f "$said"',
      `before=$(${came}); for _ in $(seq 500); do [ $(${came}) -gt $((before + 20)) ] && break; sleep 0.02; done`,
      'kill $!; wait $! || true',
    ].join('\n');
    const probe = '{ class: known-unicast, from: a, to: b, count: 800, rate: 200, carriers: [raw] }';
    const file = threeOn(
      '{ ageing_time: 30s }',
      `  - { name: s, probe: ${probe}, during: [ { at: 100ms, run: [${JSON.stringify(['sh', '-ec', peer])}] } ], expect: private }`,
    );
    const run = await runLab(file, '--allow-run');
    expect(run.status, run.stderr).toBe(3);
    // a look within the step may find the program as well
    expect(reasonsOf(run).filter(({ code }) => code !== 'bypass-possible')).toEqual([
      {
        code: 'unheard-frames',
        observer: 'c',
        text: expect.stringMatching(
          /^(at least )?\d+ frames came to c that did not leave by p2: something hands them over past the port$/,
        ),
      },
    ]);
    const again = await program(['replay', run.dir, '--json']);
    expect(JSON.parse(again.stdout)).toEqual(run.result);
  });

  it.concurrent('are read in each step, whatever the filters of the steps before were', async () => {
    const steps = ['{ class: mac-flood, from: a, to: b, count: 20 }', '{ class: known-unicast, from: a, to: b }'];
    const file = threeOn(
      '{ ageing_time: 30s }',
      [0, 1, 0].map((at) => `  - { name: s, probe: ${steps[at]}, expect: unjudged }`).join('\n'),
      '',
      'allow_disruptive: true\n',
    );
    const { dir } = await runLab(file);
    const [plan, lines] = ['plan.json', 'timeline.ndjson'].map((name) => readFileSync(join(dir, name), 'utf8'));
    const filters: readonly string[] = JSON.parse(plan ?? '').steps.map(({ filter }: { filter: string }) => filter);
    expect(filters.map((filter) => filter === '')).toEqual([true, false, true]);
    const read = (lines ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'accounts-read');
    expect(read.map(({ step, windows }) => [step, Object.keys(windows).length])).toEqual(
      [0, 0, 1, 1, 2, 2].map((step) => [step, 6]),
    );
  });

  it.concurrent('are told of all ports together where there are too many for a socket each', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const guests = Array.from(
      { length: 32 },
      (_, at) => `    g${at}: { bridge: br0, port: q${at}, ip: 10.9.1.${at + 1}/16 }\n`,
    ).join('');
    const [hidden, none] = [await sending('q7', 12, 'past', guests), await sending('q7', 3000, 'heard', guests)];
    expect(reasonsOf(hidden)).toEqual([
      {
        code: 'unheard-frames',
        observer: null,
        text: '12 frames left by br0, 35 ports together, that no packet socket was offered: the kernel counted more than was heard there',
      },
    ]);
    expect([none.status, reasonsOf(none)]).toEqual([0, []]);
  });
});
