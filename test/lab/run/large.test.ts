// @module-tag alike: frames decide these tests, whoever runs them.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { patient } from '../../support/patient.js';
import {
  fresh,
  type LabRun,
  program,
  rows,
  runLab,
  startProgram,
  threeOn,
  writeScenario,
} from '../../support/lab/program.js';

// A capture beyond 32 MiB is hashed by a thread of its own while it is judged.
describe('a run with a large capture', () => {
  const frames = 200_000;
  let run: LabRun;
  beforeAll(async () => {
    const probe = `{ class: known-unicast, from: a, to: b, count: ${frames}, carriers: [raw] }`;
    const few = '{ class: known-unicast, from: a, to: b, count: 100, carriers: [raw] }';
    run = await runLab(
      threeOn(
        '{}',
        [
          `  - { name: many, learn: all, probe: [ ${probe} ], expect: private }`,
          `  - { name: hub, set: { br0: { ageing_time: 0 } }, learn: all, probe: [ ${few} ], expect: leak }`,
        ].join('\n'),
      ),
    );
  }, patient(300_000));

  it(
    'is judged as the folder is that it leaves, byte for byte',
    async () => {
      expect(run.result.steps.map(({ verdict, reasons }) => ({ verdict, reasons }))).toEqual([
        { verdict: 'holds', reasons: [] },
        { verdict: 'broken', reasons: [] },
      ]);
      expect(rows(run.result, { step: 0, observer: 'b' })).toMatchObject([{ sent: frames, seen: frames }]);
      expect(rows(run.result, { step: 0, observer: 'c' })).toMatchObject([{ seen: 0, leak: false }]);
      expect(rows(run.result, { step: 1, observer: 'c' })).toMatchObject([{ seen: 100, leak: true }]);
      const checked = await program(['check', run.dir, '--json']);
      expect(checked.stdout).toContain('byte for byte');
      const replayed = await program(['replay', run.dir, '--json']);
      expect(JSON.parse(replayed.stdout)).toEqual(JSON.parse(readFileSync(join(run.dir, 'result.json'), 'utf8')));
    },
    patient(300_000),
  );

  it('has the key in its record, and which file its evidence is', () => {
    const record: unknown = JSON.parse(readFileSync(join(run.dir, 'run.json'), 'utf8'));
    expect(record).toMatchObject({
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      capture: { sha256: run.result.evidence.files.find(({ path }) => path === 'evidence.pcapng')?.sha256 },
    });
  });
});

describe('a step with frames of several lengths at a rate', () => {
  it('sends them together, a quarter of a second’s worth at a time', async () => {
    const run = await runLab(
      writeScenario(`version: 1
name: lengths
topology:
  provider: lab
  bridges: { br0: { mcast_snooping: off } }
  generate: [ { count: 9, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
  - { name: all, learn: all, probe: [ { class: known-unicast, from: "*", to: "*", count: 1, rate: 2000, carriers: [raw, ipv4-udp, ipv6-udp] } ], expect: private }
`),
    );
    expect(run.result.steps.map(({ verdict, reasons }) => ({ verdict, reasons }))).toEqual([
      { verdict: 'holds', reasons: [] },
    ]);
    const sent = readFileSync(join(run.dir, 'timeline.ndjson'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"sent"'))
      .map((line) => JSON.parse(line));
    // the two halves of 9 × 8 × 3 frames of 60 and of 80 bytes
    expect(sent).toMatchObject([
      { first: 0, planned: 108, accepted: 108 },
      { first: 108, planned: 108, accepted: 108 },
    ]);
  });
});

// In a lab of which all steps are captured with one ring, a thread puts the captures in order while they grow.
describe('a run whose captures are put in order while it goes on', () => {
  const guests = 200;
  const step = (name: string, more: string, expected: string): string =>
    `  - { name: ${name}, learn: all, ${more}probe: [ { class: known-unicast, from: "*", to: "*", count: 1, carriers: [raw] } ], expect: ${expected} }`;
  const scenario = (second: string): string =>
    writeScenario(`version: 1
name: mesh
topology:
  provider: lab
  bridges: { br0: { mcast_snooping: off } }
  generate: [ { count: ${guests}, name: "g{}", bridge: br0, port: "p{}" } ]
steps:
${step('all', '', 'private')}
${second}
`);

  it('is judged as the folder is that it leaves, byte for byte, and leaves nothing else', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const run = await runLab(
      scenario(
        '  - { name: three, learn: all, probe: [ { class: known-unicast, from: g1, to: g2, count: 3, carriers: [raw] } ], expect: private }',
      ),
    );
    expect(run.result.steps.map(({ verdict, reasons }) => ({ verdict, reasons }))).toEqual([
      { verdict: 'holds', reasons: [] },
      { verdict: 'holds', reasons: [] },
    ]);
    expect(
      run.result.steps.map(({ observers }) =>
        observers.every(({ engine, dropped }) => engine === 'ring' && dropped === 0),
      ),
    ).toEqual([true, true]);
    expect(readdirSync(run.dir).sort()).toEqual([
      'SHA256SUMS',
      'evidence.pcapng',
      'plan.json',
      'report.html',
      'result.json',
      'run.json',
      'state',
      'timeline.ndjson',
    ]);
    const checked = await program(['check', run.dir, '--json']);
    expect(checked.stdout).toContain('byte for byte');
  });

  it(
    'that is interrupted keeps what it had seen',
    async () => {
      const dir = fresh('interrupted');
      const { child, ended } = startProgram([
        'run',
        scenario(step('again', '', 'private')),
        '--out',
        dir,
        '--json',
        '--quiet',
      ]);
      const timeline = join(dir, 'timeline.ndjson');
      const probes = (): boolean => existsSync(timeline) && readFileSync(timeline, 'utf8').includes('"event":"sent"');
      while (!probes()) await sleep(20);
      child.kill('SIGINT');
      const { status } = await ended;
      expect(status).toBe(130);
      const names = readdirSync(dir);
      expect(names).toContain('evidence.pcapng');
      expect(names.filter((name) => /part$|^raw$/.test(name))).toEqual([]);
      const checked = await program(['check', dir, '--json']);
      expect(checked.stdout).toContain('byte for byte');
    },
    patient(300_000),
  );
});
