import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { needs } from '../../support/needs.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import {
  beside as besideShell,
  besideProgram,
  holdingWords,
  tracing,
  traceStep as step,
} from '../../support/lab/hosts/trace-host.js';

const flood = step('class: unknown-unicast');

/** The LAN floods what leaves by the uplink into a second NIC, and a guest stands behind that too. */
describe('a host with a second NIC in the same LAN', needs(...tracing), () => {
  let host: ThrowAwayHost;
  const children = new Map<string, ReturnType<ThrowAwayHost['start']>>();
  const space = (guest: string): string => `/proc/${children.get(guest)?.pid ?? 0}/ns/net`;
  const inside = (guest: string, ...commands: readonly string[]): void =>
    void host.run(['nsenter', `--net=${space(guest)}`, 'sh', '-ec', commands.join('\n')]);
  const onHost = (...commands: readonly string[]): void => void host.run(['sh', '-ec', commands.join('\n')]);

  beforeAll(() => {
    host = throwAwayHost();
    for (const name of ['lan', 'kali3', 'kali2', 'spare'] as const) children.set(name, host.start(name, 'sleep 3600'));
    onHost(
      `ip link add eth1 type veth peer name e1 netns ${space('lan')}`,
      `ip link add x0 type veth peer name x1 netns ${space('kali3')}`,
      `ip link add y0 type veth peer name y1 netns ${space('spare')}`,
      'for port in vnet0 vnet4 spare; do bridge link set dev $port isolated on; done',
      'ip link add br1 type bridge forward_delay 0 mcast_snooping 0',
      'for port in eth1 x0 y0; do ip link set $port master br1 up; done',
      'ip link set br1 up',
    );
    inside('kali3', 'ip link set x1 up');
    inside('lan', 'ip link add sw type bridge forward_delay 0 mcast_snooping 0', 'ip link set sw up');
  });
  afterAll(() => {
    for (const child of children.values()) child.kill();
    host.close();
  });

  async function run(name: string, trace: 'auto' | 'off', steps = flood) {
    const out = join(host.dir, name);
    const { mac, ip } = guests.spare;
    const more = `    spare: { bridge: br0, port: spare, mac: "${mac}", ip: ${ip}/24 }\n`;
    const file = host.scenario(name, { steps, more });
    const outcome = await outcomeOf(host.cli(['run', file, '--yes', '--json', '--trace', trace, '--out', out]));
    if (outcome.stdout === '') throw new Error(outcome.stderr);
    const result: Result = JSON.parse(outcome.stdout);
    const [first] = result.steps;
    if (first === undefined) throw new Error('a run without a step');
    return { ...outcome, verdict: result.verdict, step: first, reasons: first.reasons.map(({ code }) => code), out };
  }

  /** The LAN joins the uplink to the second NIC. */
  async function inLan<T>(act: () => Promise<T>): Promise<T> {
    inside('lan', 'for port in eth0 e1; do ip link set $port master sw up; done');
    try {
      return await act();
    } finally {
      inside('lan', 'for port in eth0 e1; do ip link set $port nomaster; done');
    }
  }
  const beside = <T>(make: readonly string[], end: readonly string[], act: () => Promise<T>): Promise<T> =>
    besideShell(onHost, make, end, act);
  /** Beside a program of hold-program.py. */
  const holding = <T>(words: readonly string[], act: () => Promise<T>): Promise<T> =>
    besideProgram(holdingWords(host, ...words), act);
  const copyTo = (device: string): readonly string[] => [
    'nft add table netdev t',
    `nft 'add chain netdev t c { type filter hook ingress device "vnet0" priority 0; }'`,
    `nft 'add rule netdev t c dup to "${device}"'`,
  ];
  const endCopy = ['nft delete table netdev t'];
  const kali3By = (device: string) => ({ observer: 'kali3', device: expect.stringMatching(device) });

  it('does not hold where what left by the uplink comes back in there, and says so', async () => {
    const [without, { status, step: judged, reasons, out }] = await inLan(async () => [
      await run('without', 'off'),
      await run('with', 'auto'),
    ]);
    expect([without.status, without.reasons]).toEqual([0, []]);
    expect([status, new Set(reasons), judged.traced]).toEqual([3, new Set(['bypass-possible']), undefined]);
    expect(judged.returned).toEqual([{ ...kali3By('^x1 in '), at: 'eth1', probes: 80 }]);
    const texts = judged.reasons.flatMap(({ observer, text }) => (observer === 'kali3' ? [text] : []));
    expect(texts).toEqual([
      expect.stringMatching(/^x1 in .* had 80 probes that came in again at eth1, .* take eth1 out /),
    ]);
    expect((await outcomeOf(host.cli(['replay', out]))).status).toBe(3);
  });

  const ofKali3 = (...lines: readonly string[]): readonly string[] =>
    lines.map((line) => line.replaceAll('KALI3', space('kali3')));

  it('does not hold, and is not broken, where that guest has a macvlan of the NIC and broadcasts come back', {
    tags: 'all',
  }, async () => {
    const make = ofKali3(
      'ip link set eth1 nomaster',
      'ip link add link eth1 name m0 netns KALI3 type macvlan mode bridge',
      'nsenter --net=KALI3 ip link set m0 up',
    );
    const end = ofKali3('nsenter --net=KALI3 ip link del m0', 'ip link set eth1 master br1');
    const broadcast = step('class: broadcast, may_see: [lan]');
    const { sane, copied } = await inLan(() =>
      beside(make, end, async () => ({
        sane: await run('macvlan', 'auto', broadcast),
        copied: await beside(copyTo('x0'), endCopy, () => run('macvlan-copied', 'auto', broadcast)),
      })),
    );
    expect([sane.status, new Set(sane.reasons), sane.step.traced]).toEqual([
      3,
      new Set(['bypass-possible']),
      undefined,
    ]);
    expect(sane.step.returned).toContainEqual({ ...kali3By('^m0 in '), at: 'eth1', probes: 80 });
    // x0 is no port of the macvlan's
    expect(copied.status).toBe(2);
    expect(copied.step.traced).toContainEqual({ ...kali3By('^x1 in '), probes: 80 });
  });

  it('does not hold, and is not broken, where the LAN doubles frames', { tags: 'all' }, async () => {
    const double = [
      'nft add table netdev d',
      `nft 'add chain netdev d c { type filter hook ingress device "eth0" priority 0; }'`,
      `nft 'add rule netdev d c dup to "e1"'`,
    ];
    inside('lan', ...double);
    try {
      const { sane, copied } = await inLan(async () => ({
        sane: await run('doubled', 'auto'),
        copied: await beside(copyTo('x0'), endCopy, () => run('doubled-copied', 'auto')),
      }));
      expect([sane.status, new Set(sane.reasons), sane.step.traced]).toEqual([
        3,
        new Set(['bypass-possible']),
        undefined,
      ]);
      expect([copied.status, copied.step.traced]).toEqual([3, undefined]);
    } finally {
      inside('lan', 'nft delete table netdev d');
    }
  });

  it.each([
    ['does not hold', flood, 3],
    // the LAN has them for itself
    ['is broken', step('class: known-unicast, to: lan'), 2],
  ] as const)('%s where a rule copies to that guest as well', { tags: 'all' }, async (_text, steps, ends) => {
    const { status, step: judged } = await inLan(() =>
      beside(copyTo('x0'), endCopy, () => run(`copied-${ends}`, 'auto', steps)),
    );
    expect(status).toBe(ends);
    expect(judged.traced).toEqual(ends === 2 ? [{ ...kali3By('^x1 in '), probes: 80 }] : undefined);
  });

  it('is broken where a rule copies to another device of that guest', { tags: 'all' }, async () => {
    const make = [
      `ip link add z0 type veth peer name z1 netns ${space('kali3')}`,
      'ip link set z0 up',
      `nsenter --net=${space('kali3')} ip link set z1 up`,
    ];
    const { status, step: judged } = await inLan(() =>
      beside([...make, ...copyTo('z0')], [...endCopy, 'ip link del z0'], () => run('other', 'auto')),
    );
    expect([status, judged.traced]).toContainEqual(expect.arrayContaining([{ ...kali3By('^z1 in '), probes: 80 }]));
    expect(status).toBe(2);
  });

  it('does not hold where a program copies to that guest', { tags: 'all' }, async () => {
    const { status, step: judged } = await inLan(() => holding(['clone', 'x0', 'vnet0'], () => run('program', 'auto')));
    expect([status, judged.traced]).toEqual([3, undefined]);
  });

  describe('whose bridge keeps them from that guest', () => {
    const others = async (act: () => ReturnType<typeof run>) => {
      inside('spare', 'ip link set y1 up');
      return beside(['bridge link set dev x0 flood off'], ['bridge link set dev x0 flood on'], () => inLan(act));
    };
    const trusted = flood.replace(
      'expect: private',
      'expect: private, trust: [ { what: "BPF program *", reason: IDS, owner: ops } ]',
    );

    // again where it came too late, or was seen
    it('does not hold where a program copied some to it and has gone', { tags: 'all', retry: 5 }, async () => {
      const { verdict, step: judged } = await others(() =>
        holding(['late', 'x0', 'vnet0', 'eth1'], () => run('late', 'auto')),
      );
      const had = [...(judged.returned ?? []), ...(judged.traced ?? [])].map(({ observer }) => observer);
      expect(had).toContain('kali3');
      expect(verdict).not.toBe('holds');
    });

    it('does not hold where a program that is trusted copies to it', async () => {
      const { verdict } = await others(() => holding(['clone', 'x0', 'vnet0'], () => run('trusted', 'auto', trusted)));
      expect(verdict).not.toBe('holds');
    });

    it('does not hold where a rule beside the bridges copies to it', { tags: 'all' }, async () => {
      const copy = copyTo('x0').map((line) => line.replace('vnet0', 'eth1'));
      const { verdict } = await beside(copy, endCopy, () => others(() => run('beside', 'auto')));
      expect(verdict).not.toBe('holds');
    });
  });

  it('is a doubt where that guest has a bridge, and where it reads a packet socket', { tags: 'all' }, async () => {
    inside(
      'kali3',
      'ip link add inner type bridge',
      'ip link add w0 type veth peer name w1',
      'for device in w0 x1; do ip link set $device master inner up; done',
      'for device in w1 inner; do ip link set $device up; done',
    );
    try {
      const { status, step: judged } = await inLan(() => run('inner', 'auto'));
      expect([status, judged.traced]).toEqual([3, undefined]);
    } finally {
      inside('kali3', 'ip link del inner', 'ip link del w0');
    }
    const read =
      'import socket, sys\nheard = socket.socket(17, 3, 768); heard.bind((sys.argv[1], 3)); print(flush=True)\nwhile True: heard.recv(2000)';
    const words = [`--net=${space('kali3')}`, '/usr/bin/python3', '-c', read, 'x1'];
    const { status, step: judged } = await inLan(() => besideProgram(words, () => run('read', 'auto')));
    expect([status, judged.traced]).toEqual([3, undefined]);
  });

  describe('a guest with a second device', () => {
    const toSpare = step('class: known-unicast, to: spare');
    const sendOn = [
      'ip link set y1 up',
      'nft add table netdev s',
      `nft 'add chain netdev s c { type filter hook ingress device "eth0" priority 0; }'`,
      `nft 'add rule netdev s c dup to "y1"'`,
    ];

    it('is no leak where it sends on what it rightly had, but undecided', async () => {
      inside('spare', ...sendOn);
      onHost('bridge link set dev spare isolated off');
      try {
        const { status, reasons, step: judged } = await run('sent-on', 'auto', toSpare);
        expect([status, new Set(reasons), judged.traced]).toEqual([
          3,
          new Set(['replayed', 'bypass-possible']),
          undefined,
        ]);
        const copied = await beside(copyTo('x0'), endCopy, () => run('both', 'auto', toSpare));
        expect([copied.status, copied.step.traced]).toEqual([3, undefined]);
      } finally {
        inside('spare', 'nft delete table netdev s');
        onHost('bridge link set dev spare isolated on');
      }
    });

    it('is a leak where it never had them', { tags: 'all' }, async () => {
      const { status, step: judged } = await beside(copyTo('x0'), endCopy, () => run('none', 'auto', toSpare));
      expect([status, judged.traced]).toEqual([2, [{ ...kali3By('^x1 in '), probes: 80 }]]);
    });
  });
});
