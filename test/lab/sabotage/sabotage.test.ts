import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parseFolder } from '../../../src/system/evidence/folder/parse-folder.js';
import type { Scenario } from '../../../src/core/model/scenario.js';
import { sabotageFigures } from '../../../src/core/model/run-record.js';
import { unsupportedKeys } from '../../../src/core/scenario/unsupported.js';
import { barriersOf } from './barriers.mjs';
import { cutEverything, type Share } from '../../support/judge/cut-everything.js';
import { firstGate, gatesOf, loadSmall } from './gates.mjs';
import { runSabotaged, type Said } from './run-sabotaged.js';
import { castOf, earSenses, everywhere, needProbes, ofDevice, passingSenses, sensesOf, unbroken } from './senses.mjs';
import { patient } from '../../support/patient.js';

/** Every scenario with everything that can be broken of it takes long: `npm run soak sabotage`. */
const soak = /^([1-9]\d*)\/([1-9]\d*)$/.exec(process.env['VERIFY_ISOLATION_SOAK'] ?? '');
const isSoak = soak !== null;
const [part, parts] = [Number(soak?.[1] ?? 1), Number(soak?.[2] ?? 1)];
const folderOf = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'sabotage-'));
const timeoutMs = patient(300_000);

interface Outcome {
  readonly what: string;
  readonly verdict: string;
}
const outcomes: Outcome[] = [];
const notHere: string[] = [];
let folders = 0;
const fresh = (): string => join(work, String((folders += 1)));

const noted = (what: string, verdict: string): string => {
  outcomes.push({ what, verdict });
  return verdict;
};

