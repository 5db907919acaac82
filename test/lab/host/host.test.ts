import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerVariant, type Result } from '../../../src/core/model/result.js';
import { parseFolder } from '../../../src/system/evidence/folder/parse-folder.js';
import { guests, known, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { incoming, probing, untilListening } from '../../support/lab/processes.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

describe('a run on a host', needs(root), () => {
  const host = shared(throwAwayHost);

  it('holds, hears every port, moves no MAC, costs no ping, and leaves nothing behind', async () => {
    const file = host.scenario('private', { steps: known(300) });
    const before = host.shape();
    const ping = outcomeOf(host.start('kali2', `ping -i 0.02 -c 200 ${guests.lan.ip}`));
    const outside = host.start('lan', incoming('ether proto 0x88b5 or udp'));
    const sniffed = outcomeOf(outside);
    await untilListening(outside);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json', '--out', join(host.dir, 'private')]));
    expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
    const root = execFileSync('sha256sum', [join(host.dir, 'private', 'SHA256SUMS')], { encoding: 'utf8' }).slice(
      0,
      64,
    );
    expect(run.stderr).toContain(`root hash ${root}: `); // in the journal, or that there is none
    const result: Result = JSON.parse(run.stdout);
    expect([run.status, result.steps.flatMap(({ reasons }) => reasons.map(({ text }) => text))]).toEqual([0, []]);
    expect(result.calibration).toMatchObject({ planted: 40, seen: 40 });
    const { plan } = await parseFolder(join(host.dir, 'private'));
    expect(plan.steps.map(({ drainMs }) => drainMs)).toEqual([150]); // veths of guests alone
    expect(result.precheck?.map(({ code }) => code)).toContain('offloads');
    expect(result).toMatchObject({
      verdict: 'holds',
      coverage: { complete: true, observed: 4, ports: 4, unobserved: [] },
    });
    const judged = result.steps[0]?.findings.map((row) => `${row.observer} ${row.allowed} ${row.seen}`);
    expect(judged).toContain('spare no 0'); // which the scenario does not list
    expect((await ping).stdout).toContain('200 packets transmitted, 200 received, 0% packet loss');
    expect(host.shape()).toBe(before);
    expect(host.journals()).toEqual([]);
    outside.kill('SIGINT');
    const sources = new Set([...(await sniffed).stdout.matchAll(/^\S+ (\S+) >/gm)].map(([, mac]) => mac));
    expect([...sources]).toEqual([guests.kali2.mac]); // nobody's whom the LAN does not know, and not the LAN's own
  });

  it('starts no program for each port that it sends through', { tags: 'all' }, async () => {
    const log = join(host.dir, 'started');
    for (const name of ['ip', 'tc'])
      writeFileSync(
        join(host.dir, name),
        `#!/bin/sh\necho ${name} "$@" >> ${log}\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec ${name} "$@"\n`,
        { mode: 0o755 },
      );
    const steps =
      '  - { name: all, probe: { class: known-unicast, from: [kali2, kali3, lan], to: [kali3, lan], count: 1 }, expect: private }\n';
    const args = ['run', host.scenario('few', { steps }), '--yes', '--quiet'];
    const through = ['env', `PATH=${host.dir}:${process.env['PATH'] ?? ''}`];
    const { status, stderr } = await outcomeOf(host.cli(args, true, through));
    expect([status, stderr]).toEqual([0, 'left behind on br0: nothing (checked)\n']);
    const lines = readFileSync(log, 'utf8').split('\n');
    expect(lines).toContain('tc -batch -');
    const ofPorts = lines.filter((line) => /\bvi[0-9a-z]{8}-|\bp\d\b|\bif\d/.test(line));
    // the first shows whether the kernel has matchall
    expect(ofPorts.filter((line) => !/^tc filter add dev vi[0-9a-z]{8}-0 ingress/.test(line))).toEqual([]);
    for (const name of ['ip', 'tc', 'started']) rmSync(join(host.dir, name));
  });

  it('is judged where the frames that are due are counted and not kept', { tags: 'all' }, async () => {
    const file = host.scenario('leaks', { steps: known(40) });
    const argv = ['run', file, '--yes', '--json', '--keep', 'leaks', '--out', join(host.dir, 'leaks')];
    const run = await outcomeOf(host.cli(argv));
    expect([run.status, run.stderr]).toEqual([0, expect.stringMatching(/nothing \(checked\)\n$/)]);
    const { verdict, evidence }: Result = JSON.parse(run.stdout);
    expect({ verdict, keep: evidence.keep }).toEqual({ verdict: 'holds', keep: 'leaks' });
    expect(evidence.discarded).toBeGreaterThan(0);
  });

  it('keeps no frame of the guests’ own', () => {
    const read = execFileSync(
      'tcpdump',
      [
        '-n',
        '-r',
        join(host.dir, 'private', 'evidence.pcapng'),
        'icmp[icmptype] == icmp-echo or icmp[icmptype] == icmp-echoreply',
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    expect(read).toBe('');
  });

  it('goes into another namespace by netns, speaks from inside a guest that is named by its own, and finds a bridge that is a hub', {
    tags: 'all',
  }, async () => {
    host.run('ip link set dev br0 type bridge ageing_time 0');
    const file = host.scenario('hub', { steps: known(50), netns: true, inside: 'kali2' });
    const tcpdump = host.start('kali2', [
      'tcpdump',
      '-Z',
      'root',
      '-n',
      '-l',
      '-i',
      'eth0',
      '-Q',
      'out',
      'ether proto 0x88b5',
    ]);
    const saidInside = outcomeOf(tcpdump);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json', '--out', join(host.dir, 'hub')], false));
    expect(run.status).toBe(2);
    tcpdump.kill('SIGINT');
    expect((await saidInside).stdout.split('\n').length).toBeGreaterThanOrEqual(50);
    const { steps }: Result = JSON.parse(run.stdout);
    const leaks = steps[0]?.findings
      .filter(({ leak }) => leak)
      .map(
        ({ from, observer, variant, seen }) => `${from} ${observer} ${variant === answerVariant ? 'answers' : seen}`,
      );
    expect(new Set(leaks)).toEqual(
      new Set(
        ['kali2 kali3', 'kali2 spare', 'lan kali3', 'lan spare'].flatMap((pair) => [`${pair} 50`, `${pair} answers`]),
      ),
    );
    host.run('ip link set dev br0 type bridge ageing_time 30000');
    for (const guest of ['kali2', 'kali3', 'spare'] as const)
      await outcomeOf(host.start(guest, `ping -c 1 ${guests.lan.ip}`));
  });

  it('holds beside a port without carrier, which receives nothing', { tags: 'all' }, async () => {
    host.run('ip tuntap add dev vnet9 mode tap');
    host.run('ip link set dev vnet9 master br0 up');
    const run = await outcomeOf(host.cli(['run', host.scenario('stopped', { steps: known(20) }), '--yes', '--json']));
    host.run('ip link del dev vnet9');
    expect(run.status).toBe(0);
    expect(JSON.parse(run.stdout).coverage).toMatchObject({ complete: true, observed: 4, ports: 4 });
  });

  const signals = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const;
  async function stop(signal: 'SIGINT' | 'SIGTERM', status: number): Promise<void> {
    const before = host.shape();
    const child = host.cli(['run', host.scenario('stopped-by-signal', { steps: known(5000) }), '--yes', '--verbose']);
    const outcome = outcomeOf(child);
    await probing(child);
    child.kill(signal);
    const run = await outcome;
    expect(run.status).toBe(status);
    expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
    expect(host.shape()).toBe(before);
    expect(host.journals()).toEqual([]);
  }
  it.each(signals.slice(0, 1))('puts everything back on %s', stop);
  it.each(signals.slice(1))('puts everything back on %s', { tags: 'all' }, stop);

  it('sends nothing where a guest that takes part does not run', async () => {
    host.run('ip tuntap add dev vnet9 mode tap');
    host.run('ip link set dev vnet9 master br0 up');
    const about = `  - { name: private, probe: { class: known-unicast, from: kali2, to: kali3 }, expect: private }\n`;
    const file = host.scenario('not-running', { steps: about });
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('port: vnet4', 'port: vnet9').replace(guests.kali3.mac, '02:00:00:00:00:99'),
    );
    const run = await outcomeOf(host.cli(['run', file, '--yes']));
    host.run('ip link del dev vnet9');
    expect([run.status, run.stderr]).toEqual([
      3,
      expect.stringMatching(/kali3: "vnet9": no carrier: nothing runs behind it[^]*Nothing was sent/),
    ]);
  });

  it('says what is not there before anything is sent', async () => {
    const file = host.scenario('gone', { steps: known(20) });
    writeFileSync(file, readFileSync(file, 'utf8').replace('port: vnet4', 'port: vnet7'));
    const run = await outcomeOf(host.cli(['run', file, '--yes']));
    expect([run.status, run.stderr]).toEqual([69, expect.stringContaining('kali3: there is no interface "vnet7"')]);
  });
});
