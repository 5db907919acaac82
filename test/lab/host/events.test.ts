import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const flush = `  - { name: flushed, probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 150 }, during: [ { at: 300ms, run: ["nft flush ruleset"] } ], expect: { may_see: [], must_see: [] } }\n`;

describe('an event on a host', needs(root), () => {
  const host = shared(throwAwayHost);
  beforeAll(() => {
    for (const words of [
      'add table bridge guests',
      'add chain bridge guests forward { type filter hook forward priority 0; }',
      'add rule bridge guests forward iifname "vnet0" oifname "uplink" drop',
    ])
      host.run(['nft', words]);
  });

  it('may change it, so file and command line have to allow that', async () => {
    const file = host.scenario('refused', { steps: flush, head: 'allow_changes: true\n' });
    const run = await outcomeOf(host.cli(['run', file, '--yes']));
    expect(run.status).toBe(64);
    expect(run.stderr).toContain('--allow-changes');
  });

  it('opens a window that stays open', async () => {
    const file = host.scenario('flushed', { steps: flush, head: 'allow_changes: true\n' });
    const run = await outcomeOf(
      host.cli(['run', file, '--yes', '--allow-changes', '--json', '--out', join(host.dir, 'flushed')]),
    );
    expect(run.status).toBe(2);
    const [step] = JSON.parse(run.stdout).steps;
    expect(step.reasons).toEqual([]);
    const [event] = step.events;
    const leaks = step.findings.filter((row: { leak: boolean }) => row.leak);
    expect(leaks.map(({ observer }: { observer: string }) => observer)).toEqual(['lan']);
    expect(leaks[0].windows).toHaveLength(1);
    expect(leaks[0].windows[0].fromMs).toBeGreaterThanOrEqual(event.fromMs - 1);
  });
});
