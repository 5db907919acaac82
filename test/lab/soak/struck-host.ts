import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import type { HostState } from '../../../src/core/model/state.js';
import { procNames, procText } from '../../../src/system/kernel/proc-files.js';
import { descendants, leftAfter, namespacesOf } from '../../support/lab/processes.js';
import { type Random, randomFrom } from '../../support/lab/random.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { patient } from '../../support/patient.js';

/** Parts of a run on a host, as its timeline and its journal show them. */
export const phases = ['starting', 'preparing', 'probing', 'checking', 'undoing', 'judging'] as const;
export type Phase = (typeof phases)[number];

/** A run under way. */
export interface Running {
  readonly host: StruckHost;
  readonly child: ChildProcess;
  /** That it has started, as it had them at the moment. */
  readonly helpers: () => readonly { readonly pid: number; readonly command: string }[];
  readonly random: Random;
}

/** A disturbance, and the verdicts that it may lead to. */
export interface Strike {
  readonly name: string;
  /** Resolves when nothing more will happen to the run. */
  readonly act: (running: Running) => Promise<void> | void;
  /** What came is undone when the run has ended. */
  readonly mend?: (host: StruckHost) => void;
  /** The run may have seen all that it needs before it was struck in these phases; in others a HOLDS is wrong. */
  readonly holdsIn: readonly Phase[];
  /** It opens the bridge for as long as it takes: what a third guest gets meanwhile is a leak. */
  readonly opens?: true;
  /** The run ends by the signal, and `cleanup` undoes. */
  readonly isKill?: true;
}

/** A host whose truth is known: its bridge isolates, or copies a guest's frames to another one. */
export interface StruckHost extends ThrowAwayHost {
  readonly leaks: boolean;
  readonly file: string;
  /** What the bridge has to know: it is told what it forgot. */
  relearn(): void;
  /** All that a run may leave behind in the kernel. */
  traces(): readonly string[];
}

export function struckHost(leaks: boolean): StruckHost {
  const host = throwAwayHost();
  host.replace('kali3', []); // as it comes again
  host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'ageing_time', '1000000']);
  if (leaks) {
    const [from, to] = [guests.kali2.port, guests.spare.port];
    host.run(['tc', 'qdisc', 'add', 'dev', from, 'clsact']);
    const mirror = `tc filter add dev ${from} ingress protocol all u32 match u8 0 0 action mirred egress mirror dev ${to}`;
    host.run(mirror.split(' '));
  }
  const { port, mac, ip } = guests.spare;
  const file = host.scenario('struck', {
    head: 'allow_changes: true\n',
    more: `    spare: { bridge: br0, port: ${port}, mac: "${mac}", ip: ${ip}/24 }\n`,
    steps:
      '  - { name: s, set: { vnet4: { flood: off } }, probe: { class: known-unicast, from: kali2, to: lan, count: 300 }, expect: private }\n',
  });
  const known = Object.values(guests).map((guest) => `fdb replace ${guest.mac} dev ${guest.port} master dynamic\n`);
  const struck: StruckHost = {
    ...host,
    leaks,
    file,
    relearn: () => void host.run(['sh', '-c', `printf '%s' "$0" | bridge -batch -`, known.join('')]),
    traces: () =>
      [
        host.shape(),
        host.run(['ip', '-o', 'address', 'show']),
        host.run(['nft', 'list', 'ruleset']),
        host.run(['sysctl', '-a', '-r', '^net\\.(bridge|ipv[46]\\.(conf|ip_|neigh))']),
      ]
        .join('\n')
        .replaceAll(/^\d+: /gm, '') // a port that was made again has another index
        .replaceAll(/@if\d+/g, '')
        .split('\n')
        .sort(),
  };
  struck.relearn();
  return struck;
}

interface Progress {
  readonly host: StruckHost;
  readonly out: string;
  readonly child: ChildProcess;
}

/** null = it has ended. */
function phaseOf({ host, out, child }: Progress): Phase | null {
  if (child.exitCode !== null || child.signalCode !== null) return null;
  const timeline = procText(join(out, 'timeline.ndjson'));
  if (!timeline.includes('"event":"step-started"')) return 'starting';
  if (!timeline.includes('"state":"started"')) return 'preparing';
  if (!timeline.includes('"state":"ended"')) return 'probing';
  if (!timeline.includes('"event":"step-ended"')) return 'checking';
  return host.journals().length > 0 ? 'undoing' : 'judging';
}

