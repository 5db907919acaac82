import { expect, it } from 'vitest';
import type { Flow } from '../../../../src/core/model/plan.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { inventedMacs } from '../../../../src/core/plan/new-macs.js';
import { inventedMac, isInventedBy } from '../../../../src/core/probe/addresses.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { flow, plan as planned, step } from '../../../support/judge/row-fixture.js';

const text = `version: 1
name: invented
allow_disruptive: true
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a" }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b" }
    carol: { bridge: br0, port: tap2, mac: "52:54:00:00:00:0c" }
steps:
  - { name: spoof, probe: { class: mac-spoof, from: alice, to: bob, carriers: raw, count: 5 }, expect: separated }
  - { name: flood, probe: { class: mac-flood, from: carol, to: bob, via: alice, count: 20 } }
  - { name: theft, probe: { class: mac-steal, from: bob, to: carol, via: alice, count: 5 } }
`;

it("knows the MACs that a plan invents, by the port of their sender, and nobody else's", () => {
  const plan = makePlan(loadScenario('invented.yml', Buffer.from(text)), {
    runTag: 0x12345678,
    keySha256: '0'.repeat(64),
  });
  const invented = inventedMacs(plan);
  const [spoofed] =
    plan.steps[0]?.flows.filter(
      ({ class: name, frame }) => name === 'mac-spoof' && frame.srcMac !== '52:54:00:00:00:0a',
    ) ?? [];
  const [swept] = plan.steps[1]?.flows.filter(({ frame }) => frame.form === 'source-sweep') ?? [];
  const inSweep = (at: number): string =>
    `06:78:${((swept?.first ?? 0) + at)
      .toString(16)
      .padStart(8, '0')
      .replace(/(..)(?=.)/g, '$1:')}`;
  expect([...invented.keys()].sort()).toEqual(['tap0', 'tap2']);
  expect(invented.get('tap0')?.(spoofed?.frame.srcMac ?? '')).toBe(true);
  expect(invented.get('tap2')?.(spoofed?.frame.srcMac ?? '')).toBe(false);
  expect([0, 19].map((at) => invented.get('tap2')?.(inSweep(at)))).toEqual([true, true]);
  expect([-1, 20].map((at) => invented.get('tap2')?.(inSweep(at)))).toEqual([false, false]);
  // what a thief sends with is somebody's
  for (const mac of ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c'])
    for (const is of invented.values()) expect(is(mac)).toBe(false);
});

it('knows those of several sweeps by the run’s tag, and nothing of who has no port', () => {
  const swept = (first: number, over: Partial<Flow> = {}): Flow => ({
    ...flow,
    first,
    count: 10,
    frame: { ...flow.frame, form: 'source-sweep' },
    ...over,
  });
  const spoofed: Flow = { ...flow, frame: { ...flow.frame, srcMac: '02:00:00:00:00:99' } };
  const of = (...flows: readonly Flow[]) =>
    inventedMacs({ ...planned, runTag: 0xffff_ff05, steps: [{ ...step, flows }] });
  const is = of(swept(0), swept(300), spoofed).get('p0');
  expect(
    ['06:05:00:00:00:00', '06:05:00:00:00:09', '06:05:00:00:01:2c', '06:05:00:00:01:35', '02:00:00:00:00:99'].map(
      (mac) => is?.(mac),
    ),
  ).toEqual([true, true, true, true, true]);
  expect(
    [
      '06:05:00:00:00:0a',
      '06:05:00:00:01:2b',
      '06:05:00:00:01:36',
      '06:06:00:00:00:00',
      '02:05:00:00:00:00',
      '02:00:00:00:00:98',
      '52:54:00:00:00:01',
    ].map((mac) => is?.(mac)),
  ).toEqual([false, false, false, false, false, false, false]);
  expect([of(flow).size, of({ ...spoofed, sender: 'gone' }).size, of(swept(0, { sender: 'gone' })).size]).toEqual([
    0, 0, 0,
  ]);
  expect(of({ ...spoofed, frame: { ...flow.frame, srcMac: Object.values(planned.bridgeMacs)[0] ?? '' } }).size).toBe(0);
});

it('invents another MAC for each of 4,096 probes, which a bridge may have learned by then, and knows them again', () => {
  const macs = Array.from({ length: 4096 }, (_, ordinal) => inventedMac(0x12345678, ordinal));
  expect(new Set(macs).size).toBe(4096);
  expect(macs.every((mac) => /^[0-9a-f]6:12:34:56:78:[0-9a-f]{2}$/.test(mac))).toBe(true);
  expect(macs.every((mac) => isInventedBy(0x12345678)(mac))).toBe(true);
  expect(isInventedBy(0x12345679)(macs[0] ?? '')).toBe(false);
  expect(isInventedBy(0x12345678)('02:12:34:56:78:00')).toBe(false);
});
