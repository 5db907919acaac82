/**
 * Every barrier that a scenario may rely on and how it is broken: a function from the scenario to the same without the barrier, and
 * whether the scenario has it at all. A new kind of barrier is one entry.
 */
const withoutSetting = (scenario, key, broken) => ({
  ...scenario,
  topology: {
    ...scenario.topology,
    bridges: scenario.topology.bridges.map((bridge) => ({ ...bridge, settings: replaced(bridge.settings, key, broken) })),
    endpoints: scenario.topology.endpoints.map((endpoint) => ({ ...endpoint, settings: replaced(endpoint.settings, key, broken) })),
  },
  steps: scenario.steps.map((step) => ({ ...step, set: step.set.map((one) => ({ ...one, settings: replaced(one.settings, key, broken) })) })),
});
const replaced = (settings, key, broken) => (key in settings ? { ...settings, [key]: broken } : settings);

const filters = (argv) => ['nft', 'tc', 'ebtables'].includes(argv[0]);

export const barriers = {
  'ageing 0': (scenario) => withAgeingZero(scenario),
  'flood on': (scenario) => withoutSetting(scenario, 'flood', true),
  'isolated off': (scenario) => withoutSetting(scenario, 'isolated', false),
  'VLAN filtering off': (scenario) => withoutSetting(scenario, 'vlan_filtering', 0),
  'FDB entries removed': (scenario) => ({ ...scenario, steps: scenario.steps.map((step) => ({ ...step, fdb: { ...step.fdb, add: [] } })) }),
  'filters removed': (scenario) => ({ ...scenario, steps: scenario.steps.map((step) => ({ ...step, run: step.run.filter((argv) => !filters(argv)) })) }),
};

/** Without STP: after a change of topology the kernel keeps entries for forward_delay, whatever the ageing time (hold_time, net/bridge/br_fdb.c). */
function withAgeingZero(scenario) {
  const zero = withoutSetting(withoutSetting(scenario, 'ageing_time', 0), 'stp_state', 0);
  return { ...zero, topology: { ...zero.topology, bridges: zero.topology.bridges.map((bridge) => ({ ...bridge, settings: { ...bridge.settings, ageing_time: 0 } })) } };
}

/** The barriers that the author put up; where there are none it is learning alone that isolates. */
export function barriersOf(scenario) {
  const put = Object.keys(barriers).filter((name) => name !== 'ageing 0' && JSON.stringify(barriers[name](scenario)) !== JSON.stringify(scenario));
  return put.length > 0 ? put : ['ageing 0'];
}
