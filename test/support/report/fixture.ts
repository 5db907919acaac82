import type { ReasonCode } from '../../../src/core/model/reasons.js';
import type { Cause, Finding, Result, StepResult } from '../../../src/core/model/result.js';
import { sabotageFigures } from '../../../src/core/model/run-record.js';

const everyone = ['kali2', 'kali3', 'lan', 'winxp'];

/** Findings of one flow: `seen` by observer, the sender left out. */
export function findings(
  from: string,
  to: string | null,
  carrier: string,
  seen: Readonly<Record<string, number>>,
  change: Partial<Finding> = {},
): readonly Finding[] {
  return Object.entries(seen).map(([observer, number]) => ({
    probe: 0,
    class: 'known-unicast',
    carrier,
    vlan: [],
    from,
    to,
    observer,
    sent: 100,
    seen: number,
    allowed: observer === to ? ('must' as const) : ('no' as const),
    leak: observer !== to && number > 0,
    upperBound95: observer === to ? null : 0.0296,
    direction: 'known' as const,
    firstSighting:
      number > 0 ? { file: 'evidence.pcapng', frame: 17 + number, at: '2026-11-24T17:00:01.123456789Z' } : null,
    causes: [],
    ...change,
  }));
}

export function step(name: string, change: Partial<StepResult>): StepResult {
  return {
    name,
    verdict: 'holds',
    expected: 'holds',
    asExpected: true,
    reasons: [],
    findings: [],
    observers: everyone.map((observer, index) => ({
      name: observer,
      interface: `vnet${index}`,
      engine: 'libpcap' as const,
      received: 400,
      dropped: 0,
      controlsSent: 12,
      controlsSeen: 12,
    })),
    entry: { sent: 12, seen: 12 },
    ...change,
  };
}

export function result(steps: readonly StepResult[], change: Partial<Result> = {}): Result {
  return {
    schemaVersion: 1,
    tool: { name: 'verify-isolation', version: '0.1.0', verdictRules: 2, sabotage: sabotageFigures },
    run: { id: '0123456789abcdef', startedAt: '2026-11-24T17:00:00.000Z', durationMs: 12_345 },
    scenario: { name: 'wireshark-experiment', file: 'scenarios/wireshark-experiment.yml', sha256: '0'.repeat(64) },
    verdict: 'broken',
    asExpected: true,
    exitCode: 0,
    coverage: { complete: true, observed: 4, ports: 4, unobserved: [] },
    steps,
    evidence: { dir: '.', files: [{ path: 'evidence.pcapng', sha256: '0'.repeat(64) }] },
    ...change,
  };
}

const ageing: Cause = {
  code: 'ageing-zero',
  place: 'br0.ageing_time',
  value: '0',
  text: 'br0 has ageing time 0: it learns nothing and floods all unicast',
  fix: 'ip link set dev br0 type bridge ageing_time 30000',
};

function bothWays(
  a: string,
  b: string,
  at: Readonly<Record<string, number>>,
  back = at,
  change: Partial<Finding> = {},
): readonly Finding[] {
  return [
    ...['raw', 'ipv4-udp'].flatMap((carrier) => [
      ...findings(a, b, carrier, { [b]: 100, ...at }, change),
      ...findings(b, a, carrier, { [a]: 100, ...back }, change),
    ]),
    ...findings(a, b, 'native', { [b]: 100, ...at }, { ...change, class: 'http', sent: 340 }),
  ];
}

/** The experiment that the project is named after, as it should come out. */
export const experiment: Result = result([
  step('ageing time 30 s: br0 is a switch', { findings: bothWays('kali2', 'lan', { kali3: 0 }) }),
  step('ageing time 0: br0 is a hub', {
    verdict: 'broken',
    expected: 'broken',
    findings: bothWays('kali2', 'lan', { kali3: 100 }, { kali3: 100 }, { causes: [ageing] }),
  }),
  step('VMware starts and bridges br0 itself', {
    verdict: 'broken',
    expected: 'broken',
    findings: bothWays('lan', 'winxp', { kali2: 100, kali3: 100 }, { kali2: 0, kali3: 0 }),
  }),
  step('flood off on the ports of the guests', { findings: bothWays('lan', 'winxp', { kali2: 0, kali3: 0 }) }),
  step('instead VMware on a port of its own', { findings: bothWays('lan', 'winxp', { kali2: 0, kali3: 0 }) }),
]);

/** A step that leaks and must not: kali3 sees what kali2 sends to lan, or these rows. */
export const leakingStep = (
  name: string,
  rows: readonly Finding[] = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }),
  change: Partial<StepResult> = {},
): StepResult => step(name, { verdict: 'broken', asExpected: false, findings: rows, ...change });

/** A step that is inconclusive for one reason. */
export const doubtfulStep = (
  name: string,
  code: ReasonCode,
  observer: string | null,
  text: string,
  change: Partial<StepResult> = {},
): StepResult =>
  step(name, { verdict: 'inconclusive', asExpected: false, reasons: [{ code, observer, text }], ...change });
