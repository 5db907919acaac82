import { plainGuest, plainProbe, plainStep } from '../../../src/core/scenario/plain-steps.js';
import { createHash } from 'node:crypto';
import {
  addBatch,
  type CaptureIdentity,
  finishJudging,
  type JudgedBatch,
  type JudgeInput,
  startJudging,
} from '../../../src/core/judge/judge.js';
import { phases, type Plan, type StepPlan } from '../../../src/core/model/plan.js';
import type { Result } from '../../../src/core/model/result.js';
import { sabotageFigures } from '../../../src/core/model/run-record.js';
import type { Endpoint, Scenario, Step } from '../../../src/core/model/scenario.js';
import type { HostState, LinkState, StepStates } from '../../../src/core/model/state.js';
import type { TimelineEntry, TimelineEvent, TraceLine } from '../../../src/core/model/timeline.js';
import { evidenceInterfaces } from '../../../src/core/plan/evidence-interfaces.js';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../src/core/wire/token.js';

/** The run's key of every test here. */
export const key = Buffer.alloc(32, 7);

/** A frame of a capture, in words. */
export interface Captured {
  readonly observer: string;
  readonly outgoing: boolean;
  readonly bytes: Uint8Array;
  /** 0 where left out. */
  readonly step?: number;
}

/** All that a judgement reads; tests take pieces away or add some. */
export interface Evidence {
  plan: Plan;
  run: JudgeInput['run'];
  timeline: TimelineEntry[];
  states: StepStates[];
  frames: Captured[];
  /** Absent: no step was traced. */
  trace?: readonly TraceLine[];
}

function guest(name: string, port: string, mac: string, role: Endpoint['role'] = 'guest'): Endpoint {
  return { ...plainGuest, name, bridge: 'br0', port, role, macs: [mac] };
}

export function step(over: Partial<Step> = {}): Step {
  return {
    ...plainStep,
    name: 'one',
    line: 1,
    probes: [
      {
        ...plainProbe,
        class: 'known-unicast',
        from: ['a'],
        to: ['b'],
        acrossBridges: false,
        count: 20,
        carriers: ['raw'],
      },
    ],
    expect: { expected: 'holds', maySee: null, mustSee: null, seen: [], observers: null },
    ...over,
  };
}

export function scenario(steps: readonly Step[]): Scenario {
  return {
    version: 1,
    name: 'test',
    description: null,
    file: 'test.yml',
    sha256: '0'.repeat(64),
    files: [],
    variables: {},
    grep: null,
    allowChanges: false,
    allowDisruptive: false,
    partialScope: null,
    steps,
    topology: {
      provider: 'lab',
      sysctl: {},
      bridges: [
        {
          name: 'br0',
          kind: 'linux',
          datapath: null,
          settings: {},
          addresses: [],
          vlans: [],
          mirrors: [],
          netns: null,
        },
      ],
      endpoints: [
        guest('a', 'p0', '52:54:00:00:00:01'),
        guest('b', 'p1', '52:54:00:00:00:02'),
        guest('c', 'p2', '52:54:00:00:00:03'),
        guest('lan', 'p3', '00:11:22:33:44:55', 'uplink'),
      ],
    },
  };
}

function link(name: string, ifindex: number, port: boolean): LinkState {
  return {
    name,
    ifindex,
    mac: `02:00:00:00:00:0${ifindex}`,
    mtu: 1500,
    flags: ['UP', 'LOWER_UP'],
    operstate: 'UP',
    master: port ? 'br0' : null,
    promiscuity: port ? 1 : 0,
    kind: port ? 'veth' : 'bridge',
    sysFlags: 0x1003,
    bridge: port ? null : { ageing_time: 30000 },
    port: port ? { state: 'forwarding', flood: true } : null,
  };
}

export function hostState(): HostState {
  return {
    links: [link('br0', 1, false), link('p0', 2, true), link('p1', 3, true), link('p2', 4, true), link('p3', 5, true)],
    fdb: [],
    vlan: null,
    mdb: null,
    tc: [],
    nft: null,
    sysctl: {},
    drops: { devices: {}, backlog: 0 },
    programs: [],
    unread: [],
  };
}

function framesOf(plan: Plan, stepPlan: StepPlan): Captured[] {
  const frames: Captured[] = [];
  const token = (index: number): Uint8Array => tokensFor(key, plan.runTag, index, 1);
  for (const phase of phases) {
    for (const control of stepPlan.controls.filter((control) => control.phase === phase)) {
      const bytes = buildFrame(control.frame, token(control.index));
      const { index } = stepPlan;
      if (control.sender !== null) frames.push({ observer: control.sender, outgoing: false, bytes, step: index });
      if (control.sender !== control.observer)
        frames.push({ observer: control.observer, outgoing: control.kind === 'ear', bytes, step: index });
    }
    if (phase !== 'before') continue;
    for (const flow of stepPlan.flows) {
      for (let sequence = 0; sequence < flow.count; sequence += 1) {
        const bytes = buildFrame(flow.frame, token(flow.first + sequence));
        frames.push({ observer: flow.sender, outgoing: false, bytes, step: stepPlan.index });
        for (const name of flow.must) frames.push({ observer: name, outgoing: true, bytes, step: stepPlan.index });
      }
    }
  }
  return frames;
}

