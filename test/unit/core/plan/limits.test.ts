import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { costOf } from '../../../../src/core/plan/cost.js';
import { beyondLimits, parseLimits } from '../../../../src/core/plan/limits.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';

const file = `version: 1
frames: 100000
rate: 2000
out_of_nic: 0
time: 20m
`;
const limits = parseLimits('limits.yml', Buffer.from(file));

const planOf = (steps: string, more = '') =>
  makePlan(
    loadScenario(
      'host.yml',
      Buffer.from(`version: 1
name: host
${more}topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a" }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b" }
    lan: { bridge: br0, port: eth0, role: uplink }
steps:
${steps}`),
    ),
    { runTag: 0x12345678, keySha256: '0'.repeat(64) },
  );
const known = planOf('  - { name: known, probe: { class: known-unicast, from: alice, to: bob, count: 20 } }');
const flood = planOf('  - { name: flood, probe: { class: unknown-unicast, from: alice, count: 20 } }');

describe('parseLimits', () => {
  it('reads figures, and null where nothing is narrowed', () => {
    expect(limits).toEqual({
      bridges: null,
      classes: null,
      frames: 100_000,
      rate: 2000,
      outOfNic: 0,
      timeMs: 1_200_000,
    });
  });

  it.each([
    ['version: 2', /^limits\.yml:1:10: .*expected 1/],
    ['rate: fast', /rate.*expected a whole number/],
    ['time: 0', /expected a time with unit such as 20m/],
    ['frame: 5', /frame/],
    ['classes: [nonsense]', /expected a class of probes/],
    ['bridges: []', /expected at least one bridge/],
    ['- x', /^limits\.yml:\d+:\d+: /],
  ])('refuses %j with its place', (line, message) => {
    const key = line.split(':')[0] ?? '';
    const text = line.startsWith('-')
      ? line
      : `${file
          .split('\n')
          .filter((each) => !each.startsWith(`${key}:`))
          .join('\n')}${line}\n`;
    const placed = key === 'version' ? `${line}\n${file.split('\n').slice(1).join('\n')}` : text;
    expect(() => parseLimits('limits.yml', Buffer.from(placed))).toThrow(message);
  });
});

describe('beyondLimits', () => {
  it('lets a plan within them pass', () => {
    expect(beyondLimits(known, { ...limits, outOfNic: costOf(known).outOfNic })).toEqual([]);
  });

  it('names each figure that is beyond', () => {
    expect(beyondLimits(flood, { ...limits, frames: 10, rate: 1, outOfNic: 5, timeMs: 1000 })).toEqual([
      expect.stringMatching(/^\d+ frames, at most 10$/),
      expect.stringMatching(/^\d+ frames a second, at most 1$/),
      expect.stringMatching(/^\d+ frames out of the NIC, at most 5$/),
      expect.stringMatching(/^\d+ seconds, at most 1$/),
    ]);
  });

  it('counts frames to a guest that the bridge has forgotten: they flood out of the uplink', () => {
    const aged = planOf('  - { name: aged, probe: { class: aged-unicast, from: alice, to: bob, count: 20 } }');
    expect(costOf(aged).outOfNic - costOf(known).outOfNic).toBeGreaterThanOrEqual(20);
  });

  it('names bridges and classes that are not listed', () => {
    const many = { ...limits, outOfNic: 1000 };
    expect(beyondLimits(flood, { ...many, bridges: ['br1'], classes: ['known-unicast'] })).toEqual([
      'bridge br0',
      'class unknown-unicast',
    ]);
  });

  it('never lets disturb guests or change the host by saying nothing of it', () => {
    const loud = planOf(
      '  - { name: loud, probe: { class: mac-flood, from: alice, to: bob, count: 5 }, set: { bob: { isolated: on } } }',
      'allow_disruptive: true\nallow_changes: true\n',
    );
    expect(beyondLimits(loud, { ...limits, outOfNic: 1000 })).toEqual([
      'class mac-flood',
      'changes of the host in step loud',
    ]);
  });
});
