// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../support/needs.js';
import { guests } from '../../support/lab/throw-away-host.js';
import {
  besideProgram,
  inside,
  tracing,
  secondDevice as second,
  TraceHost,
  traceStep as step,
} from '../../support/lab/hosts/trace-host.js';

/** Sane hosts: each has a guest that rightly gets answers, or has two ports. */
describe('the kernel’s trace of a sane host', needs(...tracing), () => {
  let traced: TraceHost;
  beforeAll(() => {
    traced = new TraceHost();
  });
  afterAll(() => traced.close());
  const run = (...of: Parameters<TraceHost['run']>) => traced.run(...of);
  const beside = <T>(make: readonly string[], end: readonly string[], act: () => Promise<T>): Promise<T> =>
    traced.beside(make, end, act);
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
    const macOf = (tap: string): string => `02:00:00:00:01:0${taps.indexOf(tap)}`;
    const endpoints = taps.map(
      (tap, at) =>
        `    ${tap}: { bridge: br0, port: ${tap}, mac: "${macOf(tap)}", ip: 192.168.0.4${at}/24, owner: machine }\n`,
    );
    return besideProgram([`--net=${traced.host.netns}`, '/usr/bin/python3', '-c', code], () => {
      for (const tap of taps)
        traced.shell(`ip link set ${tap} master br0 up`, `bridge fdb replace ${macOf(tap)} dev ${tap} master static`);
      return act(endpoints.join(''));
    });
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
    const more = `    second: { bridge: br0, port: z0, mac: "${mac}" }\n`;
    const reader = [`--net=${traced.space('KALI3')}`, '/usr/bin/python3', '-c', read];
    const { verdict } = await besideProgram(reader, () =>
      beside(make, ['ip link del z0', shut('vnet4')], () =>
        run('two-ports-read', 'eth0', step('class: known-unicast, to: kali3'), { more }),
      ),
    );
    expect(verdict).toBe('holds');
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

  it('holds where a container is the addressee’s router and gets its ICMP errors', async () => {
    const { kali3 } = guests;
    const make = [
      open('spare'),
      inside(
        'SPARE',
        'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit',
        `ip neigh replace ${kali2.ip} lladdr ${kali3.mac} dev eth0 nud permanent`,
      ),
    ];
    const end = [shut('spare'), `nsenter --net=SPARE ip neigh del ${kali2.ip} dev eth0`];
    const { verdict } = await beside(make, end, () =>
      run('container-router', 'eth0', step('class: known-unicast, to: spare'), {
        match: 'ip protocol icmp',
        least: 20,
      }),
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
});
