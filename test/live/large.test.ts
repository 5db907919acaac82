import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patient } from '../patient.js';
import { type LabRun, program, rows, runLab, threeOn } from './program.js';

// A capture beyond 32 MiB is collated by a thread of its own, and judged while it is written.
describe('a run with a large capture', () => {
  const frames = 200_000;
  let run: LabRun;
  beforeAll(async () => {
    const probe = `{ class: known-unicast, from: a, to: b, count: ${frames}, carriers: [raw] }`;
    const few = '{ class: known-unicast, from: a, to: b, count: 100, carriers: [raw] }';
    run = await runLab(threeOn('{}', [
      `  - { name: many, learn: all, probe: [ ${probe} ], expect: private }`,
      `  - { name: hub, set: { br0: { ageing_time: 0 } }, learn: all, probe: [ ${few} ], expect: leak }`,
    ].join('\n')));
  }, patient(120_000));

  it('is judged as the folder is that it leaves, byte for byte', async () => {
    expect(run.result.steps.map(({ verdict, reasons }) => ({ verdict, reasons }))).toEqual([{ verdict: 'holds', reasons: [] }, { verdict: 'broken', reasons: [] }]);
    expect(rows(run.result, { step: 0, observer: 'b' })).toMatchObject([{ sent: frames, seen: frames }]);
    expect(rows(run.result, { step: 0, observer: 'c' })).toMatchObject([{ seen: 0, leak: false }]);
    expect(rows(run.result, { step: 1, observer: 'c' })).toMatchObject([{ seen: 100, leak: true }]);
    const checked = await program(['check', run.dir, '--json']);
    expect(checked.stdout).toContain('byte for byte');
    const replayed = await program(['replay', run.dir, '--json']);
    expect(JSON.parse(replayed.stdout)).toEqual(JSON.parse(readFileSync(join(run.dir, 'result.json'), 'utf8')));
  }, patient(60_000));

  it('has the key in its record, and which file its evidence is', () => {
    const record: unknown = JSON.parse(readFileSync(join(run.dir, 'run.json'), 'utf8'));
    expect(record).toMatchObject({ key: expect.stringMatching(/^[0-9a-f]{64}$/), capture: { sha256: run.result.evidence.files.find(({ path }) => path === 'evidence.pcapng')?.sha256 } });
  });
});
