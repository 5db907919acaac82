import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sabotageFigures } from '../../src/model/sabotage-figures.js';
import { unsupportedKeys } from '../../src/scenario/unsupported.js';
import { barriersOf } from './barriers.mjs';
import { cutEverything } from './cut-everything.js';
import { firstGate, gatesOf, loadSmall } from './gates.mjs';
import { runSabotaged } from './run-sabotaged.js';
import { castOf, sensesOf } from './senses.mjs';

/** Every scenario with everything that can be broken of it takes half an hour: `npm run soak sabotage`. */
const all = process.env['VERIFY_ISOLATION_SOAK'] === 'all';
const folderOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'sabotage-'));
const timeoutMs = 90_000;

interface Outcome { readonly what: string; readonly verdict: string }
const outcomes: Outcome[] = [];
const notHere: string[] = [];
let folders = 0;
const fresh = (): string => join(work, String(folders += 1));

const noted = (what: string, verdict: string): string => {
  outcomes.push({ what, verdict });
  return verdict;
};

const shipped = readdirSync(folderOf('scenarios'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yml')).sort().map((name) => {
  const file = join(folderOf('scenarios'), name);
  return { name: name.slice(0, -4), file, scenario: loadSmall(file) };
}).filter(({ scenario }) => scenario.topology.provider === 'lab' && unsupportedKeys(scenario).length === 0 && gatesOf(scenario).length > 0);
type Shipped = (typeof shipped)[number];
const recordingOf = ({ name }: Shipped): string => join(folderOf('captures'), name);

/** A scenario whose own steps show the leak, before its barrier is up or once it is gone, breaks it by itself. */
const demonstrates = ({ scenario }: Shipped): boolean => scenario.steps.some(({ expect: { expected } }) => expected === 'broken');

/** Gates that no setting carries: two bridges are two, so are two VXLANs, and what has to work stands beside what must not. */
const byTopology: Readonly<Record<string, readonly number[]>> = { 'alternatives/own-bridge-routed': [2, 5], 'hosts/tenants-apart': [1, 2] };

/** Twenty seconds a run. */
const slow = ['production-bridge'];

const breaks = shipped.filter((one) => all || (!demonstrates(one) && !slow.includes(one.name))).flatMap((one) => barriersOf(one.scenario).map((broken) => ({ ...one, ...broken })));
describe.concurrent('a barrier broken', () => {
  it.each(breaks)('$name without its barrier ($barrier) is broken', async ({ name, file, barrier, carried }) => {
    const { steps } = await runSabotaged(file, 'barrier', barrier, fresh());
    for (const at of carried.filter((gate) => byTopology[name]?.includes(gate) !== true)) {
      const verdict = steps[at]?.verdict ?? null;
      if (verdict === null) notHere.push(`${name}: ${barrier}`);
      else expect([name, barrier, at, noted(`${name}: ${barrier}`, verdict)]).toEqual([name, barrier, at, 'broken']);
    }
  }, timeoutMs);
});

describe('a recorded run with a piece of its evidence gone or changed', () => {
  const recorded = shipped.filter(({ name }) => dirname(name) === '.' && !slow.includes(name));

  it('is there for every scenario that no other test cuts', () => {
    expect(recorded.filter((one) => !existsSync(recordingOf(one))).map(({ name }) => `${name}: record it with \`verify-isolation record scenarios/${name}.yml --into captures/${name}\``)).toEqual([]);
  });

  it.each(recorded.map((one, part) => ({ ...one, part })))('$name: inconclusive', async (one) => {
    const share = all || one.name === 'switch-mode' ? { part: 0, of: 1 } : { part: one.part, of: recorded.length };
    for (const { what, verdict } of await cutEverything(recordingOf(one), share)) expect([what, noted(`${one.name}, ${what}`, verdict)]).toEqual([what, 'inconclusive']);
  }, timeoutMs * (all ? 10 : 1));
});

/** Those of other folders are cut where they are run: test/scenarios/attacks.test.ts. */
const runHere = ['scale', 'ovs', 'events', 'hosts'];

