import { isOn } from '../bridge/setting-value.js';
import type { OutwardPort } from '../bridge/beside.js';
import { placeOf } from '../model/attach.js';
import {
  type ExpectationPlan,
  type Plan,
  type PlannedTopology,
  type StepPlan,
  type TrafficPlan,
} from '../model/plan.js';
import type { Endpoint, Mac, MdbEntry, Scenario, Step } from '../model/scenario.js';
import { classes, disruptiveClasses } from '../probe/classes.js';
import { markLength, tokenLength } from '../wire/token.js';
import { searchDepth, tokenWord } from '../wire/token-filter.js';
import { changesOf } from './changes.js';
import { controlsOf } from './controls.js';
import { rateForEvents } from './event-rounds.js';
import { expandFlows, type Numbering, type FlowContext } from './expand-flows.js';
import { filterByMac } from './filter-by-mac.js';
import { ingressControls } from './ingress-controls.js';
import { observersOf, refuseUnbreakable, usualDrainMs } from './observers.js';
import { refuseFramesOut } from './new-macs.js';
import { checkPlanSize } from './size.js';
import { plainKeysOf } from '../scenario/schema/plain-step-keys.js';
import { filled, given, mapByName, namesIn } from '../text/collections.js';
import { runningBySteps } from './flows/shortcuts.js';

export interface PlanInput {
  /** 32 random bits that distinguish this run's tokens from other runs'. */
  readonly runTag: number;
  readonly keySha256: string;
  /** A host's bridges' MACs; absent for a lab, where `planTopology` makes them. */
  readonly bridgeMacs?: Readonly<Record<string, Mac>>;
  /** A host's ports without possible observers. */
  readonly unobservable?: Plan['unobservable'];
  /** Least listening time after a step's last probe, ms. */
  readonly lingerMs?: number;
  /** On a host: endpoints with their first MAC on their port, on any bridge. */
  readonly inPlace?: readonly string[];
  readonly filtersVlans?: readonly string[];
  /** On a host: bridges on which a rule may ask conntrack. */
  readonly distinguishing?: readonly string[];
  readonly guestsAlone?: boolean;
  /** On a host: ports that may lead elsewhere, and endpoints with static entries. */
  readonly outward?: readonly OutwardPort[];
  readonly pinned?: readonly string[];
}

/** Lab: the usual MTU. Host: up to the end of the last token searched for, as guests' contents are private. */
const snaplen = { lab: 2048, host: searchDepth - markLength + tokenLength } as const;
/** Frames a second of disruptive probes without a rate in the scenario. */
const disruptiveRate = 1000;

/** A host endpoint and its bridge are one device, with one MAC. */
function labBridgeMac(bridge: string, index: number, endpoints: readonly Endpoint[]): Mac {
  const host = endpoints.find((endpoint) => placeOf(endpoint.attach) === 'host' && endpoint.bridge === bridge);
  return host?.macs[0] ?? `02:76:69:fe:00:${(index & 0xff).toString(16).padStart(2, '0')}`;
}

function trafficPlan(step: Step): readonly TrafficPlan[] {
  return step.traffic.map(({ kind, from, to, requests, bytes, maySee, mustSee }) => ({
    kind,
    from,
    to,
    requests,
    bytes,
    must: mustSee ?? step.expect.mustSee ?? [from, to],
    may: maySee ?? step.expect.maySee ?? [from, to],
  }));
}

function expectationOf(step: Step, quiet: boolean): ExpectationPlan {
  const open = step.probes.flatMap(({ openByDesign }, probe) =>
    openByDesign === undefined ? [] : [{ probe, observers: openByDesign }],
  );
  return {
    expected: quiet ? null : step.expect.expected,
    seen: seenClaims(step),
    accept: step.accept,
    ...filled({ open }),
    ...given({ trust: step.trust }),
    ...(step.noReaders === true ? { noReaders: true } : {}),
  };
}

/** Without a rate as fast as possible. */
function ratesOf(step: Step, flows: StepPlan['flows']): Pick<StepPlan, 'rate' | 'rates'> {
  const rates = step.probes.flatMap(({ rate, class: name }) => {
    if (rate !== null) return [rate];
    return disruptiveClasses.includes(name) ? [disruptiveRate] : [];
  });
  const hasEvents = step.during.length > 0;
  if (rates.length === 0) return { rate: hasEvents ? rateForEvents(flows, step.during) : null };
  const rate = Math.min(...rates);
  // frames of a step with events go in rounds, one of each flow
  const isOne = hasEvents || rates.length < step.probes.length || rates.every((written) => written === rate);
  return isOne ? { rate } : { rate, rates };
}

