import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { watchMetrics } from '../../../src/report/machine/prometheus.js';
import { needs, program } from '../../support/needs.js';

const top = resolve(import.meta.dirname, '../../..');
const metrics = watchMetrics({
  readAt: new Date(0),
  bridges: [{ name: 'br0', promiscuity: 1 }],
  open: [],
  driftCounts: { 'mac-moved': 2 },
  counts: { reads: 1, failures: 0, events: 2, overruns: 0 },
});

describe('alert rules for Prometheus', () => {
  it('fire when they are to, by promtool', needs(program('promtool')), () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'verify-isolation.rules.test.yml'], {
      cwd: `${top}/contrib/prometheus`,
      encoding: 'utf8',
    });
    expect({ status, stdout: status === 0 ? '' : stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('read metrics that promtool finds no fault with', needs(program('promtool')), () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: metrics,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('the service for systemd', () => {
  it('is as little exposed as docs/audit.md says', needs(program('systemd-analyze')), () => {
    const { stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', 'contrib/systemd/verify-isolation-watch.service'],
      { cwd: top, encoding: 'utf8' },
    );
    const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    const reported = Number(
      /`systemd-analyze security`: ([\d.]+)/.exec(readFileSync(`${top}/docs/audit.md`, 'utf8'))?.[1],
    );
    expect(level).toBeLessThanOrEqual(reported);
  });
});
