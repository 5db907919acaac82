import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ForeignReport } from '../../../src/core/judge/foreign/report.js';
import { guests, type Outcome, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { file, needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { patient } from '../../support/patient.js';

const reports = ({ stdout }: Outcome): readonly ForeignReport[] =>
  (JSON.parse(stdout) as { listeners: ForeignReport[] }).listeners;

describe('listen', needs(root), () => {
  const host = shared(throwAwayHost);

  /** The program, while kali2 and the LAN talk. */
  async function listen(args: readonly string[], inside = true): Promise<Outcome> {
    const ping = host.start('kali2', `ping -i 0.05 -w 20 ${guests.lan.ip}`);
    const outcome = await outcomeOf(host.cli(['listen', '--for', '1s', ...args], inside));
    ping.kill();
    return outcome;
  }

  it('says that there was nothing to hear where nobody talked', async () => {
    // First of all: who talked to somebody asks some seconds later whether he is still there.
    const heard = await outcomeOf(host.cli(['listen', '--for', '300ms', '--port', 'spare']));
    expect([heard.status, heard.stdout]).toEqual([3, expect.stringContaining('(nothing-to-hear)')]);
  });

  it('names a program of the host that reads at a port, first and in one last line, but not at another port', async () => {
    const reader = spawn('nsenter', [`--net=${host.netns}`, 'tcpdump', '-i', 'vnet4', '-w', '/dev/null']);
    try {
      await once(reader.stderr, 'data'); // it listens
      const { status, stdout } = await listen(['--quiet']);
      expect([status, stdout]).toEqual([2, expect.stringMatching(/^READER: packet socket on vnet4, held by tcpdump /)]);
      expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^FOUND: 1 reader on this host; .*; exit status 2$/);
      const beside = await listen(['--quiet', '--port', 'vnet0', '--json']);
      expect(JSON.parse(beside.stdout)).toMatchObject({ readers: [] });
    } finally {
      reader.kill();
    }
  });

  it('finds nothing at a guest of a switch while others talk, and changes nothing', async () => {
    const before = host.shape();
    // which shows that this ear hears
    const process = host.start('kali3', `ping -i 0.05 -w 20 ${guests.lan.ip}`);
    const heard = await listen(['--port', 'vnet4', '--json', '--quiet']);
    process.kill();
    expect({
      status: heard.status,
      stderr: heard.stderr,
      reasons: reports(heard).flatMap(({ reasons }) => reasons),
    }).toEqual({ status: 0, stderr: '', reasons: [] });
    const [kali3, ...others] = reports(heard);
    expect(others).toEqual([]);
    expect(kali3).toMatchObject({ listener: 'vnet4', macs: [guests.kali3.mac], found: false, reasons: [], pairs: [] });
    expect(host.shape()).toBe(before);
  });

  it('takes a MAC for that of the guest who had it for a while, though no snapshot has it there', {
    ...needs(file('/usr/bin/python3')),
    tags: 'all',
  }, async () => {
    const wandering = '02:00:00:00:00:77';
    const say = (from: string, to: string): string =>
      `import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); s.bind(('eth0', 0)); s.send(bytes.fromhex('${`${to}${from}`.replaceAll(':', '')}' + '88b5') + bytes(46))`;
    const speak = async (guest: 'kali2' | 'kali3' | 'spare', from: string, to: string): Promise<unknown> =>
      outcomeOf(host.start(guest, ['/usr/bin/python3', '-c', say(from, to)]));
    const child = host.cli(['listen', '--for', '8s', '--port', 'vnet4', '--json']);
    const heard = outcomeOf(child);
    await new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()));
    const ping = host.start('kali2', `ping -i 0.05 -w 20 ${guests.lan.ip}`);
    await sleep(patient(1500));
    await speak('kali3', wandering, 'ff:ff:ff:ff:ff:ff');
    await speak('kali2', guests.kali2.mac, wandering);
    await speak('spare', wandering, 'ff:ff:ff:ff:ff:ff');
    const outcome = await heard;
    ping.kill();
    expect(reports(outcome)[0]).toMatchObject({ listener: 'vnet4', found: false, pairs: [] });
    expect(reports(outcome)[0]?.macs).toContain(wandering);
  });

  it('is not certain of a guest that has the MAC of another at the end', needs(file('/usr/bin/python3')), async () => {
    const child = host.cli(['listen', '--for', '4s', '--port', 'spare', '--json']);
    const heard = outcomeOf(child);
    await new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()));
    const ping = host.start('kali2', `ping -i 0.05 -w 20 ${guests.lan.ip}`);
    const spoof = host.start('spare', [
      '/usr/bin/python3',
      '-c',
      `import socket, time; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); s.bind(('eth0', 0))
while 1: s.send(bytes.fromhex('ffffffffffff${guests.kali3.mac.replaceAll(':', '')}88b5') + bytes(46)); time.sleep(0.05)`,
    ]);
    const outcome = await heard;
    for (const process of [ping, spoof]) process.kill();
    expect([outcome.status, reports(outcome)[0]?.reasons.map(({ code }) => code)]).toEqual([3, ['mac-moved']]);
    await outcomeOf(host.start('kali3', `ping -c 1 ${guests.lan.ip}`));
  });

  it('hears both directions at every guest of a hub, and the captures that it keeps say the same when they are replayed', async () => {
    host.run('ip link set dev br0 type bridge ageing_time 0');
    const out = join(host.dir, 'heard');
    const heard = await listen(
      ['--netns', host.netns, '--json', '--out', out, '--port', 'vnet4', '--port', 'spare'],
      false,
    );
    host.run('ip link set dev br0 type bridge ageing_time 30000');
    expect(heard.stderr).toBe('listening at 4 ports of "br0" for 1s; nothing is sent\n');
    expect(heard.status).toBe(2);
    const foreignReports = reports(heard);
    expect(foreignReports.map(({ listener, found }) => [listener, found])).toEqual([
      ['vnet4', true],
      ['spare', true],
    ]);
    // A hub has nobody's MAC on record: those who talk are known by what they say.
    for (const { listener, pairs } of foreignReports) {
      const [pair] = pairs;
      expect(new Set([pair?.a, pair?.b])).toEqual(new Set(['vnet0', 'uplink']));
      expect(pair?.ways).toBe('both');
      expect(pair?.heard.every(({ frames, protocols }) => frames > 5 && protocols[0]?.name === 'ICMP')).toBe(true);
      const capture = join(out, `${listener ?? ''}.pcapng`);
      const mac = listener === 'spare' ? guests.spare.mac : guests.kali3.mac;
      const again = await outcomeOf(host.cli(['replay', capture, '--mac', mac, '--json']));
      const counts = ({ heard: rows }: ForeignReport['pairs'][number]) =>
        rows
          .map(({ frames, octets: bytes, first, last, firstSighting }) => ({
            frames,
            octets: bytes,
            first,
            last,
            firstSighting,
          }))
          .sort((a, b) => (a.first < b.first ? -1 : 1));
      expect(reports(again)[0]?.pairs.slice(0, 1).map(counts)).toEqual(pairs.slice(0, 1).map(counts));
    }
    expect(readdirSync(out).sort()).toEqual(['spare.pcapng', 'uplink.pcapng', 'vnet0.pcapng', 'vnet4.pcapng']);
    for (const guest of ['kali2', 'kali3', 'spare'] as const)
      await outcomeOf(host.start(guest, `ping -c 1 ${guests.lan.ip}`));
  });

  it('ends early on a signal and tells what it heard until then', async () => {
    const child = host.cli(['listen', '--for', '10m', '--json']);
    const outcome = outcomeOf(child);
    await new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()));
    child.kill('SIGINT');
    const heard = await outcome;
    expect([heard.status, reports(heard).length]).toEqual([130, 4]);
    expect(existsSync(`/proc/${child.pid ?? 0}`)).toBe(false);
  });

  it.each([
    [['--for', 'ever'], 64],
    [['--bridge', 'br7'], 69],
    [['--port', 'vnet7'], 69],
  ])('refuses %j', async (args, status) => {
    const refused = await outcomeOf(host.cli(['listen', ...args]));
    expect([refused.status, refused.stdout]).toEqual([status, '']);
  });
});
