import { describe, expect, it } from 'vitest';
import { entryInStateReasons } from '../../../../../src/core/judge/proof/entry.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { finds, judged, plans } from '../../../../support/judge/judged.js';
import { hostState, perfectRun } from '../../../../support/judge/perfect-run.js';
import { addLinks, changedState, setLink } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const { plan } = perfectRun();
const step = there(plan.steps[0]);
const onHost = { ...plan, provider: 'host' as const };
const tagged = (vlan: number) => ({ ...step, flows: step.flows.map((flow) => ({ ...flow, vlan: [vlan] })) });

const xdpAt = (port: string): HostState =>
  changedState(hostState(), { programs: [] }, setLink(port, { xdp: 'program id 12' }));
const taker = (vlanId: number, flags = ['UP']): HostState => {
  const over = {
    name: `p0.${vlanId}`,
    ifindex: 77,
    kind: 'vlan',
    lower: 'p0',
    vlanId,
    master: null,
    port: null,
    flags,
  };
  return changedState(hostState(), { programs: [] }, addLinks('p0', over));
};
const found = (state: HostState, asked = step, whole = plan): readonly string[] =>
  entryInStateReasons(whole, asked, { before: state, after: state }).map(
    ({ code, observer, text }) => `${code} ${observer ?? ''}: ${text}`,
  );

describe('what at the port of a sender makes its entry doubtful', () => {
  it('is a program of XDP, which injected frames do not meet', () => {
    expect(found(xdpAt('p0'), step, onHost)).toEqual([
      'entry-unproved a: XDP program id 12 stands at p0, and injected frames do not meet it: it may treat frames of a itself otherwise',
    ]);
  });

  it('is none at the port of somebody who sends nothing, nor where the probes leave from inside', () => {
    expect(found(xdpAt('p2'), step, onHost)).toEqual([]);
    expect(found(xdpAt('p0'))).toEqual([]);
    const inside = onHost.endpoints.map((endpoint) => (endpoint.name === 'a' ? { ...endpoint, netns: 'a' } : endpoint));
    expect(found(xdpAt('p0'), step, { ...onHost, endpoints: inside })).toEqual([]);
  });

  it('is a VLAN device that takes the VLAN of its probes', () => {
    expect(found(taker(10), tagged(10))).toEqual([
      'entry-unproved a: p0.10 takes or drops frames of VLAN 10 at p0, before the bridge sees them',
    ]);
  });

  it('is also one that is down, for the kernel drops what is for it (vlan_do_receive, net/8021q/vlan_core.c)', () => {
    expect(found(taker(10, []), tagged(10))).toEqual([
      'entry-unproved a: p0.10 takes or drops frames of VLAN 10 at p0, before the bridge sees them',
    ]);
  });

  it('is no VLAN device of another VLAN, and none for frames without tags', () => {
    expect(found(taker(20), tagged(10))).toEqual([]);
    expect(found(taker(10))).toEqual([]);
  });

  it('lets a step be inconclusive, though every control arrived', () => {
    const result = judged(
      plans(({ steps }) => ({
        steps: steps.map((of) => ({ ...of, flows: of.flows.map((flow) => ({ ...flow, vlan: [10] })) })),
      })),
      finds(taker(10)),
    );
    expect(result.verdict).toBe('inconclusive');
    expect(result.texts).toContain(
      'entry-unproved a: p0.10 takes or drops frames of VLAN 10 at p0, before the bridge sees them',
    );
  });
});
