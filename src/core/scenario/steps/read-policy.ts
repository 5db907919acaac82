import { plainProbe, plainStep } from '../plain-steps.js';
import type { Step } from '../../model/scenario.js';
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
 * Reads `policy`: a step for every ordered pair of zones of `from` and `to`, or every zone of `within`, after the
 * file's own steps.
 *
 * Each step sends known unicast from every endpoint of one zone to every one of the other, judged by `expect`, and
 * unknown unicast from the first zone. That has no addressee: `separated` forbids the other zone only, all else is up
 * to the class (uplink and host).
 */
export function readPolicy(context: StepContext, raw: readonly unknown[], path: Path, locate: Locate): readonly Step[] {
  const steps: Step[] = [];
  for (const [index, input] of raw.entries()) {
    const at = [...path, index];
    const rule = readRule(context, input, at);
    if (rule === null) continue;
    const pairs = pairsOfRule(context, rule, steps.length, at);
    if (pairs === 'too-many') break;
    for (const [[zone, members], [otherZone, others]] of pairs) {
      const name = rule.isPair ? `policy: zone ${zone} to zone ${otherZone}` : `policy: within zone ${zone}`;
      checkFrames(context, name, members, others, at);
      const about = { name, line: locate(at, 'value').line, expect: rule.expect };
      steps.push(policyStep(context, about, members, others));
    }
  }
  return steps;
}

type Zones = ReadonlyMap<string, readonly string[]>;

interface PolicyRule {
  /** `from` and `to`; else `within`. */
  readonly isPair: boolean;
  readonly senders: Zones;
  readonly receivers: Zones;
  readonly expect: Step['expect'];
}

function readRule(context: StepContext, input: unknown, at: Path): PolicyRule | null {
  const { faults } = context;
  const read = salvage(faults, policy, input, at);
  if (read === null || read.dropped.size > 0) return null;
  const { from, to, within, expect: rawExpect } = read.value;
  const isPair = from !== undefined && to !== undefined;
  const keys = [from, to, within].filter((selectors) => selectors !== undefined).length;
  if (isPair ? within !== undefined : within === undefined || keys > 1) {
    faults.add(at, `${where(at)}: expected either "from" and "to", or "within"`);
    return null;
  }
  const expect = readExpectation(context, rawExpect, [...at, 'expect'], 'holds');
  const before = faults.faults.length;
  const senders = zonesOf(context, isPair ? from : (within ?? []), [...at, isPair ? 'from' : 'within']);
  const receivers = isPair ? zonesOf(context, to, [...at, 'to']) : senders;
  if (faults.faults.length > before || !context.reading.complete || !context.presenceKnown) return null;
  return { isPair, senders, receivers, expect };
}

type ZonePair = readonly [readonly [string, readonly string[]], readonly [string, readonly string[]]];

function pairsOfRule(
  { faults }: StepContext,
  { isPair, senders, receivers }: PolicyRule,
  stepCount: number,
  at: Path,
): readonly ZonePair[] | 'too-many' {
  const tooMany = (steps: number): 'too-many' => {
    faults.add(at, `${where(at)}: makes ${steps} steps, expected at most ${maxSteps} in all`);
    return 'too-many';
  };
  // Counted before they are made: zones of thousands of endpoints, in many entries, would take all memory.
  const foreseen = isPair
    ? senders.size * receivers.size - [...senders.keys()].filter((zone) => receivers.has(zone)).length
    : 0;
  if (stepCount + foreseen > maxSteps) return tooMany(foreseen);
  const pairs = isPair
    ? [...senders].flatMap((a) => [...receivers].filter(([zone]) => zone !== a[0]).map((b) => [a, b] as const))
    : [...senders].filter(([, members]) => members.length > 1).map((zone) => [zone, zone] as const);
  if (pairs.length === 0)
    faults.add(
      at,
      `${where(at)}: ${isPair ? 'chooses no two different zones, expected "within" for what goes on in one' : 'chooses no zone of two endpoints or more'}`,
    );
  return stepCount + pairs.length > maxSteps ? tooMany(pairs.length) : pairs;
}

function checkFrames(
  { faults, reading }: StepContext,
  name: string,
  from: readonly string[],
  to: readonly string[],
  at: Path,
): void {
  const pairs = countPairs({ from, to, bothWays: false, acrossBridges: true }, reading.topology);
  const frames = pairs * 2 * count;
  if (frames > maxUnwritten)
    faults.add(at, `${where(at)}: ${name} would send ${frames} frames, expected steps with "count" written out`);
}

function zonesOf(context: StepContext, raw: string | readonly string[], path: Path): Zones {
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
  { name, line, expect }: Pick<Step, 'name' | 'line' | 'expect'>,
  from: readonly string[],
  to: readonly string[],
): Step {
  const present = context.reading.topology.endpoints
    .map((endpoint) => endpoint.name)
    .filter((each) => context.present.has(each));
  const probe = { ...plainProbe, from, count };
  const separated = expect.maySee?.length === 0;
  return {
    ...plainStep,
    name,
    line,
    learn: context.reading.topology.provider === 'lab' ? present : [],
    probes: [
      { ...probe, class: 'known-unicast', to },
      {
        ...probe,
        class: 'unknown-unicast',
        to: null,
        maySee: separated ? present.filter((each) => !to.includes(each)) : null,
        mustSee: separated ? [] : null,
      },
    ],
    expect,
  };
}
