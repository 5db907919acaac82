// @module-tag all
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { readTracedKernel } from '../../../src/system/capture/trace/trace.js';
import { kernel } from '../../support/lab/features.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';

const traced = readTracedKernel();
const step = (probe: string): string =>
  `  - { name: private, probe: { ${probe}, from: kali2, count: 40 }, expect: private }\n`;
const flood = step('class: unknown-unicast');
const probed = `ether saddr ${guests.kali2.mac}`;

/** Sane hosts: each has a guest that rightly gets answers, or has two ports. */
describe(
  'the kernel’s trace of a sane host',
  needs(root, typeof traced === 'string' ? traced : null, kernel("nft's family netdev")),
  () => {
    let host: ThrowAwayHost;
    const children: ReturnType<ThrowAwayHost['start']>[] = [];
    const spaces = new Map<string, string>();
    const onHost = (...commands: readonly string[]): void => {
      const text = commands.join('\n').replaceAll(/\b(LAN|KALI3|SPARE|BETWEEN)\b/g, (name) => spaces.get(name) ?? '');
      host.run(['sh', '-ec', text]);
    };
    const inside = (name: string, ...commands: readonly string[]): string =>
      `nsenter --net=${name} sh -ec '${commands.join('; ')}'`;
    beforeAll(() => {
      host = throwAwayHost();
      for (const name of ['lan', 'kali3', 'spare'] as const) {
        const child = host.start(name, 'sleep 3600');
        children.push(child);
        spaces.set(name.toUpperCase(), `/proc/${child.pid ?? 0}/ns/net`);
      }
      const between = host.start('spare', 'unshare --net sleep 3600');
      children.push(between);
      spaces.set('BETWEEN', `/proc/${between.pid ?? 0}/ns/net`);
      onHost(
        'for port in vnet0 vnet4 spare; do bridge link set dev $port isolated on; done',
        inside('LAN', 'ip link add sw type bridge forward_delay 0 mcast_snooping 0', 'ip link set sw up'),
      );
    });
    afterAll(() => {
      for (const child of children) child.kill();
      host.close();
    });

    /** The run's answer, and how many frames came in at a device of the third guest, by a rule of its own. */
    async function run(
      name: string,
      device: string,
      steps = flood,
      { more = '', match = probed, trace = 'auto', least = 40 } = {},
    ) {
      const { mac, ip } = guests.spare;
      const file = host.scenario(name, {
        steps,
        more: `    spare: { bridge: br0, port: spare, mac: "${mac}", ip: ${ip}/24 }\n${more}`,
      });
      onHost(
        `nsenter --net=KALI3 nft 'add table netdev ear; add chain netdev ear c { type filter hook ingress device "${device}" priority 0; }; add rule netdev ear c ${match} counter'`,
      );
      const args = ['run', file, '--yes', '--json', '--trace', trace, '--out', join(host.dir, name)];
      const { status, stdout, stderr } = await outcomeOf(host.cli(args));
      const ear = host.run(['nsenter', `--net=${spaces.get('KALI3') ?? ''}`, 'nft', 'list', 'table', 'netdev', 'ear']);
      onHost('nsenter --net=KALI3 nft delete table netdev ear');
      if (stdout === '') throw new Error(stderr);
      const result: Result = JSON.parse(stdout);
      const [first] = result.steps;
      const heard = Number(/packets (\d+)/.exec(ear)?.[1]);
      expect(heard).toBeGreaterThanOrEqual(least);
      return {
        status,
        verdict: result.verdict,
        heard,
        traced: first?.traced,
        texts: first?.reasons.map(({ text }) => text),
        reasons: first?.reasons.map(({ code }) => code),
      };
    }

    async function beside<T>(make: readonly string[], end: readonly string[], act: () => Promise<T>): Promise<T> {
      try {
        onHost(...make);
        return await act();
      } finally {
        onHost('set +e', ...end, 'true');
      }
    }

    const second = [
      'ip link add x0 type veth peer name x1 netns KALI3',
      'ip link set x0 up',
      inside('KALI3', 'ip link set x1 up'),
    ];
    /** A process that holds taps and reads them, as a virtual machine's does. */
    async function machine<T>(taps: readonly string[], act: (endpoints: string) => Promise<T>): Promise<T> {
      const code = `
import fcntl, os, select, struct
taps = []
for name in ${JSON.stringify(taps)}:
    taps.append(os.open('/dev/net/tun', os.O_RDWR))
    fcntl.ioctl(taps[-1], 0x400454ca, struct.pack('16sH22x', name.encode(), 0x1002))
print(flush=True)
while True:
    for tap in select.select(taps, [], [])[0]: os.read(tap, 4000)
`;
      const words = [`--net=${host.netns}`, '/usr/bin/python3', '-c', code];
      const reader = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => reader.stdout.once('data', resolve));
      const macOf = (tap: string): string => `02:00:00:00:01:0${taps.indexOf(tap)}`;
      try {
        for (const tap of taps)
          onHost(`ip link set ${tap} master br0 up`, `bridge fdb replace ${macOf(tap)} dev ${tap} master static`);
        const endpoints = taps.map(
          (tap, at) =>
            `    ${tap}: { bridge: br0, port: ${tap}, mac: "${macOf(tap)}", ip: 192.168.0.4${at}/24, owner: machine }\n`,
        );
        return await act(endpoints.join(''));
      } finally {
        reader.kill('SIGKILL');
        await new Promise((resolve) => reader.once('close', resolve));
      }
    }

    const { kali2 } = guests;
    const open = (port: string): string => `bridge link set dev ${port} isolated off`;
    const shut = (port: string): string => `bridge link set dev ${port} isolated on`;

    it('holds where a machine has two taps', async () => {
      const { verdict } = await machine(['tap0', 'tap1'], (more) =>
        run('two-taps', 'eth0', step('class: known-unicast, to: tap0'), { more, least: 0 }),
      );
      expect(verdict).toBe('holds');
    });

    it('holds where a guest with two ports reads packets', async () => {
      const mac = '02:00:00:00:00:77';
      const make = [
        `ip link add z0 type veth peer name z1 address ${mac} netns KALI3`,
        'ip link set z0 master br0 up',
        inside('KALI3', 'ip link set z1 up'),
        `bridge fdb replace ${mac} dev z0 master static`,
        open('vnet4'),
      ];
      const read = 'import socket\nheard = socket.socket(17, 3, 768); print(flush=True)\nwhile True: heard.recv(2000)';
      const words = [`--net=${spaces.get('KALI3') ?? ''}`, '/usr/bin/python3', '-c', read];
      const reader = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => reader.stdout.once('data', resolve));
      try {
        const more = `    second: { bridge: br0, port: z0, mac: "${mac}" }\n`;
        const { verdict } = await beside(make, ['ip link del z0', shut('vnet4')], () =>
          run('two-ports-read', 'eth0', step('class: known-unicast, to: kali3'), { more }),
        );
        expect(verdict).toBe('holds');
      } finally {
        reader.kill('SIGKILL');
      }
    });

    it('holds where a machine is the addressee’s router and gets its ICMP errors', async () => {
      const way = (mac: string): string =>
        inside(
          'SPARE',
          `ip neigh replace 192.168.0.40 lladdr ${mac} dev eth0 nud permanent`,
          `ip route add ${kali2.ip}/32 via 192.168.0.40`,
        );
      const end = [shut('spare'), `nsenter --net=SPARE ip route del ${kali2.ip}/32`];
      const { verdict } = await machine(['tap0'], (more) =>
        beside([open('spare'), way('02:00:00:00:01:00')], end, () =>
          run('router', 'eth0', step('class: known-unicast, to: spare'), { more, least: 0 }),
        ),
      );
      expect(verdict).toBe('holds');
    });

    it.each([
      ['ICMP errors', '', 0, 'holds'],
      // They stand as they were sent
      ['echo replies', ', carriers: [ipv4-icmp]', 40, 'inconclusive'],
    ] as const)(
      'is not broken where the addressee’s %s come by another network that the host routes',
      async (text, carriers, least, wanted) => {
        const make = [
          ...second,
          'ip link add m0 type veth peer name m1 netns SPARE',
          'ip link set m0 up',
          'ip address add 10.8.0.1/24 dev m0',
          inside(
            'SPARE',
            'ip link set m1 up',
            'ip address add 10.8.0.2/24 dev m1',
            `ip route add ${kali2.ip}/32 via 10.8.0.1`,
          ),
          'ip address add 10.9.0.1/24 dev x0',
          inside('KALI3', 'ip address add 10.9.0.2/24 dev x1'),
          `ip route add ${kali2.ip}/32 via 10.9.0.2`,
          'echo 1 > /proc/sys/net/ipv4/ip_forward',
          open('spare'),
        ];
        const end = ['ip link del x0', 'ip link del m0', 'echo 0 > /proc/sys/net/ipv4/ip_forward', shut('spare')];
        const { verdict } = await beside(make, end, () =>
          run(text.replace(' ', '-'), 'x1', step(`class: known-unicast, to: spare${carriers}`), {
            match: 'ip protocol icmp',
            least,
          }),
        );
        expect(verdict).toBe(wanted);
      },
    );
  },
);
