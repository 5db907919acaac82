import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, fstatSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTrace, readTracedKernel, type Trace, type TracedRow } from '../../../src/system/capture/trace/trace.js';
import { type Sender } from '../../../src/system/inject/sender.js';
import { startSender } from '../../../src/system/inject/helper.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { wordsOf } from '../../support/lab/throw-away.js';
import { needs, root } from '../../support/needs.js';
import { frames } from '../../support/lab/test-network.js';

const kernel = readTracedKernel();
const python = '/usr/bin/python3';
const count = 20;
/** Of this file alone: a trace sees all namespaces, so frames of tests that run beside it too. */
const runTag = 0x7ace0001;
const guests = ['g1', 'g2', 'g3'] as const;
const macs = { g1: '02:00:00:00:00:01', g2: '02:00:00:00:00:02', g3: '02:00:00:00:00:03' } as const;

/** A network namespace without a name. */
class Space {
  readonly fd = newNamespace(disableIpv6);

  get number(): number {
    return fstatSync(this.fd).ino;
  }

  get path(): string {
    return `/proc/self/fd/${this.fd}`;
  }

  run(...command: readonly string[]): string {
    const [program = '', ...words] = wordsOf(command);
    return inNamespaceFd(this.fd, () => execFileSync(program, words, { encoding: 'utf8' }));
  }

  /** Devices by number, with their names and what they count themselves. */
  devices(): ReadonlyMap<number, { readonly name: string; readonly sent: number; readonly received: number }> {
    const links: readonly {
      readonly ifindex: number;
      readonly ifname: string;
      readonly stats64: { readonly rx: { readonly packets: number }; readonly tx: { readonly packets: number } };
    }[] = JSON.parse(this.run('ip -j -s link'));
    return new Map(
      links.map(({ ifindex, ifname, stats64: { rx, tx } }) => [
        ifindex,
        { name: ifname, sent: tx.packets, received: rx.packets },
      ]),
    );
  }
}

/** Packets by place and device, as `transmit eth0 of g1`. */
type Seen = Readonly<Record<string, number>>;

