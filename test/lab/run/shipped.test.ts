import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { kernel } from '../../support/lab/features.js';
import { again, overheard, runLab, top, writeScenario } from '../../support/lab/program.js';
import { needs } from '../../support/needs.js';
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
          ['web', 'db', 'mail', 'dns'].filter((name) => name !== guest),
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
  routed: {
    verdicts: ['holds', 'broken', 'holds', 'broken', 'holds', 'broken'],
    facts: [
      ...bothWays([0], 'web', 'db', ['web', 'db', 'dns'], 'none').filter(([, from, , observer]) => from !== observer),
      [1, 'web', 'db', 'db', 'all'],
      [1, 'db', 'web', 'web', 'all'],
      [1, 'web', 'db', 'dns', 'none'],
      ...bothWays([2], 'web', 'db', ['dns'], 'none'),
      [3, 'web', 'db', 'dns', 'all'],
      [4, 'web', 'db', 'db', 'none'],
      [4, 'web', 'dns', 'dns', 'none'],
      [5, 'db', 'dns', 'dns', 'all'],
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

async function tryPassthru(attach: string): Promise<void> {
  const text = `version: 1
name: passthru
topology:
  bridges: { lan0: {} }
  endpoints:
    hv: { bridge: lan0, port: sw0 }
    lan: { bridge: lan0, port: sw1, role: uplink }
    pc: { bridge: lan0, port: sw2 }
    web: { bridge: lan0, attach: ${attach}, lower: hv, mode: passthru }
steps:
  - name: the switch keeps it from what others send each other
    probe: [ { class: known-unicast, from: [web, pc], to: lan, both_ways: true, count: 5 } ]
    expect: private
  - name: a switch that learns nothing does not
    set: { lan0: { ageing_time: 0 } }
    probe: [ { class: known-unicast, from: pc, to: lan, count: 5 } ]
    expect: leak
`;
  const file = writeScenario(text);
  const { status, result } = await runLab(file);
  const [first, second] = result.steps;
  const barriers = (first?.held ?? []).filter(({ observers }) => observers.includes('web'));
  expect([status, barriers.flatMap((held) => held.barriers.map(({ code }) => code))]).toEqual([0, ['learned-entry']]);
  const overhearing = second?.findings.filter(({ leak, seen }) => leak && seen === 5);
  expect(new Set(overhearing?.map(({ observer }) => observer))).toEqual(new Set(['web']));
}

describe('a shipped scenario', () => {
  it('is heard with libpcap at guests of a lower device, where directions have to be known, whatever the engine', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const { status, result } = await runLab(join(top, 'scenarios/macvlan.yml'), '--engine', 'cap');
    const engines = result.steps[0]?.observers.map(({ name, engine }) => `${name}: ${engine}`);
    expect([status, engines]).toEqual([
      0,
      ['hv: cap', 'lan: cap', 'web: libpcap', 'db: libpcap', 'mail: libpcap', 'dns: libpcap', 'lan0: libpcap'],
    ]);
  });

  it(
    'proves by both families of IP, and whatever the engine, that what guests without a bridge send enters',
    async () => {
      const text = `version: 1
name: routed6
topology:
  bridges: { routes: { kind: routed, address: ["169.254.1.1/32", "fe80::1/64"] } }
  endpoints:
    web: { bridge: routes, port: tap1, ip: [10.0.0.1/32, "fd00::1/128"], gateway: 169.254.1.1 }
    db: { bridge: routes, port: tap2, ip: [10.0.0.2/32, "fd00::2/128"], gateway: 169.254.1.1 }
    dns: { bridge: routes, port: tap3 }
  sysctl: { net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1, net.ipv4.conf.tap1.proxy_arp: 1 }
steps:
  - name: packets reach their addressee
    probe: [ { class: known-unicast, from: [web, db], to: [web, db], carriers: [ipv4-udp, ipv6-udp], count: 5 } ]
    expect: private
`;
      const file = writeScenario(text);
      const { status, result } = await runLab(file, '--engine', 'cap');
      const engines = result.steps[0]?.observers.map(({ name, engine }) => `${name}: ${engine}`);
      expect([status, engines, proofs(result)]).toEqual([
        0,
        ['web: libpcap', 'db: libpcap', 'dns: libpcap'],
        { coverage: true, reasons: [], deaf: [] },
      ]);
    },
    patient(300_000),
  );

  const inPassthru =
    'gives a guest in mode passthru (%s) all that its lower device gets, and names no barrier there but the switch';
  const passthru = { ...needs(kernel('macvlan'), kernel('macvtap')), timeout: patient(300_000) };
  it.each(['macvlan'])(inPassthru, passthru, tryPassthru);
  it.each(['macvtap'])(inPassthru, { ...passthru, tags: 'all' }, tryPassthru);

  it(
    'holds between a hundred guests, pair by pair',
    async () => {
      const { status, result } = await runLab(join(top, 'scenarios/scale/mesh.yml'));
      expect([status, result.verdict]).toEqual([0, 'holds']);
    },
    patient(300_000),
  );

  it('is known here', () => expect(Object.keys(shipped).filter((name) => !files.includes(name))).toEqual([]));

  it.concurrent.each(cases)(
    '$name with $engine comes out as the facts say, and proves it',
    async ({ name, engine }) => {
      const { verdicts = [], facts = [] } = shipped[name] ?? {};
      const { status, result, stderr } = await runLab(join(top, 'scenarios', `${name}.yml`), '--engine', engine);
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
    },
    patient(300_000),
  );
});
