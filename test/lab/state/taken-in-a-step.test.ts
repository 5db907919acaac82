// @module-tag all
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { readTracedKernel } from '../../../src/system/capture/trace/trace.js';
import { kernel } from '../../support/lab/features.js';
import { outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { file, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const tool = fileURLToPath(new URL('take-frames.py', import.meta.url));
const python = '/usr/bin/python3';
const bob = '52:54:00:00:00:b0';
const carriers = '[raw, ipv4-udp, ipv4-tcp, ipv4-icmp]';
const steps = `  - { name: private, probe: { class: known-unicast, from: kali2, to: bob, carriers: ${carriers}, count: 200, rate: 100 }, expect: private }\n`;
const traced = readTracedKernel();

interface Case {
  readonly name: string;
  readonly way: string;
  readonly device: string;
  /** For how long, while probes are under way; 0 = also before and after. */
  readonly seconds: number;
  readonly named: RegExp;
}
const queue = /^bypass-possible tap that several processes read at tapb .* of python3 \(\d+\), python3 \(\d+\)/;
const cases: readonly Case[] = [
  { name: 'a second queue of its tap, by a process', way: 'queue', device: 'tapb', seconds: 0, named: queue },
  { name: 'a second queue, by a thread', way: 'thread', device: 'tapb', seconds: 0, named: queue },
  { name: 'a second queue, by another device node', way: 'node', device: 'tapb', seconds: 0, named: queue },
  { name: 'a second queue within the step', way: 'queue', device: 'tapb', seconds: 1, named: queue },
  {
    name: 'log group 5 for two seconds',
    way: 'log',
    device: '-',
    seconds: 2,
    named: /^bypass-possible NFLOG to group 5 at nft bridge t c/,
  },
  {
    name: 'a socket whose filter is swapped for a second',
    way: 'filter',
    device: 'vnet0',
    seconds: 1,
    named: /^bypass-possible packet socket of python3/,
  },
];

describe('frames for a virtual machine that another process takes, beside guests’ own traffic', {
  ...needs(root, file(python), kernel('tap')),
  timeout: patient(300_000),
}, () => {
  let host: ThrowAwayHost;
  let traffic: ChildProcess;
  let guest: ChildProcess;
  let owner: ChildProcess;
  const said = new WeakMap<ChildProcess, string>();
  const start = (...words: readonly string[]): ChildProcess => {
    const argv = [`--net=${host.netns}`, python, tool, ...words];
    const child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk) => said.set(child, `${said.get(child) ?? ''}${String(chunk)}`));
    return child;
  };
  const says = (child: ChildProcess, word: string): Promise<unknown> =>
    vi.waitUntil(() => said.get(child)?.includes(word), { timeout: patient(20_000) });
  const end = (child: ChildProcess): Promise<unknown> =>
    new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  beforeAll(async () => {
    host = throwAwayHost();
    guest = host.start('kali3', 'sleep 3600');
    traffic = host.start('spare', 'ping -q -i 0.2 192.168.0.200');
    owner = start('own', 'tapb', '0', bob);
    await says(owner, 'ready');
    host.run('ip link set tapb master br0 up');
    await vi.waitUntil(() => host.run('bridge fdb show br br0').includes(`${bob} dev tapb`), {
      timeout: patient(20_000),
    });
    const hook = '{ type filter hook forward priority 0; }';
    host.run(['nft', `add table bridge t; add chain bridge t c ${hook}; add rule bridge t c log group 5 snaplen 200`]);
  });
  afterAll(async () => {
    for (const child of [traffic, guest, owner]) await end(child);
    host.close();
  });

  /** A run beside which a process takes frames, which has to get some. */
  async function run(name: string, { way, device, seconds }: Omit<Case, 'name' | 'named'>, ...more: readonly string[]) {
    const [trace = 'off', ...words] = more;
    const out = join(host.dir, name.replaceAll(/\W/g, '-'));
    const taker = start(way, device, String(seconds), ...words);
    try {
      await says(taker, 'ready');
      const more = `    bob: { bridge: br0, port: tapb, mac: "${bob}", ip: 192.168.0.40/24 }\n`;
      const scenario = host.scenario('taken', { steps, more });
      const running = outcomeOf(host.cli(['run', scenario, '--yes', '--json', '--trace', trace, '--out', out]));
      const isProbing = (): boolean => {
        const timeline = join(out, 'timeline.ndjson');
        return existsSync(timeline) && /"event":"probing","state":"started"/.test(readFileSync(timeline, 'utf8'));
      };
      if (seconds > 0) {
        await vi.waitUntil(isProbing, { timeout: patient(60_000) });
        taker.stdin?.write('\n');
      }
      const { status, stdout, stderr } = await running;
      await says(taker, 'took');
      const result: Result = JSON.parse(stdout);
      return { status, result, text: stderr, taker };
    } finally {
      await end(taker);
    }
  }
  const reasonsOf = (result: Result): readonly string[] =>
    result.steps.flatMap((step) => step.reasons.map(({ code, text }) => `${code} ${text}`));

  it('hold where nobody does', async () => {
    const out = join(host.dir, 'sane');
    const more = `    bob: { bridge: br0, port: tapb, mac: "${bob}", ip: 192.168.0.40/24 }\n`;
    const sane = await outcomeOf(
      host.cli(['run', host.scenario('sane', { steps, more }), '--yes', '--json', '--out', out]),
    );
    const result: Result = JSON.parse(sane.stdout);
    expect([sane.status, reasonsOf(result)], sane.stderr).toEqual([0, []]);
  });

  it.each(cases)('never hold, and what takes them is named: $name', async ({ name, named, ...how }) => {
    const { status, result, text } = await run(name, how);
    expect([status, result.verdict], text).toEqual([3, 'inconclusive']);
    expect(reasonsOf(result)).toContainEqual(expect.stringMatching(named));
  });

  it('never hold, and who read them is named by the kernel’s trace, where another guest’s process has a queue', {
    ...needs(typeof traced === 'string' ? traced : null),
  }, async () => {
    const how = { way: 'queue', device: 'tapb', seconds: 0 };
    const { status, result, text, taker } = await run('traced', how, 'auto', String(guest.pid));
    expect([status, result.verdict], text).toEqual([3, 'inconclusive']);
    const read = `bypass-possible reader .* at process ${taker.pid ?? 0} .* it read \\d+ probes`;
    expect(reasonsOf(result)).toContainEqual(expect.stringMatching(read));
  });
});
