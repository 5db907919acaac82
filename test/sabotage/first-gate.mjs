const isGate = (step) => step.expect.expected === 'holds' && (step.probes.length > 0 || step.traffic.length > 0 || step.listenMs !== null);

/** Index of the first step of a scenario that has to hold, by probes where there is one; -1 = it has none. */
export function gateIndex(scenario) {
  const byProbes = scenario.steps.findIndex((step) => isGate(step) && step.probes.length > 0);
  return byProbes === -1 ? scenario.steps.findIndex(isGate) : byProbes;
}

/** The scenario up to its first gate; what comes before only changes things. Without a gate: as it is. */
export function firstGate(scenario) {
  const last = gateIndex(scenario);
  if (last === -1) return scenario;
  const steps = scenario.steps.slice(0, last + 1).map((step, index) => (index === last
    ? step
    : { ...step, probes: [], traffic: [], listenMs: null, accept: [], waitMs: 0, learn: [], expect: { ...step.expect, expected: null, seen: [] } }));
  return { ...scenario, steps };
}