const ofFile = (
  name: string,
  file: string,
): { readonly name: string; readonly file: string; readonly scenario: Scenario } => ({
  name,
  file,
  scenario: loadSmall(file),
});
const shipped = readdirSync(folderOf('scenarios'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yml'))
  .sort()
  .map((name) => {
    return ofFile(name.slice(0, -4), join(folderOf('scenarios'), name));
  })
  .filter(
    ({ scenario }) =>
      scenario.topology.provider === 'lab' && unsupportedKeys(scenario).length === 0 && gatesOf(scenario).length > 0,
  )
  .filter((_, index) => index % parts === part - 1);
type Shipped = (typeof shipped)[number];
const recordingOf = ({ name }: Shipped): string => join(folderOf('captures'), name);

const fabricOf = ({ topology: { bridges, hosts = [] } }: Scenario): string =>
  [...new Set(bridges.map(({ kind }) => kind)), ...hosts.slice(0, 1).map(() => 'hosts')].join(' ');
const sizeOf = ({ topology: { endpoints }, steps }: Scenario): number => endpoints.length * steps.length;

/** The smallest of each kind, for `npm test`, and all others, for `npm run test:all`. */
function covering<T extends Shipped>(
  cases: readonly T[],
  kindOf: (of: T) => string,
): { readonly chosen: readonly T[]; readonly rest: readonly T[] } {
  const bySize = cases.toSorted((a, b) => sizeOf(a.scenario) - sizeOf(b.scenario));
  const chosen = new Map(bySize.toReversed().map((of) => [kindOf(of), of]));
  const kept = new Set(chosen.values());
  return { chosen: cases.filter((of) => kept.has(of)), rest: cases.filter((of) => !kept.has(of)) };
}

/**
 * Gates that no setting carries: two bridges are two, so are two VXLANs, and what has to work stands beside what must
 * not; a VXLAN device learns by itself to which host a guest's frames go; no bridge learns where the host routes, or
 * where guests share a lower device. Nor do the rules of Docker and Podman carry what learning keeps private.
 */
const byTopology: Readonly<Record<string, readonly number[]>> = {
  'alternatives/own-bridge-routed': [2, 5],
  'hosts/tenants-apart': [1, 2],
  'hosts/foreign-flood-list': [1, 2],
  routed: [0, 2],
  macvlan: [0, 1, 3],
  ipvlan: [0, 2, 4],
  'managers/cni-bridge': [1],
  'managers/docker-bridge': [0],
  'managers/docker-networks': [1],
  'managers/podman-bridge': [0],
};

/** What is broken of a scenario, by the gates that it carries. */
const breaksOf = (shipped: Shipped) =>
  barriersOf(shipped.scenario)
    .map(({ barrier, carried }) => ({
      ...shipped,
      barrier,
      carried: carried.filter((gate) => byTopology[shipped.name]?.includes(gate) !== true),
    }))
    .filter(({ carried }) => carried.length > 0);

const gate = join(folderOf('scenarios'), 'switch-mode.yml');
/** Twenty seconds a run. */
const slow = ['production-bridge'];

const breaks = covering(shipped.flatMap(breaksOf), ({ barrier, scenario }) => `${barrier} ${fabricOf(scenario)}`);
/** Every way to cut a folder. */
const complete: Share = { part: 0, of: 1 };

/** Declares a suite, unless a part of the soak has no case for it: vitest refuses a suite without tests. */
function suiteOf(cases: readonly unknown[], name: string, tests: () => void): void {
  if (cases.length > 0) describe.concurrent(name, tests);
}

async function breakBarrier({ name, file, barrier, carried }: (typeof breaks.chosen)[number]): Promise<void> {
  const { steps } = await runSabotaged(file, 'barrier', [barrier], fresh());
  for (const at of carried) {
    const verdict = steps[at]?.verdict ?? null;
    if (verdict === null) notHere.push(`${name}: ${barrier}`);
    else expect([name, barrier, at, noted(`${name}: ${barrier}`, verdict)]).toEqual([name, barrier, at, 'broken']);
  }
}

suiteOf(breaks.chosen, 'a barrier of each kind of bridge broken', () => {
  it.each(breaks.chosen)('$name without its barrier ($barrier) is broken', breakBarrier, timeoutMs);
});

suiteOf(breaks.rest, 'any other barrier broken', () => {
  it.each(breaks.rest)(
    '$name without its barrier ($barrier) is broken',
    { tags: 'all', timeout: timeoutMs },
    breakBarrier,
  );
});

describe('a recorded run with a piece of its evidence gone or changed', () => {
  const recorded = shipped.filter(({ name }) => dirname(name) === '.' && !slow.includes(name));

  it('is there for every scenario that no other test cuts', () => {
    expect(
      recorded
        .filter((shipped) => !existsSync(recordingOf(shipped)))
        .map(({ name }) => `${name}: record it with \`npm run captures -- ${name}\``),
    ).toEqual([]);
  });

  async function cutRecording(shipped: Shipped, share: Share): Promise<void> {
    for (const { what, verdict, required } of await cutEverything(recordingOf(shipped), share))
      expect([what, noted(`${shipped.name}, ${what}`, verdict)]).toEqual([what, required]);
  }

  it('switch-mode: inconclusive', () => cutRecording(ofFile('switch-mode', gate), complete), timeoutMs);

  it.each(recorded.flatMap((shipped, part) => (shipped.file === gate ? [] : [{ ...shipped, part }])))(
    '$name: inconclusive',
    { tags: 'all', timeout: timeoutMs * (isSoak ? 5 : 1) },
    (shipped) => cutRecording(shipped, isSoak ? complete : { part: shipped.part, of: recorded.length }),
  );
});

/** Those of other folders are cut where they are run: test/lab/scenarios/attacks.test.ts. */
const runHere = ['scale', 'ovs', 'events', 'hosts'];

const unrecorded = shipped.filter(({ name }) => runHere.includes(dirname(name)));
suiteOf(unrecorded, 'a run that nobody recorded, as it is', () => {
  it.each(unrecorded)(
    '$name holds, and never with a piece of its evidence gone or changed',
    { tags: 'all', timeout: timeoutMs },
    async ({ name, file, scenario }) => {
      const dir = fresh();
      const { steps } = await runSabotaged(file, 'none', [], dir);
      const gates = gatesOf(scenario).map((at) => steps[at]);
      if (gates.some((gate) => (gate?.verdict ?? null) === null)) return void notHere.push(name);
      expect(gates).toMatchObject(gates.map(() => ({ verdict: 'holds', reasons: [] })));
      for (const { what, verdict, required } of await cutEverything(dir, { part: 0, of: isSoak ? 1 : 2 }))
        expect([what, noted(`${name}, ${what}`, verdict)]).toEqual([what, required]);
    },
  );
});

/**
 * Deaf or mute, and what it may look like instead of *inconclusive*: an ear at another guest's port hears that guest's
 * frames, and a barrier at the sender's own port does not stand at another's.
 */
const mayBreak = ['the observer on the wrong interface', 'the probes sent from the wrong port'];
/** What is proved twice: only where no addressee proves the entry does it need its controls. */
const needsSilence = [
  'the entry controls suppressed',
  'the entry controls suppressed, and it was said that they were sent',
];
/** After these the bridge has the senders elsewhere, and a port that does not learn never corrects it. */
const movesMacs = ['the probes sent from the wrong port'];
const separated = fileURLToPath(new URL('./separated.yml', import.meta.url));
const withHost = fileURLToPath(new URL('./separated-with-host.yml', import.meta.url));

/** Whether an addressee must see what each sender sends first and last, by the plan that a run left. */
async function addresseesProve(dir: string, step: number): Promise<boolean> {
  const { plan } = await parseFolder(dir);
  const flows = plan.steps[step]?.flows.filter(({ purpose }) => purpose !== 'restore') ?? [];
  return [...new Set(flows.map(({ sender }) => sender))].every((sender) => {
    const sent = flows.filter((flow) => flow.sender === sender);
    return [sent[0], sent.at(-1)].every((flow) => (flow?.must.length ?? 0) > 0);
  });
}

/**
 * Breaks one sense after the other in one lab. Before and after it holds with nothing broken, so that what did not hold
 * was the sense's doing.
 */
async function breakSenses({ name, file, scenario }: Shipped, chosen: readonly string[]): Promise<void> {
  const dir = fresh();
  const probed = firstGate(scenario).steps.at(-1)?.probes.length !== 0;
  const some = chosen.filter((sense) => probed || !needProbes(sense));
  const senses = [
    unbroken,
    ...some.filter((sense) => !movesMacs.includes(sense)),
    unbroken,
    ...some.filter((sense) => movesMacs.includes(sense)),
  ];
  const said = await runSabotaged(file, 'senses', senses, dir);
  const first = said.steps.length - senses.length;
  const repeated = said.steps.slice(first);
  if ((repeated[0]?.verdict ?? null) === null) return void notHere.push(`${name}: its senses`);
  const provedTwice = await addresseesProve(dir, first);
  const surprises = repeated.filter(({ name: sense, verdict }) => {
    if (sense === unbroken) return verdict !== 'holds';
    if (needsSilence.includes(sense) && provedTwice) return verdict === 'broken';
    noted(`${name}: ${sense}`, String(verdict));
    return verdict !== 'inconclusive' && !(verdict === 'broken' && mayBreak.includes(sense));
  });
  expect(surprises, JSON.stringify(surprises)).toEqual([]);
  for (const step of repeated) expectNamed(step.name, [step]);
}

/** The bridge forgets who was on a port that is gone or down, and floods what goes there: a leak, where probes do. */
const forgets = (sense: string): boolean => /^the (interface|guest) /.test(sense);

/** What a reason names. */
const culprits: Readonly<Record<string, RegExp>> = {
  'a filter was added': /the nft rules changed, by process \d+ \(nft\)/,
  'the port floods, or does not, for a moment': /: flood changed and was put back$/m,
  'the port is isolated, or is not, for a moment': /: isolated changed and was put back$/m,
  'the interface was off the bridge for a moment': /: master changed and was put back$/m,
  'the ageing time was changed and put back': /: ageing_time changed and was put back$/m,
  'the host forwarded for a moment, or did not': /^net\.ipv4\.ip_forward changed and was put back$/m,
  'a static entry came and went': /: the static entry of 02:00:00:00:09:09 changed and was put back$/m,
};

/** The reasons of the steps name what was done. */
function expectNamed(sense: string, steps: Said['steps']): void {
  const culprit = culprits[sense];
  if (culprit !== undefined)
    expect(steps.flatMap(({ reasons }) => reasons.map(({ text }) => text)).join('\n')).toMatch(culprit);
}

/** Breaks one sense in a lab of its own. */
async function breakSense(name: string, file: string, sense: string): Promise<void> {
  const { verdict, steps } = await runSabotaged(file, 'sense', [sense], fresh());
  if (verdict === 'none') return void notHere.push(`${name}: ${sense}`);
  const leaks = mayBreak.includes(sense) || (forgets(sense) && castOf(firstGate(loadSmall(file))).addressed);
  expect(leaks ? ['inconclusive', 'broken'] : ['inconclusive']).toContain(noted(`${name}: ${sense}`, verdict));
  expectNamed(sense, steps);
}

/**
 * Those that take a lab of their own. What changes interfaces and rules changes them in the orchestrator's namespace,
 * where a lab of several hosts has none of its own.
 */
function aloneOf({ scenario }: Pick<Shipped, 'scenario'>): readonly string[] {
  const cast = castOf(firstGate(scenario));
  const alone = Object.keys(sensesOf(cast)).filter((name) => !passingSenses(cast).includes(name));
  return scenario.topology.hosts === undefined ? alone : alone.filter((sense) => /^the (capture|guest) /.test(sense));
}
const passing = passingSenses(castOf(firstGate(loadSmall(gate))));
const others = shipped.filter(({ file, name }) => file !== gate && (isSoak || !slow.includes(name)));
const byGate = fabricOf(loadSmall(gate));
/** One of each fabric that switch-mode has not. */
const { chosen: ofFabrics } = covering(
  others.filter(({ scenario }) => fabricOf(scenario) !== byGate),
  ({ scenario }) => fabricOf(scenario),
);

const ofAll = isSoak ? passing : everywhere;
/** Of those that are broken everywhere each once over the fabrics. */
const shareOf = (shipped: Shipped): readonly string[] =>
  ofAll.filter((_, at) => at % ofFabrics.length === ofFabrics.indexOf(shipped));

const alone = aloneOf({ scenario: loadSmall(gate) });
/** After these the network is what it was. */
const undone = alone.filter((sense) => /for a moment|put back$|came and went$/.test(sense));

describe.concurrent('a sense broken while the run goes on', () => {
  it(
    'switch-mode: inconclusive without any of them',
    () => breakSenses(ofFile('switch-mode', gate), passing),
    timeoutMs * (isSoak ? 5 : 1),
  );
  it(
    'where nobody must see the probes: inconclusive without what proves that they enter',
    () => breakSenses(ofFile('separated', separated), needsSilence),
    timeoutMs,
  );
  it(
    'where nobody must see the probes: inconclusive without any other of them',
    {
      tags: 'all',
      timeout: timeoutMs * (isSoak ? 5 : 1),
    },
    () =>
      breakSenses(
        ofFile('separated', separated),
        passing.filter((sense) => !needsSilence.includes(sense)),
      ),
  );
  it(
    'where the host itself must not see the probes: inconclusive without its ear',
    () => breakSenses(ofFile('separated-with-host', withHost), ofDevice),
    timeoutMs,
  );
  it(
    'switch-mode: inconclusive with any setting changed and put back, which is named',
    () => breakSenses(ofFile('switch-mode', gate), undone),
    timeoutMs,
  );
  const lasting = alone.filter((sense) => !undone.includes(sense));
  it.each(lasting.slice(0, 2))(
    'switch-mode, %s: inconclusive',
    (sense) => breakSense('switch-mode', gate, sense),
    timeoutMs,
  );
  it.each(lasting.slice(2))('switch-mode, %s: inconclusive', { tags: 'all', timeout: timeoutMs }, (sense) =>
    breakSense('switch-mode', gate, sense),
  );
  it.each(ofFabrics)('$name: inconclusive', { tags: 'all', timeout: timeoutMs }, (shipped) =>
    breakSenses(shipped, shareOf(shipped)),
  );
  it.each(others)(
    '$name: inconclusive without any other',
    { tags: 'all', timeout: timeoutMs * (isSoak ? 5 : 1) },
    (shipped) =>
      breakSenses(
        shipped,
        ofAll.filter((sense) => !shareOf(shipped).includes(sense)),
      ),
  );
  const ear = 'switch-mode with a guest above its bridge, %s: holds with nothing broken, else inconclusive';
  const breakEar = async (sense: string): Promise<void> => {
    const { verdict } = await runSabotaged(gate, 'ear', [sense], fresh());
    if (sense === unbroken) expect(verdict).toBe('holds');
    else expect(noted(`above the bridge: ${sense}`, verdict)).toBe('inconclusive');
  };
  it.each([unbroken, ...earSenses.slice(0, 1)])(ear, breakEar, timeoutMs);
  it.each(earSenses.slice(1))(ear, { tags: 'all', timeout: timeoutMs }, breakEar);
  if (isSoak)
    it.each(others.flatMap((shipped) => aloneOf(shipped).map((sense) => ({ ...shipped, sense }))))(
      '$name, $sense: inconclusive',
      ({ name, file, sense }) => breakSense(name, file, sense),
      timeoutMs,
    );

  it('isolated off where isolated is the barrier: broken', { tags: 'all', timeout: timeoutMs }, async () => {
    const { verdict } = await runSabotaged(separated, 'barrier', ['isolated off'], fresh());
    expect(noted('separated: isolated off', verdict)).toBe('broken');
  });
});

describe('what the reports say of this', () => {
  it.skipIf(parts > 1)('is never more than what is done for `npm run test:all` alone', { tags: 'all' }, () => {
    expect(outcomes.length + notHere.length).toBeGreaterThanOrEqual(sabotageFigures.cases);
  });
});

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
  const falseHolds = outcomes.filter(({ verdict }) => verdict === 'holds');
  const figures = { cases: outcomes.length, falseHolds: falseHolds.length, notPossibleHere: notHere };
  mkdirSync('coverage', { recursive: true });
  writeFileSync('coverage/sabotage.json', `${JSON.stringify({ ...figures, outcomes }, null, 2)}\n`);
  process.stderr.write(
    `sabotage: ${outcomes.length} cases, false holds: ${falseHolds.length}${notHere.length === 0 ? '' : `; NOT POSSIBLE on this kernel: ${notHere.join(', ')}`}\n`,
  );
  expect(falseHolds).toEqual([]);
});
