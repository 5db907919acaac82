import type { Phase, Plan } from '../model/plan.js';
import type { Counters, EngineFacts, Fault, TimelineEntry } from '../model/timeline.js';

/** What the timeline says of one step, gathered so that it can be asked. */
export interface StepFacts {
  readonly listening: ReadonlyMap<string, EngineFacts>;
  /** Observers whose `listening` came before the first probe. */
  readonly listenedInTime: ReadonlySet<string>;
  readonly controlsAccepted: ReadonlySet<number>;
  readonly controlPhases: ReadonlySet<Phase>;
  /** By flow id: frames handed to the kernel, and accepted by it. */
  readonly planned: ReadonlyMap<number, number>;
  readonly accepted: ReadonlyMap<number, number>;
  readonly trafficOk: ReadonlyMap<number, { readonly ok: boolean; readonly detail: string }>;
  /** Probing began: without it nothing but the faults is worth telling. */
  readonly probed: boolean;
  readonly drainedMs: number | null;
  readonly stopped: Readonly<Record<string, Counters>>;
  readonly written: Readonly<Record<string, number>>;
  readonly lastCounters: Readonly<Record<string, Counters>>;
  readonly faults: readonly Fault[];
  readonly kept: readonly { readonly observer: string; readonly towards: boolean; readonly frame: string }[];
  readonly outcome: 'done' | 'fault' | 'not-run' | 'unsupported' | null;
  readonly lastMonoMs: number;
}

interface Gathering {
  listening: Map<string, EngineFacts>;
  listenedInTime: Set<string>;
  controlsAccepted: Set<number>;
  controlPhases: Set<Phase>;
  planned: Map<number, number>;
  accepted: Map<number, number>;
  trafficOk: Map<number, { ok: boolean; detail: string }>;
  probed: boolean;
  drainedMs: number | null;
  stopped: Record<string, Counters>;
  written: Record<string, number>;
  lastCounters: Record<string, Counters>;
  faults: Fault[];
  kept: { observer: string; towards: boolean; frame: string }[];
  outcome: StepFacts['outcome'];
  lastMonoMs: number;
}

function empty(): Gathering {
  return {
    listening: new Map(), listenedInTime: new Set(), controlsAccepted: new Set(), controlPhases: new Set(), planned: new Map(), accepted: new Map(),
    trafficOk: new Map(), probed: false, drainedMs: null, stopped: {}, written: {}, lastCounters: {}, faults: [], kept: [], outcome: null, lastMonoMs: 0,
  };
}

function gather(facts: Gathering, entry: TimelineEntry): void {
  facts.lastMonoMs = Math.max(facts.lastMonoMs, entry.monoMs);
  switch (entry.event) {
    case 'listening':
      facts.listening.set(entry.observer, entry.facts);
      break;
    case 'controls-sent':
      facts.controlPhases.add(entry.phase);
      for (const index of entry.accepted) facts.controlsAccepted.add(index);
      break;
    case 'sent':
      facts.planned.set(entry.flow, (facts.planned.get(entry.flow) ?? 0) + entry.planned);
      facts.accepted.set(entry.flow, (facts.accepted.get(entry.flow) ?? 0) + entry.accepted);
      break;
    case 'probing':
      facts.probed = true;
      if (entry.state === 'started') facts.listenedInTime = new Set(facts.listening.keys());
      break;
    case 'traffic':
      facts.trafficOk.set(entry.traffic, { ok: entry.ok, detail: entry.detail });
      break;
    case 'drained':
      facts.drainedMs = entry.drainMs;
      break;
    case 'mark':
      Object.assign(facts.lastCounters, entry.counters);
      break;
    case 'stopped':
      Object.assign(facts.stopped, entry.counters);
      Object.assign(facts.lastCounters, entry.counters);
      Object.assign(facts.written, entry.written);
      break;
    case 'fault':
      facts.faults.push(entry.fault);
      break;
    case 'kept':
      facts.kept.push({ observer: entry.observer, towards: entry.towards, frame: entry.frame });
      break;
    case 'step-ended':
      facts.outcome = entry.outcome;
      break;
    case 'step-started':
    case 'changed':
    case 'learned':
    case 'sealed':
    case 'state-read':
      break;
  }
}

/** The timeline by step, in the plan's order. Steps that the run never came to have no outcome. */
export function stepFacts(plan: Plan, timeline: readonly TimelineEntry[]): readonly StepFacts[] {
  const all = plan.steps.map(empty);
  for (const entry of timeline) {
    const facts = all[entry.step];
    if (facts !== undefined) gather(facts, entry);
  }
  return all;
}
