import type { Expectation, ProbeEntry, Step } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { policy } from '../schema/step.js';
import { where } from '../yaml/explain-issue.js';
import type { Locate, Path } from '../yaml/fault.js';
import { salvage } from '../yaml/salvage.js';
import { countPairs } from './pairs.js';
import { readExpectation } from './read-expectation.js';
import { endpointOf, type StepContext, selectPresent } from './step-context.js';

const maxSteps = 1000;
const maxUnwritten = 2_000_000;
const count = 100;

/**
 * Reads `policy`: a step for every ordered pair of zones that `from` and `to` choose, one for every zone that `within`
 * chooses. They come after the file's own steps and find the topology as those left it.
 *
 * Each step sends known unicast from every endpoint of the one zone to every one of the other, which `expect` judges,
 * and unknown unicast from every endpoint of the first. An unknown destination is no addressee: `separated` then
 * forbids the other zone alone to see it, everything else leaves it to the class (uplink and host).
 */
export function readPolicy(context: StepContext, raw: readonly unknown[], path: Path, locate: Locate): readonly Step[] {
  const { faults } = context;
  const steps: Step[] = [];
  for (const [index, input] of raw.entries()) {
    const at = [...path, index];
    const read = salvage(faults, policy, input, at);
    if (read === null || read.dropped.size > 0) continue;
    const { from, to, within, expect: rawExpect } = read.value;
    const isPair = from !== undefined && to !== undefined && within === undefined;
    const isWithin = within !== undefined && from === undefined && to === undefined;
    if (!isPair && !isWithin) {
      faults.add(at, `${where(at)}: expected either "from" and "to", or "within"`);
      continue;
    }
    const expect = readExpectation(context, rawExpect, [...at, 'expect'], 'holds');
    const before = faults.faults.length;
    const senders = zonesOf(context, isPair ? from : (within ?? []), [...at, isPair ? 'from' : 'within']);
    const receivers = isPair ? zonesOf(context, to, [...at, 'to']) : senders;
    if (faults.faults.length > before || !context.reading.whole || !context.presenceKnown) continue;
    // Counted before they are made: zones of thousands of endpoints, in many entries, would take all memory.
    const many = isPair
      ? senders.size * receivers.size - [...senders.keys()].filter((zone) => receivers.has(zone)).length
      : 0;
    if (steps.length + many > maxSteps) {
      faults.add(at, `${where(at)}: makes ${many} steps, expected at most ${maxSteps} in all`);
      break;
    }
    const pairs = isPair
      ? [...senders].flatMap((a) => [...receivers].filter(([zone]) => zone !== a[0]).map((b) => [a, b] as const))
      : [...senders].filter(([, members]) => members.length > 1).map((zone) => [zone, zone] as const);
    if (pairs.length === 0) {
      faults.add(
        at,
        `${where(at)}: ${isPair ? 'chooses no two different zones, expected "within" for what goes on in one' : 'chooses no zone of two endpoints or more'}`,
      );
      continue;
    }
    if (steps.length + pairs.length > maxSteps) {
      faults.add(at, `${where(at)}: makes ${pairs.length} steps, expected at most ${maxSteps} in all`);
      break;
    }
    for (const [[zone, members], [otherZone, others]] of pairs) {
      const name = isPair ? `policy: zone ${zone} to zone ${otherZone}` : `policy: within zone ${zone}`;
      const step = policyStep(context, name, locate(at, 'value').line, members, others, expect);
      const frames =
        countPairs({ from: members, to: others, bothWays: false, acrossBridges: true }, context.reading.topology) *
        2 *
        count;
      if (frames > maxUnwritten)
        faults.add(at, `${where(at)}: ${name} would send ${frames} frames, expected steps with "count" written out`);
      steps.push(step);
    }
  }
  return steps;
}

/** The endpoints that selectors choose, by zone. */
function zonesOf(
  context: StepContext,
  raw: string | readonly string[],
  path: Path,
): ReadonlyMap<string, readonly string[]> {
  const zones = new Map<string, string[]>();
  for (const name of selectPresent(context, raw, path)) {
    const zone = endpointOf(context, name)?.zone ?? null;
    if (zone === null) {
      context.faults.add(path, `${where(path)}: ${quote(name)} is in no zone, expected endpoints that have one`);
      break;
    }
    const members = zones.get(zone) ?? [];
    members.push(name);
    zones.set(zone, members);
  }
  return zones;
}

function policyStep(
  context: StepContext,
  name: string,
  line: number,
  from: readonly string[],
  to: readonly string[],
  expect: Expectation,
): Step {
  const present = context.reading.topology.endpoints
    .map((endpoint) => endpoint.name)
    .filter((each) => context.present.has(each));
  const probe: Omit<ProbeEntry, 'class' | 'to' | 'maySee' | 'mustSee'> = {
    from,
    via: null,
    bothWays: false,
    acrossBridges: true,
    count,
    rate: null,
    carriers: null,
    vlanStacks: [[]],
    srcMac: null,
    dstMac: null,
    srcIp: null,
    dstIp: null,
    group: null,
    size: null,
    seen: [],
  };
  const separated = expect.maySee?.length === 0;
  return {
    name,
    line,
    set: [],
    sysctl: {},
    vlan: { add: [], del: [] },
    fdb: { flush: [], del: [], add: [] },
    mdb: { add: [], del: [] },
    start: [],
    stop: [],
    run: [],
    during: [],
    learn: context.reading.topology.provider === 'lab' ? present : [],
    waitMs: 0,
    probes: [
      { ...probe, class: 'known-unicast', to, maySee: null, mustSee: null },
      {
        ...probe,
        class: 'unknown-unicast',
        to: null,
        maySee: separated ? present.filter((each) => !to.includes(each)) : null,
        mustSee: separated ? [] : null,
      },
    ],
    traffic: [],
    listenMs: null,
    expect,
    accept: [],
  };
}
