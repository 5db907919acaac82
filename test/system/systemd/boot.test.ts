// @module-tag all
import { beforeAll, describe, expect, it } from 'vitest';
import { file, needs, root } from '../../support/needs.js';
import { bootSystemd } from './boot-systemd.js';

describe(
  'the units of contrib/systemd, under a systemd that was booted for them',
  needs(root, file('/usr/lib/systemd/systemd')),
  () => {
    let said: ReadonlyMap<string, string>;
    beforeAll(() => {
      said = bootSystemd('systemd-driver.sh', 'stopped', 100_000);
    });

    it('run a scenario in their sandbox, which holds and leaves nothing behind', () => {
      expect(['start', 'run', 'last', 'metrics', 'nice'].map((key) => said.get(key))).toEqual([
        '0',
        'success 0',
        '1',
        'some',
        '10',
      ]);
    });

    it('leave the root hash of the evidence in the journal', () => {
      expect(said.get('root')).toMatch(/^[0-9a-f]{64}$/);
      expect(said.get('journal')).toBe(said.get('root'));
    });

    it('examine every guest of the host within the limits of the packaged policy, and nothing beyond them', () => {
      expect([said.get('host'), said.get('beyond')]).toEqual(['success 0', 'exit-code 64']);
    });

    it('keep evidence for root alone, and metrics for node_exporter', () => {
      expect(said.get('modes')).toBe('644 700');
    });

    it('are started by the timer, and fail with the status of a plan that nobody has approved', () => {
      expect(said.get('timer')).toBe('exit-code 64');
    });

    it('watch: ready when systemd is told so, a drift in the journal, ended in order', () => {
      expect(['watch', 'stopped'].map((key) => said.get(key))).toEqual(['active', 'success']);
      expect(Number(said.get('drift'))).toBeGreaterThan(0);
      expect(said.get('fields')).toBe('br0.ageing_time');
    });
  },
);
