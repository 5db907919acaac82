import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { probePorts } from '../../../src/core/probe/frames/parts.js';
import { readTracedKernel } from '../../../src/system/capture/trace/trace.js';
import { kernel } from '../../support/lab/features.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const traced = readTracedKernel();
const tool = fileURLToPath(new URL('../state/hold-program.py', import.meta.url));

const steps =
  '  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: 40 }, expect: private }\n';

/** Opens a packet socket at a port, goes to a guest's namespace, and reads. */
const taking = `
import ctypes, os, socket, sys
held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); held.bind(('vnet0', 3))
assert ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0x40000000) == 0
print('ready', flush=True)
while True: held.recv(70000)`;

/** Gets what comes to a port by a ring of memory (Documentation/networking/packet_mmap.rst), past every copy of data. */
const ring = `
import socket, struct, time
held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
held.setsockopt(263, 5, struct.pack('IIII', 4096, 64, 2048, 128)); held.bind(('vnet0', 3))
print('ready', flush=True)
time.sleep(3600)`;
/** A UDP socket at the port of the probes, which nobody reads. */
const datagrams = `
import socket, time
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); held.bind(('0.0.0.0', ${probePorts.dst}))
print('ready', flush=True)
time.sleep(3600)`;

/** Runs on a host with `--trace auto` beside guests' own traffic, and what they say with it off. */
describe(
  'a run with the kernel’s trace',
  needs(root, typeof traced === 'string' ? traced : null, kernel("nft's family netdev")),
  () => {
    let host: ThrowAwayHost;
    let guest: ReturnType<ThrowAwayHost['start']>;
    let others: readonly (typeof guest)[];
    beforeAll(() => {
      host = throwAwayHost();
      // a namespace in which no process lives is not found
      const sleeping = ['sleep', '3600'];
      const talking = ['ping', '-q', '-i', '0.2', guests.lan.ip];
      others = [host.start('kali2', talking), host.start('lan', sleeping), host.start('spare', talking)];
      guest = host.start('kali3', sleeping);
    });
    afterAll(() => {
      for (const child of [guest, ...others]) child.kill();
      host.close();
    });

    async function run(name: string, trace: 'auto' | 'off', probes = steps, through: readonly string[] = []) {
      const out = join(host.dir, name);
      const file = host.scenario(name, { steps: probes });
      const words = ['run', file, '--yes', '--json', '--trace', trace, '--out', out];
      const outcome = await outcomeOf(host.cli(words, true, through));
      const result: Result = JSON.parse(outcome.stdout);
      return { ...outcome, result, out };
    }

    it('comes to the verdict that it has without one, and keeps what was seen for root alone', {
      tags: 'all',
    }, async () => {
      const { status, result, out, stderr } = await run('sane', 'auto');
      expect([status, result.verdict, result.steps.flatMap(({ reasons }) => reasons), stderr]).toEqual([
        0,
        'holds',
        [],
        expect.stringMatching(/nothing \(checked\)\n$/),
      ]);
      expect(result.evidence.files.map(({ path }) => path)).toContain('trace.ndjson');
      expect([out, join(out, 'trace.ndjson')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
      expect(JSON.stringify(result)).not.toContain('/usr/bin/sleep');
      const lines = readFileSync(join(out, 'trace.ndjson'), 'utf8');
      expect(lines).toContain('"name":"vnet0","home":true');
      expect(lines).toContain('"place":"end"');
      const again = await outcomeOf(host.cli(['check', out]));
      expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('WHOLE')]);
    });

    /** A rule copies what vnet0 receives to a device of that namespace which no port leads to. */
    const copyInto = (space: string): void => {
      host.run(`ip link add x0 type veth peer name x1 netns ${space}`);
      host.run('ip link set x0 up');
      host.run(`nsenter --net=${space} ip link set x1 up`);
      const hook = '{ type filter hook ingress device "vnet0" priority 0; }';
      host.run(['nft', `add table netdev t; add chain netdev t c ${hook}; add rule netdev t c dup to "x0"`]);
    };
    const endCopy = (): void => {
      host.run('nft delete table netdev t');
      host.run('ip link del x0');
    };

    it('is broken where a rule copies probes to a second device of another guest, where nobody listens', {
      tags: 'all',
    }, async () => {
      copyInto(`/proc/${guest.pid ?? 0}/ns/net`);
      try {
        const without = await run('without', 'off');
        expect([without.status, without.result.verdict]).toEqual([3, 'inconclusive']);
        const { status, result, out } = await run('with', 'auto');
        expect([status, result.verdict]).toEqual([2, 'broken']);
        expect(result.steps.flatMap((step) => step.traced ?? [])).toEqual([
          { observer: 'kali3', device: expect.stringMatching(/^x1 in \/proc\/\d+\/ns\/net$/), probes: 80 },
        ]);
        const again = await outcomeOf(host.cli(['replay', out]));
        expect(again.stdout).toContain('kali3 had 80 probes past its port');
      } finally {
        endCopy();
      }
    });

    it('is broken by a sample of the probes, which alone is traced in a long step, and no frame is missed', async () => {
      copyInto(`/proc/${guest.pid ?? 0}/ns/net`);
      const long = steps.replace('count: 40', 'count: 1200');
      try {
        const { status, result, out } = await run('sample', 'auto', long);
        const [step] = result.steps;
        expect([status, step?.traced?.map(({ observer, probes }) => [observer, probes])]).toEqual([
          2,
          [['kali3', 200]],
        ]);
        expect(new Set(step?.findings.map(({ sent }) => sent))).toEqual(new Set([1200]));
        const timeline = readFileSync(join(out, 'timeline.ndjson'), 'utf8');
        expect(timeline).toMatch(/"event":"trace","state":"read","lines":\d+,"sampled":true/);
        expect((await outcomeOf(host.cli(['replay', out]))).stdout).toContain('kali3 had 200 probes past its port');
      } finally {
        endCopy();
      }
    });

    it('is broken where a rule copies probes into a namespace that is no guest’s, and names device, process and rule', async () => {
      const stranger = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
      const space = `/proc/${stranger.pid ?? 0}/ns/net`;
      const here = readlinkSync('/proc/self/ns/net');
      await expect.poll(() => readlinkSync(space), { timeout: patient(10_000) }).not.toBe(here);
      copyInto(space);
      try {
        const { status, result, out } = await run('stranger', 'auto');
        const [step] = result.steps;
        expect([status, result.verdict, step?.traced]).toEqual([
          2,
          'broken',
          [{ observer: 'x1@x0', device: expect.stringMatching(/^x1 in .* of process \d+ \(\/.*\)$/), probes: 80 }],
        ]);
        const causes = (step?.groups ?? []).flatMap((group) => group.causes.map(({ code, fixes }) => [code, fixes]));
        expect(causes).toEqual([['mirror', ['nft delete rule netdev t c handle 2']]]);
        const again = await outcomeOf(host.cli(['replay', out]));
        expect([again.status, again.stdout]).toEqual([2, expect.stringContaining('x1@x0 had 80 probes past its port')]);
      } finally {
        endCopy();
        stranger.kill('SIGKILL');
      }
    });

    /** Holds a program at the ports, and runs with the trace and without it. */
    async function withProgram(name: string, words: readonly string[]) {
      const holder = spawn('nsenter', [`--net=${host.netns}`, '/usr/bin/python3', tool, ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const id = await new Promise<number>((resolve) =>
        holder.stdout.once('data', (line: Buffer) => resolve(Number(line.toString()))),
      );
      try {
        return { id, without: await run(`${name}-off`, 'off'), traced: await run(name, 'auto') };
      } finally {
        holder.kill('SIGKILL');
        await new Promise((resolve) => holder.once('close', resolve));
      }
    }
    const ports = ['vnet0', 'vnet4', 'uplink', 'spare'];

    it('holds where a program at every port can hand on and keep nothing, and its trace is whole', {
      tags: 'all',
    }, async () => {
      const { without, traced } = await withProgram('look', ['look', ...ports]);
      expect([without.status, without.result.verdict]).toEqual([3, 'inconclusive']);
      expect([traced.status, traced.result.steps.flatMap(({ reasons }) => reasons)]).toEqual([0, []]);
      expect((await outcomeOf(host.cli(['replay', traced.out]))).status).toBe(0);
    });

    it.each(['keep', 'write'])(
      'acquits no program whose doings it cannot hear, and names it: %s',
      { tags: 'all' },
      async (word) => {
        const { id, traced } = await withProgram(word, [word, ...ports]);
        const reasons = traced.result.steps.flatMap((step) => step.reasons.map(({ code, text }) => `${code} ${text}`));
        expect([traced.status, traced.result.verdict]).toEqual([3, 'inconclusive']);
        expect(reasons).toContainEqual(
          expect.stringContaining(`bypass-possible BPF program ${id} at vnet0 tcx ingress`),
        );
      },
    );

    it('acquits it not where a guest has a UDP socket, of which no tracepoint shows that it reads', {
      tags: 'all',
    }, async () => {
      const socket = host.start('lan', ['/usr/bin/python3', '-c', datagrams]);
      await new Promise((resolve) => socket.stdout?.once('data', resolve));
      try {
        const { id, traced } = await withProgram('datagrams', ['look', ...ports]);
        expect(readFileSync(join(traced.out, 'trace.ndjson'), 'utf8')).toMatch(/"place":"end","open":\{"\w+":[1-9]/);
        expect([traced.status, traced.result.verdict]).toEqual([3, 'inconclusive']);
        expect(JSON.stringify(traced.result.steps)).toContain(`BPF program ${id} at vnet0 tcx ingress`);
      } finally {
        socket.kill('SIGKILL');
      }
    });

    it('is undecided, and names the process, where a ring takes what comes in', { tags: 'all' }, async () => {
      const taker = spawn('nsenter', [`--net=${host.netns}`, '/usr/bin/python3', '-c', ring], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => taker.stdout.once('data', resolve));
      try {
        const { status, result } = await run('ring', 'auto');
        expect([status, result.verdict]).toEqual([3, 'inconclusive']);
        expect(JSON.stringify(result.steps)).toMatch(/bypass-possible.*packet socket of python3/);
      } finally {
        taker.kill('SIGKILL');
      }
    });

    it('is broken where the same program copies to another guest, and names both', { tags: 'all' }, async () => {
      const { id, traced } = await withProgram('clone', ['clone', 'vnet4', 'vnet0']);
      expect([traced.status, traced.result.verdict]).toEqual([2, 'broken']);
      const [step] = traced.result.steps;
      expect(step?.findings.filter(({ leak }) => leak).map(({ observer }) => observer)).toContain('kali3');
      expect(JSON.stringify(step)).toContain(`BPF program ${id} at vnet0 tcx ingress`);
    });

    it('is undecided where a rule copies TCP to port 443, which no probe is, however whole the trace', async () => {
      host.run('ip link add x0 type veth peer name x1');
      host.run('ip link set x0 up');
      const hook = '{ type filter hook ingress device "vnet0" priority 0; }';
      host.run([
        'nft',
        `add table netdev t; add chain netdev t c ${hook}; add rule netdev t c tcp dport 443 dup to "x0"`,
      ]);
      try {
        const { status, result, out } = await run('port-443', 'auto');
        expect(readFileSync(join(out, 'trace.ndjson'), 'utf8')).toContain('"place":"end","open":{}');
        expect([status, result.verdict]).toEqual([3, 'inconclusive']);
        expect(result.steps.flatMap(({ reasons }) => reasons.map(({ code }) => code))).toEqual(['coverage-partial']);
      } finally {
        endCopy();
      }
    });

    it('holds by the barrier that the state shows, where the probes ended by the kernel’s trace', {
      tags: 'all',
    }, async () => {
      const flooded =
        '  - { name: flood, probe: { class: unknown-unicast, from: kali2, count: 40 }, expect: private }\n';
      const rule = 'add table bridge t; add chain bridge t f { type filter hook forward priority 0; }';
      host.run(['nft', `${rule}; add rule bridge t f iifname "vnet0" drop`]);
      try {
        const { status, result } = await run('dropped', 'auto', flooded);
        const [held] = result.steps.flatMap((step) => step.held ?? []);
        expect([status, held?.barriers.map(({ code }) => code)]).toEqual([0, ['filter']]);
        const functions = new Set(held?.measured?.dropped.map((end) => end.function));
        expect([[...functions], held?.measured?.notCopied]).toEqual([['nft_do_chain'], 0]);
      } finally {
        host.run('nft delete table bridge t');
      }
      const settings = ['vnet4', 'uplink', 'spare'];
      for (const port of settings) host.run(`bridge link set dev ${port} flood off`);
      try {
        const { status, result } = await run('flood-off', 'auto', flooded);
        const [held] = result.steps.flatMap((step) => step.held ?? []);
        expect([status, held?.barriers.map(({ code }) => code)]).toEqual([0, ['flood-off']]);
        expect(held?.measured?.dropped.filter((end) => end.function === 'nft_do_chain')).toEqual([]);
      } finally {
        for (const port of settings) host.run(`bridge link set dev ${port} flood on`);
      }
    });

    it('names it in a namespace of processes below that of the run, as a container’s below a container’s', {
      tags: 'all',
    }, async () => {
      const container = `unshare --pid --fork --kill-child /usr/bin/python3 -c '${taking.replaceAll("'", '"')}' /proc/self/fd/9 >&2 & sleep 2`;
      const inner = `${container}; "$@"; status=$?; kill %1; exit $status`;
      const nested = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-mc', inner, 'bash'];
      const outer = `exec 9</proc/${guest.pid ?? 0}/ns/net; exec "$@"`;
      const { status, result } = await run('nested', 'auto', steps, ['bash', '-c', outer, 'bash', ...nested]);
      expect([status, result.verdict]).toEqual([2, 'broken']);
      expect(result.steps.flatMap((step) => step.traced ?? [])).toEqual([
        { observer: 'kali3', device: expect.stringMatching(/^process \d+ \(\/usr\/bin\/python3/), probes: 160 },
      ]);
    });

    it('is broken where a process of another guest reads at a port of the bridge, and names it', {
      tags: 'all',
    }, async () => {
      const space = `/proc/${guest.pid ?? 0}/ns/net`;
      const reader = spawn('nsenter', [`--net=${host.netns}`, '/usr/bin/python3', '-c', taking, space], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => reader.stdout.once('data', resolve));
      try {
        const without = await run('unread', 'off');
        expect([without.status, without.result.verdict]).toEqual([3, 'inconclusive']);
        const { status, result } = await run('read', 'auto');
        expect([status, result.verdict]).toEqual([2, 'broken']);
        expect(result.steps.flatMap((step) => step.traced ?? [])).toEqual([
          {
            observer: 'kali3',
            device: expect.stringMatching(new RegExp(`^process ${reader.pid ?? 0} \\(/usr/bin/python3.*\\)$`)),
            probes: 160,
          },
        ]);
      } finally {
        reader.kill('SIGKILL');
      }
    });
  },
);
