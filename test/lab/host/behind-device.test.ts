import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import type { Result } from '../../../src/core/model/result.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { incoming, tenantOf, untilListening } from '../../support/lab/processes.js';
import { causesIn } from '../../support/lab/result-parts.js';
import { untilReported } from '../../support/lab/program.js';
import { macOfGuest, type WholeHost, wholeHost } from '../../support/lab/whole-host.js';
import { kernel } from '../../support/lab/features.js';
import { needs, program, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const vm = '00:0c:29:aa:bb:cc';
const bridgeMac = '02:00:00:00:00:fe';

describe('a guest behind the bridge device of a host, whose bridge has the MAC of its NIC', needs(root), () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
    host.run(`ip link set dev ${guests.lan.port} address ${bridgeMac}`);
    host.run(`ip link set dev br0 address ${bridgeMac}`);
  });
  afterAll(() => host.close());

  it('sends nothing out of it but what the plan says', async () => {
    const steps =
      '  - { name: behind, probe: { class: known-unicast, from: winxp, to: lan, carriers: [raw], count: 50 }, expect: private }\n';
    const file = host.scenario('behind', {
      steps,
      head: 'scope: { partial: "winxp has no interface here" }\n',
      more: `    winxp: { bridge: br0, attach: promiscuous, mac: "${vm}" }\n`,
    });
    const plan = await outcomeOf(host.cli(['plan', file]));
    const reported = Number(/^Out of the NIC: (\d+) of them/m.exec(plan.stdout)?.[1]);
    const tcpdump = host.start('lan', incoming('ether proto 0x88b5'));
    const outside = outcomeOf(tcpdump);
    await untilListening(tcpdump);
    const run = await outcomeOf(host.cli(['run', file, '--yes', '--json', '--out', join(host.dir, 'behind')]));
    expect([run.status, JSON.parse(run.stdout).steps[0].reasons]).toEqual([0, []]);
    tcpdump.kill('SIGINT');
    const left = (await outside).stdout.split('\n').filter((line) => line.includes(' > ')); // the others are bytes
    const probes = left.filter((line) => line.includes(`${vm} > ${guests.lan.mac}`));
    // and the uplink's ear controls, one in each phase
    expect([reported, left.length, probes.length]).toEqual([53, 53, 50]);
  });
});

/** Bridges a device, as a hypervisor does: holds it promiscuous, and speaks as a machine behind it. */
const hypervisor = `
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)
s.bind((sys.argv[1], 3))
s.setsockopt(263, 1, struct.pack('iHH8s', socket.if_nametoindex(sys.argv[1]), 1, 0, b''))
mac = bytes.fromhex('${vm.replaceAll(':', '')}')
arp = bytes.fromhex('0001080006040001') + mac + bytes([10, 9, 0, 77]) + bytes(6) + bytes([10, 9, 0, 77])
while True:
    s.send(b'\\xff' * 6 + mac + b'\\x08\\x06' + arp)
    time.sleep(0.2)
`;

describe('a guest behind the bridge device that no file lists', {
  ...needs(root, program('python3')),
  timeout: patient(300_000),
}, () => {
  let host: WholeHost;
  beforeEach(() => {
    host = wholeHost(3);
    writeFileSync(join(host.dir, 'hypervisor.py'), hypervisor);
  });
  afterEach(() => {
    host.sh(`kill $(cat ${host.dir}/pid 2>/dev/null) 2>/dev/null || true`);
    host.close();
  });
  const bridged = (device: string): void =>
    host.sh(`python3 ${host.dir}/hypervisor.py ${device} >${host.dir}/log 2>&1 & echo $! >${host.dir}/pid; sleep 1`);
  const unbridged = (): void => host.sh(`kill $(cat ${host.dir}/pid)`);

  it('is found by run, which says what holds the bridge, and what ends it', async () => {
    bridged('br0');
    const heard = await host.judge('heard');
    expect([heard.status, heard.result.verdict], heard.text).toEqual([2, 'broken']);
    const [group, second] = heard.result.steps.flatMap(({ groups = [] }) => groups);
    expect([second, group?.cause, group?.to, group?.observers.toSorted()]).toEqual([
      undefined,
      'bridge-promiscuous',
      ['behind-10.9.0.77'],
      ['v1', 'v2', 'v3'],
    ]);
    expect(heard.text).toMatch(/br0 is promiscuous, held by python3 \(pid \d+\)/);
    const fixesOf = (code: string): readonly string[] =>
      group?.causes.flatMap((cause) => (cause.code === code ? cause.fixes : [])) ?? [];
    const floods = ['v1', 'v2', 'v3'].map((name) => `bridge link set dev ${name} flood off`);
    expect(fixesOf('unknown-flood').toSorted()).toEqual(floods);
    const [port = ''] = fixesOf('bridge-promiscuous');
    unbridged();
    host.sh(port.replace(/, and .*/, ''));
    bridged('behind1');
    const fixed = await host.judge('fixed');
    expect([fixed.status, fixed.result.verdict], fixed.text).toEqual([0, 'holds']);
  });

  it('leaks no more with flood off at the ports, though what it reads itself is not known', {
    tags: 'all',
  }, async () => {
    bridged('br0');
    host.sh('for dev in v1 v2 v3; do bridge link set dev $dev flood off; done');
    const { result, text } = await host.judge('closed');
    expect(result.verdict, text).toBe('inconclusive');
    expect(text).toMatch(/packet socket of \S*python3/);
  });

  it('leaves a run unproved whose file does not have it', { tags: 'all' }, async () => {
    const file = join(host.dir, 'three.yml');
    const { stdout } = await host.run(['init']);
    writeFileSync(file, stdout);
    bridged('br0');
    const { result, text } = await host.judge('three', file);
    expect(result.verdict, text).toBe('inconclusive');
    expect(result.steps.flatMap(({ reasons }) => reasons.map((reason) => reason.text))).toContainEqual(
      expect.stringContaining(`${vm} sends out of br0 itself`),
    );
  });

  it('is nobody where the flag alone is set', { tags: 'all' }, async () => {
    host.sh('ip link set br0 promisc on');
    const { status, result, text } = await host.judge('flag');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
  });
});

