import { execFileSync, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import {
  cli,
  guests,
  outcomeOf,
  throwAwayHost,
  type Outcome,
  type ThrowAwayHost,
} from '../../support/lab/throw-away-host.js';
import { patient } from '../../support/patient.js';

const isRoot = process.getuid?.() === 0;
const known = (count: number, rate = 1000): string =>
  `  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: ${count}, rate: ${rate} }, expect: private }\n`;

/** Resolves when the run says that it is probing. */
function probing(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.stderr?.on('data', (chunk) => (/: probing, \d/.test(String(chunk)) ? resolve() : undefined)),
  );
}

describe.skipIf(!isRoot)('a run on a host', () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
  });
  afterAll(() => host.close());

  it('holds, hears every port, moves no MAC, costs no ping, and leaves nothing behind', async () => {
    const file = host.scenario('private', { steps: known(300) });
    const before = host.shape();
    const ping = outcomeOf(host.start('kali2', ['ping', '-i', '0.02', '-c', '200', guests.lan.ip]));
    const outside = host.start('lan', [
      'tcpdump',
      '-Z',
      'root',
      '-n',
      '-e',
      '-l',
      '-i',
      'eth0',
      '-Q',
      'in',
      'ether proto 0x88b5 or udp',
    ]);
    const sniffed = outcomeOf(outside);
    await sleep(300);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json', '--out', join(host.dir, 'private')]));
    expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
    const root = execFileSync('sha256sum', [join(host.dir, 'private', 'SHA256SUMS')], { encoding: 'utf8' }).slice(
      0,
      64,
    );
    expect(run.stderr).toContain(`root hash ${root}: `); // in the journal, or that there is none
    expect(run.status).toBe(0);
    const result: Result = JSON.parse(run.stdout);
    expect(result.calibration).toMatchObject({ planted: 40, seen: 40 });
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

  it('goes into another namespace by netns, speaks from inside a guest that is named by its own, and finds a bridge that is a hub', async () => {
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'ageing_time', '0']);
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
    const leaks = JSON.parse(run.stdout)
      .steps[0].findings.filter((row: { leak: boolean }) => row.leak)
      .map((row: { from: string; observer: string; seen: number }) => `${row.from} ${row.observer} ${row.seen}`);
    expect(new Set(leaks)).toEqual(new Set(['kali2 kali3 50', 'kali2 spare 50', 'lan kali3 50', 'lan spare 50']));
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'ageing_time', '30000']);
    for (const guest of ['kali2', 'kali3', 'spare'] as const)
      await outcomeOf(host.start(guest, ['ping', '-c', '1', guests.lan.ip]));
  });

  it('names a port on which nobody can listen, and does not hold', async () => {
    host.run(['ip', 'tuntap', 'add', 'dev', 'vnet9', 'mode', 'tap']);
    host.run(['ip', 'link', 'set', 'dev', 'vnet9', 'master', 'br0', 'up']);
    const run = await outcomeOf(host.cli(['run', host.scenario('stopped', { steps: known(20) }), '--yes', '--json']));
    expect(run.status).toBe(3);
    expect(JSON.parse(run.stdout).coverage).toMatchObject({
      complete: false,
      observed: 4,
      ports: 5,
      unobserved: [{ port: 'vnet9', reason: 'no carrier: nobody runs behind it' }],
    });
    host.run(['ip', 'link', 'del', 'dev', 'vnet9']);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('puts everything back on %s', async (signal, status) => {
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
  });

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
    const all = closing.replace('5000', '20').replace(
      'set: { vnet4: { flood: off } }',
      `set: { vnet4: { flood: off }, sysctl: { net.ipv4.ip_forward: 1 } },
      fdb: { add: [ { mac: "02:00:00:00:00:77", port: vnet4, state: static }, { mac: "${guests.spare.mac}", port: spare, state: static } ] }, mdb: { add: [ { group: 239.1.1.1, port: vnet4 } ] }`,
    );
    const before = host.shape();
    const run: Outcome = await outcomeOf(
      host.cli([
        'run',
        host.scenario('changes', { steps: all, head: flood }),
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

  it('rehearses all of it but sending', async () => {
    const before = host.shape();
    const run = await outcomeOf(
      host.cli(['run', host.scenario('rehearsal', { steps: known(20) }), '--rehearse', '--json']),
    );
    expect([run.status, run.stderr]).toEqual([0, expect.stringContaining('all of it but sending works')]);
    const { steps, verdict }: Result = JSON.parse(run.stdout);
    expect([
      verdict,
      steps[0]?.reasons.map(({ code }) => code),
      steps[0]?.observers.map(({ received }) => received),
    ]).toEqual(['inconclusive', ['rehearsed'], [0, 0, 0, 0, 0]]);
    expect(host.shape()).toBe(before);
  });

  it('stops when the gateway stops answering', { timeout: patient(90_000) }, async () => {
    host.run(['ip', 'address', 'add', '192.168.0.1/24', 'dev', 'br0']);
    host.run(['ip', 'route', 'add', 'default', 'via', guests.lan.ip]);
    const child = host.cli(['run', host.scenario('gateway', { steps: known(20_000) }), '--yes', '--verbose', '--json']);
    const outcome = outcomeOf(child);
    await probing(child);
    await outcomeOf(host.start('lan', ['sysctl', '-w', 'net.ipv4.icmp_echo_ignore_all=1']));
    const run = await outcome;
    await outcomeOf(host.start('lan', ['sysctl', '-w', 'net.ipv4.icmp_echo_ignore_all=0']));
    host.run(['ip', 'route', 'del', 'default']);
    host.run(['ip', 'address', 'flush', 'dev', 'br0']);
    const reasons = (JSON.parse(run.stdout) as Result).steps[0]?.reasons;
    expect([run.status, reasons?.filter(({ code }) => code === 'guests-disturbed').map(({ text }) => text)]).toEqual([
      3,
      [expect.stringContaining('the gateway no longer answers')],
    ]);
    expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
  });

  it('stops when a guest’s port begins to drop frames', { timeout: patient(90_000) }, async () => {
    await outcomeOf(host.start('kali3', ['ip', 'link', 'set', 'dev', 'eth0', 'mtu', '600']));
    const child = host.cli(['run', host.scenario('drops', { steps: known(20_000) }), '--yes', '--verbose', '--json']);
    const outcome = outcomeOf(child);
    await probing(child);
    const flooding = host.start('lan', ['ping', '-q', '-i', '0.005', '-s', '1000', guests.kali3.ip]);
    const run = await outcome;
    flooding.kill('SIGKILL');
    await outcomeOf(host.start('kali3', ['ip', 'link', 'set', 'dev', 'eth0', 'mtu', '1500']));
    expect([
      run.status,
      (JSON.parse(run.stdout) as Result).steps[0]?.reasons.map(({ code, text }) => `${code} ${text}`),
    ]).toEqual([
      3,
      expect.arrayContaining([expect.stringMatching(/^guests-disturbed vnet4 drops \d+ frames a second, 0 before/)]),
    ]);
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
      expect.stringContaining('step 1: mac-spoof by kali3 would send with a MAC that nobody has'),
    ]);
  });

  it('sends nothing where a guest that takes part does not run', async () => {
    host.run(['ip', 'tuntap', 'add', 'dev', 'vnet9', 'mode', 'tap']);
    host.run(['ip', 'link', 'set', 'dev', 'vnet9', 'master', 'br0', 'up']);
    const file = host.scenario('not-running', { steps: known(20) });
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('port: vnet4', 'port: vnet9').replace(guests.kali3.mac, '02:00:00:00:00:99'),
    );
    const run = await outcomeOf(host.cli(['run', file, '--yes']));
    host.run(['ip', 'link', 'del', 'dev', 'vnet9']);
    expect([run.status, run.stderr]).toEqual([
      3,
      expect.stringMatching(/kali3: "vnet9": no carrier: nobody runs behind it[^]*Nothing was sent/),
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
    expect(host.run(['ip', '-d', 'link', 'show', 'dev', 'vnet4'])).toContain('flood off');
    const cleaned = await outcomeOf(host.cli(['cleanup']));
    expect([cleaned.status, cleaned.stdout]).toEqual([
      0,
      expect.stringMatching(/was killed: \d+ changes? undone, nothing is left of it/),
    ]);
    expect(host.shape()).toBe(before);
    expect(host.journals()).toEqual([]);
  });

  it('writes a scenario of what it finds, every port in it, with the names and zones that libvirt knows, that runs as it is', async () => {
    const init = await outcomeOf(host.cli(['init']));
    expect([init.status, init.stderr]).toEqual([0, '']);
    for (const { port, mac } of Object.values(guests))
      expect(init.stdout).toMatch(new RegExp(`port: ${port}\\n.*?mac: ${mac}`, 's'));
    const {
      topology,
      policy,
    }: { topology: { endpoints: Record<string, { port: string; zone?: string }> }; policy: object[] } = parse(
      init.stdout,
    );
    expect(Object.entries(topology.endpoints).map(([name, { port, zone }]) => `${name} ${port} ${zone ?? ''}`)).toEqual(
      expect.arrayContaining(['web-1- vnet0 acme', 'database vnet4 vlan20']),
    );
    expect(policy).toEqual([{ from: 'zone:*', to: 'zone:*', expect: 'private' }]);
    expect(init.stdout).toContain('# named by libvirt, zone by OpenStack project\n');
    expect(init.stdout).toContain('# Between zones, what one guest sends to another reaches nobody else');
    const file = join(host.dir, 'found.yml');
    writeFileSync(file, init.stdout);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json']));
    const { coverage, steps }: Result = JSON.parse(run.stdout);
    // A bridge floods what it does not know, here as anywhere: known unicast is private, the policy's unknown unicast
    // is not.
    expect([run.status, coverage.observed, ...steps.map(({ name, verdict }) => `${name}: ${verdict}`)]).toEqual([
      2,
      4,
      'nobody overhears known unicast: holds',
      'policy: zone acme to zone vlan20: broken',
      'policy: zone vlan20 to zone acme: broken',
    ]);
    expect(
      new Set(
        steps.flatMap(({ findings }) =>
          findings.filter(({ leak }) => leak).map((row) => `${row.class} ${row.causes[0]?.code}`),
        ),
      ),
    ).toEqual(new Set(['unknown-unicast unknown-flood']));
  });

  it('writes one with the MACs that Incus tells where no guest has spoken, which runs as it is', async () => {
    const instances = (['kali2', 'kali3'] as const).map((name) => ({
      name,
      status: 'Running',
      project: 'acme',
      expanded_devices: { eth0: { type: 'nic' } },
      expanded_config: { 'volatile.eth0.hwaddr': guests[name].mac },
      state: { network: { eth0: { hwaddr: guests[name].mac, host_name: guests[name].port } } },
    }));
    writeFileSync(join(host.dir, 'incus'), `#!/bin/sh\ncat <<'END'\n${JSON.stringify(instances)}\nEND\n`, {
      mode: 0o755,
    });
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'fdb_flush']);
    const init = await outcomeOf(host.cli(['init'], true, ['env', `PATH=${host.dir}:${process.env['PATH'] ?? ''}`]));
    expect([init.status, init.stderr]).toEqual([0, '']);
    expect(init.stdout).toContain(
      'has not spoken lately, so that the bridge does not know it; its MAC is as incus tells it',
    );
    expect(init.stdout).toContain('# name and MAC by incus, zone by project\n');
    const file = join(host.dir, 'told.yml');
    writeFileSync(file, init.stdout);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json']));
    // the policy's unknown unicast is flooded
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('left behind on br0: nothing')]);
    const { steps }: Result = JSON.parse(run.stdout);
    expect([steps[0]?.name, steps[0]?.verdict]).toEqual(['nobody overhears known unicast', 'holds']);
  });

  it('runs what was approved by its hash and nothing else', async () => {
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
    const other = await outcomeOf(
      host.cli(['run', host.scenario('approved', { steps: known(21) }), '--approved', hash]),
    );
    expect([other.status, other.stderr]).toEqual([64, expect.stringContaining('not the one that was approved')]);
  });

  it('says beforehand what leaves the NIC', async () => {
    const plan = await outcomeOf(host.cli(['plan', host.scenario('summary', { steps: known(300) })]));
    // 300 raw and 300 UDP frames to the LAN, and in each of 3 phases the uplink's ear controls
    expect(plan.stdout).toMatch(
      /^On br0: 1200 probe frames as kali2, lan, at most 1000 a second, and \d+ control frames\.\nOut of the NIC: 606 of them\. It takes about \d+ s\.\nNo setting is changed\./,
    );
  });

  it('says what is not there before anything is sent', async () => {
    const file = host.scenario('gone', { steps: known(20) });
    writeFileSync(file, readFileSync(file, 'utf8').replace('port: vnet4', 'port: vnet7'));
    const run = await outcomeOf(host.cli(['run', file, '--yes']));
    expect([run.status, run.stderr]).toEqual([69, expect.stringContaining('kali3: there is no interface "vnet7"')]);
  });
});
