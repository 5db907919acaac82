import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { outcomeOf, type Outcome } from '../../support/lab/throw-away-host.js';
import { address, cli, sshd, hostNames, ipOf, probing, scenario, sshHosts, sshRuns } from './ssh-hosts.js';
import { file as fileThere, needs } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { patient } from '../../support/patient.js';

const python = '/usr/bin/python3';
const pythonThere = fileThere(python);
/** Sends broadcasts out of a device past every packet socket (PACKET_QDISC_BYPASS). */
const hidden = `
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.setsockopt(263, 20, 1)
out.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[2])): out.send(bytes.fromhex('ffffffffffff' '020000000099' '88b5') + bytes(46))
`;

describe('a run that spans hosts', needs(...sshd), () => {
  const hosts = shared(sshHosts);
  beforeEach(() => hosts.learn());

  const { start, out, result } = sshRuns(() => hosts);
  const codes = (): readonly string[] => [
    ...new Set(result().steps.flatMap(({ reasons }) => reasons.map(({ code }) => code))),
  ];

  /** Nothing of a run is left on either host: no helper, no interface, no journal. */
  async function nothingLeft(shapes: readonly string[]): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (hostNames.some((host) => hosts.processes(host).length > 0) && performance.now() < deadline) await sleep(200);
    expect(hostNames.flatMap((host) => hosts.processes(host))).toEqual([]);
    expect(hostNames.map((host) => hosts.shape(host))).toEqual(shapes);
    expect(hostNames.flatMap((host) => hosts.journals(host))).toEqual([]);
  }
  const shapes = (): readonly string[] => hostNames.map((host) => hosts.shape(host));

  it('holds, with every port of both hosts observed, brings the captures back, notes the clocks, replays, and leaves nothing', async () => {
    const before = shapes();
    const run = await outcomeOf(start(scenario(200)));
    expect(run.status, run.stderr).toBe(0);
    const { verdict, coverage, steps } = result();
    expect({ verdict, coverage }).toMatchObject({
      verdict: 'holds',
      coverage: { complete: true, observed: 10, ports: 10, unobserved: [] },
    });
    expect(
      steps[0]?.findings.filter(({ allowed }) => allowed === 'must').map(({ observer, seen }) => `${observer} ${seen}`),
    ).toEqual(['a-hv2 200', 'a-hv1 200']);
    expect(
      steps[0]?.observers
        .filter(({ name }) => name.endsWith('hv2'))
        .every(({ controlsSent, controlsSeen }) => controlsSent > 0 && controlsSent === controlsSeen),
    ).toBe(true);
    expect(run.stderr).toMatch(/left behind on .*: nothing \(checked\)\n$/);
    const timeline = readFileSync(join(out(), 'timeline.ndjson'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"clock"'))
      .map(
        (line) => JSON.parse(line) as { readonly host: string; readonly offsetNs: string; readonly boundNs: string },
      );
    expect(timeline.map(({ host }) => host)).toEqual(['hv2', 'hv2']); // before and after
    // both hosts have this machine's clock
    expect(Math.abs(Number(timeline[0]?.offsetNs))).toBeLessThanOrEqual(Number(timeline[0]?.boundNs));
    const replayed = spawnSync(process.execPath, [cli, 'replay', out(), '--json'], { encoding: 'utf8' });
    expect({
      status: replayed.status,
      same: replayed.stdout === readFileSync(join(out(), 'result.json'), 'utf8'),
    }).toEqual({ status: 0, same: true });
    await nothingLeft(before);
  });

  it('is inconclusive where frames leave by a port of the far host past every ear, which is named', {
    tags: 'all',
    ...needs(pythonThere),
    timeout: patient(300_000),
  }, async () => {
    const child = start(scenario(8000));
    const run = outcomeOf(child);
    await probing(child);
    // more than may be under way at a veth whose far end is in a namespace that nobody finds
    hosts.run('hv2', [python, '-c', hidden, 'vs', String(600 * cpus().length)]);
    expect((await run).status, (await run).stderr).toBe(3);
    expect(codes()).toEqual(['unheard-frames']);
    expect(result().steps[0]?.reasons.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^at least \d+ frames left by hv2\/vs that no packet socket was offered/),
    ]);
  });

  it('goes through a jump host and a shared connection where ssh is configured so', { tags: 'all' }, async () => {
    const before = shapes();
    const plain = readFileSync(hosts.sshConfig, 'utf8');
    writeFileSync(
      hosts.sshConfig,
      `Host hv2\n  ProxyJump hv1\n  ControlMaster auto\n  ControlPath ${join(hosts.dir, 'shared')}\n  ControlPersist 10\n${plain}`,
    );
    const config = ['-F', hosts.sshConfig];
    try {
      // opens the connection that the run then shares
      const first = await outcomeOf(hosts.start(['/usr/bin/ssh', ...config, 'hv2', 'echo "$SSH_CONNECTION"']));
      expect(first.stdout).toMatch(/^10\.99\.0\.1 /);
      const run = await outcomeOf(start(scenario(20)));
      expect(run.status, run.stderr).toBe(0);
      const shared = await outcomeOf(hosts.start(['/usr/bin/ssh', ...config, '-O', 'check', 'hv2']));
      expect(shared.stderr).toMatch(/Master running/); // the run has not ended it for others
    } finally {
      await outcomeOf(hosts.start(['/usr/bin/ssh', ...config, '-O', 'exit', 'hv2']));
      writeFileSync(hosts.sshConfig, plain);
    }
    await nothingLeft(before);
  });

  it('finds a leak that shows on the other host only', { tags: 'all' }, async () => {
    hosts.run('hv2', 'ip link set dev brA type bridge ageing_time 0'); // a hub there
    const run = await outcomeOf(start(scenario(100)));
    hosts.run('hv2', 'ip link set dev brA type bridge ageing_time 30000');
    expect(run.status, run.stderr).toBe(2);
    expect(
      result()
        .steps[0]?.findings.filter(({ leak }) => leak)
        .map(({ from, observer, seen }) => `${from} ${observer} ${seen}`),
    ).toEqual(['a-hv1 s-hv2 100', 'a-hv2 s-hv2 100']);
  });

  it('stops when a guest’s port on the other host begins to drop frames', { tags: 'all' }, async () => {
    await outcomeOf(hosts.guest('s', 'hv2', 'ip link set dev eth0 mtu 600'));
    const child = start(scenario(20_000));
    const outcome = outcomeOf(child);
    await probing(child);
    const flooding = hosts.guest('a', 'hv2', `ping -q -i 0.005 -s 1000 ${ipOf('s', 'hv2')}`);
    const run = await outcome;
    flooding.kill('SIGKILL');
    await outcomeOf(hosts.guest('s', 'hv2', 'ip link set dev eth0 mtu 1400'));
    expect(run.status, run.stderr).toBe(3);
    expect(result().steps[0]?.reasons.map(({ code, text }) => `${code} ${text}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^guests-disturbed hv2\/vs drops \d+ frames a second, 0 before/)]),
    );
    expect(run.stderr).toMatch(/: nothing \(checked\)\n$/);
  });

  const refusals: Readonly<Record<string, readonly [host: string, status: number, says: RegExp]>> = {
    'a host that nobody reaches': ['{ ssh: root@10.99.0.77 }', 69, /hv2 \(root@10\.99\.0\.77\) cannot be reached/],
    'a program that is not there': [
      '{ ssh: hv2, command: [no-such-program] }',
      69,
      /hv2 \(hv2\): no-such-program is not there/,
    ],
    'a shell that says something else': ['{ ssh: hv2, command: [echo] }', 69, /not JSON/],
  };
  it.each(Object.entries(refusals))(
    'refuses before anything is sent: %s',
    { tags: 'all' },
    async (_name, [host, status, says]) => {
      const before = shapes();
      const run = await outcomeOf(start(scenario(10, { host }), ['--allow-run']));
      expect({ status: run.status, told: says.test(run.stderr) }, run.stderr).toEqual({ status, told: true });
      await nothingLeft(before);
    },
  );

  it('refuses a host whose key is not the known one', { tags: 'all' }, async () => {
    const known = join(hosts.dir, 'known');
    renameSync(known, `${known}.right`);
    writeFileSync(known, readFileSync(`${known}.right`, 'utf8').replaceAll(`${address('hv2')} `, `${address('hv1')} `));
    const unknown = await outcomeOf(start(scenario(10)));
    const [line = ''] = readFileSync(`${known}.right`, 'utf8').split('\n');
    writeFileSync(known, line.replace(address('hv1'), address('hv2')));
    const wrong = await outcomeOf(start(scenario(10)));
    renameSync(`${known}.right`, known);
    for (const run of [unknown, wrong])
      expect(
        { status: run.status, told: /hv2 \(hv2\): its host key is not known, or not the known one/.test(run.stderr) },
        run.stderr,
      ).toEqual({ status: 69, told: true });
  });

  it('refuses another version and a login without rights', { tags: 'all' }, async () => {
    const helper = (name: string, uid: number, version: string): string => {
      const path = join(hosts.dir, 'bin', name);
      writeFileSync(
        path,
        `#!/bin/sh\necho '{"type":"ready","version":"${version}","pid":1,"uid":${uid}}'\ncat >/dev/null\n`,
        { mode: 0o755 },
      );
      return `{ ssh: hv2, command: [${path}] }`;
    };
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      readonly version: string;
    };
    const old = await outcomeOf(start(scenario(10, { host: helper('old', 0, '0.0.1') }), ['--allow-run']));
    expect({ status: old.status, told: /hv2 has version 0\.0\.1/.test(old.stderr) }, old.stderr).toEqual({
      status: 69,
      told: true,
    });
    const nobody = await outcomeOf(start(scenario(10, { host: helper('nobody', 65534, version) }), ['--allow-run']));
    expect(
      { status: nobody.status, told: /hv2: the helper there runs as uid 65534/.test(nobody.stderr) },
      nobody.stderr,
    ).toEqual({ status: 69, told: true });
  });

  /** Starts a run of some seconds, does something to it in the middle, and waits for its end. */
  async function disturbed(harm: () => void | Promise<void>): Promise<Outcome> {
    const child = start(scenario(3000, { rate: 1000 }));
    const outcome = outcomeOf(child);
    await probing(child);
    await harm();
    return outcome;
  }
  const pidOf = (host: 'hv1' | 'hv2', pattern: RegExp): number =>
    Number(
      hosts
        .processes(host)
        .find((line) => pattern.test(line))
        ?.split(' ')[0],
    );

  it('is inconclusive, by host, where the capture helper on the far side is killed', { tags: 'all' }, async () => {
    const before = shapes();
    const run = await disturbed(() => void process.kill(pidOf('hv2', /helper\.cjs capture/), 'SIGKILL'));
    expect(run.status, run.stderr).toBe(3);
    const dead = result().steps.flatMap(({ reasons }) => reasons.filter(({ code }) => code === 'helper-died'));
    expect(dead.map(({ observer }) => observer)).toEqual(expect.arrayContaining(['a-hv2', 's-hv2', 'b-hv2']));
    expect(dead.some(({ observer }) => observer?.endsWith('hv1'))).toBe(false);
    expect(dead[0]?.text).toMatch(/^hv2: /);
    expect(run.stderr).toMatch(/: nothing \(checked\)\n$/);
    await nothingLeft(before);
  });

  it('is inconclusive, by host, where the far side itself is killed, and looks whether anything is left there', {
    tags: 'all',
  }, async () => {
    const before = shapes();
    const run = await disturbed(() => void process.kill(pidOf('hv2', /cli\.cjs helper/), 'SIGKILL'));
    expect(run.status, run.stderr).toBe(3);
    expect(codes()).toContain('host-lost');
    const lost = result().steps.flatMap(({ reasons }) => reasons.filter(({ code }) => code === 'host-lost'));
    expect(lost.map(({ observer }) => observer)).toEqual(expect.arrayContaining(['a-hv2', 's-hv2', 'b-hv2']));
    expect(lost[0]?.text).toMatch(/^the connection to hv2 was lost: /);
    expect(run.stderr).toMatch(/: nothing \(checked\)\n$/);
    hosts.learn();
    await nothingLeft(before);
  });

  it('is inconclusive where the network is cut in the middle and healed, and the far side undoes everything by itself', {
    tags: 'all',
  }, async () => {
    const before = shapes();
    const run = await disturbed(() => {
      hosts.plug('hv2', false);
      setTimeout(() => hosts.plug('hv2', true), 13_000);
    });
    expect(run.status, run.stderr).toBe(3);
    expect(codes()).toContain('host-lost');
    expect(run.stderr).toMatch(/: nothing \(checked\)\n$/);
    hosts.learn();
    await nothingLeft(before);
  });

  it('undoes everything on both when the orchestrator is killed', { tags: 'all' }, async () => {
    const before = shapes();
    const child = start(scenario(3000));
    const outcome = outcomeOf(child);
    await probing(child);
    child.kill('SIGKILL');
    await outcome;
    await outcomeOf(hosts.cli(['cleanup']));
    await nothingLeft(before);
    expect(readdirSync(hosts.dir).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
