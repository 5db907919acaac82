import { gatesOf } from './gates.mjs';

const replaced = (settings, key, broken) => (key in settings ? { ...settings, [key]: broken } : settings);
const withoutSetting = (key, broken) => (scenario) => ({
  ...scenario,
  topology: {
    ...scenario.topology,
    bridges: scenario.topology.bridges.map((bridge) => ({
      ...bridge,
      settings: replaced(bridge.settings, key, broken),
    })),
    endpoints: scenario.topology.endpoints.map((endpoint) => ({
      ...endpoint,
      settings: replaced(endpoint.settings, key, broken),
    })),
  },
  steps: scenario.steps.map((step) => ({
    ...step,
    set: step.set.map((one) => ({ ...one, settings: replaced(one.settings, key, broken) })),
  })),
});
const inSteps = (change) => (scenario) => ({
  ...scenario,
  steps: scenario.steps.map((step) => ({ ...step, ...change(step) })),
});
const filters = (argv) => ['nft', 'tc', 'ebtables'].includes(argv[0]);

/**
 * Without STP: after a change of topology the kernel keeps entries for forward_delay, whatever the ageing time
 * (hold_time, net/bridge/br_fdb.c).
 */
function withAgeingZero(scenario) {
  const zero = withoutSetting('stp_state', 0)(withoutSetting('ageing_time', 0)(scenario));
  const bridges = zero.topology.bridges.map((bridge) =>
    bridge.kind === 'ovs' ? bridge : { ...bridge, settings: { ...bridge.settings, ageing_time: 0 } },
  );
  return { ...zero, topology: { ...zero.topology, bridges } };
}

/**
 * Open vSwitch keeps what it has learned for 15 s at least (mac-aging-time, ovs-vswitchd.conf.db(5)): a flow floods
 * instead, before the first step sends, also to ports with no-flood.
 */
function withFloodingFlow(scenario) {
  const floods = scenario.topology.bridges
    .filter(({ kind }) => kind === 'ovs')
    .map(({ name }) => ['ovs-ofctl', 'add-flow', name, 'priority=65535,actions=ALL']);
  return {
    ...scenario,
    steps: scenario.steps.map((step, at) => (at === 0 ? { ...step, run: [...step.run, ...floods] } : step)),
  };
}

/**
 * Every barrier that a scenario may rely on and how it is broken: a function from the scenario to the same without it.
 * A new kind is one entry.
 */
export const barriers = {
  'nothing learned': (scenario) => withFloodingFlow(withAgeingZero(scenario)),
  'flood on': withoutSetting('flood', true),
  'mcast_flood on': withoutSetting('mcast_flood', true),
  'bcast_flood on': withoutSetting('bcast_flood', true),
  'isolated off': withoutSetting('isolated', false),
  'locked off, learning on': (scenario) =>
    withoutSetting('mab', false)(withoutSetting('learning', true)(withoutSetting('locked', false)(scenario))),
  'root_block off': withoutSetting('root_block', false),
  'VLAN filtering off': withoutSetting('vlan_filtering', 0),
  'a table of 32 entries': withoutSetting('fdb_max_learned', 32),
  'queries without an address': withoutSetting('mcast_query_use_ifaddr', 0),
  'forwarding on': inSteps((step) => ({
    sysctl: 'net.ipv4.ip_forward' in step.sysctl ? { ...step.sysctl, 'net.ipv4.ip_forward': '1' } : step.sysctl,
  })),
  'protected off': inSteps((step) => ({
    run: step.run.map((argv) => argv.map((word) => (word === 'protected=true' ? 'protected=false' : word))),
  })),
  'FDB entries removed': inSteps((step) => ({ fdb: { ...step.fdb, add: [] } })),
  'filters removed': inSteps((step) => ({ run: step.run.filter((argv) => !filters(argv)) })),
};

/**
 * What `ovs-vsctl` sets, by table, record and column: a later value takes an earlier one's place. Null = it does
 * something else.
 */
function settingsOfVsctl([program, ...words]) {
  if (program !== 'ovs-vsctl') return null;
  const commands = words
    .join('\n')
    .split('\n--\n')
    .map((command) => command.split('\n'));
  if (commands.some(([verb]) => verb !== 'set')) return null;
  return commands.flatMap(([, table, record, ...columns]) =>
    columns.map((column) => [`${table} ${record} ${column.split('=')[0]}`, column]),
  );
}

/** All that the author has put up by the time of step `at`. */
function standing(scenario, at) {
  const settings = new Map();
  const set = (device, values) =>
    Object.entries(values).forEach(([key, value]) => settings.set(`${device} ${key}`, value));
  for (const { name, settings: own } of scenario.topology.bridges) set(name, own);
  for (const { port, settings: own } of scenario.topology.endpoints) set(port, own);
  const entries = new Map();
  const sysctl = { ...scenario.topology.sysctl };
  const run = [];
  for (const step of scenario.steps.slice(0, at + 1)) {
    for (const { device, settings: own } of step.set) set(device, own);
    Object.assign(sysctl, step.sysctl);
    for (const argv of step.run) {
      const columns = settingsOfVsctl(argv);
      if (columns === null) run.push(argv);
      else columns.forEach(([name, value]) => settings.set(name, value));
    }
    for (const { mac, port } of step.fdb.del) entries.delete(`${mac} ${port}`);
    for (const entry of step.fdb.add) entries.set(`${entry.mac} ${entry.port}`, entry);
  }
  return JSON.stringify([...settings, ...entries, sysctl, run]);
}

const learning = 'nothing learned';
const everything = 'all of them';

/** Which barriers stand at each gate; where the author has put up none, learning alone isolates. */
function standingAt(scenario) {
  return gatesOf(scenario).map((at) => {
    const put = Object.keys(barriers).filter(
      (name) => name !== learning && standing(scenario, at) !== standing(barriers[name](scenario), at),
    );
    return { at, put: put.length === 0 ? [learning] : put };
  });
}

/** The scenario without one barrier, or without all. */
export function without(scenario, name) {
  return name === everything
    ? Object.values(barriers).reduce((all, breaking) => breaking(all), scenario)
    : barriers[name](scenario);
}

/**
 * What has to be broken of a scenario, and the gates that must not hold then: each barrier where it stands alone, and
 * all of them together where one stands behind the other, for there a gate may rightly hold without the first.
 */
export function barriersOf(scenario) {
  const gates = standingAt(scenario);
  const alone = new Map();
  for (const { at, put } of gates) {
    const name = put.length === 1 ? put[0] : everything;
    alone.set(name, [...(alone.get(name) ?? []), at]);
  }
  return [...alone].map(([barrier, carried]) => ({ barrier, carried }));
}