interface StepInput {
  readonly step: Step;
  readonly index: number;
  readonly present: readonly Endpoint[];
  readonly scenario: Scenario;
  readonly around: FlowContext &
    Required<Pick<PlanInput, 'inPlace' | 'filtersVlans'>> & {
      readonly usualDrainMs: number;
      readonly lingerMs: number;
    };
}

function untaggedOnly({ topology }: Scenario, filtersVlans: readonly string[]): readonly string[] {
  const filters = topology.bridges.filter(
    ({ kind, settings: { vlan_filtering: filtering = 0 } }) => kind === 'ovs' || isOn(filtering),
  );
  return [...namesIn(filters), ...filtersVlans];
}

function planControls(
  { step, scenario, around }: StepInput,
  { flows, traffic, observers, filter }: Pick<StepPlan, 'flows' | 'traffic' | 'observers' | 'filter'>,
  firstToken: number,
): Pick<StepPlan, 'controls' | 'inwardUnproved'> {
  const onHost = scenario.topology.provider === 'host';
  const { controls: ingress, unproved } = ingressControls({
    flows,
    observers,
    endpoints: around.endpoints,
    bridges: around.bridges,
    onHost,
    inPlace: around.inPlace,
  });
  const controls = controlsOf({
    flows,
    traffic,
    observers,
    endpoints: around.endpoints,
    bridgeMacs: around.bridgeMacs,
    filtersByMac: filter.startsWith('ether src'),
    firstToken,
    onHost,
    ingress,
    compared: new Set(step.probes.flatMap(({ openByDesign = [] }) => openByDesign)),
    untaggedOnly: untaggedOnly(scenario, around.filtersVlans),
    devicesDown: scenario.topology.bridges.flatMap(({ name, isDeviceDown = false }) => (isDeviceDown ? [name] : [])),
    closing: step.probes
      .map((entry) => entry.class)
      .filter((name) => classes[name].provokes?.includes('not-forwarding') === true),
  });
  return { controls, ...filled({ inwardUnproved: unproved }) };
}

function seenClaims(step: Step): ExpectationPlan['seen'] {
  return [
    ...step.expect.seen.map((claim) => ({ ...claim, probe: null })),
    ...[step.probes, step.traffic].flatMap((entries) =>
      entries.flatMap((entry, probe) => entry.seen.map((claim) => ({ ...claim, probe }))),
    ),
  ];
}

/** Frames of this kernel's own devices are where they go when the next controls are sent. */
const kernelAloneMs = 50;

/**
 * Shorter than usual in a lab where the kernel alone carries frames: no relay, no switch in user space, and no command
 * of the scenario that could have made one, or a queue that holds frames back. A macvlan gets broadcasts from a work
 * queue (macvlan_broadcast_enqueue, drivers/net/macvlan.c).
 */
function shortestDrainMs({ index, present, scenario: { topology, steps }, around }: StepInput): number {
  const isKernelAlone =
    topology.provider === 'lab' &&
    topology.hosts === undefined &&
    topology.bridges.every(({ kind }) => kind !== 'ovs') &&
    present.every(({ attach }) => !['behind', 'above'].includes(placeOf(attach))) &&
    steps.slice(0, index + 1).every(({ run, during }) => run.length === 0 && during.length === 0);
  return isKernelAlone ? kernelAloneMs : around.usualDrainMs;
}

