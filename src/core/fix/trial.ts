import type { Cause, Result, StepResult } from '../model/result.js';
import type { Scenario, Step } from '../model/scenario.js';
import { freePrograms } from '../scenario/free-commands.js';
import { changesOnly, presentAt, reachStep, talkersOf, withoutChanges } from './reach.js';
import { commandText, fixCommands } from './fix-text.js';

/** A fix's trial scenario, in its own lab. */
export interface FixTrial {
  /** The leaking step, from 0. */
  readonly step: number;
  readonly cause: Cause['code'];
  readonly commands: readonly string[];
  readonly scenario: Scenario;
  /** Indices of steps in the trial: as it was, reach before, after the fix, reach after. */
  readonly at: {
    readonly before: number;
    readonly reachBefore: number;
    readonly after: number;
    readonly reachAfter: number;
  };
  readonly gateways: readonly string[];
}

/** A new querier counts after mcast_query_response_interval, 10 s. */
const settleMs: Readonly<Record<string, number>> = { 'no-querier': 11_000 };

/** Flushes stay, as the leak may need an empty table. */
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
 * A trial for each cause's fix. Earlier steps only make changes. Then come the step, the fix and the step again, each
 * followed by a test of reach.
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
