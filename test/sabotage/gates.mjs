import { readFileSync } from 'node:fs';
import { loadScenario } from '../../dist/scenario/load-scenario.js';

const isGate = (step) => step.expect.expected === 'holds' && (step.probes.length > 0 || step.traffic.length > 0 || step.listenMs !== null);
const quiet = (step) => ({ ...step, probes: [], traffic: [], listenMs: null, accept: [], waitMs: 0, learn: [], expect: { ...step.expect, expected: null, seen: [] } });

/** A shipped scenario; where guests are generated, eight of each kind will do. */
export function loadSmall(file) {
  const text = readFileSync(file, 'utf8').replaceAll(/(\{ *count: )\d+(, *name: "[^"]*\{\}")/g, '$18$2');
  return loadScenario(file, Buffer.from(text));
}

/** Indices of the steps of a scenario that have to hold. */
export function gatesOf(scenario) {
  return scenario.steps.flatMap((step, index) => (isGate(step) ? [index] : []));
}

/** The scenario in which every other step only changes things. */
export function gatesOnly(scenario) {
  return { ...scenario, steps: scenario.steps.map((step) => (isGate(step) ? step : quiet(step))) };
}

/** The scenario up to its first gate by probes. */
export function firstGate(scenario) {
  const gates = gatesOf(scenario);
  const last = gates.find((at) => scenario.steps[at].probes.length > 0) ?? gates[0];
  return { ...scenario, steps: scenario.steps.slice(0, last + 1).map((step, index) => (index === last ? step : quiet(step))) };
}
