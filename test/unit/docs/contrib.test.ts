import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { watchMetrics } from '../../../src/report/machine/prometheus.js';

const top = resolve(import.meta.dirname, '../../..');
const metrics = watchMetrics({
  readAt: new Date(0),
  bridges: [{ name: 'br0', promiscuity: 1 }],
  open: [],
  driftCounts: { 'mac-moved': 2 },
  counts: { reads: 1, failures: 0, events: 2, overruns: 0 },
});

describe('alert rules for Prometheus', () => {
  it('ask for metrics that a watch writes', () => {
    const text = readFileSync(`${top}/contrib/prometheus/verify-isolation.rules.yml`, 'utf8');
    const { groups }: { readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[] } =
      parse(text);
    const asked = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/verify_isolation_\w+/g) ?? []));
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((name) => !metrics.includes(`\n${name}`))).toEqual([]);
  });
});

describe('the service for systemd', () => {
  it('starts a watch with options that there are', () => {
    const command =
      /^ExecStart=\S+ (.+)$/m.exec(
        readFileSync(`${top}/contrib/systemd/verify-isolation-watch.service`, 'utf8'),
      )?.[1] ?? '';
    const { stdout } = spawnSync(process.execPath, ['dist/cli.cjs', 'watch', '--help'], { cwd: top, encoding: 'utf8' });
    expect(command).toMatch(/^watch /);
    expect((command.match(/--[a-z-]+/g) ?? []).filter((option) => !stdout.includes(option))).toEqual([]);
  });
});
