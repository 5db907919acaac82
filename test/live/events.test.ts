import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LabRun, program, runLab, top } from './program.js';
import { patient } from '../patient.js';

describe('a firewall that is reloaded while probes go on', () => {
  let run: LabRun;
  beforeAll(async () => {
    run = await runLab(join(top, 'scenarios/events/firewall-reload.yml'));
  }, patient(60_000));

  it('opens nothing in one transaction, and a window from flush to load', () => {
    const [atomic, naive] = run.result.steps;
    expect(atomic).toMatchObject({ verdict: 'holds', reasons: [], asExpected: true });
    expect(atomic?.events?.map(({ commands }) => commands)).toEqual([[['nft', '-f', 'rules.nft']], [['nft', '-f', 'rules.nft']]]);
    expect(naive).toMatchObject({ verdict: 'broken', reasons: [], asExpected: true });
    const [flush, load] = naive?.events ?? [];
    const windows = naive?.findings.filter(({ leak }) => leak).flatMap(({ windows: told }) => told ?? []) ?? [];
    expect(windows.length).toBeGreaterThanOrEqual(2); // raw and UDP
    for (const window of windows) {
      // The timeline counts whole ms
      expect(window.fromMs).toBeGreaterThanOrEqual((flush?.fromMs ?? Infinity) - 1);
      expect(window.toMs).toBeLessThanOrEqual((load?.toMs ?? 0) + 1);
    }
    const frames = windows.reduce((sum, window) => sum + window.frames, 0);
    expect(frames).toBe(naive?.findings.filter(({ leak }) => leak).reduce((sum, { seen }) => sum + seen, 0));
    expect(frames).toBeGreaterThan(0);
  });

  it('comes to the same windows when it is judged again', async () => {
    const again = await program(['replay', run.dir, '--json']);
    expect(JSON.parse(again.stdout)).toEqual(run.result);
  });
});
