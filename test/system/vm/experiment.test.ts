// @module-tag all
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf } from '../../support/lab/throw-away-host.js';
import { lan, machines, startHost, type HostOfMachines, type MachineName } from './host-of-machines.js';
import { startSniffer, takeRecording } from './sniffer.js';
import type { GuestImage } from './virtual-machine.js';

/** By `npm run test:vm`. */
const image: GuestImage = JSON.parse(process.env['VERIFY_ISOLATION_GUESTS'] ?? 'null');
const count = 50;
/** What bridges the bridge gets every frame of it; that it hands on none of others is not shown but answered for. */
const trust =
  'trust: [ { what: packet socket of verify-isolation relay of another run, where: br0, reason: bridges br0 for winxp } ]';
/** The tool's probes, then what the guests themselves say to each other. */
const steps = (
  from: string,
  to: string,
): string => `  - { name: probes, probe: { class: known-unicast, from: ${from}, to: ${to}, both_ways: true, count: ${count} }, expect: private, ${trust} }
  - { name: guests' own traffic, listen: { for: 800ms }, expect: { verdict: holds, observers: kali3 }, ${trust} }
`;

interface Finding {
  readonly class: string;
  readonly from: string;
  readonly to: string;
  readonly observer: string;
  readonly seen: number;
}

/** What a run said of the taps, and what the same time was like inside kali3. */
interface Act {
  readonly exitCode: number | null;
  readonly last: string;
  readonly verdicts: readonly (string | null)[];
  /** Reasons, by code and observer. */
  readonly reasons: readonly string[];
  /** Probes on kali3's tap, raw and in UDP alike. */
  readonly onTheTap: Readonly<Record<string, number>>;
  /** Raw probes in kali3's own recording. */
  readonly inside: Readonly<Record<string, number>>;
  /** `replay` on kali3's recording: 2 = it heard others, 0 = it did not. */
  readonly insideCode: number | null;
  readonly overheard: readonly string[];
}

