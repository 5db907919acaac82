import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { probing } from '../../support/lab/processes.js';
import { cli, guests, known, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

describe('a run on a host', needs(root), () => {
  const host = shared(throwAwayHost);

  const flood = 'allow_changes: true\n';
  const closing = `  - { name: flood off, set: { vnet4: { flood: off } }, probe: { class: known-unicast, from: kali2, to: lan, count: 60000 }, expect: private }\n`;

  it('stops when the gateway stops answering', { tags: 'all', timeout: patient(300_000) }, async () => {
    host.run('ip address add 192.168.0.1/24 dev br0');
    host.run(`ip route add default via ${guests.lan.ip}`);
    const child = host.cli(['run', host.scenario('gateway', { steps: known(20_000) }), '--yes', '--verbose', '--json']);
    const outcome = outcomeOf(child);
    await probing(child);
    await outcomeOf(host.start('lan', 'sysctl -w net.ipv4.icmp_echo_ignore_all=1'));
    const run = await outcome;
    await outcomeOf(host.start('lan', 'sysctl -w net.ipv4.icmp_echo_ignore_all=0'));
    host.run('ip route del default');
    host.run('ip address flush dev br0');
    const reasons = (JSON.parse(run.stdout) as Result).steps[0]?.reasons;
    expect([run.status, reasons?.filter(({ code }) => code === 'guests-disturbed').map(({ text }) => text)]).toEqual([
      3,
      [expect.stringContaining('the gateway no longer answers')],
    ]);
    expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
  });

  it('stops at once when a guest for whom it speaks has moved to another port', {
    timeout: patient(300_000),
  }, async () => {
    const child = host.cli(['run', host.scenario('moved', { steps: known(20_000) }), '--yes', '--verbose', '--json']);
    const outcome = outcomeOf(child);
    await probing(child);
    const sending = performance.now();
    // As after a migration: another port hears it
    const move = `ip link set dev eth0 address ${guests.kali2.mac}; ip neigh flush dev eth0; ping -q -c 1 -W 1 ${guests.lan.ip}`;
    await outcomeOf(host.start('spare', ['sh', '-c', move]));
    const run = await outcome;
    const tookMs = performance.now() - sending;
    await outcomeOf(host.start('spare', `ip link set dev eth0 address ${guests.spare.mac}`));
    const { steps } = JSON.parse(run.stdout) as Result;
    const [disturbed] = steps.flatMap(({ reasons }) => reasons.filter(({ code }) => code === 'guests-disturbed'));
    expect([run.status, disturbed?.text]).toEqual([
      3,
      expect.stringMatching(
        new RegExp(
          `^${guests.kali2.mac} of kali2 is no longer on vnet0 but on .*: it has moved, and to speak with its MAC`,
        ),
      ),
    ]);
    // 40,000 frames at 1,000 a second take 40 s
    expect(tookMs).toBeLessThan(patient(20_000));
    expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
  });

  it('stops when a guest’s port begins to drop frames', { tags: 'all', timeout: patient(300_000) }, async () => {
    await outcomeOf(host.start('kali3', 'ip link set dev eth0 mtu 600'));
    const child = host.cli(['run', host.scenario('drops', { steps: known(20_000) }), '--yes', '--verbose', '--json']);
    const outcome = outcomeOf(child);
    await probing(child);
    const flooding = host.start('lan', `ping -q -i 0.005 -s 1000 ${guests.kali3.ip}`);
    const run = await outcome;
    flooding.kill('SIGKILL');
    await outcomeOf(host.start('kali3', 'ip link set dev eth0 mtu 1500'));
    expect([
      run.status,
      (JSON.parse(run.stdout) as Result).steps[0]?.reasons.map(({ code, text }) => `${code} ${text}`),
    ]).toEqual([
      3,
      expect.arrayContaining([expect.stringMatching(/^guests-disturbed vnet4 drops \d+ frames a second, 0 before/)]),
    ]);
  });

  it('is undone by cleanup after a kill -9, and locks out a second run until then, which is told who holds the bridge', async () => {
    const before = host.shape();
    const file = host.scenario('killed', { steps: closing, head: flood });
    const child = host.cli(['run', file, '--yes', '--allow-changes', '--verbose']);
    await probing(child);
    const second = await outcomeOf(host.cli(['run', file, '--yes', '--allow-changes']));
    expect([second.status, second.stderr]).toEqual([
      69,
      expect.stringContaining(
        `another run is on bridge br0: process ${child.pid} (${process.execPath} ${cli} run ${file} `,
      ),
    ]);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(host.run('ip -d link show dev vnet4')).toContain('flood off');
    const cleaned = await outcomeOf(host.cli(['cleanup']));
    expect([cleaned.status, cleaned.stdout]).toEqual([
      0,
      expect.stringMatching(/was killed: \d+ changes? undone, nothing is left of it/),
    ]);
    expect(host.shape()).toBe(before);
    expect(host.journals()).toEqual([]);
  });
});
