import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { type BrokenBarrier, brokenBarriers, type SoundHost, soundHosts } from '../../support/lab/broken-barriers.js';
import { notAskedTexts } from '../../../src/report/limits.js';
import { terminalReport } from '../../../src/report/terminal/terminal.js';
import { runWhole, tryBarrier } from '../../support/lab/try-barrier.js';
import { cli, fresh } from '../../support/lab/program.js';
import { guests as known, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { macOfGuest, wholeHost } from '../../support/lab/whole-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const guests = 8;

/** One of each kind of host; all of them, at 50 guests, `npm run soak host`. */
const chosen: readonly (readonly [string, SoundHost])[] = [
  ['learning off', 'stock'],
  ['isolated off', 'isolated'],
  ['filter gone', 'MAC filters'],
];
const more: readonly (readonly [string, SoundHost])[] = [
  ['ageing 0', 'MAC filters'],
  ['learning off, entry left', 'stock'],
];

function casesOf(choices: readonly (readonly [string, SoundHost])[]): readonly BarrierCase[] {
  return choices.map(([what, on], at) => {
    const barrier = brokenBarriers.find((known) => known.what === what && known.on === on);
    if (barrier === undefined) throw new Error(`no barrier ${what} on ${on}`);
    return { name: `${what} on a host: ${on}`, barrier, seed: at + 1 };
  });
}

interface BarrierCase {
  readonly name: string;
  readonly barrier: BrokenBarrier;
  readonly seed: number;
}

async function ended([program = '', ...args]: readonly string[]): Promise<{
  readonly status: number | null;
  readonly stderr: string;
}> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { stderr: await text(child.stderr), status: await status };
}