describe('the experiment on virtual machines under QEMU', () => {
  let host: HostOfMachines;
  beforeAll(async () => {
    host = await startHost(image);
  });
  afterAll(() => host?.close());

  const setBridge = (...words: readonly string[]): unknown =>
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', ...words]);
  const setPort = (port: string, ...words: readonly string[]): unknown =>
    host.run(['bridge', 'link', 'set', 'dev', port, ...words]);
  /** Who is where, without times. */
  const places = (): string =>
    host
      .run(['bridge', 'fdb', 'show', 'br', 'br0'])
      .split('\n')
      .filter((line) => !line.includes('permanent'))
      .map((line) => line.replace(/stale$/, ''))
      .sort()
      .join('\n');
  const talk = (guests: readonly MachineName[]): Promise<unknown> =>
    Promise.all(guests.map((guest) => host.guests[guest].run(`ping -c 1 -W 5 ${lan.ip}`)));

  /** Runs the steps on the host while `speaker` fetches pages from the LAN and kali3 records what it can. */
  async function act(name: string, speaker: 'kali2' | 'winxp'): Promise<Act> {
    const { guests } = host;
    await talk(speaker === 'winxp' ? ['kali2', 'kali3', 'winxp'] : ['kali2', 'kali3']);
    await startSniffer(guests.kali3);
    await talk(['kali3']); // an empty recording would prove nothing
    const before = places();
    await guests[speaker].run(
      `while :; do wget -q -O /dev/null http://${lan.ip}/ && echo page >>/tmp/pages; sleep 0.2; done & echo $! >/tmp/speaker`,
    );
    const run = await outcomeOf(
      host.cli([
        'run',
        host.scenario(name, steps(speaker, 'lan'), speaker === 'winxp'),
        '--yes',
        '--json',
        '--out',
        join(host.dir, name),
      ]),
    );
    expect(await guests[speaker].run('kill $(cat /tmp/speaker); cat /tmp/pages; rm /tmp/pages')).toContain('page');
    // an entry may have aged; none moved, and none came
    expect(before.split('\n')).toEqual(expect.arrayContaining(places().split('\n')));
    const recording = join(host.dir, `${name}.pcap`);
    await takeRecording(guests.kali3, recording);
    const judged = await outcomeOf(host.cli(['replay', recording, '--mac', machines.kali3.mac, '--json']));
    const { steps: judgedSteps } = JSON.parse(run.stdout);
    const findings: readonly Finding[] = judgedSteps[0].findings;
    const overheard: readonly { a: string; b: string; ways: string }[] = JSON.parse(judged.stdout).listeners[0].pairs;
    const recorded = (from: string, to: string): number =>
      parseInt(
        execFileSync(
          'tcpdump',
          ['--count', '-r', recording, `ether proto 0x88b5 and ether src ${from} and ether dst ${to}`],
          { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
        ),
        10,
      );
    const { mac } = machines[speaker];
    return {
      exitCode: run.status,
      last: run.stderr.trim().split('\n').at(-1) ?? '',
      verdicts: judgedSteps.map(({ verdict }: { verdict: string | null }) => verdict),
      reasons: judgedSteps.flatMap(({ reasons }: { reasons: { code: string; observer: string | null }[] }) =>
        reasons.map(({ code, observer }) => `${code} ${observer ?? ''}`),
      ),
      onTheTap: {
        out: Math.max(
          ...findings.filter((row) => row.observer === 'kali3' && row.from === speaker).map(({ seen }) => seen),
        ),
        back: Math.max(
          ...findings.filter((row) => row.observer === 'kali3' && row.to === speaker).map(({ seen }) => seen),
        ),
      },
      inside: { out: recorded(mac, lan.mac), back: recorded(lan.mac, mac) },
      insideCode: judged.status,
      overheard: overheard.map(({ a, b, ways }) => `${[a, b].sort().join(' ')} ${ways}`),
    };
  }
  const nothing = { out: 0, back: 0 };
  const nothingLeft = 'left behind on br0: nothing (checked)';
  const holds = {
    exitCode: 0,
    last: nothingLeft,
    verdicts: ['holds', 'holds'],
    reasons: [],
    onTheTap: nothing,
    inside: nothing,
    insideCode: 0,
    overheard: [],
  };

  it('without a file every guest is asked: ageing 30 s holds, ageing 0 is broken, with the fix', async () => {
    const answerOf = async (ageingTime: string): Promise<{ status: number | null; lines: readonly string[] }> => {
      setBridge('ageing_time', ageingTime);
      await talk(['kali2', 'kali3']);
      const run = await outcomeOf(host.cli(['run', '--yes', '--out', join(host.dir, `whole-${ageingTime}`)]));
      expect(run.stderr.trim().split('\n').at(-1)).toBe(nothingLeft);
      return { status: run.status, lines: run.stdout.trim().split('\n') };
    };
    const sound = await answerOf('3000');
    expect(sound.status, sound.lines.join('\n')).toBe(0);
    expect(sound.lines).toContainEqual(expect.stringMatching(/^HOLDS: known unicast between 3 guests is private\./));
    const hub = await answerOf('0');
    setBridge('ageing_time', '3000');
    expect(hub.status, hub.lines.join('\n')).toBe(2);
    // where the LAN's machine has just spoken, it is asked as well
    expect(hub.lines).toContainEqual(
      expect.stringMatching(
        /^BROKEN: (enp8s0 receives traffic between kali[23] and kali[23]|.*enp8s0.* receive each other's traffic)/,
      ),
    );
    expect(hub.lines).toContainEqual(expect.stringMatching(/fix +ip link set dev br0 type bridge ageing_time 30000/));
  });

  it('with ageing 30 s nobody overhears, neither on kali3’s tap nor inside kali3', async () => {
    expect(await act('switch', 'kali2')).toEqual(holds);
  });

  it('with ageing 0 kali3 overhears both directions, on its tap and inside', async () => {
    setBridge('ageing_time', '0');
    const hub = await act('hub', 'kali2').finally(() => setBridge('ageing_time', '3000'));
    expect(hub).toEqual({
      ...holds,
      exitCode: 2,
      verdicts: ['broken', 'broken'],
      onTheTap: { out: count, back: count },
      inside: { out: count, back: count },
      insideCode: 2,
      overheard: [`${lan.mac} ${machines.kali2.mac} both`],
    });
  });

  it('with br0 bridged by a promiscuous relay kali3 overhears what goes to the VMware guest, and flood off ends it', async () => {
    const relay = await host.bridgeTheBridge();
    try {
      expect(await act('bridged-bridge', 'winxp')).toEqual({
        ...holds,
        exitCode: 2,
        verdicts: ['broken', 'broken'],
        onTheTap: { out: 0, back: count },
        inside: { out: 0, back: count },
        insideCode: 2,
        overheard: [`${machines.winxp.mac} ${lan.mac} one`],
      });
      for (const port of [machines.kali2.tap, machines.kali3.tap]) setPort(port, 'flood', 'off');
      expect(await act('flood-off', 'winxp')).toEqual(holds);
    } finally {
      for (const port of [machines.kali2.tap, machines.kali3.tap]) setPort(port, 'flood', 'on');
      await relay.stop();
    }
  });

  it('enters through the tap: isolated taps keep kali2’s probes from kali3, and kali2 loses no answer of its own', async () => {
    await talk(['kali2', 'kali3']);
    for (const port of [machines.kali2.tap, machines.kali3.tap]) setPort(port, 'isolated', 'on');
    const pinging = host.guests.kali2.run(`ping -i 0.05 -c 60 -W 5 ${lan.ip}`);
    const separated = `  - { name: isolated, probe: [ { class: known-unicast, from: kali2, to: kali3, count: ${count}, rate: 100 }, { class: broadcast, from: kali2, count: ${count}, rate: 100, may_see: [lan] } ], expect: { may_see: [lan], must_see: [] } }\n`;
    const run = await outcomeOf(
      host.cli(['run', host.scenario('isolated', separated), '--yes', '--json', '--out', join(host.dir, 'isolated')]),
    );
    const [step] = JSON.parse(run.stdout).steps;
    const seen = (observer: string, name: string): readonly number[] =>
      step.findings
        .filter((row: Finding) => row.observer === observer && row.class === name)
        .map((row: Finding) => row.seen);
    expect({
      code: run.status,
      reasons: step.reasons,
      kali3: seen('kali3', 'known-unicast'),
      broadcast: seen('kali3', 'broadcast'),
      lan: seen('lan', 'broadcast'),
    }).toEqual({ code: 0, reasons: [], kali3: [0, 0], broadcast: [0, 0], lan: [count, count] });
    expect(await pinging).toContain('60 packets transmitted, 60 packets received, 0% packet loss');
    for (const port of [machines.kali2.tap, machines.kali3.tap]) setPort(port, 'isolated', 'off');
  });

  it('names a guest that starts meanwhile, which nobody listened to, and finds that the others did not leak', async () => {
    await talk(['kali2', 'kali3']);
    const start = join(host.dir, 'start-a-guest');
    writeFileSync(
      start,
      `#!/bin/sh -e
ip tuntap add dev vnet9 mode tap
ip link set dev vnet9 address fe:54:00:00:00:09 master br0 up
qemu-system-x86_64 -daemonize -pidfile ${host.dir}/guest.pid -accel tcg,tb-size=32 -M pc -m 128 -nodefaults -no-user-config -display none -serial null -kernel ${image.kernel} -initrd ${image.initrd} \
  -append 'quiet g.name=late g.ip=192.168.0.50/24 g.mods=virtio_net' -netdev tap,id=n0,ifname=vnet9,script=no,downscript=no,vnet_hdr=off -device virtio-net-pci,netdev=n0,mac=52:54:00:00:00:09
`,
      { mode: 0o755 },
    );
    const steps = `  - { name: late, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: 200 }, during: [ { at: 300ms, run: ["${start}"], settle: 1s }, { at: 2s, run: ["bridge link show dev vnet9"] } ], expect: private }\nallow_changes: true\n`;
    const run = await outcomeOf(
      host.cli([
        'run',
        host.scenario('late', steps),
        '--yes',
        '--allow-changes',
        '--allow-run',
        '--json',
        '--out',
        join(host.dir, 'late'),
      ]),
    );
    process.kill(Number(readFileSync(join(host.dir, 'guest.pid'), 'utf8')), 'SIGKILL');
    host.run(['ip', 'link', 'del', 'dev', 'vnet9']);
    const {
      coverage,
      steps: [step],
    } = JSON.parse(run.stdout);
    expect([run.status, step.reasons.map(({ code }: { code: string }) => code), coverage.unobserved]).toEqual([
      3,
      ['coverage-partial'],
      [{ port: 'vnet9', reason: 'joined br0 in the middle of step 1, late' }],
    ]);
    expect(step.findings.filter(({ leak }: { leak: boolean }) => leak)).toEqual([]);
    expect(step.events).toHaveLength(2);
  });
});
