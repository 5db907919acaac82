import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf } from './throw-away-host.js';
import { hasOvs, throwAwayOvs, type ThrowAwayOvs } from './throw-away-ovs.js';

const known = '  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: 50 }, expect: private }\n';

describe.skipIf(process.getuid?.() !== 0 || !hasOvs)('a run on a host whose bridge is Open vSwitch', () => {
  let host: ThrowAwayOvs;
  beforeAll(async () => {
    host = await throwAwayOvs();
    host.talk();
  }, 60_000);
  afterAll(() => host?.close());

  const run = async (name: string) => {
    const outcome = await outcomeOf(host.cli(['run', host.scenario(name, known), '--yes', '--json', '--out', join(host.dir, name)]));
    return { ...outcome, result: JSON.parse(outcome.stdout) };
  };

  it('holds, hears every port, listed or not, and leaves nothing behind', async () => {
    const { status, stderr, result } = await run('switch');
    expect(result.steps[0].reasons).toEqual([]);
    expect({ status, verdict: result.verdict, coverage: result.coverage }).toEqual({ status: 0, verdict: 'holds', coverage: { complete: true, observed: 4, ports: 4, unobserved: [] } });
    expect(stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
  });

  it('is found by init, as what it is', async () => {
    const { status, stdout } = await outcomeOf(host.cli(['init']));
    expect(status).toBe(0);
    expect(stdout).toContain('kind: ovs');
    for (const port of ['vnet0', 'vnet4', 'uplink', 'spare']) expect(stdout).toContain(`port: ${port}`);
  });

  it('finds a mirror, and names it', async () => {
    host.run(['ovs-vsctl', '--', '--id=@out', 'get', 'Port', 'vnet4', '--', '--id=@m', 'create', 'Mirror', 'name=tap', 'select_all=true', 'output_port=@out', '--', 'set', 'Bridge', 'br0', 'mirrors=@m']);
    const { status, result } = await run('mirror');
    expect(status).toBe(2);
    const leaks = result.steps[0].findings.filter(({ leak }: { leak: boolean }) => leak);
    expect(new Set(leaks.map(({ observer, seen }: { observer: string; seen: number }) => `${observer} ${seen}`))).toEqual(new Set(['kali3 50']));
    expect(new Set(leaks.flatMap(({ causes }: { causes: { code: string; place: string }[] }) => causes.map(({ code, place }) => `${code} ${place}`)))).toEqual(new Set(['ovs-mirror mirror tap']));
    host.run(['ovs-vsctl', 'clear', 'Bridge', 'br0', 'mirrors']);
  });
});
