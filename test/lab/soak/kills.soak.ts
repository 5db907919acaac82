import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { descendants, leftAfter, namespacesOf } from '../../support/lab/processes.js';
import { fresh, startProgram, threeOn } from '../../support/lab/program.js';
import { needs, root } from '../../support/needs.js';
import { isMarked, noneMarked } from './struck-host.js';

const runs = Number(process.env['SOAK_RUNS'] ?? 200);
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const;
type Signal = (typeof signals)[number];
/** The runs last longer: every phase of one is met, the start of Node and the end included. */
const maxMs = 3000;

interface Kill {
  readonly number: number;
  readonly signal: Signal;
  readonly afterMs: number;
}

function kills(count: number, by: readonly Signal[] = signals, withinMs = maxMs): readonly Kill[] {
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

function reported(what: string, all: readonly Kill[], ended: readonly (number | null)[], withinMs = maxMs): void {
  const early = ended.filter((one) => one === 0).length;
  process.stderr.write(
    `${what}: ${all.length} runs killed after 0 to ${withinMs} ms (${early} had ended before), nothing left\n`,
  );
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
      const namespaces = new Set([...namespacesOf(pids)].filter((namespace) => !home.has(namespace)));
      child.kill(signal);
      const { status } = await end;
      expectEnd({ number, signal, afterMs }, status);
      ended.push(status);
      const left = [
        ...(await leftAfter(10_000, pids, namespaces, (other) => isMarked(mark, other))),
        ...(await noneMarked(mark)),
      ];
      expect({ number, signal, afterMs, left }).toEqual({ number, signal, afterMs, left: [] });
    }
    reported('lab', all, ended);
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
  /** Settings of a guest that takes a name: the first as the run sets them, so that no value tells them apart. */
  const [hardened, apart] = [
    ['flood', 'off'],
    ['isolated', 'on'],
  ] as const;
  const setting = (port: string, name: string): string | undefined =>
    new RegExp(` ${name} (\\S+)`).exec(host.run(['ip', '-d', 'link', 'show', 'dev', port]))?.[1];
  const put = (port: string, words: readonly string[]): string =>
    host.run(['ip', 'link', 'set', 'dev', port, 'type', 'bridge_slave', ...words]);
  /** Without what a port that was made again has anew: its index. */
  const shape = (): readonly string[] =>
    host
      .shape()
      .replaceAll(/^\d+: /gm, '')
      .replaceAll(/@if\d+/g, '')
      .split('\n')
      .sort();

  /** What happens to guests meanwhile, or right after the end; what putting back must leave of it; how it is taken back. */
  interface Fate {
    readonly name: string;
    readonly meanwhile?: () => void;
    readonly after?: () => void;
    /** Of the next run, which needs the guests that the scenario names. */
    readonly isPutBackByRun: boolean;
    readonly untouched: () => readonly (string | undefined)[];
    readonly wanted: readonly string[];
    readonly back: () => void;
  }
  const takesName = { isPutBackByRun: true, untouched: () => [setting('vnet4', 'flood')], wanted: ['off'] };
  const softens = { back: () => void put('vnet4', ['flood', 'on']) };
  const none = { untouched: () => [], wanted: [] };
  const fates: readonly Fate[] = [
    { name: 'stays', isPutBackByRun: true, ...none, back: () => undefined },
    { name: 'is replaced meanwhile', meanwhile: () => host.replace('kali3', hardened), ...takesName, ...softens },
    { name: 'is replaced after', after: () => host.replace('kali3', hardened), ...takesName, ...softens },
    {
      name: 'goes, and comes back',
      meanwhile: () => host.stop('kali3'),
      isPutBackByRun: false,
      ...none,
      back: () => host.come('kali3', []),
    },
    {
      name: 'exchanges its name with another',
      meanwhile() {
        host.exchangeNames('kali3', 'spare');
        put('vnet4', hardened);
      },
      isPutBackByRun: false,
      // What the run had changed is called spare now.
      untouched: () => [setting('vnet4', 'flood'), setting('spare', 'flood')],
      wanted: ['off', 'on'],
      back() {
        put('vnet4', ['flood', 'on']);
        host.exchangeNames('kali3', 'spare');
      },
    },
    {
      name: 'stays, and the sender is replaced',
      meanwhile: () => host.replace('kali2', apart),
      isPutBackByRun: false,
      untouched: () => [setting('vnet0', 'isolated'), setting('vnet4', 'flood')],
      wanted: ['on', 'on'],
      back: () => host.replace('kali2', []),
    },
  ];

  const journalThere = async (): Promise<void> => {
    while (host.journals().length === 0) await sleep(10);
  };

  it('leaves nothing, or `cleanup` and the next start put it back, and no other guest of the name is touched', async () => {
    const head = 'allow_changes: true\n';
    const long = host.scenario('long', { steps: withFlood(1500), head });
    const short = host.scenario('short', { steps: withFlood(5), head });
    for (const guest of ['kali2', 'kali3', 'spare'] as const) host.replace(guest, []);
    const all = kills(runs, onHost, hostMs);
    const ended: (number | null)[] = [];
    const counts = new Map<string, { runs: number; left: number }>();
    const usual = shape();
    for (const { number, signal, afterMs } of all) {
      // With every signal in turn.
      const fate = fates[Math.floor(number / onHost.length) % fates.length];
      if (fate === undefined) throw new Error('no fate');
      const about = { number, signal, afterMs, fate: fate.name };
      const count = counts.get(fate.name) ?? { runs: 0, left: 0 };
      counts.set(fate.name, count);
      count.runs += 1;
      const child = host.cli(['run', long, ...args]);
      const end = exited(child);
      // Every -9 comes when the run has begun to change the host, the others whenever they come.
      const restMs = signal === 'SIGKILL' ? afterMs / 2 : afterMs;
      if (signal === 'SIGKILL') await Promise.race([end, journalThere()]);
      await sleep(restMs / 2);
      fate.meanwhile?.();
      await sleep(restMs / 2);
      child.kill(signal);
      const status = await end;
      // Without the guests that it began with a run may end by itself.
      if (fate.meanwhile === undefined) expectEnd({ number, signal, afterMs }, status);
      else expect({ ...about, status }).not.toEqual({ ...about, status: 70 });
      ended.push(status);
      fate.after?.();
      if (host.journals().length > 0) {
        count.left += 1;
        // A signal that can be caught leaves nothing; after -9 the journal says what there is to put back.
        expect({ ...about, signal }).toEqual({ ...about, signal: 'SIGKILL' });
        const again = fate.isPutBackByRun && count.left % 2 === 1 ? ['run', short, ...args] : ['cleanup'];
        const { status: mended, stderr } = await outcomeOf(host.cli(again));
        expect({ ...about, again, mended, stderr }).toMatchObject({ ...about, mended: 0 });
      }
      expect({ ...about, settings: fate.untouched() }).toEqual({ ...about, settings: fate.wanted });
      fate.back();
      expect({ ...about, shape: shape(), journals: host.journals() }).toEqual({ ...about, shape: usual, journals: [] });
    }
    const each = [...counts].map(([name, { runs: of, left }]) => `${name}: ${of}, of which ${left} left a journal`);
    reported(`host, while the guest whose port is changed ${each.join('; ')}`, all, ended, hostMs);
  });
});
