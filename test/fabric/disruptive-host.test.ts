import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disruptiveClasses, type ProbeClassName } from '../../src/model/scenario.js';
import type { Result } from '../../src/model/result.js';
import { enteredIn, mostWithin } from '../live/entered.js';
import { untilEvent } from '../live/program.js';
import { patient } from '../patient.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from './throw-away-host.js';

const head = 'allow_disruptive: true\n';
const rate = 100;
const probe = (name: ProbeClassName, count: number): string => {
  const to = ['igmp-query', 'stp-root'].includes(name) ? '' : name === 'gateway-steal' ? 'to: lan, via: kali2, ' : 'to: kali2, via: lan, ';
  const more = name === 'stp-root' ? '' : name === 'igmp-query' ? `group: 239.1.1.1, count: ${count}, ` : `count: ${count}, `;
  return `  - { name: ${name}, probe: { class: ${name}, from: kali3, ${/arp|ra-|dhcp|flood/.test(name) ? to.replace('via: lan, ', '') : to}${more}rate: ${rate} }, expect: separated }\n`;
};

describe.skipIf(process.getuid?.() !== 0)('on a host, probes that disturb guests', () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
  });
  afterAll(() => host.close());

  const portsOf = (mac: string): readonly string[] => host.run(['bridge', 'fdb', 'show', 'br', 'br0']).split('\n').flatMap((line) => (line.startsWith(mac) && line.includes('master br0') ? [/ dev (\S+)/.exec(line)?.[1] ?? ''] : []));
  const inGuest = async (guest: 'lan' | 'kali2', ...argv: readonly string[]): Promise<{ readonly status: number | null; readonly stdout: string }> => outcomeOf(host.start(guest, argv));
  const neighbour = async (): Promise<string> => /lladdr (\S+)/.exec((await inGuest('lan', 'ip', 'neigh', 'show', 'to', guests.kali2.ip)).stdout)?.[1] ?? '';
  const answers = async (): Promise<number | null> => (await inGuest('lan', 'ping', '-c', '3', '-i', '0.2', '-W', '2', guests.kali2.ip)).status;

  it('are refused, every class by its name, until the command line agrees too', async () => {
    const run = await outcomeOf(host.cli(['run', host.scenario('all', { steps: disruptiveClasses.map((name) => probe(name, 10)).join(''), head }), '--yes']));
    expect(run.status).toBe(64);
    for (const name of disruptiveClasses) expect(run.stderr).toContain(name);
  }, patient(30_000));

  it.each(['mac-steal', 'gateway-steal'] as const)('%s: at its rate, shown, and the owner has its entry again', async (name) => {
    const before = host.shape();
    const owner = name === 'mac-steal' ? guests.kali2 : guests.lan;
    const out = join(host.dir, name);
    const run = await outcomeOf(host.cli(['run', host.scenario(name, { steps: probe(name, 60), head }), '--yes', '--allow-disruptive', '--json', '--quiet', '--out', out]));
    expect(run.status, run.stderr).toBe(2);
    const thief = (JSON.parse(run.stdout) as Result).steps[0]?.findings.filter(({ observer }) => observer === 'kali3') ?? [];
    expect(thief.map(({ seen, leak }) => ({ all: seen >= 60, leak }))).toEqual([{ all: true, leak: true }, { all: true, leak: true }]);
    expect(portsOf(owner.mac)).toEqual([owner.port]);
    expect(await answers()).toBe(0);
    expect(host.shape()).toBe(before);
    const entered = await enteredIn(out);
    expect(entered).toHaveLength(2 * (5 + 60 + 3));
    for (const windowMs of [100, 1000]) expect(mostWithin(entered, windowMs), `${windowMs} ms`).toBeLessThanOrEqual((rate * windowMs) / 1000 + 2);
  }, patient(120_000));

  it('mac-steal that is interrupted in the middle: the owner has its entry again', async () => {
    const out = join(host.dir, 'interrupted');
    const child = host.cli(['run', host.scenario('interrupted', { steps: probe('mac-steal', 5000), head }), '--yes', '--allow-disruptive', '--out', out]);
    const outcome = outcomeOf(child);
    await untilEvent(out, 'sent', patient(60_000));
    for (let tries = 0; tries < patient(100) && portsOf(guests.kali2.mac).join() !== 'vnet4'; tries += 1) await sleep(20);
    expect(portsOf(guests.kali2.mac)).toEqual(['vnet4']); // stolen now
    child.kill('SIGINT');
    expect((await outcome).status).toBe(130);
    expect(portsOf(guests.kali2.mac)).toEqual(['vnet0']);
    expect(await answers()).toBe(0);
  }, patient(120_000));

  it('arp-spoof: who believed it believes the owner at the end, also where it is interrupted', async () => {
    for (const [name, count] of [['spoofed', 100], ['spoofed-cut', 5000]] as const) {
      expect(await answers()).toBe(0); // the LAN has an entry to be overwritten
      const out = join(host.dir, name);
      const child = host.cli(['run', host.scenario(name, { steps: probe('arp-spoof', count), head }), '--yes', '--allow-disruptive', '--out', out]);
      const outcome = outcomeOf(child);
      await Promise.race([untilEvent(out, 'sent', patient(60_000)), outcome.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
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
  }, patient(120_000));
});
