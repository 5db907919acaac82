import { describe, expect, it } from 'vitest';
import type { FrameSpec, Observer } from '../../../../src/core/model/plan.js';
import { controlsOf, uplinkForms } from '../../../../src/core/plan/controls.js';
import { receiveControlMac } from '../../../../src/core/plan/ingress-controls.js';
import { observersOf } from '../../../../src/core/plan/observers.js';
import { flow as base } from '../../../support/judge/row-fixture.js';
import { mac, endpoints, input, ears, proving } from '../../../support/plan/control-fixture.js';

describe('ear controls at a host’s uplink', () => {
  const lan: Observer = {
    name: 'lan',
    interface: 'p3',
    bridge: 'br0',
    place: 'port',
    role: 'uplink',
    macs: [mac.lan],
    judged: true,
  };
  const forms: readonly FrameSpec[] = [
    base.frame,
    { ...base.frame, srcMac: mac.lan },
    { ...base.frame, srcMac: receiveControlMac.src },
  ];
  it('are for the bridge, from guests of it, else from one of the step’s senders that is one, else from the bridge, each form once', () => {
    const sources = (senders: readonly string[], of = forms): readonly string[] =>
      uplinkForms(lan, of, endpoints.values(), mac.bridge, senders).map(({ srcMac }) => srcMac);
    expect(
      uplinkForms(lan, forms, endpoints.values(), mac.bridge, [mac.a]).map(({ srcMac, dstMac }) => [srcMac, dstMac]),
    ).toEqual([[mac.a, mac.bridge]]);
    expect([sources([mac.lan, mac.b]), sources([mac.lan]), sources([mac.lan, mac.b], forms.slice(1))]).toEqual([
      [mac.a, mac.b],
      [mac.a, mac.bridge],
      [mac.b],
    ]);
  });
  it('never carry the MAC of who lives beyond, nor of a guest of another bridge', () => {
    const moved = [...endpoints.values()].map((endpoint) =>
      endpoint.name === 'a' ? { ...endpoint, bridge: 'br1' } : endpoint,
    );
    expect(uplinkForms(lan, [base.frame], moved, mac.bridge, [mac.a]).map(({ srcMac }) => srcMac)).toEqual([
      mac.bridge,
    ]);
  });
  it('are none where the bridge’s MAC is not known', () =>
    expect(uplinkForms(lan, forms, endpoints.values(), undefined, [mac.a])).toEqual([]));
  it('are sent there on a host only, and at uplinks only', () => {
    const dst = (onHost: boolean, name: string): readonly string[] =>
      ears(controlsOf(input({ onHost })), name).map(({ dstMac }) => dstMac);
    expect([dst(true, 'lan'), dst(true, 'c'), dst(false, 'lan')]).toEqual([
      [mac.bridge],
      [receiveControlMac.dst],
      [receiveControlMac.dst],
    ]);
  });
});

describe('a tunnel to another host', () => {
  const tunnel = { vni: 7, to: ['far'] };
  const through = new Map(
    [...endpoints].map(([name, endpoint]) => [name, name === 'lan' ? { ...endpoint, tunnel } : endpoint]),
  );
  it('is an uplink in the lab too: what proves its ear leaves by it, and nobody is asked to enter there', () => {
    const controls = controlsOf(input({ endpoints: through }));
    expect(ears(controls, 'lan').map(({ srcMac, dstMac }) => [srcMac, dstMac])).toEqual([[mac.a, mac.bridge]]);
    expect(ears(controls, 'c').map(({ dstMac }) => dstMac)).toEqual([receiveControlMac.dst]);
    expect(Object.keys(proving({ endpoints: through }))).toEqual(['a', 'b', 'c']);
  });
  it('is judged only where the author names it', () => {
    const judged = (names: readonly string[] | null): readonly string[] =>
      observersOf([...through.values()], [], {}, names)
        .filter((observer) => observer.judged)
        .map(({ name }) => name);
    expect([judged(null), judged(['lan'])]).toEqual([['a', 'b', 'c'], ['lan']]);
  });
});
