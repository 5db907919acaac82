import type { Cause, Result, StepResult } from '../model/result.js';
import type { Scenario, Step } from '../model/scenario.js';
import { freePrograms } from '../scenario/free-commands.js';
import { changesOnly, presentAt, reachStep, talkersOf, withoutChanges } from './reach.js';
import { commandText, fixCommands } from './fix-text.js';

/** The scenario of a fix's trial, in its own lab. */
export interface FixTrial {
  /** Index from 0 of the leaking step in the run's scenario. */
  readonly step: number;
  readonly cause: Cause['code'];
  readonly commands: readonly string[];
  readonly scenario: Scenario;
  /** Indices in the trial's scenario: the step as it was, the reach before, the step after the fix, the reach after. */
  readonly at: {
    readonly before: number;
    readonly reachBefore: number;
    readonly after: number;
    readonly reachAfter: number;
  };
  /** Of each bridge, the gateway of the reach. */
  readonly gateways: readonly string[];
}

/** A new querier counts after mcast_query_response_interval, 10 s. */
const settleMs: Readonly<Record<string, number>> = { 'no-querier': 11_000 };

/** The step with the fix in place of its changes, but with its flushes: its leak may need an empty table. */
function repeated(step: Step, cause: Cause['code'], fix: readonly (readonly string[])[]): Step {
  const unchanged = withoutChanges(step);
  return {
    ...unchanged,
    name: `${step.name}, with the fix`,
    fdb: { ...unchanged.fdb, flush: step.fdb.flush },
    run: fix,
    waitMs: Math.max(step.waitMs, settleMs[cause] ?? 0),
    probes: step.probes.map((probe) => ({ ...probe, seen: [] })),
    traffic: step.traffic.map((traffic) => ({ ...traffic, seen: [] })),
    accept: [],
    expect: { ...step.expect, expected: 'holds', seen: [] },
  };
}

/** By cause, each command once, in the order of rows, without words for people. */
function proposed(result: StepResult): ReadonlyMap<Cause['code'], ReadonlyMap<string, readonly string[]>> {
  const byCause = new Map<Cause['code'], Map<string, readonly string[]>>();
  for (const { code, changes = [] } of result.findings.filter(({ leak }) => leak).flatMap(({ causes }) => causes)) {
    const commands = fixCommands(changes);
    if (commands.length === 0 || commands.some(([program = '']) => !freePrograms.includes(program))) continue;
    const known = byCause.get(code) ?? new Map<string, readonly string[]>();
    for (const argv of commands) known.set(commandText(argv), argv);
    byCause.set(code, known);
  }
  return byCause;
}

/**
 * A trial for each fix of a run's leaks, with all commands of one cause together. Earlier steps only make their
 * changes; then the step as it was, the fix, and the step again, each followed by a test of reach.
 */
export function fixTrials(scenario: Scenario, result: Result): readonly FixTrial[] {
  return result.steps.flatMap((stepResult, index) => {
    const step = scenario.steps[index];
    if (step === undefined || stepResult.verdict !== 'broken') return [];
    const gateways = talkersOf(presentAt(scenario, index));
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
            reachStep('who is reached', step, scenario, index),
            repeated(step, cause, [...commands.values()]),
            reachStep('guests that are still reached', step, scenario, index),
          ],
        },
        gateways,
        at: { before: index, reachBefore: index + 1, after: index + 2, reachAfter: index + 3 },
      }),
    );
  });
}
