import { expect, it } from 'vitest';
import { inventedMacs } from '../../src/plan/invented-macs.js';
import { makePlan } from '../../src/plan/make-plan.js';
import { loadScenario } from '../../src/scenario/load-scenario.js';

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

it('knows the MACs that a plan invents, by the port of their sender, and nobody else\'s', () => {
  const plan = makePlan(loadScenario('invented.yml', Buffer.from(text)), { runTag: 0x12345678, keySha256: '0'.repeat(64) });
  const invented = inventedMacs(plan);
  const [spoofed] = plan.steps[0]?.flows.filter(({ class: name, frame }) => name === 'mac-spoof' && frame.srcMac !== '52:54:00:00:00:0a') ?? [];
  const [swept] = plan.steps[1]?.flows.filter(({ frame }) => frame.form === 'source-sweep') ?? [];
  const inSweep = (at: number): string => `06:78:${((swept?.first ?? 0) + at).toString(16).padStart(8, '0').replace(/(..)(?=.)/g, '$1:')}`;
  expect([...invented.keys()].sort()).toEqual(['tap0', 'tap2']);
  expect(invented.get('tap0')?.(spoofed?.frame.srcMac ?? '')).toBe(true);
  expect(invented.get('tap2')?.(spoofed?.frame.srcMac ?? '')).toBe(false);
  expect([0, 19].map((at) => invented.get('tap2')?.(inSweep(at)))).toEqual([true, true]);
  expect([-1, 20].map((at) => invented.get('tap2')?.(inSweep(at)))).toEqual([false, false]);
  // what a thief sends with is somebody's
  for (const mac of ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c']) for (const is of invented.values()) expect(is(mac)).toBe(false);
});
