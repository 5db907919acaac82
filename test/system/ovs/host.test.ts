import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { answerVariant } from '../../../src/core/model/result.js';
import { enteringFrames } from '../../support/lab/entering-frames.js';
import { guests, outcomeOf } from '../../support/lab/throw-away-host.js';
import { ovs, sharedOvs } from '../../support/lab/throw-away-ovs.js';
import { needs, root } from '../../support/needs.js';

const known =
  '  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: 50 }, expect: private }\n';

describe('a run on a host whose bridge is Open vSwitch', needs(root, ovs), () => {
  const host = sharedOvs();

  const run = async (name: string, steps = known) => {
    const outcome = await outcomeOf(
      host.cli(['run', host.scenario(name, steps), '--yes', '--json', '--out', join(host.dir, name)]),
    );
    return { ...outcome, result: JSON.parse(outcome.stdout) };
  };

  it('holds, hears every port, listed or not, and leaves nothing behind', async () => {
    const { status, stderr, result } = await run('switch');
    expect(result.steps[0].reasons).toEqual([]);
    expect({ status, verdict: result.verdict, coverage: result.coverage }).toEqual({
      status: 0,
      verdict: 'holds',
      coverage: { complete: true, observed: 4, ports: 4, unobserved: [] },
    });
    expect(stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
  });

  it('is found by init, as what it is', async () => {
    const { status, stdout } = await outcomeOf(host.cli(['init']));
    expect(status).toBe(0);
    expect(stdout).toContain('kind: ovs');
    for (const port of ['vnet0', 'vnet4', 'uplink', 'spare']) expect(stdout).toContain(`port: ${port}`);
  });

  const overheard =
    '  - { name: overheard, probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 50, may_see: [lan, kali3] }, expect: private }\n';

  it('holds where somebody may hear what another must get, and what proves his ear goes nowhere', {
    tags: 'all',
  }, async () => {
    const { status, result } = await run('overheard', overheard);
    expect([status, result.steps[0].reasons]).toEqual([0, []]);
    expect(await enteringFrames(join(host.dir, 'overheard'))).toEqual({ '1 vnet4 in': 3 });
  });

  it('sends nothing for a guest that the switch does not have on its port: it would teach it where that is. Then that ear is not proved', {
    tags: 'all',
  }, async () => {
    // What teaches it again by itself: a neighbour that the LAN's kernel confirms by ARP, a cached flow's statistics
    host.run([host.forget]);
    host.run('ovs-appctl -t ovs-vswitchd revalidator/purge');
    host.run('ovs-appctl -t ovs-vswitchd fdb/flush br0');
    host.run([host.speak]);
    const { status, result } = await run('forgotten', overheard);
    const afterwards = host.run('ovs-appctl -t ovs-vswitchd fdb/show br0');
    host.talk();
    expect([
      status,
      result.steps[0].reasons.map(({ code, observer }: { code: string; observer: string }) => `${code} ${observer}`),
    ]).toEqual([3, ['control-missing kali3']]);
    expect(await enteringFrames(join(host.dir, 'forgotten'))).toEqual({});
    expect(afterwards).not.toContain(guests.kali3.mac);
  });

  it('finds a mirror, and names it', { tags: 'all' }, async () => {
    host.run(`ovs-vsctl
      -- --id=@out get Port vnet4
      -- --id=@m create Mirror name=tap select_all=true output_port=@out
      -- set Bridge br0 mirrors=@m`);
    const { status, result } = await run('mirror');
    expect(status).toBe(2);
    const leaks = result.steps[0].findings.filter(
      ({ leak, variant }: { leak: boolean; variant?: string }) => leak && variant !== answerVariant,
    );
    expect(
      new Set(leaks.map(({ observer, seen }: { observer: string; seen: number }) => `${observer} ${seen}`)),
    ).toEqual(new Set(['kali3 50']));
    expect(
      new Set(
        leaks.flatMap(({ causes }: { causes: { code: string; place: string }[] }) =>
          causes.map(({ code, place }) => `${code} ${place}`),
        ),
      ),
    ).toEqual(new Set(['ovs-mirror mirror tap']));
    host.run('ovs-vsctl clear Bridge br0 mirrors');
  });

  it('writes VLANs and zones of its ports by init, and that they are meant to be apart', { tags: 'all' }, async () => {
    host.run(`ovs-vsctl
      -- set Port vnet0 tag=10
      -- set Port vnet4 tag=20
      -- set Port uplink trunks=10,20,21
      -- set Port spare tag=20 trunks=30 vlan_mode=native-untagged`);
    host.talk(false); // the switch forgets a port whose VLAN changes, and the LAN is in none now
    const { status, stdout } = await outcomeOf(host.cli(['init']));
    for (const port of ['vnet0', 'vnet4', 'uplink', 'spare'])
      host.run(`ovs-vsctl clear Port ${port} tag trunks vlan_mode`);
    expect(status).toBe(0);
    const { topology, steps } = parse(stdout);
    expect(
      Object.fromEntries(
        Object.entries<{ zone?: string; vlans?: object[] }>(topology.endpoints).map(([name, { zone, vlans }]) => [
          name,
          [zone, vlans],
        ]),
      ),
    ).toEqual({
      vnet0: ['vlan10', [{ vid: 10, pvid: true, untagged: true }]],
      vnet4: ['vlan20', [{ vid: 20, pvid: true, untagged: true }]],
      uplink: [undefined, [{ vid: 10 }, { vid: '20-21' }]],
      spare: ['vlan20', [{ vid: 20, pvid: true, untagged: true }, { vid: 30 }]],
    });
    expect(stdout).toContain('so that no guest is to reach one of another VLAN');
    expect(steps[0].probe).toContainEqual(
      expect.objectContaining({
        class: 'known-unicast',
        from: ['vnet0'],
        to: expect.arrayContaining(['vnet4', 'spare']),
        may_see: ['vnet0', 'uplink'],
        must_see: [],
      }),
    );
  });

  it('finds the window that a restart of ovs-vswitchd opens, until the addressee speaks again', {
    tags: 'all',
  }, async () => {
    host.talk();
    const events = `during: [ { at: 500ms, run: ["${host.restart}"] }, { at: 4s, run: ["${host.speak}"] } ]`;
    const steps = `  - { name: restarted, probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 400 }, ${events}, expect: private }\n`;
    const { status, stdout, stderr } = await outcomeOf(
      host.cli([
        'run',
        host.scenario('restarted', steps, 'allow_changes: true\n'),
        '--yes',
        '--allow-changes',
        '--allow-run',
        '--json',
        '--out',
        join(host.dir, 'restarted'),
      ]),
    );
    expect([status, stderr]).toEqual([2, expect.stringContaining('left behind on br0: nothing (checked)')]);
    const [step] = JSON.parse(stdout).steps;
    const [restart, spoken] = step.events;
    const leaks = step.findings.filter(({ leak }: { leak: boolean }) => leak);
    expect(leaks.map(({ observer }: { observer: string }) => observer)).toEqual(
      expect.arrayContaining(['kali3', 'spare']),
    );
    // ovs-vswitchd learns from an upcall, and puts its flows right after max-revalidator at most (500 ms,
    // ovs-vswitchd.conf.db(5)); probes go on for 6 s.
    const learnedMs = spoken.toMs + 500;
    for (const { windows } of leaks) {
      expect(windows).toHaveLength(1);
      expect(windows[0].fromMs).toBeGreaterThanOrEqual(restart.fromMs - 1);
      expect(windows[0].toMs).toBeLessThanOrEqual(learnedMs);
    }
  });
});
