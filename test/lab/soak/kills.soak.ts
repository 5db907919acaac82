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

function kills(count: number): readonly Kill[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    signal: signals[number % signals.length] ?? 'SIGKILL',
    afterMs: Math.round(Math.random() * mostMs),
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

function told(what: string, all: readonly Kill[], ended: readonly (number | null)[]): void {
  const early = ended.filter((one) => one === 0).length;
  process.stderr.write(
    `${what}: ${all.length} runs killed after 0 to ${mostMs} ms (${early} had ended before), nothing left\n`,
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
  });
  afterAll(() => host.close());

  const exited = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve));
  const args = ['--yes', '--allow-changes', '--quiet'];
  const withFlood = (count: number): string =>
    `  - { name: flood off, set: { vnet4: { flood: off } }, probe: { class: known-unicast, from: kali2, to: lan, count: ${count} }, expect: private }\n`;

  it('leaves nothing, or `cleanup` and the next start put it back', async () => {
    const head = 'allow_changes: true\n';
    const long = host.scenario('long', { steps: withFlood(1500), head });
    const short = host.scenario('short', { steps: withFlood(5), head });
    const before = host.shape();
    const all = kills(Math.floor(runs / 2));
    const ended: (number | null)[] = [];
    let left = 0;
    for (const { number, signal, afterMs } of all) {
      const child = host.cli(['run', long, ...args]);
      const end = exited(child);
      await sleep(afterMs);
      child.kill(signal);
      const about = { number, signal, afterMs };
      const status = await end;
      expectEnd(about, status);
      ended.push(status);
      if (host.journals().length > 0) {
        left += 1;
        // A signal that can be caught leaves nothing; after -9 the journal says what there is to put back.
        expect({ ...about, signal }).toEqual({ ...about, signal: 'SIGKILL' });
        const mended = await outcomeOf(left % 2 === 0 ? host.cli(['cleanup']) : host.cli(['run', short, ...args]));
        expect({ ...about, status: mended.status, stderr: mended.stderr }).toMatchObject({ ...about, status: 0 });
      }
      expect({ ...about, shape: host.shape(), journals: host.journals() }).toEqual({
        ...about,
        shape: before,
        journals: [],
      });
    }
    told(`host, ${left} of them mended by cleanup or the next start`, all, ended);
  });
});
