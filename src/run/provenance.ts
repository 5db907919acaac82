import { coverageOf } from '../core/judge/proof/coverage.js';
import { stepFacts } from '../core/judge/proof/step-facts.js';
import type { Plan, StepPlan } from '../core/model/plan.js';
import type {
  CalibrationRecord,
  Instrument,
  ListenedStep,
  Provenance,
  ToolRecord,
  When,
} from '../core/model/run-record.js';
import type { StepStates } from '../core/model/state.js';
import type { TimelineEntry } from '../core/model/timeline.js';
import { VerifyError } from '../core/model/verify-error.js';
import { limitsOf, methodStatement } from '../core/plan/method-statement.js';
import { timeText } from '../core/text/time.js';
import { compileForRecord, libpcap } from '../system/capture/engines/libpcap-library.js';
import { moment, readClockSync } from '../system/kernel/clock.js';
import { readMachine } from '../system/machine/read-machine.js';
import { readPackage } from '../system/machine/read-package.js';
import { readWho } from '../system/machine/read-who.js';
import { engineOf, ringOf, snaplenOf } from './capture-step.js';
import type { OperatorDeclaration } from './context.js';

export interface ProvenanceInput {
  readonly plan: Plan;
  readonly tool: ToolRecord;
  readonly engine: 'libpcap' | 'cap';
  readonly engineText: string;
  readonly payload: boolean;
  readonly declared: OperatorDeclaration;
  /** Of the bridges. null = this process's. */
  readonly netns: string | null;
  readonly calibration: CalibrationRecord | null;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof VerifyError) return null;
    throw error;
  }
}

function listened(step: StepPlan, input: ProvenanceInput): readonly ListenedStep[] {
  if (step.observers.length === 0) return [];
  const snaplen = snaplenOf(input, step);
  const program = orNull(() => Buffer.from(compileForRecord(step.filter, snaplen)).toString('hex'));
  return [
    {
      step: step.name,
      engine: engineOf(input, step),
      snaplen,
      ring: ringOf(input, step),
      filter: step.filter,
      program,
    },
  ];
}

async function instrument(input: ProvenanceInput): Promise<Instrument> {
  return {
    tool: input.tool,
    ...(await readPackage()),
    node: process.versions.node,
    engine: input.engineText,
    libpcap: orNull(() => libpcap().version()),
    captures: input.plan.steps.flatMap((step) => listened(step, input)),
    calibration: input.calibration,
  };
}

/** Known before the first frame. */
export async function beginProvenance(input: ProvenanceInput): Promise<Provenance> {
  const started = moment();
  const [where, measuredWith] = await Promise.all([readMachine(input.netns), instrument(input)]);
  return {
    who: readWho(input.declared),
    where,
    when: { started, ended: null, clock: { before: readClockSync(), after: null }, steps: [] },
    instrument: measuredWith,
    method: methodStatement(input.plan),
    scope: null,
    limits: limitsOf(input.plan),
  };
}

function stepTimes(plan: Plan, timeline: readonly TimelineEntry[]): When['steps'] {
  const first = new Map<number, TimelineEntry>();
  const last = new Map<number, TimelineEntry>();
  for (const entry of timeline) {
    if (!first.has(entry.step)) first.set(entry.step, entry);
    last.set(entry.step, entry);
  }
  return plan.steps.flatMap(({ index, name }) => {
    const [start, end] = [first.get(index), last.get(index)];
    return start === undefined || end === undefined
      ? []
      : [
          {
            name,
            startedAt: timeText(BigInt(start.atNs)),
            endedAt: timeText(BigInt(end.atNs)),
            startedMonoMs: start.monoMs,
            endedMonoMs: end.monoMs,
          },
        ];
  });
}

/** Adds times and listening after the last step. */
export function completeProvenance(
  begun: Provenance,
  plan: Plan,
  timeline: readonly TimelineEntry[],
  states: readonly StepStates[],
): Provenance {
  const { observed, ports, unobserved } = coverageOf(
    plan,
    stepFacts(plan, timeline),
    plan.steps.map(({ index }) => states[index] ?? { before: null, after: null }),
  );
  return {
    ...begun,
    when: {
      ...begun.when,
      ended: moment(),
      clock: { ...begun.when.clock, after: readClockSync() },
      steps: stepTimes(plan, timeline),
    },
    scope: {
      bridges: plan.bridges.map(({ name }) => name),
      endpoints: plan.endpoints.map(({ name, role, port, macs }) => ({ name, role, interface: port, macs })),
      partial: plan.partialScope,
      observed,
      ports,
      unobserved,
    },
  };
}
