import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../support/needs.js';
import { guests } from '../../support/lab/throw-away-host.js';
import {
  besideProgram,
  holdingWords,
  inside,
  tracing,
  secondDevice as second,
  TraceHost,
  traceStep as step,
} from '../../support/lab/hosts/trace-host.js';

const flood = step('class: unknown-unicast');
const broadcast = step('class: broadcast, may_see: [lan]');
const trust = ', trust: [ { what: "BPF program *", reason: IDS, owner: ops } ]';

/** Each has a guest that gets probes past its port, by a copy or by the LAN, and counts them itself. */
describe('the kernel’s trace of probes past the ports', needs(...tracing), () => {
  let traced: TraceHost;
  beforeAll(() => {
    traced = new TraceHost();
  });
  afterAll(() => traced.close());
  const run = (name: string, device: string, steps = flood, more: Parameters<TraceHost['run']>[3] = {}) =>
    traced.run(name, device, steps, more);
  const beside = <T>(make: readonly string[], end: readonly string[], act: () => Promise<T>): Promise<T> =>
    traced.beside(make, end, act);
  /** A program copies what the sender sends to x0. */
  const copying = <T>(act: () => Promise<T>): Promise<T> =>
    besideProgram(holdingWords(traced.host, 'clone', 'x0', 'vnet0'), act);
  const dup = (name: string, from: string, to: string): readonly string[] => [
    `nsenter --net=${name} nft 'add table netdev t; add chain netdev t c { type filter hook ingress device "${from}" priority 0; }; add rule netdev t c dup to "${to}"'`,
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
    const reader = [`--net=${traced.host.netns}`, '/usr/bin/python3', '-c', read];
    const { verdict } = await besideProgram(reader, () => beside(secondNic, endNic, () => run('nic-reader', 'x1')));
    expect(verdict).toBe('inconclusive');
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

  it('is broken where a program copies to it and it gets the addressee’s ICMP errors', async () => {
    const { kali2, kali3 } = guests;
    const make = [
      ...second,
      'bridge link set dev spare isolated off',
      inside(
        'SPARE',
        'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit',
        `ip neigh replace ${kali2.ip} lladdr ${kali3.mac} dev eth0 nud permanent`,
      ),
    ];
    const end = [
      'ip link del x0',
      'bridge link set dev spare isolated on',
      `nsenter --net=SPARE ip neigh del ${kali2.ip} dev eth0`,
    ];
    const steps = step('class: known-unicast, to: spare, carriers: [ipv4-udp]', trust);
    const { verdict } = await beside(make, end, () => copying(() => run('errors', 'x1', steps)));
    expect(verdict).toBe('broken');
  });

  it('does not hold where a program copies to it and it has two ports', { tags: 'all' }, async () => {
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
});
