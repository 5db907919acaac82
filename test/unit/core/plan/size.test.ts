import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Scenario } from '../../../../src/core/model/scenario.js';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { checkPlanSize, stepSize } from '../../../../src/core/plan/size.js';
import { classes } from '../../../../src/core/probe/classes.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { countPairs } from '../../../../src/core/scenario/steps/pairs.js';

interface Written {
  readonly guests: number;
  readonly steps: readonly string[];
  readonly head?: string;
}

function scenario({ guests, steps, head = '' }: Written): Scenario {
  const text = `version: 1\nname: mesh\n${head}topology:\n  provider: lab\n  bridges: { br0: { kind: linux }, br1: { kind: linux } }\n  generate: [ { count: ${guests}, name: "g{}", bridge: br0, port: "p{}" }, { count: 2, name: "h{}", bridge: br1, port: "q{}" } ]\nsteps:\n${steps.map((step, index) => `  - { name: s${index}, ${step} }\n`).join('')}`;
  return loadScenario('mesh.yml', Buffer.from(text));
}
const mesh = (more: string): string =>
  `probe: { class: known-unicast, from: "g*", to: "g*", carriers: [raw], ${more} }, expect: private`;
const plan = (of: Scenario) => makePlan(of, { runTag: 1, keySha256: '00' });
function refusal(of: Scenario): VerifyError {
  try {
    plan(of);
  } catch (error) {
    if (error instanceof VerifyError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

afterEach(() => vi.restoreAllMocks());

describe('a scenario that no run can carry out', () => {
  const vlans = `vlan: [${Array.from({ length: 8 }, (_, at) => 10 + at).join(', ')}]`;
  it.each<[string, Written, RegExp]>([
    [
      'too many flows',
      { guests: 1000, steps: Array.from({ length: 50 }, () => mesh(`count: 1, ${vlans}`)) },
      /^mesh\.yml:9: step "s1": up to here the run has 15984000 flows .*, expected at most 8388608$/,
    ],
    [
      'too many frames',
      { guests: 100, steps: [mesh('count: 4000'), mesh('count: 4000')] },
      /^mesh\.yml:9: step "s1": up to here the run has 79200000 frames .*, expected at most 66060288$/,
    ],
    [
      'too many controls',
      {
        guests: 1000,
        steps: Array.from(
          { length: 20 },
          () =>
            `probe: { class: broadcast, from: [g1, g2, g3, g4, g5, g6, g7, g8, g9, g10], carriers: [raw, ipv4-udp], count: 1 }, expect: { verdict: holds, seen: { g11: all } }`,
        ),
      },
      /^mesh\.yml:\d+: step "s\d+": up to here the run has \d+ controls .*, expected at most 1048576$/,
    ],
  ])('is refused before anything of it is laid out: %s', (_, written, message) => {
    const laidOut = vi.spyOn(classes['known-unicast'], 'flows');
    const announced = vi.spyOn(classes.broadcast, 'flows');
    const error = refusal(scenario(written));
    expect([error.code, error.exitCode, error.message]).toEqual(['plan-too-large', 64, expect.stringMatching(message)]);
    expect(error.hint).toMatch(/fewer senders.*several files/);
    expect(laidOut).not.toHaveBeenCalled();
    expect(announced).not.toHaveBeenCalled();
  });

  it('is refused while it is laid out where a class makes more of a pair than can be counted before', () => {
    const of = scenario({
      guests: 30,
      head: 'allow_disruptive: true\n',
      steps: [
        'probe: { class: mac-steal, from: g1, to: g2, via: "g*", carriers: [raw], count: 10000000 }, expect: private',
      ],
    });
    expect(() => checkPlanSize(of)).not.toThrow();
    expect(refusal(of)).toMatchObject({
      code: 'plan-too-large',
      exitCode: 64,
      message: expect.stringMatching(/^mesh\.yml:9: step "s0": up to here the run has 2\d{8} frames /),
    });
  });

  it('is none that is as large as can be', () => {
    expect(() => checkPlanSize(scenario({ guests: 1000, steps: [mesh(`count: 8, ${vlans}`)] }))).not.toThrow();
  });
});

describe('the size of a plan', () => {
  const entry = fc.record({
    class: fc.constantFrom('known-unicast', 'unknown-unicast', 'broadcast'),
    from: fc.constantFrom('"*"', '"g*"', 'g1', '[g1, h1]', '[g2, g3]'),
    to: fc.constantFrom('"*"', '"g*"', 'g2', '[g1, h2]', '[g1, g3]'),
    both: fc.boolean(),
    carriers: fc.constantFrom('[raw]', '[raw, ipv4-udp]'),
    vlan: fc.constantFrom('', ', vlan: [10, [20, 30]]'),
    count: fc.integer({ min: 1, max: 5 }),
  });
  it('is what is made of it: every flow and frame, and no more controls than were counted', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 20 }),
        fc.array(fc.array(entry, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
        (guests, steps) => {
          const of = scenario({
            guests,
            steps: steps.map(
              (entries) =>
                `probe: [ ${entries.map((entry) => `{ class: ${entry.class}, from: ${entry.from}${entry.class === 'known-unicast' ? `, to: ${entry.to}, both_ways: ${String(entry.both)}` : ''}, carriers: ${entry.carriers}, count: ${entry.count}${entry.vlan} }`).join(', ')} ], expect: { verdict: holds, may_see: [] }`,
            ),
          });
          const made = plan(of).steps;
          of.steps.forEach((step, index) => {
            const size = stepSize(step, of.topology, of.topology.endpoints.length);
            const flows = [...(made[index]?.flows ?? [])];
            expect([size.flows, size.frames]).toEqual([flows.length, flows.reduce((sum, { count }) => sum + count, 0)]);
            expect(made[index]?.controls.length).toBeLessThanOrEqual(size.controls);
          });
        },
      ),
    );
  });
  it('counts pairs across hosts, which are on one network where their bridges are called alike', () => {
    const { topology: found } = scenario({ guests: 3, steps: [mesh('count: 1')] });
    const topology = {
      ...found,
      endpoints: ['hv1/br0', 'hv2/br0', 'hv2/br1'].flatMap((bridge, at) =>
        found.endpoints.slice(at, at + 1).map((endpoint) => ({ ...endpoint, bridge })),
      ),
    };
    const names = topology.endpoints.map(({ name }) => name);
    expect(countPairs({ from: names, to: names, bothWays: false, acrossBridges: false }, topology)).toBe(2);
  });
});
