import { readFileSync } from 'node:fs';
import { loadScenario } from '../../../build/core/scenario/load-scenario.js';

const isGate = (step) =>
  step.expect.expected === 'holds' && (step.probes.length > 0 || step.traffic.length > 0 || step.listenMs !== null);
const quiet = (step) => ({
  ...step,
  probes: [],
  traffic: [],
  listenMs: null,
  accept: [],
  waitMs: 0,
  learn: [],
  expect: { ...step.expect, expected: null, seen: [] },
});

/** A shipped scenario; where guests are generated, eight of each kind will do. */
export function loadSmall(file) {
  const text = readFileSync(file, 'utf8').replaceAll(/(\{ *count: )\d+(, *name: "[^"]*\{\}")/g, '$18$2');
  return loadScenario(file, Buffer.from(text), { readFile: (path) => readFileSync(path) });
}

/** Indices of the steps of a scenario that have to hold. */
export function gatesOf(scenario) {
  return scenario.steps.flatMap((step, index) => (isGate(step) ? [index] : []));
}

/** The scenario in which every step but these only changes things. */
export function gatesOnly(scenario, gates = gatesOf(scenario)) {
  return { ...scenario, steps: scenario.steps.map((step, index) => (gates.includes(index) ? step : quiet(step))) };
}

/** The scenario up to its first gate by probes. */
export function firstGate(scenario) {
  const gates = gatesOf(scenario);
  const last = gates.find((at) => scenario.steps[at].probes.length > 0) ?? gates[0];
  return {
    ...scenario,
    steps: scenario.steps.slice(0, last + 1).map((step, index) => (index === last ? step : quiet(step))),
  };
}

/** What a step changes is changed already where it is repeated. */
const asItIs = {
  set: [],
  sysctl: {},
  vlan: { add: [], del: [] },
  fdb: { flush: [], del: [], add: [] },
  mdb: { add: [], del: [] },
  start: [],
  stop: [],
  run: [],
  waitMs: 0,
};

/**
 * A timer of the kernel expires later by an eighth of its time at most (kernel/time/timer.c: the wheel's granularity);
 * 22.9 s were seen for 22.
 */
const maxDelay = 1.125;
/** The kernel's own, in 1/100 s. */
const spanningTree = { max_age: 2000, forward_delay: 1500 };

/**
 * How long a topology change is in effect once the ports of a bridge with spanning tree forward
 * (br_topology_change_detection, net/bridge/br_stp.c): until then what it learned ages in forward_delay, and what `ip`
 * says of the ageing time changes at its end, in the middle of some step. 0 = no bridge has spanning tree on.
 */
function topologyChangeMs({ topology: { bridges } }) {
  const spanning = bridges
    .filter(({ settings }) => settings.stp_state === 1)
    .map(({ settings }) => ({ ...spanningTree, ...settings }));
  return Math.max(
    0,
    ...spanning.map(
      ({ max_age: maxAge, forward_delay: forwardDelay }) => (maxAge + forwardDelay) * 10 * maxDelay + 1000,
    ),
  );
}

/**
 * The scenario up to its first gate by probes, and that gate again and again in one lab: once for each of `names`.
 * Gives the index of the first.
 */
export function repeatedGate(scenario, names) {
  const { steps, ...rest } = firstGate(scenario);
  const gate = steps.at(-1);
  const waitMs = topologyChangeMs(scenario);
  const before = [
    ...steps.slice(0, -1),
    ...(waitMs === 0 ? [] : [{ ...quiet(gate), name: 'the topology change passes', waitMs }]),
  ];
  const gates = names.map((name, index) => ({ ...gate, ...(index === 0 && waitMs === 0 ? {} : asItIs), name }));
  return { first: before.length, scenario: { ...rest, steps: [...before, ...gates] } };
}