function planStep(input: StepInput, numbering: Numbering): StepPlan {
  const { step, index, present, scenario, around } = input;
  const { provider, bridges } = scenario.topology;
  const { flows, notAsked } = expandFlows(step, index, around, numbering);
  const traffic = trafficPlan(step);
  const observers = observersOf(present, bridges, around.bridgeMacs, step.expect.observers);
  // The kernel refuses other frames of a host's guests, however many MACs the probes have
  const filter =
    provider === 'host' && flows.length > 0 && traffic.length === 0 && step.listenMs === null
      ? tokenWord(around.runTag)
      : filterByMac({ flows, traffic, listenMs: step.listenMs }, around);
  const quiet = flows.length === 0 && traffic.length === 0 && step.listenMs === null;
  const { controls, inwardUnproved } = quiet
    ? { controls: [] }
    : planControls(input, { flows, traffic, observers, filter }, numbering.token);
  numbering.token += controls.length;
  const provokes = [...new Set(step.probes.flatMap((entry) => classes[entry.class].provokes ?? []))];
  const names = present.map((endpoint) => endpoint.name);
  return {
    index,
    name: step.name,
    line: step.line,
    changes: changesOf(step, scenario.topology, index === 0),
    learn: step.learn.filter((name) => names.includes(name)),
    ...plainKeysOf(step),
    present: names,
    observers: quiet ? [] : observers,
    filter,
    snaplen: snaplen[provider],
    flows,
    ...filled({ notAsked }),
    controls,
    ...given({ inwardUnproved }),
    traffic,
    listenMs: step.listenMs,
    during: step.during,
    ...filled({ provokes }),
    ...ratesOf(step, flows),
    drainMs: Math.max(shortestDrainMs(input), around.lingerMs),
    expect: expectationOf(step, quiet),
  };
}

/** A host endpoint and its bridge are one device. */
function withHostMacs(endpoints: readonly Endpoint[], bridgeMacs: Readonly<Record<string, Mac>>): readonly Endpoint[] {
  return endpoints.map((endpoint) => {
    const mac =
      placeOf(endpoint.attach) === 'host' && endpoint.macs.length === 0 ? bridgeMacs[endpoint.bridge] : undefined;
    return mac === undefined ? endpoint : { ...endpoint, macs: [mac] };
  });
}

/** A scenario's plan without steps, for building a lab. Throws VerifyError (64) `plan-too-large`. */
export function planTopology(scenario: Scenario, input: PlanInput): PlannedTopology {
  checkPlanSize(scenario);
  const { name, partialScope, topology } = scenario;
  const bridgeMacs =
    input.bridgeMacs ??
    Object.fromEntries(
      topology.bridges.map((bridge, index) => [bridge.name, labBridgeMac(bridge.name, index, topology.endpoints)]),
    );
  return {
    planVersion: 1,
    name,
    provider: topology.provider,
    bridges: topology.bridges,
    endpoints: withHostMacs(topology.endpoints, bridgeMacs),
    ...given({ hosts: topology.hosts }),
    sysctl: topology.sysctl,
    partialScope,
    ...(scenario.asksRules === false ? { asksRules: false } : {}),
    runTag: input.runTag,
    keySha256: input.keySha256,
    bridgeMacs,
    ...given({ unobservable: input.unobservable }),
    ...(input.guestsAlone === true ? { guestsAlone: true } : {}),
  };
}

/**
 * A run's complete plan, with every frame and row. Pure. `planned`: of `planTopology`. Throws VerifyError (64)
 * `plan-too-large`, or 69 as `refuseUnbreakable` and `refuseFramesOut`.
 */
export function makePlan(scenario: Scenario, input: PlanInput, planned = planTopology(scenario, input)): Plan {
  const { topology } = scenario;
  const { endpoints, bridgeMacs } = planned;
  const around = {
    file: scenario.file,
    endpoints: mapByName(endpoints),
    bridges: mapByName(topology.bridges),
    bridgeMacs,
    runTag: input.runTag,
    mdb: [],
    onHost: topology.provider === 'host',
    inPlace: input.inPlace ?? [],
    filtersVlans: input.filtersVlans ?? [],
    distinguishing: input.distinguishing ?? [],
    usualDrainMs: usualDrainMs(planned),
    lingerMs: input.lingerMs ?? 0,
  };
  const numbering: Numbering = { flow: 0, token: 0, entry: 0 };
  let mdb: readonly MdbEntry[] = [];
  const steps: StepPlan[] = [];
  for (const [step, running] of runningBySteps(scenario)) {
    mdb = [
      ...mdb.filter((entry) => !step.mdb.del.some((gone) => gone.group === entry.group && gone.port === entry.port)),
      ...step.mdb.add,
    ];
    const present = endpoints.filter((endpoint) => running.has(endpoint.name));
    steps.push(planStep({ step, index: steps.length, present, scenario, around: { ...around, mdb } }, numbering));
  }
  const plan = { ...planned, steps };
  if (topology.provider === 'host') {
    refuseUnbreakable(steps, endpoints, scenario.file);
    refuseFramesOut(plan, input);
  }
  return plan;
}
