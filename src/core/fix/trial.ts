import type { Result, StepResult } from '../model/result.js';
import type { Endpoint, ProbeEntry, Scenario, Step } from '../model/scenario.js';
import { freePrograms } from '../scenario/free-commands.js';
import { splitFix } from './text.js';

/** What one fix is tried with: a scenario of its own, in a lab of its own. */
export interface FixTrial {
  /** 0-based index of the leaking step in the run's own scenario. */
  readonly step: number;
  readonly cause: string;
  readonly commands: readonly string[];
  readonly scenario: Scenario;
  /**
   * Where the trial's scenario has the step as it was, the reach before, the step after the fix, and the reach after.
   */
  readonly at: {
    readonly before: number;
    readonly reachBefore: number;
    readonly after: number;
    readonly reachAfter: number;
  };
}

/** Frames for each pair of a reach. */
const reachCount = 20;
/** Endpoints beyond these are not asked whether they are still reached. */
const mostReached = 32;

/** Fixes that act only after a while: a new querier is believed after mcast_query_response_interval, 10 s. */
const settleMs: Readonly<Record<string, number>> = { 'no-querier': 11_000 };

const nothing = { flush: [], del: [], add: [] } as const;
const nobodyExpected = { expected: null, maySee: null, mustSee: null, seen: [], observers: null } as const;

/** A step without what it sends: only what it changes. */
function changesOnly(step: Step): Step {
  return {
    ...step,
    waitMs: 0,
    probes: [],
    traffic: [],
    listenMs: null,
    during: [],
    accept: [],
    expect: nobodyExpected,
  };
}

function presentAt(scenario: Scenario, index: number): readonly Endpoint[] {
  const running = new Set(scenario.topology.endpoints.filter(({ started }) => started).map(({ name }) => name));
  for (const step of scenario.steps.slice(0, index + 1)) {
    for (const name of step.stop) running.delete(name);
    for (const name of step.start) running.add(name);
  }
  return scenario.topology.endpoints.filter(({ name }) => running.has(name));
}

function unicast(from: Endpoint, to: readonly Endpoint[], everybody: readonly string[]): ProbeEntry {
  return {
    class: 'known-unicast',
    from: [from.name],
    to: to.map(({ name }) => name),
    via: null,
    bothWays: false,
    acrossBridges: false,
    count: reachCount,
    rate: null,
    carriers: ['raw'],
    vlanStacks: [[]],
    srcMac: null,
    dstMac: null,
    srcIp: null,
    dstIp: null,
    group: null,
    size: null,
    maySee: everybody,
    mustSee: null,
    seen: [],
  };
}

/**
 * Who gets what is sent to it: the uplink, else the first guest, sends to everybody on its bridge, and somebody sends
 * back.
 */
function reachStep(name: string, step: Step, present: readonly Endpoint[]): Step {
  const able = present.filter(({ macs, attach }) => macs.length > 0 && attach !== 'host');
  const talker = able.find(({ role }) => role === 'uplink') ?? able[0];
  const others = able.filter((one) => one !== talker && one.bridge === talker?.bridge).slice(0, mostReached);
  const [first] = others;
  const everybody = present.map((one) => one.name);
  const probes =
    talker === undefined || first === undefined
      ? []
      : [unicast(talker, others, everybody), unicast(first, [talker], everybody)];
  return {
    ...changesOnly({
      ...step,
      set: [],
      sysctl: {},
      vlan: { add: [], del: [] },
      fdb: nothing,
      mdb: { add: [], del: [] },
      start: [],
      stop: [],
      run: [],
      learn: everybody,
    }),
    name,
    probes,
  };
}

/**
 * The step again, with the fix instead of its own changes. What it flushed it flushes again: its leak may need an empty
 * table.
 */
function repeated(step: Step, cause: string, fix: readonly (readonly string[])[]): Step {
  return {
    ...step,
    name: `${step.name}, with the fix`,
    set: [],
    sysctl: {},
    vlan: { add: [], del: [] },
    fdb: { ...nothing, flush: step.fdb.flush },
    mdb: { add: [], del: [] },
    start: [],
    stop: [],
    run: fix,
    waitMs: Math.max(step.waitMs, settleMs[cause] ?? 0),
    probes: step.probes.map((probe) => ({ ...probe, seen: [] })),
    traffic: step.traffic.map((traffic) => ({ ...traffic, seen: [] })),
    accept: [],
    expect: { ...step.expect, expected: 'holds', seen: [] },
  };
}

/**
 * The fixes that a step's leaks ask for, by cause: each command once, in the order of the rows. Words to people are
 * none.
 */
function proposed(result: StepResult): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const byCause = new Map<string, Map<string, readonly string[]>>();
  for (const { code, fix } of result.findings.filter(({ leak }) => leak).flatMap(({ causes }) => causes)) {
    const commands = splitFix(fix);
    if (commands.length === 0 || commands.some(({ argv }) => !freePrograms.includes(argv[0] ?? ''))) continue;
    const known = byCause.get(code) ?? new Map<string, readonly string[]>();
    for (const { text, argv } of commands) known.set(text, argv);
    byCause.set(code, known);
  }
  return byCause;
}

/**
 * A trial for each fix that a run's leaks ask for. All commands of one cause are tried together: a flag that is wrong
 * on several ports is put right on all of them. Earlier steps only change what they change; then the step as it was,
 * the fix, and the step again, each followed by a look whether everybody is still reached.
 */
export function fixTrials(scenario: Scenario, result: Result): readonly FixTrial[] {
  return result.steps.flatMap((stepResult, index) => {
    const step = scenario.steps[index];
    if (step === undefined || stepResult.verdict !== 'broken') return [];
    const present = presentAt(scenario, index);
    const earlier = scenario.steps.slice(0, index).map(changesOnly);
    return [...proposed(stepResult)].map(
      ([cause, commands]): FixTrial => ({
        step: index,
        cause,
        commands: [...commands.keys()],
        scenario: {
          ...scenario,
          name: `${scenario.name}, step ${index + 1}, fix for ${cause}`,
          steps: [
            ...earlier,
            { ...step, accept: [] },
            reachStep('who is reached', step, present),
            repeated(step, cause, [...commands.values()]),
            reachStep('who is still reached', step, present),
          ],
        },
        at: { before: index, reachBefore: index + 1, after: index + 2, reachAfter: index + 3 },
      }),
    );
  });
}
