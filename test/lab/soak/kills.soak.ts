import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { descendants, leftAfter, namespacesOf } from '../../support/lab/processes.js';
import { fresh, startProgram, threeOn } from '../../support/lab/program.js';
import { needs, root } from '../../support/needs.js';

const runs = Number(process.env['SOAK_RUNS'] ?? 200);
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const;
type Signal = (typeof signals)[number];
/** The runs last longer: every phase of one is met, the start of Node and the end included. */
const mostMs = 3000;

interface Kill {
  readonly number: number;
  readonly signal: Signal;
  readonly afterMs: number;
}

function kills(count: number, by: readonly Signal[] = signals, withinMs = mostMs): readonly Kill[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    signal: by[number % by.length] ?? 'SIGKILL',
    afterMs: Math.round(Math.random() * withinMs),
  }));
}

/**
 * A run that was killed ends by the signal or by the status that stands for it; 0: it had ended before. Anything else
 * failed by itself.
 */
const statuses: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGKILL: 137 };
function expectEnd(kill: Kill, status: number | null): void {
  expect([
    { ...kill, status: 0 },
    { ...kill, status: null },
    { ...kill, status: statuses[kill.signal] },
  ]).toContainEqual({ ...kill, status });
}

function told(what: string, all: readonly Kill[], ended: readonly (number | null)[], withinMs = mostMs): void {
  const early = ended.filter((one) => one === 0).length;
  process.stderr.write(
    `${what}: ${all.length} runs killed after 0 to ${withinMs} ms (${early} had ended before), nothing left\n`,
  );
}

/** Processes that have the mark in their environment: whatever the run started, however it is called. */
function marked(mark: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SOAK_MARK=${mark}\0`);
      } catch {
        return false;
      }
    });
}

async function noneMarked(mark: string): Promise<readonly number[]> {
  for (const began = performance.now(); performance.now() - began < 10_000; await sleep(20))
    if (marked(mark).length === 0) return [];
  return marked(mark);
}

describe('a run in the lab that is killed at a random moment', () => {
  const scenario = threeOn(
    '{ ageing_time: 30s }',
    '  - { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 300, rate: 200 } ], expect: private }',
  );

  it('leaves no process and no namespace', async () => {
    const all = kills(Math.ceil(runs / 2));
    const home = namespacesOf([process.pid]);
    const ended: (number | null)[] = [];
    for (const { number, signal, afterMs } of all) {
      const mark = `${process.pid}-${number}`;
      const { child, ended: end } = startProgram(['run', scenario, '--out', fresh('evidence'), '--quiet'], {
        env: { ...process.env, SOAK_MARK: mark },
      });
      await sleep(afterMs);
      const launcher = child.pid ?? 0;
      const pids = [launcher, ...descendants(launcher).map(({ pid }) => pid)];
      const namespaces = new Set([...namespacesOf(pids)].filter((one) => !home.has(one)));
      child.kill(signal);
      const { status } = await end;
      expectEnd({ number, signal, afterMs }, status);
      ended.push(status);
      const left = [...(await leftAfter(10_000, pids, namespaces)), ...(await noneMarked(mark))];
      expect({ number, signal, afterMs, left }).toEqual({ number, signal, afterMs, left: [] });
    }
    told('lab', all, ended);
  });
});

describe('a run on a host that is killed at a random moment', needs(root), () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
    // What it knows is compared at the end, and that may be an hour away.
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'ageing_time', '1000000']);
  });
  afterAll(() => host.close());

  const exited = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve));
  const args = ['--yes', '--allow-changes', '--quiet'];
  const withFlood = (count: number): string =>
    `  - { name: flood off, set: { vnet4: { flood: off } }, probe: { class: known-unicast, from: kali2, to: lan, count: ${count} }, expect: private }\n`;

  /** Only what cannot be caught leaves something to put back, and only once the run has changed it. */
  const onHost = ['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGHUP', 'SIGKILL'] as const;
  const hostMs = 5000;
  /** The port's settings of the guest that takes the name: as the run sets them, so that no value tells them apart. */
  const hardened = ['flood', 'off'];

  it('leaves nothing, or `cleanup` and the next start put it back, and no other guest of the name is touched', async () => {
    const head = 'allow_changes: true\n';
    const long = host.scenario('long', { steps: withFlood(1500), head });
    const short = host.scenario('short', { steps: withFlood(5), head });
    const all = kills(runs, onHost, hostMs);
    const ended: (number | null)[] = [];
    const counts = { left: 0, replacedAfter: 0, replacedMeanwhile: 0 };
    let wanted = host.shape();
    for (const { number, signal, afterMs } of all) {
      const about = { number, signal, afterMs };
      // With every signal in turn: the guest stays, stops meanwhile, stays, stops right after.
      const fate = ['stays', 'stops', 'stays', 'stopped'][Math.floor(number / onHost.length) % 4];
      const child = host.cli(['run', long, ...args]);
      const end = exited(child);
      if (fate === 'stops') {
        await sleep(afterMs / 2);
        host.replace('kali3', hardened);
        wanted = host.shape();
        counts.replacedMeanwhile += 1;
        await sleep(afterMs / 2);
      } else {
        await sleep(afterMs);
      }
      child.kill(signal);
      const status = await end;
      // Without the guest that it began with a run may end by itself.
      if (fate === 'stops') expect({ ...about, status }).not.toEqual({ ...about, status: 70 });
      else expectEnd(about, status);
      ended.push(status);
      if (fate === 'stopped') {
        host.replace('kali3', hardened);
        wanted = host.shape();
        counts.replacedAfter += 1;
      }
      if (host.journals().length > 0) {
        counts.left += 1;
        // A signal that can be caught leaves nothing; after -9 the journal says what there is to put back.
        expect({ ...about, signal }).toEqual({ ...about, signal: 'SIGKILL' });
        const again = counts.left % 2 === 0 ? host.cli(['cleanup']) : host.cli(['run', short, ...args]);
        const mended = await outcomeOf(again);
        expect({ ...about, status: mended.status, stderr: mended.stderr }).toMatchObject({ ...about, status: 0 });
      }
      expect({ ...about, fate, shape: host.shape(), journals: host.journals() }).toEqual({
        ...about,
        fate,
        shape: wanted,
        journals: [],
      });
      if (fate === 'stops' || fate === 'stopped') {
        host.run(['ip', 'link', 'set', 'dev', 'vnet4', 'type', 'bridge_slave', 'flood', 'on']);
        wanted = host.shape();
      }
    }
    told(
      `host, ${counts.left} of them mended by cleanup or the next start, the guest replaced in ${counts.replacedMeanwhile} and right after ${counts.replacedAfter}`,
      all,
      ended,
      hostMs,
    );
  });
});
