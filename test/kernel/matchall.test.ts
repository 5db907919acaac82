import { afterAll, beforeAll, expect, it } from 'vitest';
import { outcomeOf, throwAwayHost, type ThrowAwayHost } from '../fabric/throw-away-host.js';
import { describeOnKernelWith } from './features.js';

describeOnKernelWith(["tc's matchall"], 'the ways into a bridge of a host', () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
  });
  afterAll(() => host.close());

  it('redirect with matchall where the kernel has it', async () => {
    const steps = '  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, count: 20 }, expect: private }\n';
    const child = host.cli(['run', host.scenario('matchall', { steps }), '--yes', '--verbose', '--json']);
    const filters = new Set<string>();
    child.stderr?.on('data', () => {
      for (const [device] of host.run(['ip', '-o', 'link', 'show', 'type', 'veth']).matchAll(/\bvi[0-9a-f]{8}-\d+/g)) filters.add(/filter .* (matchall|u32) chain/.exec(host.run(['tc', 'filter', 'show', 'dev', device, 'ingress']))?.[1] ?? 'none yet');
    });
    const { status, stdout } = await outcomeOf(child);
    expect({ status, verdict: JSON.parse(stdout).verdict }).toEqual({ status: 0, verdict: 'holds' });
    expect(filters).toContain('matchall');
    expect(filters).not.toContain('u32');
  });
});