describe.concurrent('a run that nobody recorded, as it is', () => {
  it.each(shipped.filter(({ name }) => runHere.includes(dirname(name))))('$name holds, and never with a piece of its evidence gone or changed', async ({ name, file, scenario }) => {
    const dir = fresh();
    const { steps } = await runSabotaged(file, 'none', '', dir);
    const gates = gatesOf(scenario).map((at) => steps[at]);
    if (gates.some((gate) => (gate?.verdict ?? null) === null)) return void notHere.push(name);
    expect(gates).toMatchObject(gates.map(() => ({ verdict: 'holds', reasons: [] })));
    for (const { what, verdict } of await cutEverything(dir, { part: 0, of: all ? 1 : 2 })) expect([what, noted(`${name}, ${what}`, verdict)]).toEqual([what, 'inconclusive']);
  }, timeoutMs);
});

/** Deaf or mute, and what it may look like instead of *inconclusive*: an ear at another guest's port hears that guest's frames. */
const mayBreak = ['the observer on the wrong interface'];
/** What is proved twice: only where no addressee proves the entry does it need its controls. */
const needsSilence = ['the entry controls suppressed', 'the entry controls suppressed, and it was said that they were sent'];
const gate = join(folderOf('scenarios'), 'switch-mode.yml');
const separated = fileURLToPath(new URL('./separated.yml', import.meta.url));
const senseNames = Object.keys(sensesOf(castOf(firstGate(loadSmall(gate)))));

describe.concurrent('a sense broken while the run goes on', () => {
  it.each(senseNames.filter((name) => !needsSilence.includes(name)))('%s: inconclusive', async (name) => {
    const { verdict } = await runSabotaged(gate, 'sense', name, fresh());
    expect(mayBreak.includes(name) ? ['inconclusive', 'broken'] : ['inconclusive']).toContain(noted(name, verdict));
  }, timeoutMs);

  it.each([
    ...needsSilence, 'no probe sent, and it was said that they were', 'half of the probes sent, and it was said that all were', 'the probes sent from the wrong port',
    'the ear controls suppressed', 'a filter that matches nothing',
  ])('where nobody must see the probes, %s: inconclusive', async (name) => {
    const { verdict } = await runSabotaged(separated, 'sense', name, fresh());
    expect(noted(`separated: ${name}`, verdict)).toBe('inconclusive');
  }, timeoutMs);

  it('isolated off where isolated is the barrier: broken', async () => {
    const { verdict } = await runSabotaged(separated, 'barrier', 'isolated off', fresh());
    expect(noted('separated: isolated off', verdict)).toBe('broken');
  }, timeoutMs);
});

if (all) {
  const every = shipped.flatMap((one) => senseNames.filter((name) => !needsSilence.includes(name)).map((sense) => ({ ...one, sense })));
  describe.concurrent('every sense broken in every scenario', () => {
    it.each(every)('$name, $sense: never holds', async ({ name, file, sense }) => {
      const { verdict } = await runSabotaged(file, 'sense', sense, fresh());
      expect(['inconclusive', 'broken', 'none']).toContain(noted(`${name}: ${sense}`, verdict));
    }, timeoutMs);
  });
}

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
  const falseHolds = outcomes.filter(({ verdict }) => verdict === 'holds');
  const figures = { cases: outcomes.length, falseHolds: falseHolds.length, notPossibleHere: notHere };
  mkdirSync('coverage', { recursive: true });
  writeFileSync('coverage/sabotage.json', `${JSON.stringify({ ...figures, outcomes }, null, 2)}\n`);
  process.stderr.write(`sabotage: ${outcomes.length} cases, false holds: ${falseHolds.length}${notHere.length === 0 ? '' : `; NOT POSSIBLE on this kernel: ${notHere.join(', ')}`}\n`);
  expect(falseHolds).toEqual([]);
  // What the reports say is never more than what was done.
  expect(outcomes.length + notHere.length).toBeGreaterThanOrEqual(sabotageFigures.cases);
});