describe('a macvlan that gets frames in the middle of a step alone', {
  ...needs(root, kernel('macvlan')),
  timeout: patient(300_000),
}, () => {
  const up = 'ip link set mv0 up';
  const ways: readonly (readonly [what: string, before: string, during: string, said: string])[] = [
    ['comes and stays', 'ip link del mv0', `${up}`, 'came to stand on br0'],
    ['goes up and down again', 'true', `${up}; sleep 1; ip link set mv0 down`, 'came up on br0'],
  ];
  const title = 'that %s: is inconclusive, and the reason names it';
  async function come([, before, during, said]: (typeof ways)[number]): Promise<void> {
    const host = wholeHost(3);
    const space = newNamespace(disableIpv6);
    const tenant = tenantOf(space);
    const make = `ip link add mv0 link br0 type macvlan mode source macaddr add ${macOfGuest(1)}; ip link set mv0 netns ${tenant.pid}`;
    const inside = (script: string): void =>
      void inNamespaceFd(space, () => execFileSync('sh', ['-ec', script], { stdio: 'pipe' }));
    try {
      host.sh(`ip link set br0 promisc on; ${make}`);
      inside(before);
      const out = join(host.dir, 'out');
      const dir = join(out, 'evidence');
      const running = host.run(`run --yes --rate 50 --out ${out}`);
      await untilReported(dir, '"event":"probing"');
      if (before !== 'true') host.sh(make);
      inside(during);
      const { stdout, stderr } = await running;
      const result: Result = JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8'));
      const [step] = result.steps; // a later one has an ear there, and hears it
      expect(step?.verdict, `${stdout}\n${stderr}`).toBe('inconclusive');
      expect(step?.reasons.map(({ code, text }) => `${code}: ${text}`)).toContain(
        `settings-changed: macvlan mv0 in /proc/${tenant.pid}/ns/net ${said} while the step ran: no observer listened there`,
      );
    } finally {
      await tenant.end();
      closeSync(space);
      host.close();
    }
  }
  it.each(ways)(title, { tags: 'all' }, (...way) => come(way));
});

describe("a macvlan in mode passthru in the host's own namespace", {
  ...needs(root, kernel('macvlan')),
  timeout: patient(300_000),
}, () => {
  it('is an observer: any socket of the host reads by it what guests send each other', { tags: 'all' }, async () => {
    const host = wholeHost(3);
    try {
      host.sh('ip link add mv0 link br0 type macvlan mode passthru; ip link set dev mv0 up');
      const { status, text, result } = await host.judge('read');
      expect([status, result.verdict], text).toEqual([2, 'broken']);
      expect(new Set(causesIn(result).map(({ code }) => code))).toEqual(new Set(['above-bridge']));
      host.sh([...new Set(causesIn(result).flatMap((cause) => cause.fixes))].join('\n'));
      const fixed = await host.judge('fixed');
      expect([fixed.status, fixed.result.verdict], fixed.text).toEqual([0, 'holds']);
    } finally {
      host.close();
    }
  });
});

describe('a macvlan on the bridge of a host, in another namespace', {
  ...needs(root, kernel('macvlan')),
  timeout: patient(300_000),
}, () => {
  const listed = [1, 2].map((n) => `ip link set mv0 type macvlan macaddr add ${macOfGuest(n)}`);
  const modes: readonly (readonly [mode: string, more: readonly string[], fix: string])[] = [
    ['source', listed, 'ip link set dev mv0 type macvlan macaddr flush'],
    ['passthru', [], 'ip link del dev mv0'],
  ];
  const title = 'is the cause alone of what it hears in mode %s, and the fix ends that';
  async function hear([mode, more, fix]: (typeof modes)[number]): Promise<void> {
    const host = wholeHost(3);
    const space = newNamespace(disableIpv6);
    const tenant = tenantOf(space);
    const runAs = async (name: string): Promise<{ readonly text: string; readonly result: Result }> => {
      const dir = join(host.dir, name);
      const { stdout, stderr } = await host.run(`run --yes --out ${dir}`);
      const result: Result = JSON.parse(readFileSync(join(dir, 'evidence', 'result.json'), 'utf8'));
      return { text: `${stdout}\n${stderr}`, result };
    };
    try {
      host.sh(
        [`ip link add mv0 link br0 type macvlan mode ${mode}`, ...more, `ip link set mv0 netns ${tenant.pid}`].join(
          '\n',
        ),
      );
      inNamespaceFd(space, () => execFileSync('ip', ['link', 'set', 'mv0', 'up']));
      const { text, result } = await runAs('heard');
      expect(result.verdict, text).toBe('broken');
      const causes = causesIn(result);
      expect(new Set(causes.map(({ code }) => code))).toEqual(new Set(['above-bridge']));
      const fixes = [...new Set(causes.flatMap((cause) => cause.fixes))];
      expect(fixes).toEqual([expect.stringMatching(new RegExp(`^nsenter --net=/proc/\\d+/ns/net ${fix}$`))]);
      host.sh(fixes.join('\n'));
      const fixed = await runAs('fixed');
      expect(fixed.result.verdict, fixed.text).toBe('holds');
    } finally {
      await tenant.end();
      closeSync(space);
      host.close();
    }
  }
  it.each(modes)(title, { tags: 'all' }, (...mode) => hear(mode));
});
