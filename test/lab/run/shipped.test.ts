import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { differing, heldRun } from '../../support/judge/held.js';
import { again, overheard, runLab, top } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';

/** What the kernel was measured to do in each shipped scenario: [step, from, to, observer, overheard]. */
type Fact = readonly [step: number, from: string, to: string, observer: string, seen: 'none' | 'all'];

const bothWays = (
  steps: readonly number[],
  a: string,
  b: string,
  observers: readonly string[],
  seen: Fact[4],
): readonly Fact[] =>
  steps.flatMap((step) =>
    observers.flatMap((observer): Fact[] => [
      [step, a, b, observer, seen],
      [step, b, a, observer, seen],
    ]),
  );
const bridged = (steps: readonly number[]): readonly Fact[] =>
  steps.flatMap((step) =>
    ['kali2', 'kali3'].flatMap((guest): Fact[] => [
      [step, 'lan', 'winxp', guest, 'all'],
      [step, 'winxp', 'lan', guest, 'none'],
    ]),
  );
const guests = ['kali2', 'kali3'];

interface Shipped {
  /** Verdict of each step. */
  readonly verdicts: readonly (string | null)[];
  readonly facts: readonly Fact[];
}

const shipped: Readonly<Record<string, Shipped>> = {
  'switch-mode': { verdicts: ['holds', 'holds'], facts: bothWays([0, 1], 'kali2', 'lan', ['kali3'], 'none') },
  'hub-mode': { verdicts: ['broken', 'broken'], facts: bothWays([0, 1], 'kali2', 'lan', ['kali3'], 'all') },
  'bridged-bridge': { verdicts: ['broken', 'broken'], facts: bridged([0, 1]) },
  'bridged-bridge-flood-off': { verdicts: ['holds', 'holds'], facts: bothWays([0, 1], 'lan', 'winxp', guests, 'none') },
  'bridged-bridge-permanent-entry': {
    verdicts: ['holds', 'holds'],
    facts: bothWays([0, 1], 'lan', 'winxp', guests, 'none'),
  },
  macvlan: {
    verdicts: ['holds', 'holds', 'broken', 'holds', 'broken'],
    facts: [
      ...['web', 'db', 'mail', 'dns'].flatMap((guest) =>
        bothWays(
          [0],
          guest,
          'lan',
          ['web', 'db', 'mail', 'dns'].filter((other) => other !== guest),
          'none',
        ),
      ),
      ...bothWays([1], 'web', 'db', ['mail', 'dns', 'lan'], 'none'),
      [2, 'web', 'db', 'db', 'all'],
      ...['web', 'db', 'dns'].map((guest): Fact => [3, 'mail', guest, guest, 'none']),
      // Mode private keeps out no unicast that comes back
      [4, 'mail', 'dns', 'dns', 'all'],
      [4, 'mail', 'dns', 'web', 'none'],
    ],
  },
  'vmware-on-a-port': { verdicts: ['holds', 'holds'], facts: bothWays([0, 1], 'lan', 'winxp2', guests, 'none') },
  'wireshark-experiment': {
    verdicts: ['holds', 'holds', 'broken', 'broken', 'broken', 'broken', 'holds', 'holds', 'holds', 'holds'],
    facts: [
      ...bothWays([0, 1], 'kali2', 'lan', ['kali3'], 'none'),
      ...bothWays([2, 3], 'kali2', 'lan', ['kali3'], 'all'),
      ...bridged([4, 5]),
      ...bothWays([6, 7], 'lan', 'winxp', guests, 'none'),
      ...bothWays([8, 9], 'lan', 'winxp2', guests, 'none'),
    ],
  },
};

const files = readdirSync(join(top, 'scenarios'))
  .filter((name) => name.endsWith('.yml'))
  .map((name) => name.slice(0, -4));
/**
 * With cap the one that has the steps of the others, which `npm start` runs with libpcap (test/lab/docs/documents.test.ts).
 * A second time one with each engine is enough: with a relay, which takes rights of its own, and without.
 */
const chosen = again
  ? ([
      ['bridged-bridge', 'libpcap'],
      ['hub-mode', 'cap'],
    ] as const)
  : Object.keys(shipped).map((name) => [name, name === 'wireshark-experiment' ? 'cap' : 'libpcap'] as const);
const cases = chosen.map(([name, engine]) => ({ name, engine }));

/** Controls, drops and coverage: without them a zero is worth nothing. */
function proofs(result: Result): unknown {
  return {
    coverage: result.coverage.complete,
    reasons: result.steps.flatMap(({ reasons }) => reasons),
    // The bridge device (`br0`) is no ear to prove: it receives entry controls, and traffic proves its entry by
    // arriving.
    deaf: result.steps.flatMap(({ observers }) =>
      observers.filter(
        ({ name, controlsSent, controlsSeen, dropped }) =>
          (name !== 'br0' && controlsSent === 0) || controlsSeen !== controlsSent || dropped > 0,
      ),
    ),
  };
}

describe('a shipped scenario', () => {
  it(
    'is heard with libpcap at guests of a lower device, where directions have to be known, whatever the engine',
    async () => {
      const { status, result } = await runLab(join(top, 'scenarios/macvlan.yml'), '--engine', 'cap');
      const engines = result.steps[0]?.observers.map(({ name, engine }) => `${name}: ${engine}`);
      expect([status, engines]).toEqual([
        0,
        ['hv: cap', 'lan: cap', 'web: libpcap', 'db: libpcap', 'mail: libpcap', 'dns: libpcap', 'lan0: libpcap'],
      ]);
    },
    patient(60_000),
  );

  it('is known here', () => expect(Object.keys(shipped).filter((name) => !files.includes(name))).toEqual([]));

  it.concurrent.each(cases)(
    '$name with $engine comes out as the facts say, and proves it',
    async ({ name, engine }) => {
      const { verdicts = [], facts = [] } = shipped[name] ?? {};
      const { dir, status, result, stderr } = await runLab(join(top, 'scenarios', `${name}.yml`), '--engine', engine);
      expect({ status, exitCode: result.exitCode, asExpected: result.asExpected, stderr }).toEqual({
        status: 0,
        exitCode: 0,
        asExpected: true,
        stderr: '',
      });
      expect(result.steps.map(({ verdict }) => verdict)).toEqual(verdicts);
      const wire = facts.map(([step, from, to, observer]) => [
        step,
        from,
        to,
        observer,
        overheard(result, { step, from, to, observer }),
      ]);
      expect(wire).toEqual(facts.map((fact) => [...fact]));
      const engines = result.steps.flatMap(({ observers }) =>
        observers.filter(({ name }) => name !== 'br0').map((observer) => observer.engine),
      );
      expect([...new Set(engines)]).toEqual([engine]);
      expect(proofs(result)).toEqual({ coverage: true, reasons: [], deaf: [] });
      // What the audit foretells from the state before each step is what the wire then showed, both ways: nothing
      // passes by saying unknown.
      const held = await heldRun(dir);
      expect(differing(held)).toEqual([]);
      expect(held.filter(({ outcome }) => outcome === 'open')).toEqual([]);
    },
    patient(120_000),
  );
});