describe('run without a file', { ...needs(root), timeout: patient(300_000) }, () => {
  it('has 40 barriers to try, or more, no two alike', () => {
    const names = brokenBarriers.map(({ what, on }) => `${what} on ${on}`);
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect(new Set(names).size).toBe(names.length);
  });

  const title = 'finds a broken barrier, names it and what ends it: $name';
  const find = async ({ barrier, seed }: BarrierCase): Promise<void> => {
    expect(await tryBarrier(barrier, guests, seed)).toEqual([]);
  };
  it.each(casesOf(chosen.slice(0, 1)))(title, find);
  it.each(casesOf([...chosen.slice(1), ...more]))(title, { tags: 'all' }, find);

  it('holds where every guest is isolated, exposes nothing, and names one whose MAC nobody knows', async () => {
    const silent = `${soundHosts.isolated(guests)}; bridge fdb del ${macOfGuest(5)} dev v5 master`;
    const { status, result } = await runWhole(guests, silent);
    expect([status, result.verdict, result.steps.flatMap(({ exposures = [] }) => exposures)]).toEqual([0, 'holds', []]);
    const words = 'HOLDS for 7 of 8 guests; 1 was only observed: v5. ';
    const lines = terminalReport([{ result, dir: null, details: null }], { width: 100, color: false }).split('\n');
    expect([lines[0], lines.findLast((line) => line.startsWith('HOLDS'))]).toEqual([
      expect.stringContaining(words),
      expect.stringContaining(words),
    ]);
  });

  it('says of a single guest that a second one is missing, not what is wrong in a file', async () => {
    const host = wholeHost(1);
    const { status, stderr } = await host.run(['run', '--yes', '--out', join(host.dir, 'single')]);
    host.close();
    const lines = stderr.trimEnd().split('\n').slice(-2);
    expect([status, ...lines]).toEqual([
      69,
      'REFUSED: "v1" is the only guest that was found: no other could receive its traffic',
      '  start a second guest on its bridge, ping once from each, and try again. Nothing was sent',
    ]);
  });

  it('asks each MAC of a guest that has several, and finds who gets what is for the second', {
    tags: 'all',
  }, async () => {
    const second = '52:54:00:00:00:99';
    const { status, result } = await runWhole(
      guests,
      [
        `bridge fdb replace ${second} dev v3 master dynamic`,
        'tc qdisc add dev v3 clsact',
        'tc filter add dev v3 egress protocol all u32 match u16 0x5254 0xffff at -14 match u32 0x00000099 0xffffffff at -12 action mirred egress mirror dev v5',
      ].join('\n'),
    );
    const leaks = result.steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
    const said = leaks.map(
      ({ class: name, to, observer, variant }) => `${name} for ${to ?? ''} at ${observer}, ${variant ?? ''}`,
    );
    expect([status, [...new Set(said)]]).toEqual([2, [`known-unicast for v3 at v5, to ${second}`]]);
    const causes = result.steps.flatMap(({ groups = [] }) => groups.flatMap((group) => group.causes));
    expect(causes.map(({ code }) => code)).toContain('mirror');
  });

  it('calls what a mirror hands on a leak, and no delivery: not of forged frames either', { tags: 'all' }, async () => {
    const { status, result } = await runWhole(
      4,
      'tc qdisc add dev v2 clsact; tc filter add dev v2 egress protocol all u32 match u32 0 0 action mirred egress mirror dev v4',
    );
    const leaks = result.steps.flatMap(({ findings }) => findings.filter(({ leak }) => leak));
    expect([status, [...new Set(leaks.map(({ to, observer }) => `for ${to ?? ''} at ${observer}`))]]).toEqual([
      2,
      ['for v2 at v4'],
    ]);
    expect(new Set(leaks.map((row) => row.class))).toContain('mac-spoof');
  });

  it('waits until spanning tree is through with a guest that has just started', { tags: 'all' }, async () => {
    const { status, result, stderr } = await runWhole(
      3,
      [
        'ip link set br0 type bridge stp_state 1 forward_delay 200 hello_time 100 max_age 600',
        'ip link set v3 down; ip link set v3 up',
        // Frames of guests: a topology change makes the bridge forget who is silent for 4 s
        `(for n in $(seq 36); do for i in 1 2 3; do bridge fdb replace ${macOfGuest(0).slice(0, -1)}$i dev v$i master dynamic || :; done; sleep 0.5; done) >/dev/null 2>&1 &`,
      ].join('\n'),
    );
    const reasons = result.steps.flatMap((step) => step.reasons.map(({ code }) => code));
    expect([status, result.verdict, reasons], stderr).toEqual([0, 'holds', []]);
    expect(result.steps.flatMap(({ findings }) => findings.map(({ from }) => from))).toContain('v3');
  });

  it('finds a static entry that hands one guest what is for another, names both, and what ends it', {
    tags: 'all',
  }, async () => {
    const dir = fresh('evidence');
    const host = [
      'mount -t proc none /proc; mount -t tmpfs none /run; mkdir -p /run/netns /run/lock; mount -t sysfs none /sys',
      'ip link add dev br0 address 52:54:00:00:00:f0 type bridge forward_delay 0; ip link set dev br0 up',
      'ip address add 10.9.0.254/24 dev br0',
      'for i in 1 2 3; do ip netns add g$i',
      'ip link add dev v$i type veth peer name eth0 address 52:54:00:00:00:0$i netns g$i; ip link set dev v$i master br0 up',
      'ip -n g$i address add 10.9.0.$i/24 dev eth0; ip -n g$i link set dev eth0 up',
      'ip netns exec g$i ping -c 1 -w 30 10.9.0.254; done',
      'bridge fdb del 52:54:00:00:00:02 dev v2 master',
      'bridge fdb add 52:54:00:00:00:02 dev v3 master static sticky',
      `${process.execPath} ${cli} run --yes --quiet --out ${dir}`,
    ];
    const cage = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', host.join('\n')];
    const { status, stderr } = await ended(cage);
    expect(status, stderr).toBe(2);
    const result: Result = JSON.parse(readFileSync(join(dir, 'evidence/result.json'), 'utf8'));
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect(groups.map(({ to, observers }) => [to, observers])).toEqual([[['g2'], ['g3']]]);
    expect(groups[0]?.causes[0]).toMatchObject({
      code: 'mac-moved',
      text: 'a static entry has the MAC of g2 at v3, so what is sent to g2 goes there',
      fixes: ['bridge fdb replace 52:54:00:00:00:02 dev v2 master static sticky'],
    });
  });

  const hosts = [
    {
      host: 'isolates',
      breaks: 'for i in 1 2 3; do bridge link set dev v$i isolated on; done',
      status: 0,
      cause: null,
    },
    { host: 'is a hub', breaks: 'ip link set br0 type bridge ageing_time 0', status: 2, cause: 'ageing-zero' },
    {
      host: 'mirrors one',
      breaks:
        'tc qdisc add dev v2 clsact; tc filter add dev v2 egress protocol all u32 match u32 0 0 action mirred egress mirror dev v3',
      status: 2,
      cause: 'mirror',
    },
  ];
  const readInside = async (tried: (typeof hosts)[number]): Promise<void> => {
    const dir = fresh('evidence');
    const host = [
      'mount -t proc none /proc; mount -t tmpfs none /run; mkdir -p /run/netns /run/lock; mount -t sysfs none /sys',
      'ip link add dev br0 type bridge forward_delay 0; ip link set dev br0 up',
      'for i in 1 2 3; do ip netns add g$i; ip netns exec g$i sysctl -qw net.ipv6.conf.default.disable_ipv6=1',
      'ip link add dev v$i type veth peer name eth0 address 52:54:00:00:00:0$i netns g$i; ip link set dev v$i master br0 up',
      'ip -n g$i address add 10.9.0.$i/24 dev eth0; ip -n g$i link set dev eth0 arp off up; done',
      tried.breaks,
      '! bridge fdb show br br0 | grep 52:54:00:00:00:0',
      `${process.execPath} ${cli} run --yes --quiet --out ${dir}`,
    ];
    const cage = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', host.join('\n')];
    const { status, stderr } = await ended(cage);
    expect(status, stderr).toBe(tried.status);
    const result: Result = JSON.parse(readFileSync(join(dir, 'evidence/result.json'), 'utf8'));
    const rows = result.steps.flatMap(({ findings }) => findings.filter(({ class: name }) => name === 'known-unicast'));
    expect(new Set(rows.flatMap(({ from, to }) => [from, to]))).toEqual(new Set(['g1', 'g2', 'g3']));
    expect(rows.map(({ carrier }) => carrier)).toContain('ipv4-udp');
    const causes = result.steps.flatMap(({ groups = [] }) => groups.flatMap((group) => group.causes));
    expect(causes[0]?.code ?? null).toBe(tried.cause);
  };
  const inside = 'asks named namespaces that never spoke, of which it reads MAC and address inside: it $host';
  it.each(hosts.slice(0, 2))(inside, readInside);
  it.each(hosts.slice(2))(inside, { tags: 'all' }, readInside);

  it('asks guests whose addresses nobody knows so that one which routes hands nothing on', {
    tags: 'all',
  }, async () => {
    const dir = fresh('evidence');
    const host = [
      'mount -t proc none /proc; mount -t tmpfs none /run; mkdir -p /run/netns /run/lock; mount -t sysfs none /sys',
      'ip link add dev br0 type bridge forward_delay 0; ip link set dev br0 up',
      'for i in 1 2 3; do ip netns add g$i',
      'ip link add dev v$i type veth peer name eth0 address 52:54:00:00:00:0$i netns g$i; ip link set dev v$i master br0 up',
      'ip -n g$i address add 10.9.0.$i/24 dev eth0; ip -n g$i link set dev eth0 up; done',
      // A router: what it gets for others leaves by its default route
      'ip netns exec g2 sysctl -qw net.ipv4.ip_forward=1',
      'ip -n g2 neigh add 10.9.0.3 lladdr 52:54:00:00:00:03 dev eth0; ip -n g2 route add default via 10.9.0.3',
      'until [ $(bridge fdb show br br0 | grep -c "^52:54:00:00:00:0[123] .* master br0 *$") = 3 ]; do',
      'for i in 1 2 3; do ip netns exec g$i ping -c 1 -W 1 10.9.0.9 >/dev/null || :; done; done',
      // A name would let the run read their addresses inside
      'for i in 1 2 3; do ip netns exec g$i sh -c "sleep 300 >/dev/null 2>&1 &"; ip netns del g$i; done',
      `${process.execPath} ${cli} run --yes --quiet --out ${dir}`,
    ];
    const cage = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', host.join('\n')];
    const { status, stderr } = await ended(cage);
    expect(status, stderr).toBe(0);
    const result: Result = JSON.parse(readFileSync(join(dir, 'evidence/result.json'), 'utf8'));
    const rows = result.steps.flatMap(({ findings }) => findings.filter(({ class: name }) => name === 'known-unicast'));
    expect(new Set(rows.map(({ carrier }) => carrier))).toEqual(new Set(['raw', 'ipv4-icmp', 'ipv6-icmp']));
    expect(result.verdict).toBe('holds');
  });

  it('is INCONCLUSIVE with --strict where a guest was only observed', { tags: 'all' }, async () => {
    const silent = `${soundHosts.isolated(guests)}; bridge fdb del ${macOfGuest(5)} dev v5 master`;
    const { status, result } = await runWhole(guests, silent, ['--strict']);
    const reasons = result.steps.flatMap((step) => step.reasons.map(({ code, observer }) => `${code} ${observer}`));
    expect([status, [...new Set(reasons)]]).toEqual([3, ['observed-only v5']]);
  });

  it('sends the host no packets in the name of guests without an address, and says so', { tags: 'all' }, async () => {
    // It would answer by its default route, with the token quoted, here at a guest that is a router
    const { status, result, stderr } = await runWhole(
      3,
      'for i in 1 2; do ip neigh del 10.9.0.$i dev br0; done; ip route add default via 10.9.0.3',
    );
    expect([status, result.verdict], stderr).toEqual([0, 'holds']);
    expect(notAskedTexts(result)).toEqual(['IPv4 from v1 and v2 to host, v2 and v3: no address of v1 and v2']);
  });

  it('finds a guest that floods, for its port learns nothing, though no record has its MAC', {
    tags: 'all',
  }, async () => {
    const host = throwAwayHost();
    const { port, mac } = known.kali3;
    host.run(`bridge link set dev ${port} learning off`);
    host.run(`bridge fdb del ${mac} dev ${port} master`);
    const ping = host.start('kali3', `ping -i 0.2 ${known.lan.ip}`);
    try {
      const out = join(host.dir, 'heard');
      const { status, stderr } = await outcomeOf(host.cli(['run', '--yes', '--quiet', '--out', out]));
      expect(status, stderr).toBe(2);
      const result: Result = JSON.parse(readFileSync(join(out, 'evidence/result.json'), 'utf8'));
      const causes = result.steps.flatMap(({ groups = [] }) => groups.flatMap((group) => group.causes));
      expect(causes).toContainEqual(expect.objectContaining({ code: 'learning-off', places: [`${port}.learning`] }));
    } finally {
      ping.kill();
      host.close();
    }
  });
});