describe('the trace of a step', needs(root, typeof kernel === 'string' ? kernel : null), () => {
  const spaces = new Map<string, Space>();
  let sender: Sender;
  const space = (name: string): Space => {
    const found = spaces.get(name);
    if (found === undefined) throw new Error(`no namespace ${name}`);
    return found;
  };

  beforeAll(async () => {
    for (const name of ['host', 'elsewhere', ...guests]) spaces.set(name, new Space());
    const host = space('host');
    host.run('ip link add br0 type bridge mcast_snooping 0');
    host.run('ip link set br0 up');
    for (const guest of guests) {
      const port = guest.replace('g', 'p');
      host.run(`ip link add ${port} type veth peer name eth0 netns /proc/${process.pid}/fd/${space(guest).fd}`);
      space(guest).run(`ip link set eth0 address ${macs[guest]} up`);
      host.run(`ip link set ${port} master br0 up`);
      host.run(`bridge fdb add ${macs[guest]} dev ${port} master static`);
    }
    sender = await startSender({ g1: { device: 'eth0', netns: space('g1').path } });
  });
  afterAll(async () => {
    await sender.stop();
    for (const { fd } of spaces.values()) closeSync(fd);
  });

  function start(changes: Partial<Parameters<typeof openTrace>[1]> = {}): Trace {
    if (typeof kernel === 'string') throw new Error(kernel);
    const trace = openTrace(kernel, { runTag, first: 0, count, longest: 200, ...changes });
    if (typeof trace === 'string') throw new Error(trace);
    return trace;
  }

  async function send(to: string): Promise<void> {
    const bytes = frames(count, 60, macs.g1, to, runTag);
    expect((await sender.send('g1', bytes, 60, null)).accepted).toBe(count);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  function byDevice(rows: readonly TracedRow[], place: TracedRow['place']): Seen {
    const seen: Record<string, number> = {};
    for (const row of rows.filter((of) => of.place === place)) {
      const [name, of] = [...spaces].find(([, { number }]) => number === row.netns) ?? ['?', null];
      const device = `${of?.devices().get(row.ifindex)?.name ?? '?'} of ${name}`;
      seen[device] = (seen[device] ?? 0) + row.count;
      expect(row.tokens.reduce((sum, token) => sum + token, 0)).toBe(Math.min(count, row.count));
    }
    return seen;
  }

  /** The devices' own counters meanwhile. */
  async function counted(act: () => Promise<void>): Promise<{ readonly sent: Seen; readonly received: Seen }> {
    const read = () =>
      [...spaces].flatMap(([name, of]) => [...of.devices().values()].map((device) => ({ ...device, of: name })));
    const before = read();
    await act();
    const changed = (key: 'sent' | 'received'): Seen =>
      Object.fromEntries(
        read().flatMap((device) => {
          const earlier = before.find(({ name, of }) => name === device.name && of === device.of)?.[key] ?? 0;
          return device[key] === earlier ? [] : [[`${device.name} of ${device.of}`, device[key] - earlier]];
        }),
      );
    return { sent: changed('sent'), received: changed('received') };
  }

  test('sees the devices of a probe that its bridge knows, as these count them, and where it ends', async () => {
    const trace = start();
    const { sent } = await counted(() => send(macs.g2));
    const { rows, open, tallies, missed } = trace.end();
    expect(byDevice(rows, 'transmit')).toEqual({ 'eth0 of g1': count, 'p2 of host': count });
    expect(byDevice(rows, 'transmit')).toEqual(sent);
    expect(byDevice(rows, 'receive')).toEqual({ 'p1 of host': count, 'eth0 of g2': count });
    expect(byDevice(rows, 'drop')).toEqual({ 'eth0 of g2': count });
    expect({ open, missed, full: tallies.tableFull + tallies.ledgerFull, xdp: tallies.xdp }).toEqual({
      open: {},
      missed: 0,
      full: 0,
      xdp: 0,
    });
  });

  test('sees every copy of a flood', async () => {
    const trace = start();
    const { sent, received } = await counted(() => send('ff:ff:ff:ff:ff:ff'));
    const { rows, open } = trace.end();
    expect(byDevice(rows, 'transmit')).toEqual(sent);
    expect(byDevice(rows, 'transmit')).toEqual({ 'eth0 of g1': count, 'p2 of host': count, 'p3 of host': count });
    expect(byDevice(rows, 'receive')).toEqual(received);
    expect(open).toEqual({});
  });

  test('sees what a rule copies to a device of another namespace, which no port of the bridge leads to', async () => {
    const host = space('host');
    host.run(`ip link add out type veth peer name in netns /proc/${process.pid}/fd/${space('elsewhere').fd}`);
    host.run('ip link set out up');
    space('elsewhere').run('ip link set in up');
    host.run('tc qdisc add dev p1 clsact');
    const mirror = 'protocol all u32 match u32 0 0 action mirred egress mirror dev out';
    host.run(`tc filter add dev p1 ingress ${mirror}`);
    const trace = start();
    await send(macs.g2);
    const { rows } = trace.end();
    host.run('ip link del out');
    host.run('tc qdisc del dev p1 clsact');
    const mirrored = (place: TracedRow['place']): number =>
      rows
        .filter((row) => row.place === place && row.netns === space('elsewhere').number)
        .reduce((sum, row) => sum + row.count, 0);
    expect(byDevice(rows, 'transmit')).toMatchObject({ 'p2 of host': count });
    expect(mirrored('receive')).toBe(count);
  });

  test('names the process that reads from a packet socket', async () => {
    const reader = await startReader(space('g3'));
    const trace = start();
    await send('ff:ff:ff:ff:ff:ff');
    const { rows } = trace.end();
    reader.kill();
    expect(rows.filter(({ place }) => place === 'read').map(({ pid, count: packets }) => [pid, packets])).toEqual([
      [reader.pid, count],
    ]);
  });

  test('looks for the tokens of its own step alone, and not in frames longer than its own', async () => {
    const later = start({ first: count - 5, count: 100 });
    const shorter = start({ longest: 40 });
    const otherRun = start({ runTag: runTag + 1 });
    await send(macs.g2);
    const sent = later.end().rows.filter(({ place }) => place === 'transmit');
    expect(sent.map((row) => [row.count, row.tokens.indexOf(1), row.tokens.lastIndexOf(1)])).toEqual([
      [5, 0, 4],
      [5, 0, 4],
    ]);
    expect([shorter.end().rows, otherRun.end().rows]).toEqual([[], []]);
  });
});

/** Python that reads packets of the namespace until it is killed. */
async function startReader(of: Space): Promise<ChildProcess> {
  const read = `
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
print('ready', flush=True)
while True: s.recv(2048)
`;
  const reader = inNamespaceFd(of.fd, () => spawn(python, ['-c', read], { stdio: ['ignore', 'pipe', 'inherit'] }));
  await new Promise<void>((resolve) => reader.stdout.once('data', () => resolve()));
  return reader;
}
