import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { readTracedKernel } from '../../../src/system/capture/trace/trace.js';
import { kernel } from '../../support/lab/features.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';

const traced = readTracedKernel();
const holdProgram = fileURLToPath(new URL('../state/hold-program.py', import.meta.url));
const step = (probe: string, more = ''): string =>
  `  - { name: private, probe: { ${probe}, from: kali2, count: 40 }, expect: private${more} }\n`;
const flood = step('class: unknown-unicast');
const broadcast = step('class: broadcast, may_see: [lan]');
const trust = ', trust: [ { what: "BPF program *", reason: IDS, owner: ops } ]';
const probed = `ether saddr ${guests.kali2.mac}`;

/** Each has a guest that gets probes past its port, by a copy or by the LAN, and counts them itself. */
describe(
  'the kernel’s trace of probes past the ports',
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
    const dup = (name: string, from: string, to: string): readonly string[] => [
      `nsenter --net=${name} nft 'add table netdev t; add chain netdev t c { type filter hook ingress device "${from}" priority 0; }; add rule netdev t c dup to "${to}"'`,
    ];
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
    async function run(name: string, device: string, steps = flood, { more = '', match = probed } = {}) {
      const { mac, ip } = guests.spare;
      const file = host.scenario(name, {
        steps,
        more: `    spare: { bridge: br0, port: spare, mac: "${mac}", ip: ${ip}/24 }\n${more}`,
      });
      onHost(
        `nsenter --net=KALI3 nft 'add table netdev ear; add chain netdev ear c { type filter hook ingress device "${device}" priority 0; }; add rule netdev ear c ${match} counter'`,
      );
      const args = ['run', file, '--yes', '--json', '--trace', 'auto', '--out', join(host.dir, name)];
      const { status, stdout, stderr } = await outcomeOf(host.cli(args));
      const ear = host.run(['nsenter', `--net=${spaces.get('KALI3') ?? ''}`, 'nft', 'list', 'table', 'netdev', 'ear']);
      onHost('nsenter --net=KALI3 nft delete table netdev ear');
      if (stdout === '') throw new Error(stderr);
      const result: Result = JSON.parse(stdout);
      const [first] = result.steps;
      const heard = Number(/packets (\d+)/.exec(ear)?.[1]);
      expect(heard).toBeGreaterThanOrEqual(40);
      return {
        status,
        verdict: result.verdict,
        traced: first?.traced,
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

    /** A program copies what the sender sends to x0. */
    async function copying<T>(act: () => Promise<T>): Promise<T> {
      const words = [`--net=${host.netns}`, '/usr/bin/python3', holdProgram, 'clone', 'x0', 'vnet0'];
      const holder = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve, reject) => {
        holder.stdout.once('data', resolve);
        holder.once('close', reject);
      });
      try {
        return await act();
      } finally {
        holder.kill('SIGKILL');
        await new Promise((resolve) => holder.once('close', resolve));
      }
    }

    const second = [
      'ip link add x0 type veth peer name x1 netns KALI3',
      'ip link set x0 up',
      inside('KALI3', 'ip link set x1 up'),
    ];
    const joinLan = (...ports: readonly string[]) =>
      ports.map((port) => inside('LAN', `ip link set ${port} master sw up`));
    const leave = [inside('LAN', 'ip link set eth0 nomaster')];
    const bridgeOf = (...ports: readonly string[]): readonly string[] => [
      'ip link add br1 type bridge forward_delay 0 mcast_snooping 0',
      `for port in ${ports.join(' ')}; do ip link set $port master br1 up; done`,
      'ip link set br1 up',
    ];
    const nic = 'ip link add eth1 type veth peer name e1 netns LAN';
    const secondNic = [nic, ...second, ...bridgeOf('eth1', 'x0'), ...joinLan('eth0', 'e1')];
    const endNic = [...leave, 'ip link del br1', 'ip link del eth1', 'ip link del x0'];
    const tunnel = [
      'ip link add u0 type veth peer name u1 netns LAN',
      'ip link set u0 up',
      'ip address add 10.9.0.1/24 dev u0',
      inside('LAN', 'ip link set u1 up', 'ip address add 10.9.0.2/24 dev u1'),
      'ip link add vx0 type vxlan id 7 remote 10.9.0.2 local 10.9.0.1 dstport 4789',
    ];

    it.each([
      ['', [], []],
      [
        ', beside a rule that copies what no probe is like to another port',
        [
          `nft 'add table netdev t; add chain netdev t c { type filter hook ingress device "vnet0" priority 0; }; add rule netdev t c tcp dport 443 dup to "vnet4"'`,
        ],
        ['nft delete table netdev t'],
      ],
    ])('is not broken where the LAN hands on at a second NIC%s', { tags: 'all' }, async (text, make, end) => {
      const { verdict } = await beside([...secondNic, ...make], [...end, ...endNic], () =>
        run(`nic-${text.length}`, 'x1'),
      );
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where the LAN hands on at a second NIC, beside a program that reads packets on the host', {
      tags: 'all',
    }, async () => {
      const read =
        'import socket\nheard = socket.socket(17, 3, 768); heard.bind(("br0", 3)); print(flush=True)\nwhile True: heard.recv(2000)';
      const reader = spawn('nsenter', [`--net=${host.netns}`, '/usr/bin/python3', '-c', read], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => reader.stdout.once('data', resolve));
      try {
        const { verdict } = await beside(secondNic, endNic, () => run('nic-reader', 'x1'));
        expect(verdict).toBe('inconclusive');
      } finally {
        reader.kill('SIGKILL');
      }
    });

    it('is not broken where it has a NIC of the LAN in its own namespace', async () => {
      const make = [
        'nsenter --net=KALI3 ip link add nic type veth peer name e2 netns LAN',
        inside('KALI3', 'ip link set nic up'),
        ...joinLan('eth0', 'e2'),
      ];
      const end = [...leave, 'nsenter --net=KALI3 ip link del nic'];
      const { verdict } = await beside(make, end, () => run('own-nic', 'nic'));
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where a namespace with a bridge stands between a second NIC and it', {
      tags: 'all',
    }, async () => {
      const make = [
        nic,
        'ip link add f0 type veth peer name f1 netns BETWEEN',
        ...bridgeOf('eth1', 'f0'),
        'nsenter --net=BETWEEN ip link add g0 type veth peer name g1 netns KALI3',
        inside('KALI3', 'ip link set g1 up'),
        inside(
          'BETWEEN',
          'ip link add inner type bridge forward_delay 0 mcast_snooping 0',
          'for port in f1 g0; do ip link set $port master inner up; done',
          'ip link set inner up',
        ),
        ...joinLan('eth0', 'e1'),
      ];
      const end = [
        ...leave,
        'nsenter --net=BETWEEN ip link del inner',
        'ip link del br1',
        'ip link del eth1',
        'ip link del f0',
        'nsenter --net=BETWEEN ip link del g0',
      ];
      const { verdict } = await beside(make, end, () => run('between', 'g1'));
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where its bridge stands on a macvlan of a second NIC, and broadcasts come back', {
      tags: 'all',
    }, async () => {
      const macvlan = ['ip link set eth1 up', 'ip link add link eth1 name mv0 type macvlan mode bridge'];
      const make = [nic, ...macvlan, ...second, ...bridgeOf('mv0', 'x0'), ...joinLan('eth0', 'e1')];
      const { verdict } = await beside(make, endNic, () => run('on-macvlan', 'x1', broadcast));
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where it has a macvlan of its own, and broadcasts come back', { tags: 'all' }, async () => {
      const own = inside('KALI3', 'ip link add link x1 name m1 type macvlan mode bridge', 'ip link set m1 up');
      const { verdict } = await beside([...secondNic, own], endNic, () => run('own-macvlan', 'x1', broadcast));
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where the addressee sends on by a link of theirs', { tags: 'all' }, async () => {
      const make = [
        'nsenter --net=KALI3 ip link add p1 type veth peer name p0 netns SPARE',
        inside('KALI3', 'ip link set p1 up'),
        inside('SPARE', 'ip link set p0 up'),
        'bridge link set dev spare isolated off',
        ...dup('SPARE', 'eth0', 'p0'),
      ];
      const end = [
        'nsenter --net=SPARE nft delete table netdev t',
        'nsenter --net=SPARE ip link del p0',
        'bridge link set dev spare isolated on',
      ];
      const steps = step('class: known-unicast, to: spare');
      const { verdict } = await beside(make, end, () => run('own-link', 'p1', steps));
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where a tunnel leads to the LAN', { tags: 'all' }, async () => {
      const far = ['ip link add vx1 type vxlan id 7 remote 10.9.0.1 local 10.9.0.2 dstport 4789', 'ip link set vx1 up'];
      const make = [...tunnel, inside('LAN', ...far), ...second, ...bridgeOf('vx0', 'x0'), ...joinLan('eth0', 'vx1')];
      const end = [
        ...leave,
        'nsenter --net=LAN ip link del vx1',
        'ip link del br1',
        'ip link del vx0',
        'ip link del u0',
        'ip link del x0',
      ];
      const { verdict } = await beside(make, end, () => run('by-tunnel', 'x1'));
      expect(verdict).toBe('inconclusive');
    });

    it('is not broken where a port of a second NIC gets a copy for each member of a group', {
      tags: 'all',
    }, async () => {
      const reports = `
import socket, struct
def whole(octets, at):
    total = sum(struct.unpack(f'>{len(octets) // 2}H', octets))
    total = (total >> 16) + (total & 0xffff)
    return octets[:at] + struct.pack('>H', ~(total + (total >> 16)) & 0xffff) + octets[at + 2:]
group, out = socket.inet_aton('239.1.2.3'), socket.socket(17, 3, 0)
out.bind(('x1', 0))
for n in 1, 2:
    igmp = whole(struct.pack('>BBH', 0x16, 0, 0) + group, 2)
    address = socket.inet_aton(f'192.168.0.9{n}') + group
    ip = whole(struct.pack('>BBHHHBBH', 0x46, 0xc0, 32, 0, 0, 1, 2, 0) + address + bytes([0x94, 4, 0, 0]), 10)
    out.send(bytes([1, 0, 0x5e, 1, 2, 3, 2, 0, 0, 0, 9, n, 8, 0]) + ip + igmp)
`;
      const snooping = 'mcast_snooping 1 mcast_igmp_version 2 mcast_query_response_interval 50';
      const make = [
        ...secondNic,
        `ip link set br1 type bridge ${snooping}`,
        'ip link set br1 type bridge mcast_querier 1',
        'bridge link set dev x0 mcast_to_unicast on',
        'sleep 2',
        `nsenter --net=KALI3 /usr/bin/python3 - <<'END'\n${reports}\nEND`,
        'test "$(bridge mdb show dev br1 | grep -c "port x0 grp 239.1.2.3")" = 2',
      ];
      const steps = step('class: multicast, group: 239.1.2.3, carriers: [ipv4-udp], may_see: [lan]');
      const { verdict } = await beside(make, endNic, () => run('each-member', 'x1', steps));
      expect(verdict).toBe('inconclusive');
    });

    it('does not hold where what a rule copies to it stands in a tunnel', { tags: 'all' }, async () => {
      const copy = `nft 'add table netdev t; add chain netdev t c { type filter hook egress device "u0" priority 0; }; add rule netdev t c dup to "x0"'`;
      const make = [...second, ...tunnel, 'ip link set vx0 master br0 up', copy];
      const end = ['nft delete table netdev t', 'ip link del x0', 'ip link del vx0', 'ip link del u0'];
      const more = '    overlay: { bridge: br0, port: vx0, mac: "02:00:00:00:00:78", role: uplink }\n';
      const { verdict } = await beside(make, end, () => run('tunnel', 'x1', flood, { more, match: 'udp dport 4789' }));
      expect(verdict).not.toBe('holds');
    });

    it('does not hold where a program copies to it and the addressee sends the frames back', {
      tags: 'all',
    }, async () => {
      const steps = step('class: known-unicast, to: spare', trust);
      const make = [
        ...second,
        'bridge link set dev spare isolated off learning off',
        `bridge fdb replace ${guests.spare.mac} dev spare master static`,
      ];
      const end = [
        'ip link del x0',
        'bridge link set dev spare isolated on learning on',
        'nsenter --net=SPARE nft delete table netdev t',
      ];
      const without = await beside(make, end, () => copying(() => run('heard', 'x1', steps)));
      const answer = dup('SPARE', 'eth0', 'eth0');
      const { verdict } = await beside([...make, ...answer], end, () => copying(() => run('sent-back', 'x1', steps)));
      expect(without.verdict).toBe('broken');
      expect(verdict).not.toBe('holds');
    });

    it('does not hold where a program copies to it and it has two ports', async () => {
      const [steps, mac] = [step('class: unknown-unicast', trust), '02:00:00:00:00:77'];
      const port = [
        `ip link add z0 type veth peer name z1 address ${mac} netns KALI3`,
        'ip link set z0 master br0 up',
        'bridge link set dev z0 isolated on',
        inside('KALI3', 'ip link set z1 up'),
      ];
      const more = `    second: { bridge: br0, port: z0, mac: "${mac}" }\n`;
      const end = ['ip link del x0', 'ip link del z0'];
      const without = await beside(second, end, () => copying(() => run('one-port', 'x1', steps)));
      const { verdict } = await beside([...second, ...port], end, () =>
        copying(() => run('two-ports', 'x1', steps, { more })),
      );
      expect(without.verdict).toBe('broken');
      expect(verdict).not.toBe('holds');
    });
  },
);