/** Resolves when the run is in the phase, in a later one, or over. */
async function reached(progress: Progress, phase: Phase): Promise<void> {
  for (;;) {
    const current = phaseOf(progress);
    if (current === null || phases.indexOf(current) >= phases.indexOf(phase)) return;
    await sleep(2);
  }
}

export const isMarked = (mark: string, pid: number): boolean =>
  procText(`/proc/${pid}/environ`).includes(`SOAK_MARK=${mark}\0`);

/** Processes that have the mark in their environment: all that the run started. */
const marked = (mark: string): readonly number[] =>
  procNames('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isMarked(mark, pid));

/** Those that are left of them after 20 s at most; empty as soon as none is. */
export async function noneMarked(mark: string): Promise<readonly number[]> {
  for (const began = performance.now(); performance.now() - began < patient(20_000); await sleep(20))
    if (marked(mark).length === 0) return [];
  return marked(mark);
}

let runs = 0;
function started(host: StruckHost): Progress & { readonly mark: string; readonly ended: ReturnType<typeof outcomeOf> } {
  const mark = `${process.pid}-${(runs += 1)}`;
  const out = join(host.dir, mark);
  const args = ['run', host.file, '--yes', '--allow-changes', '--json', '--quiet', '--out', out];
  const child = host.cli(args, true, ['env', `SOAK_MARK=${mark}`]);
  return { host, out, child, mark, ended: outcomeOf(child) };
}

/** How long each phase takes here and now, in ms, by a run that nothing disturbs and whose verdict is the right one. */
async function durations(host: StruckHost): Promise<ReadonlyMap<Phase, number>> {
  const run = started(host);
  const entered = new Map<Phase, number>();
  for (let phase = phaseOf(run); phase !== null; phase = phaseOf(run)) {
    if (!entered.has(phase)) entered.set(phase, performance.now());
    await sleep(2);
  }
  const { status, stderr } = await run.ended;
  expect({ leaks: host.leaks, status, stderr }).toEqual({ leaks: host.leaks, status: host.leaks ? 2 : 0, stderr });
  const times = [...entered.values(), performance.now()];
  return new Map([...entered.keys()].map((phase, at) => [phase, (times[at + 1] ?? 0) - (times[at] ?? 0)]));
}

interface Struck {
  readonly phase: Phase | null;
  readonly status: number | null;
}

/** Runs the program once, strikes at `share` of the phase, and looks at the verdict and at what is left. */
async function struckOnce(
  host: StruckHost,
  strike: Strike,
  aim: { readonly phase: Phase; readonly afterMs: number; readonly random: Random },
): Promise<Struck> {
  const run = started(host);
  const { child, ended, out, mark } = run;
  const home = namespacesOf([process.pid]);
  await reached(run, aim.phase);
  await sleep(aim.afterMs);
  const phase = phaseOf(run);
  const pid = child.pid ?? 0;
  const helpers = (): ReturnType<typeof descendants> => descendants(pid);
  const pids = [pid, ...helpers().map((helper) => helper.pid)];
  const namespaces = new Set([...namespacesOf(pids)].filter((namespace) => !home.has(namespace)));
  await strike.act({ host, child, helpers, random: aim.random });
  const { status, stderr } = await ended;
  const about = { strike: strike.name, leaks: host.leaks, aim: aim.phase, afterMs: aim.afterMs, phase, status, stderr };
  const left = await leftAfter(patient(20_000), pids, namespaces, (other) => isMarked(mark, other));
  expect({ ...about, left, marked: await noneMarked(mark) }).toEqual({ ...about, left: [], marked: [] });
  expectVerdict(strike, { host, phase, out, status }, about);
  await expectCleaned(host, strike, about);
  rmSync(out, { recursive: true, force: true });
  return { phase, status };
}

/** 69: the run was refused, for what it needs was not there. */
/** The run read the state when the bridge was the one that is there now. */
function hasReadAfter(host: StruckHost, out: string): boolean {
  const [now]: readonly { readonly ifindex: number }[] = JSON.parse(host.run(['ip', '-j', 'link', 'show', 'br0']));
  const { links } = JSON.parse(readFileSync(join(out, 'state/1-before.json'), 'utf8')) as HostState;
  return links.some(({ name, ifindex }) => name === 'br0' && ifindex === now?.ifindex);
}

function expectVerdict(
  strike: Strike,
  {
    host,
    phase,
    out,
    status,
  }: {
    readonly host: StruckHost;
    readonly phase: Phase | null;
    readonly out: string;
    readonly status: number | null;
  },
  about: object,
): void {
  const { leaks } = host;
  const isEarly = phase === 'preparing' && status === 0 && strike.opens === true && hasReadAfter(host, out);
  const mayHold = !leaks && (phase === null || isEarly || strike.holdsIn.includes(phase));
  const mayLeak = leaks || strike.opens === true;
  const right = [3, 69, ...(mayLeak ? [2] : []), ...(mayHold ? [0] : []), ...(strike.isKill === true ? [null] : [])];
  expect(right, JSON.stringify(about)).toContain(status);
  if (!existsSync(join(out, 'result.json'))) return;
  const { verdict } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as Result;
  const verdicts = ['inconclusive', ...(mayLeak ? ['broken'] : []), ...(mayHold ? ['holds'] : [])];
  expect(verdicts, JSON.stringify(about)).toContain(verdict);
}

/** The kernel takes devices of a process that was killed away a moment later, and a link comes up a moment later. */
async function tracesLike(host: StruckHost, usual: readonly string[]): Promise<readonly string[]> {
  let traces = host.traces();
  for (const began = performance.now(); performance.now() - began < patient(20_000); traces = host.traces()) {
    if (traces.join('\n') === usual.join('\n')) break;
    await sleep(100);
  }
  return traces;
}

/** After a kill `cleanup` has to undo; after anything else the run itself. */
async function expectCleaned(host: StruckHost, strike: Strike, about: object): Promise<void> {
  if (strike.isKill === true && host.journals().length > 0) {
    const { status, stderr } = await outcomeOf(host.cli(['cleanup']));
    expect({ ...about, cleanup: status, stderr }).toEqual({ ...about, cleanup: 0, stderr });
  }
  strike.mend?.(host);
  expect({ ...about, journals: host.journals() }).toEqual({ ...about, journals: [] });
}

interface Aim {
  readonly phase: Phase;
  readonly isLate: boolean;
}

/** How many runs are struck, with which moments, and after how many ms no further one begins but for a phase. */
export interface Bounds {
  readonly count: number;
  readonly seed: number;
  readonly maxMs: number;
}

/** Each phase in turn; when the runs or their time is over, the phases that no run was struck in, at their beginning. */
function* aims({ count, maxMs }: Bounds, met: ReadonlyMap<Phase | null, number>): Generator<Aim> {
  const began = performance.now();
  for (let number = 0; number < count && performance.now() - began < maxMs; number += 1)
    yield { phase: phases[number % phases.length] ?? 'starting', isLate: true };
  for (let tries = 0; tries < 3 * phases.length; tries += 1) {
    const missing = phases.find((phase) => !met.has(phase));
    if (missing === undefined) return;
    yield { phase: missing, isLate: false };
  }
}

const countOne = <Key>(counts: Map<Key, number>, key: Key): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/**
 * Strikes `count` runs at random moments, of which each phase gets its share, on a host that isolates and on one that
 * leaks. Then more, until no phase is without. Gives the moments and the ends, as text.
 */
export async function strikes(strike: Strike, bounds: Bounds): Promise<string> {
  const { seed } = bounds;
  const random = randomFrom(seed);
  const hosts = [struckHost(false), struckHost(true)];
  const met = new Map<Phase | null, number>();
  const ends = new Map<number | null, number>();
  try {
    const each = [];
    for (const host of hosts) each.push({ host, lasts: await durations(host), usual: host.traces() });
    for (const { phase, isLate } of aims(bounds, met)) {
      const { host, lasts, usual } = random.pick(each);
      const afterMs = isLate ? random.below(Math.ceil(lasts.get(phase) ?? 1)) : 0;
      const struck = await struckOnce(host, strike, { phase, afterMs, random });
      countOne(met, struck.phase);
      countOne(ends, struck.status);
      const about = { seed, phase, afterMs, leaks: host.leaks };
      expect({ ...about, traces: await tracesLike(host, usual) }).toEqual({ ...about, traces: usual });
    }
  } finally {
    for (const host of hosts) host.close();
  }
  const moments = phases.map((phase) => `${phase} ${met.get(phase) ?? 0}`).join(', ');
  const statuses = [...ends].map(([status, times]) => `${status ?? 'by the signal'} ${times}`).join(', ');
  const struckRuns = [...met.values()].reduce((sum, times) => sum + times, 0);
  const text = `${strike.name}, ${struckRuns} runs, seed ${seed}: ${moments}, over ${met.get(null) ?? 0}; exit status ${statuses}`;
  expect(
    phases.filter((phase) => !met.has(phase)),
    text,
  ).toEqual([]);
  return text;
}
