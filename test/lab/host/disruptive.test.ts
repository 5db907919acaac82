import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProbeClassName } from '../../../src/core/model/scenario.js';
import { disruptiveClasses } from '../../../src/core/probe/classes.js';
import type { Result } from '../../../src/core/model/result.js';
import type { HostState } from '../../../src/core/model/state.js';
import { type Entered, enteredIn, maxWithin } from '../../support/lab/entered.js';
import { kernel } from '../../support/lab/features.js';
import { untilEvent } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';
import { guests, type Outcome, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const head = 'allow_disruptive: true\n';
const rate = 100;
const probe = (name: ProbeClassName, count: number): string => {
  let to = name === 'gateway-steal' ? 'to: lan, via: kali2, ' : 'to: kali2, via: lan, ';
  if (['igmp-query', 'stp-root'].includes(name)) to = '';
  let more = name === 'igmp-query' ? `group: 239.1.1.1, count: ${count}, ` : `count: ${count}, `;
  if (name === 'stp-root') more = '';
  return `  - { name: ${name}, probe: { class: ${name}, from: kali3, ${/arp|ra-|dhcp|flood/.test(name) ? to.replace('via: lan, ', '') : to}${more}rate: ${rate} }, expect: separated }\n`;
};

describe('on a host, probes that disturb guests', needs(root), () => {
  const host = shared(throwAwayHost);

  const portsOf = (mac: string): readonly string[] =>
    host
      .run('bridge fdb show br br0')
      .split('\n')
      .flatMap((line) =>
        line.startsWith(mac) && line.includes('master br0') ? [/ dev (\S+)/.exec(line)?.[1] ?? ''] : [],
      );
  const inGuest = async (
    guest: 'lan' | 'kali2',
    ...argv: readonly string[]
  ): Promise<{ readonly status: number | null; readonly stdout: string }> => outcomeOf(host.start(guest, argv));
  const neighbour = async (): Promise<string> =>
    /lladdr (\S+)/.exec((await inGuest('lan', `ip neigh show to ${guests.kali2.ip}`)).stdout)?.[1] ?? '';
  const answers = async (): Promise<number | null> =>
    (await inGuest('lan', `ping -c 3 -i 0.2 -W 2 ${guests.kali2.ip}`)).status;

  it(
    'are refused, every class by its name, until the command line agrees too',
    async () => {
      const run = await outcomeOf(
        host.cli([
          'run',
          host.scenario('all', { steps: disruptiveClasses.map((name) => probe(name, 10)).join(''), head }),
          '--yes',
        ]),
      );
      expect(run.status).toBe(64);
      for (const name of disruptiveClasses) expect(run.stderr).toContain(name);
    },
    patient(120_000),
  );

  async function steal(name: 'mac-steal' | 'gateway-steal'): Promise<void> {
    const before = host.shape();
    const owner = name === 'mac-steal' ? guests.kali2 : guests.lan;
    const out = join(host.dir, name);
    const quiet = name === 'mac-steal' ? 'kali2' : 'lan';
    const inOwner = async (...argv: readonly string[]): Promise<void> => {
      const { status, stderr } = await outcomeOf(host.start(quiet, argv));
      expect(status, stderr).toBe(0);
    };
    // else a frame of its own takes the entry back now and then
    await inOwner('nft', 'add table netdev quiet');
    await inOwner('nft', 'add chain netdev quiet out { type filter hook egress device eth0 priority 0; policy drop; }');
    const run = await outcomeOf(
      host.cli([
        'run',
        host.scenario(name, { steps: probe(name, 60), head }),
        '--yes',
        '--allow-disruptive',
        '--json',
        '--quiet',
        '--out',
        out,
      ]),
    );
    await inOwner('nft', 'delete table netdev quiet');
    expect(run.status, run.stderr).toBe(2);
    const thief =
      (JSON.parse(run.stdout) as Result).steps[0]?.findings.filter(({ observer }) => observer === 'kali3') ?? [];
    expect(thief.map(({ seen, leak }) => ({ all: seen >= 60, leak }))).toEqual([
      { all: true, leak: true },
      { all: true, leak: true },
    ]);
    expect(portsOf(owner.mac)).toEqual([owner.port]);
    expect(await answers()).toBe(0);
    expect(host.shape()).toBe(before);
    const entered = await enteredIn(out);
    expect(entered).toHaveLength(2 * (5 + 60 + 3));
    for (const windowMs of [100, 1000])
      expect(maxWithin(entered, windowMs), `${windowMs} ms`).toBeLessThanOrEqual((rate * windowMs) / 1000 + 2);
  }
  const title = '%s: at its rate, shown, and the owner has its entry again';
  const silenced = { ...needs(kernel("nft's hook egress")), timeout: patient(300_000) };
  it.each(['mac-steal'] as const)(title, silenced, steal);
  it.each(['gateway-steal'] as const)(title, { tags: 'all', ...silenced }, steal);

  it('mac-steal that is interrupted in the middle: the owner has its entry again', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const out = join(host.dir, 'interrupted');
    const child = host.cli([
      'run',
      host.scenario('interrupted', { steps: probe('mac-steal', 5000), head }),
      '--yes',
      '--allow-disruptive',
      '--out',
      out,
    ]);
    const outcome = outcomeOf(child);
    await untilEvent(out, 'sent', patient(300_000));
    for (let tries = 0; tries < patient(100) && portsOf(guests.kali2.mac).join() !== 'vnet4'; tries += 1)
      await sleep(20);
    expect(portsOf(guests.kali2.mac)).toEqual(['vnet4']); // stolen now
    child.kill('SIGINT');
    expect((await outcome).status).toBe(130);
    expect(portsOf(guests.kali2.mac)).toEqual(['vnet0']);
    expect(await answers()).toBe(0);
  });

  describe('in one run, those that steal no MAC', () => {
    const names = ['mac-flood', 'ra-spoof', 'dhcp-offer', 'igmp-query', 'stp-root'] as const;
    const count = 25;
    const ip6 = { kali2: 'fd00::20/64', lan: 'fd00::200/64' } as const;
    let run: Outcome;
    let [before, after] = ['', ''];
    let entered: readonly Entered[] = [];
    /**
     * What kali2's own interface received, a line a frame as tcpdump reads it, and whom the LAN took for fd00::20 one
     * after the other.
     */
    let received: readonly string[] = [];
    let believed: readonly string[] = [];
    let flooded: readonly string[] = [];
    const kinds = (name: (typeof names)[number]): Readonly<Record<string, number>> => {
      const sum: Record<string, number> = {};
      for (const { flow } of entered.filter(({ step }) => step === names.indexOf(name))) {
        const kind = `${flow.sender} ${flow.frame.form ?? flow.frame.carrier}`;
        sum[kind] = (sum[kind] ?? 0) + 1;
      }
      return sum;
    };
    const arrived = (what: RegExp): number => received.filter((line) => what.test(line)).length;

    beforeAll(async () => {
      for (const [guest, address] of [
        ['kali2', ip6.kali2],
        ['lan', ip6.lan],
      ] as const) {
        await inGuest(guest, 'sysctl -w net.ipv6.conf.eth0.disable_ipv6=0');
        await inGuest(guest, `ip address add ${address} dev eth0 nodad`);
      }
      // What guests themselves say about groups comes for a while, and is kept for longer than this takes.
      const groups = (): readonly string[] =>
        host
          .run('bridge mdb show')
          .split('\n')
          .filter((line) => line.includes('grp ff02::1:ff'));
      for (let tries = 0; tries < patient(100) && groups().length < 4; tries += 1) await sleep(100);
      expect(groups()).toHaveLength(4);
      expect((await inGuest('lan', 'ping -6 -c 1 fd00::20')).status).toBe(0); // an entry to be overwritten
      before = host.shape();
      const file = join(host.dir, 'kali2.pcap');
      // else libpcap keeps what came in the last half second from it, and SIGINT ends it without
      const dump = host.start('kali2', `tcpdump --immediate-mode -i eth0 -p -U -Z root -w ${file}`);
      const dumped = outcomeOf(dump);
      await new Promise<void>((resolve) =>
        dump.stderr?.on('data', (chunk) => (String(chunk).includes('listening on') ? resolve() : undefined)),
      );
      const monitor = host.start('lan', 'ip -6 monitor neigh');
      const monitored = outcomeOf(monitor);
      const out = join(host.dir, 'attacks');
      run = await outcomeOf(
        host.cli([
          'run',
          host.scenario('attacks', { steps: names.map((name) => probe(name, count)).join(''), head, also: ip6 }),
          '--yes',
          '--allow-disruptive',
          '--allow-new-macs',
          '--json',
          '--quiet',
          '--out',
          out,
        ]),
      );
      dump.kill('SIGINT');
      monitor.kill();
      await dumped;
      believed = (await monitored).stdout
        .split('\n')
        .flatMap((line) => /^fd00::20 .*lladdr (\S+)/.exec(line)?.[1] ?? []);
      received = host
        .run(`tcpdump -n -e -t -r ${file}`)
        .split('\n')
        .filter((line) => / > .*ethertype|802\.3/.test(line));
      after = host.shape();
      entered = await enteredIn(out);
      flooded = (JSON.parse(readFileSync(join(out, 'state/1-after.json'), 'utf8')) as HostState).fdb
        .filter(({ mac, port, state }) => mac.startsWith('06:') && port === guests.kali3.port && state !== 'permanent')
        .map(({ mac }) => mac); // the port's own may begin so too
    }, patient(300_000));

    it('enter the bridge at the port that they are to come from, as many as planned, at their rate', () => {
      expect(run.status, run.stderr).toBe(2);
      expect(
        (JSON.parse(run.stdout) as Result).steps.map(({ name, verdict, reasons }) => [name, verdict, reasons]),
      ).toEqual(names.map((name) => [name, 'broken', []]));
      expect(Object.fromEntries(names.map((name) => [name, kinds(name)]))).toEqual({
        'mac-flood': {
          'kali3 source-sweep': 2 * count,
          'kali2 raw': 2 * 3,
          'lan raw': count,
          'lan ipv4-udp': count,
          'kali2 arp': 2 * 3,
        },
        'ra-spoof': {
          'kali3 router-advertisement': count,
          'kali3 neighbour-advertisement': count,
          'kali2 neighbour-advertisement': 3,
          'kali2 arp': 3,
        },
        'dhcp-offer': { 'kali3 dhcp-offer': count },
        'igmp-query': { 'kali3 igmp-query': 2, 'lan ipv4-udp': count },
        'stp-root': { 'kali3 bpdu': 1 },
      });
      for (const step of names.keys()) {
        const probes = entered.filter((entered) => entered.step === step);
        for (const windowMs of [100, 1000])
          expect(maxWithin(probes, windowMs), `${names[step]}, ${windowMs} ms`).toBeLessThanOrEqual(
            (rate * windowMs) / 1000 + 2,
          );
      }
    });

    it('reach a guest as what they are called, every one, from the MAC of the guest that attacks', () => {
      const { kali3, lan, kali2 } = guests;
      expect(new Set(received.flatMap((line) => /^(06:\S+) > 06:/.exec(line)?.[1] ?? [])).size).toBe(2 * count);
      expect(arrived(new RegExp(`^${kali3.mac} > 33:33:00:00:00:01.*ICMP6, router advertisement`))).toBe(count);
      expect(
        arrived(new RegExp(`^${kali3.mac} > 33:33:00:00:00:01.*ICMP6, neighbor advertisement, tgt is fd00::20`)),
      ).toBe(count);
      expect(arrived(new RegExp(`^${kali3.mac} > ff:ff:ff:ff:ff:ff.*BOOTP/DHCP, Reply`))).toBe(count);
      expect(arrived(new RegExp(`^${kali3.mac} > 01:00:5e:00:00:01.*igmp query`))).toBe(2);
      expect(arrived(new RegExp(`^${kali3.mac} > 01:80:c2:00:00:00.*STP 802.1d, Config`))).toBe(1);
      expect(arrived(new RegExp(`^${lan.mac} > ${kali2.mac}.*(?:0x88b5|UDP)`))).toBe(2 * count);
    });

    it('are put right again: the owner of an address is believed, MACs that were invented are forgotten, nothing is left', async () => {
      expect(believed).toContain(guests.kali3.mac);
      expect(believed.at(-1)).toBe(guests.kali2.mac);
      expect(flooded).toHaveLength(2 * count); // they were learned, on the port of who attacked
      expect(after.replaceAll(/ mcast_querier_ipv4_(?:addr \S+|port \S+|other)/g, '')).toBe(before);
      expect(portsOf(guests.kali2.mac)).toEqual([guests.kali2.port]);
      expect(await answers()).toBe(0);
      expect(run.stderr).toMatch(/left behind on br0: nothing \(checked\)\n$/);
      expect(host.journals()).toEqual([]);
    });

    it('leave who asked for groups the querier, and its port a router port, for as long as the catalogue says', () => {
      expect(before).not.toContain('mcast_querier_ipv4_addr');
      expect(after).toContain(`mcast_querier_ipv4_addr ${guests.kali3.ip}`);
      const routers = host
        .run('bridge -d -s mdb show')
        .split('\n')
        .filter((line) => line.includes('router ports'));
      const [, port, left] = /: (\S+) +(\d+)\.\d+ temp/.exec(routers.join('\n')) ?? [];
      expect([routers.length, port]).toEqual([1, guests.kali3.port]);
      expect(Number(left)).toBeLessThanOrEqual(255);
      expect(run.stderr).toContain(
        'ends by itself, 255 s after the query unless mcast_querier_interval says otherwise: br0 takes kali3 for the querier and sends every group to its port\n',
      );
    });
  });

  it('arp-spoof: who believed it believes the owner at the end, also where it is interrupted', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    for (const [name, count] of [
      ['spoofed', 100],
      ['spoofed-cut', 5000],
    ] as const) {
      expect(await answers()).toBe(0); // the LAN has an entry to be overwritten
      const out = join(host.dir, name);
      const child = host.cli([
        'run',
        host.scenario(name, { steps: probe('arp-spoof', count), head }),
        '--yes',
        '--allow-disruptive',
        '--out',
        out,
      ]);
      const outcome = outcomeOf(child);
      await Promise.race([
        untilEvent(out, 'sent', patient(300_000)),
        outcome.then(({ stderr }) => Promise.reject(new Error(stderr))),
      ]);
      const believed = new Set<string>();
      for (let tries = 0; tries < patient(200) && !believed.has(guests.kali3.mac); tries += 1) {
        believed.add(await neighbour());
        await sleep(10);
      }
      expect([...believed]).toContain(guests.kali3.mac);
      if (count > 100) child.kill('SIGINT');
      expect((await outcome).status).toBe(count > 100 ? 130 : 2);
      expect(await neighbour()).toBe(guests.kali2.mac);
    }
  });
});
