import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { bridgeSettings, portSettings } from '../../../src/core/bridge/attributes.js';
import type { HostState } from '../../../src/core/model/state.js';
import { describeOnKernelWith } from '../../support/lab/features.js';
import { guests, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';
import { shared } from '../../support/scratch.js';

describe('a run on a host', needs(root), () => {
  const host = shared(throwAwayHost);

  it('writes a scenario of what it finds, every port in it, with the names and zones that libvirt knows, that runs as it is', async () => {
    const init = await outcomeOf(host.cli(['init']));
    expect([init.status, init.stderr]).toEqual([0, '']);
    for (const { port, mac } of Object.values(guests))
      expect(init.stdout).toMatch(new RegExp(`port: ${port}\\n.*?mac: ${mac}`, 's'));
    const { topology }: { topology: { endpoints: Record<string, { port: string; zone?: string }> } } = parse(
      init.stdout,
    );
    expect(Object.entries(topology.endpoints).map(([name, { port, zone }]) => `${name} ${port} ${zone ?? ''}`)).toEqual(
      expect.arrayContaining(['web-1- vnet0 acme', 'database vnet4 vlan20']),
    );
    expect(init.stdout).toContain('# named by libvirt, zone by OpenStack project\n');
    expect(init.stdout).toMatch(/^# 4 guests on br0, as found\n(?:# .*\n)*# Run it with: verify-isolation run FILE\n/);
    const file = join(host.dir, 'found.yml');
    expect(await outcomeOf(host.cli(['init', '-o', file]))).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(file, 'utf8')).toBe(init.stdout);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json']));
    const { coverage, steps }: Result = JSON.parse(run.stdout);
    // A bridge floods what it does not know, here as anywhere: known unicast is private, the rest is exposed
    expect([run.status, coverage.observed, ...steps.map(({ name, verdict }) => `${name}: ${verdict}`)]).toEqual([
      0,
      4,
      'round 1: each guest once: holds',
      'further rounds: all pairs: holds',
    ]);
    expect(new Set(steps[0]?.exposures?.flatMap(({ classes }) => classes))).toEqual(
      new Set(['unknown-unicast', 'broadcast', 'multicast', 'mac-spoof', 'ip-spoof']),
    );
    const strict = await outcomeOf(host.cli(['run', file, '--yes', '--strict', '--json']));
    const judged: Result = JSON.parse(strict.stdout);
    expect([strict.status, judged.steps[0]?.verdict, judged.steps[0]?.exposures]).toEqual([2, 'broken', undefined]);
  });

  it('is examined as a whole by run without a file, which says first and last what is open to everybody', {
    tags: 'all',
  }, async () => {
    const out = join(host.dir, 'whole');
    const run = await outcomeOf(host.cli(['run', '--yes', '--out', out]));
    expect([run.status, run.stderr]).toEqual([0, expect.stringContaining('left behind on br0: nothing (checked)')]);
    expect(run.stderr).toMatch(/^4 guests on br0, as found$/m);
    expect(run.stderr).not.toContain('Run it with');
    // No guest's address is known, and none is invented: ARP is not asked
    expect(run.stderr).toContain('Classes: known-unicast, unknown-unicast, broadcast, multicast');
    expect(run.stdout.split('\n').length).toBeLessThanOrEqual(60);
    expect(run.stdout).toMatch(/^HOLDS, EXPOSED {2}host-br0: 2 steps hold\n/);
    expect(run.stdout).toContain('HOLDS: known unicast between 4 guests is private. EXPOSED: 4 things');
    expect(run.stdout).toMatch(/^ {2}not asked {2}IPv4.*, \d+ classes: see --verbose$/m);
    // The file that it keeps is the one that init prints, and a replay judges alike
    const init = await outcomeOf(host.cli(['init']));
    expect(readFileSync(join(out, 'scenario/host.yml'), 'utf8')).toBe(init.stdout);
    const replay = await outcomeOf(host.cli(['replay', join(out, 'evidence'), '--json']));
    expect([replay.status, JSON.parse(replay.stdout).steps[0].exposures.length > 0]).toEqual([0, true]);
  });

  it('asks nobody where nobody is at the terminal, and says what to type', { tags: 'all' }, async () => {
    const run = await outcomeOf(host.cli(['run']));
    expect([run.status, run.stdout]).toEqual([64, '']);
    expect(run.stderr).toContain('type: verify-isolation run --yes');
  });

  it('narrows what is asked by guest, zone and class', { tags: 'all' }, async () => {
    const init = await outcomeOf(host.cli(['init', '--guest', 'database', '--guest', 'vnet0', '--class', 'broadcast']));
    const { steps } = parse(init.stdout);
    expect(steps).toEqual([
      expect.objectContaining({
        probe: [expect.objectContaining({ class: 'broadcast', from: ['web-1-', 'database'] })],
      }),
    ]);
    const nobody = await outcomeOf(host.cli(['init', '--zone', 'nowhere']));
    expect([nobody.status, nobody.stderr]).toEqual([69, expect.stringContaining('no guest here is in zone nowhere')]);
  });

  it('speaks for guests that have not spoken with the MAC that Incus tells, and says so', { tags: 'all' }, async () => {
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
    host.run('ip link set dev br0 type bridge fdb_flush');
    await outcomeOf(host.start('spare', `ping -c 1 ${guests.lan.ip}`));
    const init = await outcomeOf(host.cli(['init'], true, ['env', `PATH=${host.dir}:${process.env['PATH'] ?? ''}`]));
    expect([init.status, init.stderr]).toEqual([0, '']);
    expect(init.stdout).toMatch(/kali2.*: br0 does not know its MAC: the run sends with the one that incus reports/);
    const { steps } = parse(init.stdout);
    expect(steps[0].probe[0].from).toEqual(['kali2', 'kali3', 'uplink', 'spare']);
  });
});

/** Verdict, and classes of frames that leak. */
function verdictOf({ verdict, steps }: Result): readonly unknown[] {
  const leaks = steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
  return [verdict, [...new Set(leaks.map((row) => row.class))].sort()];
}

describe('the lab with the settings of a host', { ...needs(root), timeout: patient(300_000) }, () => {
  const host = shared(throwAwayHost);

  it.each([
    ['as they are', [], 'holds'],
    ['of a hub', ['ip link set dev br0 type bridge ageing_time 0'], 'broken'],
  ] as const)('comes to the verdict of the host, %s', async (name, commands, expected) => {
    for (const command of commands) host.run(command);
    const before = host.shape();
    const file = join(host.dir, `lab-${expected}.yml`);
    const init = await outcomeOf(host.cli(['init', '--lab', '--output', file]));
    expect([init.status, init.stderr], name).toEqual([0, '']);
    const lab = await outcomeOf(host.cli(['run', file, '--json', '--quiet']));
    // A hub knows nobody who is silent
    const speaking = (['kali2', 'kali3', 'lan', 'spare'] as const).map((guest) =>
      host.start(guest, 'ping -q -i 0.3 192.168.0.99'),
    );
    const live = await outcomeOf(host.cli(['run', '--yes', '--json', '--quiet']));
    for (const ping of speaking) ping.kill();
    expect(parse(readFileSync(file, 'utf8')).topology.provider).toBe('lab');
    expect([live.status, lab.status], live.stderr + lab.stderr).toEqual(expected === 'holds' ? [0, 0] : [2, 2]);
    const judged: Result = JSON.parse(lab.stdout);
    expect(verdictOf(judged)).toEqual(verdictOf(JSON.parse(live.stdout)));
    expect(judged.verdict).toBe(expected);
    expect(host.shape()).toBe(before);
  });

  it('says at its head what it is not, and takes no rules', async () => {
    const { stdout } = await outcomeOf(host.cli(['init', '--lab']));
    expect(stdout).toMatch(/^# This lab shows what the kernel does with these settings, not what the host does\./);
    expect(stdout).toContain('nft, iptables and ebtables, tc');
    const refused = await outcomeOf(host.cli(['init', '--lab', '--rules', '1']));
    expect([refused.status, refused.stderr]).toEqual([64, expect.stringContaining('--rules: not with --lab')]);
  });

  it('needs no setting of a new bridge and a new port', () => {
    host.run('ip link add dev br9 type bridge');
    host.run('ip link add dev new0 type veth peer name new1');
    host.run('ip link set dev new0 master br9');
    const infoOf = (name: string): Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> =>
      JSON.parse(host.run(`ip -j -d link show dev ${name}`))[0].linkinfo;
    for (const [settings, found] of [
      [bridgeSettings, infoOf('br9')['info_data']],
      [portSettings, infoOf('new0')['info_slave_data']],
    ] as const) {
      // This kernel may lack some; times are kept in its own ticks
      const there = settings.filter((setting) => setting.default !== undefined && found?.[setting.key] !== undefined);
      expect(there.length).toBeGreaterThan(15);
      const isOff = ({ key, kind, default: usual }: (typeof there)[number]): boolean =>
        kind === 'centiseconds' ? Math.abs(Number(found?.[key]) - Number(usual)) > 1 : `${found?.[key]}` !== `${usual}`;
      expect(
        there
          .filter(isOff)
          .map(({ key }) => key)
          .filter((key) => key !== 'group_fwd_mask'),
      ).toEqual([]);
    }
  });
});

describeOnKernelWith(['VLAN filtering'], 'the lab of a bridge that filters VLANs', () => {
  it(
    'has the VLANs of every port',
    async () => {
      const host = throwAwayHost();
      try {
        const vlan = (...words: readonly string[]): string => host.run(['bridge', 'vlan', ...words]);
        host.run('ip link set dev br0 type bridge vlan_filtering 1');
        for (const [port, vid] of [
          ['vnet0', '10'],
          ['vnet4', '20'],
        ] as const)
          vlan('add', 'dev', port, 'vid', vid, 'pvid', 'untagged');
        for (const port of ['vnet0', 'spare']) vlan('del', 'dev', port, 'vid', '1');
        vlan('add', 'dev', 'uplink', 'vid', '10-20');
        vlan('add', 'dev', 'br0', 'vid', '10', 'self');
        host.run('ip link set dev vnet4 type bridge_slave isolated on');
        const file = join(host.dir, 'vlans.yml');
        expect(await outcomeOf(host.cli(['init', '--lab', '--output', file]))).toMatchObject({ status: 0, stderr: '' });
        const out = join(host.dir, 'vlans');
        const { stderr } = await outcomeOf(host.cli(['run', file, '--quiet', '--out', out]));
        expect(stderr).toBe('');
        const [state = ''] = readdirSync(join(out, 'state')).sort();
        const read: HostState = JSON.parse(readFileSync(join(out, 'state', state), 'utf8'));
        const vlansOf = (json: string): readonly string[] =>
          JSON.parse(json)
            .map((port: unknown) => JSON.stringify(port))
            .sort();
        expect(vlansOf(JSON.stringify(read.vlan))).toEqual(vlansOf(host.run('bridge -j vlan show')));
        expect(read.links.find(({ name }) => name === 'vnet4')?.port).toMatchObject({ isolated: true });
      } finally {
        host.close();
      }
    },
    patient(120_000),
  );
});
