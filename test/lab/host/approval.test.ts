import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { guests, outcomeOf, throwAwayHost, type Outcome } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const known = (count: number, rate = 1000): string =>
  `  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: ${count}, rate: ${rate} }, expect: private }\n`;

describe('a run on a host', needs(root), () => {
  const host = shared(throwAwayHost);

  const flood = 'allow_changes: true\n';
  const closing = `  - { name: flood off, set: { vnet4: { flood: off } }, probe: { class: known-unicast, from: kali2, to: lan, count: 5000 }, expect: private }\n`;

  it('changes settings only when file and command line both say so, and puts them back', async () => {
    const short = closing.replace('5000', '20');
    const refused = await outcomeOf(
      host.cli(['run', host.scenario('changes', { steps: short, head: flood }), '--yes']),
    );
    expect([refused.status, refused.stderr]).toEqual([64, expect.stringContaining('--allow-changes')]);
    const silent = await outcomeOf(
      host.cli(['run', host.scenario('changes', { steps: short }), '--yes', '--allow-changes']),
    );
    expect([silent.status, silent.stderr]).toEqual([64, expect.stringContaining('allow_changes: true')]);
    const shorter = closing.replace('5000', '20').replace(
      'set: { vnet4: { flood: off } }',
      `set: { vnet4: { flood: off }, sysctl: { net.ipv4.ip_forward: 1 } },
      fdb: { add: [ { mac: "02:00:00:00:00:77", port: vnet4, state: static }, { mac: "${guests.spare.mac}", port: spare, state: static } ] }, mdb: { add: [ { group: 239.1.1.1, port: vnet4 } ] }`,
    );
    const before = host.shape();
    const run: Outcome = await outcomeOf(
      host.cli([
        'run',
        host.scenario('changes', { steps: shorter, head: flood }),
        '--yes',
        '--allow-changes',
        '--json',
        '--out',
        join(host.dir, 'changes'),
      ]),
    );
    expect([run.status, run.stderr]).toEqual([
      0,
      expect.stringContaining('ip link set dev vnet4 type bridge_slave flood off'),
    ]);
    const meanwhile = readFileSync(join(host.dir, 'changes', 'state', '1-before.json'), 'utf8');
    for (const change of ['02:00:00:00:00:77', '239.1.1.1', '"net.ipv4.ip_forward": "1"'])
      expect(meanwhile).toContain(change);
    expect(host.shape()).toBe(before);
  });

  it('does all of it but send with --dry-run, and says READY', { tags: 'all' }, async () => {
    const before = host.shape();
    const run = await outcomeOf(
      host.cli(['run', host.scenario('rehearsal', { steps: known(20) }), '--dry-run', '--json']),
    );
    expect([run.status, run.stderr]).toEqual([0, expect.stringMatching(/^READY: everything but sending was done/m)]);
    const { steps, verdict }: Result = JSON.parse(run.stdout);
    expect([
      verdict,
      steps[0]?.reasons.map(({ code }) => code),
      steps[0]?.observers.map(({ received }) => received),
    ]).toEqual(['inconclusive', ['dry-run'], [0, 0, 0, 0, 0]]);
    expect(host.shape()).toBe(before);
  });

  it('disturbs guests only when file and command line both say so', async () => {
    const steps =
      '  - { name: theft, probe: { class: mac-steal, from: kali3, to: kali2, via: lan }, expect: private }\n';
    const run = await outcomeOf(
      host.cli(['run', host.scenario('theft', { steps, head: 'allow_disruptive: true\n' }), '--yes']),
    );
    expect([run.status, run.stderr]).toEqual([64, expect.stringContaining('mac-steal disturbs guests of this host')]);
  });

  it('lets no MAC out of the NIC that nobody has, unless asked', async () => {
    const steps = '  - { name: spoof, probe: { class: mac-spoof, from: kali3, to: kali2 }, expect: separated }\n';
    const run = await outcomeOf(host.cli(['run', host.scenario('new-mac', { steps }), '--yes']));
    expect([run.status, run.stderr]).toEqual([
      64,
      expect.stringContaining('step 1: mac-spoof by kali3 would send with a MAC that no guest has'),
    ]);
  });

  it('asks at a terminal', async () => {
    const run = await outcomeOf(host.terminal(['run', host.scenario('asked', { steps: known(20) })], 'n\n'));
    expect([run.status, run.stdout]).toEqual([64, expect.stringMatching(/Send this\? \[y\/N\][^]*nothing was sent/)]);
  });

  it('sends nothing that nobody has agreed to', async () => {
    const run = await outcomeOf(host.cli(['run', host.scenario('unasked', { steps: known(20) })]));
    expect([run.status, run.stderr]).toEqual([64, expect.stringContaining('nothing was sent')]);
  });

  it('runs what was approved by its hash and nothing else', { tags: 'all' }, async () => {
    const file = host.scenario('approved', { steps: known(20) });
    const planned = await outcomeOf(host.cli(['plan', file, '--hash']));
    expect(planned.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    const hash = planned.stdout.trim();
    // as contrib/systemd's nightly unit does, with no more capabilities than it leaves
    const unit = readFileSync(
      new URL('../../../contrib/systemd/verify-isolation-run@.service', import.meta.url),
      'utf8',
    );
    const capabilities = (/^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1] ?? '')
      .toLowerCase()
      .replaceAll('cap_', '')
      .split(' ')
      .map((name) => `+${name}`);
    const nightly = await outcomeOf(
      host.cli(['run', file, '--approved', hash, '--quiet'], true, [
        'setpriv',
        `--bounding-set=-all,${capabilities.join(',')}`,
        '--inh-caps=-all',
        '--no-new-privs',
        '--',
      ]),
    );
    expect([nightly.status, nightly.stderr]).toEqual([
      0,
      expect.stringMatching(/left behind on br0: nothing \(checked\)\n$/),
    ]);
    const outcome = await outcomeOf(
      host.cli(['run', host.scenario('approved', { steps: known(21) }), '--approved', hash]),
    );
    expect([outcome.status, outcome.stderr]).toEqual([64, expect.stringContaining('not the one that was approved')]);
  });

  it('says beforehand what leaves the NIC', async () => {
    const plan = await outcomeOf(host.cli(['plan', host.scenario('summary', { steps: known(300) })]));
    // 300 raw and 300 UDP frames to the LAN, and in each of 3 phases the uplink's ear controls
    expect(plan.stdout).toMatch(
      /^On br0: 1200 probe frames as kali2 and lan, at most 1000 a second, and \d+ control frames\.\nOut of the NIC: 606 of them\. It takes about \d+ s\.\nClasses: known-unicast\.\nNo setting is changed\./,
    );
  });
});