function eventsOf(stepPlan: StepPlan, frames: readonly Captured[]): TimelineEvent[] {
  const names = stepPlan.observers.map((observer) => observer.name);
  const written = Object.fromEntries(names.map((name) => [name, 0]));
  for (const { observer } of frames) if (written[observer] !== undefined) written[observer] += 1;
  const counters = Object.fromEntries(
    Object.entries(written).map(([name, count]) => [name, { received: count, dropped: 0, delivered: count }]),
  );
  const facts = { engine: 'libpcap', timestamps: 'kernel', originalLength: true, direction: 'known' } as const;
  return [
    { event: 'step-started' },
    ...names.map((observer) => ({ event: 'listening', observer, facts, version: 'test' }) as const),
    ...phases.map(
      (phase) =>
        ({
          event: 'controls-sent',
          phase,
          accepted: stepPlan.controls.filter((control) => control.phase === phase).map((control) => control.index),
        }) as const,
    ),
    { event: 'probing', state: 'started' },
    ...stepPlan.flows.map(
      (flow) =>
        ({ event: 'sent', flow: flow.id, first: flow.first, planned: flow.count, accepted: flow.count }) as const,
    ),
    { event: 'drained', drainMs: stepPlan.drainMs },
    { event: 'stopped', counters, written },
    { event: 'step-ended', outcome: 'done' },
  ];
}

/** What a run leaves in which everything went right and nothing leaked. */
export function perfectRun(of: Scenario = scenario([step()])): Evidence {
  const plan = makePlan(of, { runTag: 0xabcdef01, keySha256: createHash('sha256').update(key).digest('hex') });
  const frames = plan.steps.flatMap((step) => framesOf(plan, step));
  return {
    plan,
    run: {
      runVersion: 1,
      tool: { name: 'verify-isolation', version: '0', verdictRules: 2, sabotage: sabotageFigures },
      id: 'r',
      startedAt: '2026-01-01T00:00:00.000Z',
      scenario: { name: 'test', file: 'test.yml', sha256: of.sha256 },
      provider: 'lab',
      runsAs: 'root',
      engine: 'libpcap',
      kernel: '6',
      node: '20',
      key: key.toString('hex'),
      capture: null,
    },
    timeline: plan.steps.flatMap((step) =>
      eventsOf(step, framesOf(plan, step)).map((event, at) => ({
        atNs: String(at * 1_000_000),
        monoMs: at,
        step: step.index,
        ...event,
      })),
    ),
    states: plan.steps.map(() => ({ before: hostState(), after: hostState() })),
    frames,
  };
}

/** The frames of evidence as a reader of its capture gives them. */
export function batchOf({ plan, frames }: Evidence): JudgedBatch {
  const names = evidenceInterfaces(plan).map(
    (block) => `${block.step}/${plan.steps[block.step]?.observers[block.observer]?.name ?? ''}`,
  );
  let at = 0;
  const offset = Uint32Array.from(frames, (frame) => {
    const here = at;
    at += frame.bytes.length;
    return here;
  });
  return {
    bytes: Buffer.concat(frames.map((frame) => frame.bytes)),
    count: frames.length,
    offset,
    captured: Uint32Array.from(frames, (frame) => frame.bytes.length),
    interfaceId: Uint32Array.from(frames, (frame) => names.indexOf(`${frame.step ?? 0}/${frame.observer}`)),
    timeNs: BigInt64Array.from(frames, (_, index) => BigInt(index)),
    direction: Uint8Array.from(frames, (frame) => (frame.outgoing ? 2 : 1)),
  };
}

/** A timeline that tests have changed, as a run would have numbered it. */
export function numbered(timeline: readonly TimelineEntry[]): readonly TimelineEntry[] {
  return timeline.map((entry, n) => ({ ...entry, n }));
}

/** Judges evidence of one step; `packets` is what the writer of the capture counted, where it is not what is there. */
export function judge(
  evidence: Evidence,
  packets = evidence.frames.length,
  identity: CaptureIdentity = { sha256: 'f'.repeat(64), files: [] },
): Result {
  const timeline = numbered(evidence.timeline);
  const run = {
    ...evidence.run,
    timeline: { entries: timeline.length },
    capture: evidence.run.capture ?? { sha256: 'f'.repeat(64), packets },
  };
  const { plan, states, trace } = evidence;
  const judging = startJudging({ plan, run, timeline, states, ...(trace === undefined ? {} : { trace }) });
  addBatch(judging, batchOf(evidence));
  return finishJudging(judging, identity);
}

/** Adds frames as if the worker had written them. */
export function addFrames(evidence: Evidence, ...frames: readonly Captured[]): void {
  evidence.frames.push(...frames);
  evidence.timeline = evidence.timeline.map((entry) => {
    if (entry.event !== 'stopped') return entry;
    const written = { ...entry.written };
    for (const { observer, step: at = 0 } of frames)
      if (at === entry.step) written[observer] = (written[observer] ?? 0) + 1;
    return { ...entry, written };
  });
}
