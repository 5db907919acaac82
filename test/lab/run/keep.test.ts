// @module-tag alike: frames decide these tests, whoever runs them.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patient } from '../../support/patient.js';
import { type LabRun, program, rows, runLab, threeOn } from '../../support/lab/program.js';

describe('a run with --keep leaks', () => {
  let labRun: LabRun;
  let leaks: LabRun;
  beforeAll(async () => {
    const probe = (count: number): string =>
      `probe: [ { class: known-unicast, from: a, to: b, both_ways: true, count: ${count} } ]`;
    // more than 5,000 frames: captures are put in order while the run goes on
    const file = threeOn(
      '{}',
      [
        `  - { name: switch, learn: all, ${probe(1400)}, expect: private }`,
        `  - { name: hub, set: { br0: { ageing_time: 0 } }, learn: all, ${probe(100)}, expect: leak }`,
        '  - { name: web, traffic: [ { kind: http, from: a, to: b, requests: 1, bytes: 500 } ], expect: leak }',
      ].join('\n'),
    );
    labRun = await runLab(file);
    leaks = await runLab(file, '--keep', 'leaks');
  }, patient(300_000));

  it('says what a run says that keeps everything', () => {
    const said = ({ result }: LabRun): unknown =>
      result.steps.map(({ verdict, reasons, findings }) => ({
        verdict,
        reasons,
        rows: findings
          .filter(({ carrier }) => carrier !== 'native')
          .map(({ from, to, observer, carrier, sent, seen, leak, upperBound95, causes }) => ({
            from,
            to,
            observer,
            carrier,
            sent,
            seen,
            leak,
            upperBound95,
            causes,
          })),
      }));
    expect(said(leaks)).toEqual(said(labRun));
    expect(leaks.result.steps.map(({ verdict }) => verdict)).toEqual(['holds', 'broken', 'broken']);
    // Both ways, two carriers: each probe where it entered and where it belonged.
    expect(leaks.result.evidence).toMatchObject({ keep: 'leaks', discarded: 2 * 2 * 1500 * 2 });
    expect(labRun.result.evidence).not.toHaveProperty('keep');
  });

  it('keeps every leak and names its frame; what was counted has none', () => {
    expect(
      rows(leaks.result, { step: 1, observer: 'c' }).every(
        ({ firstSighting, seen }) => seen === 100 && firstSighting !== null,
      ),
    ).toBe(true);
    expect(
      rows(leaks.result, { step: 0, from: 'a', observer: 'b' }).every(
        ({ firstSighting, seen }) => seen === 1400 && firstSighting === null,
      ),
    ).toBe(true);
    const size = ({ dir }: LabRun): number => statSync(join(dir, 'evidence.pcapng')).size;
    expect(size(leaks)).toBeLessThan(size(labRun) / 4);
    if (spawnSync('capinfos', ['--version']).error === undefined)
      expect(spawnSync('capinfos', [join(leaks.dir, 'evidence.pcapng')]).status).toBe(0);
  });

  it('is found whole by check, and says in its report what was kept', async () => {
    expect(await program(['check', leaks.dir])).toMatchObject({ status: 0 });
    const replayed = await program(['replay', leaks.dir, '--verbose']);
    expect(replayed.stdout).toMatch(/kept +leaks, controls/);
    expect(replayed.stdout.replaceAll(/\s+/g, ' ')).toContain('12000 frames were counted and not kept');
  });
});
