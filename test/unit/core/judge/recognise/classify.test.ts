import { describe, expect, it } from 'vitest';
import { createClassifier, type Sighting, tagsOf } from '../../../../../src/core/judge/recognise/classify.js';
import { keptEnd } from '../../../../../src/core/wire/frame-view.js';
import { groupAddress } from '../../../../../src/core/bridge/row-context.js';
import { type Flow, type FrameSpec, maxTokens, type Plan } from '../../../../../src/core/model/plan.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { probeHopLimit } from '../../../../../src/core/probe/frames/parts.js';
import { tokenLength, tokensFor } from '../../../../../src/core/wire/token.js';
import { key, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';

/** Two steps, of raw and of IPv4 and IPv6 frames. */
const { plan } = perfectRun(withAddresses());
function withAddresses(): ReturnType<typeof scenario> {
  const of = scenario([
    step(),
    step({
      name: 'two',
      probes: step().probes.map((probe) => ({ ...probe, carriers: ['ipv4-udp', 'ipv6-udp'] as const, count: 3 })),
    }),
  ]);
  const endpoints = of.topology.endpoints.map((endpoint, at) => ({
    ...endpoint,
    ips: [
      { family: 4 as const, address: `10.0.0.${at + 1}`, prefix: 24 },
      { family: 6 as const, address: `fd00::${at + 1}`, prefix: 64 },
    ],
  }));
  return { ...of, topology: { ...of.topology, endpoints } };
}
function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture has changed');
  return value;
}
const flows = plan.steps.flatMap((step) => [...step.flows]);
const raw = there(flows.find(({ carrier }) => carrier === 'raw'));
const ipv4 = there(flows.find(({ carrier }) => carrier === 'ipv4-udp'));
const ipv6 = there(flows.find(({ carrier }) => carrier === 'ipv6-udp'));
const token = (index: number): Uint8Array => tokensFor(key, plan.runTag, index, 1);
const frameOf = (flow: Flow, sequence = 0, over: Partial<FrameSpec> = {}): Uint8Array =>
  buildFrame({ ...flow.frame, ...over }, token(flow.first + sequence));

/** What a frame is, in a word; where it stands among other bytes changes nothing. */
function reported(bytes: Uint8Array, of: Plan = plan, withKey: Uint8Array | null = key): string {
  const classify = createClassifier(of, tagsOf(of, withKey));
  const word = (sighting: Sighting): string => {
    if (sighting.kind === 'probe') return `${sighting.form} ${sighting.flow.id}/${sighting.sequence}`;
    return sighting.kind === 'control' ? `control ${sighting.control.index} of step ${sighting.step}` : sighting.kind;
  };
  const alone = word(classify(bytes, 0, bytes.length).sighting);
  const among = new Uint8Array(bytes.length + 60).fill(0x56);
  among.set(bytes, 37);
  expect(word(classify(among, 37, 37 + bytes.length).sighting)).toBe(alone);
  return alone;
}
const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array =>
  Uint8Array.from(bytes, (byte, index) => (index === at ? value : byte));

describe('a frame of a probe', () => {
  it.each([raw, ipv4, ipv6])('with the planned headers is that probe, each frame by its number', (flow) => {
    for (const sequence of [0, 1, flow.count - 1])
      expect(reported(frameOf(flow, sequence))).toBe(`as-sent ${flow.id}/${sequence}`);
  });
  it('is that probe with tags that it had not', () =>
    expect(reported(frameOf(ipv4, 0, { vlan: [10, 20], size: 68 }))).toBe(`as-sent ${ipv4.id}/0`));
  it('with other MACs, the planned addresses and a smaller hop limit was routed', () => {
    const others = { srcMac: '02:00:00:00:00:11', dstMac: '02:00:00:00:00:12' };
    const ttlAt = 14 + 8;
    expect(reported(changed(frameOf(ipv4, 1, others), ttlAt, probeHopLimit - 1))).toBe(`routed ${ipv4.id}/1`);
    expect(reported(changed(frameOf(ipv4, 1, others), ttlAt, 0))).toBe(`routed ${ipv4.id}/1`);
    expect(reported(frameOf(ipv4, 1, others))).toBe(`rewritten ${ipv4.id}/1`);
    expect(reported(changed(frameOf(ipv4, 1, others), ttlAt, probeHopLimit + 1))).toBe(`rewritten ${ipv4.id}/1`);
    expect(reported(changed(frameOf(ipv6, 1, others), 14 + 7, probeHopLimit - 1))).toBe(`routed ${ipv6.id}/1`);
  });
  it('with one other MAC is no longer as sent', () => {
    expect(reported(frameOf(raw, 0, { srcMac: '02:00:00:00:00:11' }))).toBe(`rewritten ${raw.id}/0`);
    expect(reported(frameOf(raw, 0, { dstMac: '02:00:00:00:00:11' }))).toBe(`rewritten ${raw.id}/0`);
  });
  it('with one other address was rewritten', () => {
    expect(reported(frameOf(ipv4, 0, { srcIp: '10.0.0.9' }))).toBe(`rewritten ${ipv4.id}/0`);
    expect(reported(frameOf(ipv4, 0, { dstIp: '10.0.0.9' }))).toBe(`rewritten ${ipv4.id}/0`);
    expect(reported(frameOf(raw, 0))).not.toContain('rewritten');
  });
  it('without planned addresses is never routed, whatever carries its token', () => {
    const packet = buildFrame(
      { ...ipv4.frame, srcMac: '02:00:00:00:00:11', dstMac: '02:00:00:00:00:12' },
      token(raw.first),
    );
    expect(reported(changed(packet, 14 + 8, probeHopLimit - 1))).toBe(`rewritten ${raw.id}/0`);
  });
  it('of a plan whose MACs are none is never as sent', () => {
    const odd: Plan = {
      ...plan,
      steps: plan.steps.map((step, index) =>
        index === 0 ? { ...step, flows: [{ ...raw, frame: { ...raw.frame, dstMac: 'nobody' } }] } : step,
      ),
    };
    expect(reported(frameOf(raw, 0, { dstMac: '00:00:00:00:00:01' }), odd)).toBe(`rewritten ${raw.id}/0`);
  });
  it('that carries the token behind no address at all was rewritten', () =>
    expect(
      reported(buildFrame({ ...raw.frame, srcMac: ipv4.frame.srcMac, dstMac: ipv4.frame.dstMac }, token(ipv4.first))),
    ).toBe(`rewritten ${ipv4.id}/0`));
});

describe('a frame of a sweep of sources', () => {
  const sweep = { ...raw, frame: { ...raw.frame, form: 'source-sweep' as const } };
  const swept: Plan = {
    ...plan,
    steps: plan.steps.map((step, index) => (index === 0 ? { ...step, flows: [sweep] } : step)),
  };
  it('has a source of its own, so its destination decides', () => {
    const bytes = buildFrame({ ...raw.frame, srcMac: '02:99:99:99:99:99' }, token(raw.first + 1));
    expect(reported(bytes, swept)).toBe(`as-sent ${raw.id}/1`);
    expect(reported(bytes)).toBe(`rewritten ${raw.id}/1`);
  });
});

describe('a control', () => {
  it('is known by its number and headers, and is nothing with others', () => {
    for (const [index, step] of plan.steps.entries()) {
      for (const control of [there(step.controls[0]), there(step.controls[step.controls.length - 1])]) {
        expect(reported(buildFrame(control.frame, token(control.index)))).toBe(
          `control ${control.index} of step ${index}`,
        );
        expect(reported(buildFrame({ ...control.frame, srcMac: '02:00:00:00:00:11' }, token(control.index)))).toBe(
          'none',
        );
      }
    }
  });
});

describe('a token', () => {
  const end = Math.max(...plan.steps.flatMap((step) => step.controls.map(({ index }) => index)));
  it('that no plan has numbered, or with a wrong tag, or without a key, is forged', () => {
    for (const index of [end + 1, end + 2, 2 ** 32 - 1])
      expect(reported(buildFrame(raw.frame, token(index)))).toBe('forged');
    expect(reported(buildFrame(raw.frame, tokensFor(Buffer.alloc(32, 8), plan.runTag, raw.first, 1)))).toBe('forged');
    expect(reported(frameOf(raw), plan, null)).toBe('forged');
    expect(reported(frameOf(raw), { ...plan, steps: [] })).toBe('forged');
  });
  it('of a number that the plan leaves out is forged', () => {
    const [step] = plan.steps;
    const gaps: Plan = {
      ...plan,
      steps: plan.steps.map((each, index) =>
        index === 0 ? { ...each, controls: there(step).controls.filter((_, at) => at !== 1) } : each,
      ),
    };
    const left = there(there(step).controls[1]);
    expect(reported(buildFrame(left.frame, token(left.index)), gaps)).toBe('forged');
    const withoutFlows: Plan = {
      ...plan,
      steps: plan.steps.map((each, index) => (index === 0 ? { ...each, flows: [] } : each)),
    };
    expect(reported(frameOf(raw), withoutFlows)).toBe('forged');
  });
  it('is known in whatever order a plan has its steps', () => {
    const turned: Plan = { ...plan, steps: [...plan.steps].reverse() };
    for (const flow of flows) expect(reported(frameOf(flow), turned)).toBe(`as-sent ${flow.id}/0`);
  });
  it('is authentic only below the number of tokens that a plan can have, so that a plan from elsewhere asks for no endless memory', () => {
    const numbered = (first: number): string => {
      const flow = { ...raw, first, count: 1 };
      return reported(frameOf(flow), {
        ...plan,
        steps: plan.steps.map((step, index) =>
          index === 0 ? { ...step, flows: [flow], controls: [] } : { ...step, flows: [], controls: [] },
        ),
      });
    };
    expect([numbered(maxTokens - 1), numbered(maxTokens)]).toEqual([`as-sent ${raw.id}/0`, 'forged']);
  });
  it('of another run, or none, is nobody’s', () => {
    expect(reported(buildFrame(raw.frame, tokensFor(key, plan.runTag + 1, raw.first, 1)))).toBe('none');
    expect(reported(buildFrame(raw.frame, new Uint8Array(tokenLength)))).toBe('none');
    expect(reported(new Uint8Array(0))).toBe('none');
    expect(reported(frameOf(raw).subarray(0, 13))).toBe('none');
  });
  it('is found at an odd place of a frame that says to be the probe, too', () => {
    const shifted = Buffer.concat([frameOf(raw).subarray(0, 14), Buffer.alloc(3), token(raw.first), Buffer.alloc(30)]);
    expect(reported(shifted)).toBe(`encapsulated ${raw.id}/0`);
  });
  it('counts under whatever headers, also under those that cannot be read', () => {
    const mpls = Buffer.concat([
      frameOf(ipv4).subarray(0, 12),
      Buffer.from('8847000101ff', 'hex'),
      frameOf(ipv4).subarray(14),
    ]);
    expect(reported(mpls)).toBe(`encapsulated ${ipv4.id}/0`);
    const tags = Buffer.concat([
      frameOf(raw).subarray(0, 12),
      Buffer.from('81000001'.repeat(40), 'hex'),
      token(raw.first),
    ]);
    expect(reported(tags)).toMatch(new RegExp(`^(encapsulated|rewritten) ${raw.id}/0$`));
    const vxlan = Buffer.concat([frameOf(ipv4).subarray(0, 42), Buffer.alloc(8), frameOf(raw, 1)]);
    expect(reported(vxlan)).toBe(`encapsulated ${raw.id}/1`);
  });
  it('that is forged hides no genuine one behind it', () => {
    const forged = tokensFor(Buffer.alloc(32, 8), plan.runTag, raw.first, 1);
    expect(reported(Buffer.concat([frameOf(raw).subarray(0, 14), forged, token(raw.first)]))).toBe(
      `encapsulated ${raw.id}/0`,
    );
  });
  it('is not alone where receive offload has merged frames: each counts', () => {
    const merged = Buffer.concat([frameOf(ipv4), token(ipv4.first + 1), token(raw.first)]);
    const { sighting, more } = createClassifier(plan, tagsOf(plan, key))(merged, 0, merged.length);
    expect(
      [sighting, ...more].map((sighting) =>
        sighting.kind === 'probe' ? `${sighting.flow.id}/${sighting.sequence}` : sighting.kind,
      ),
    ).toEqual([`${ipv4.id}/0`, `${ipv4.id}/1`, `${raw.id}/0`]);
  });
});

describe('what a capture keeps of a frame whose payload is cut', () => {
  const end = (bytes: Uint8Array, runTag: number | null = plan.runTag): number => {
    const among = new Uint8Array(bytes.length + 20);
    among.set(bytes, 9);
    expect(keptEnd(among, 9, 9 + bytes.length, runTag)).toBe(keptEnd(bytes, 0, bytes.length, runTag) + 9);
    return keptEnd(bytes, 0, bytes.length, runTag);
  };
  it('are its headers, and its token where it has one', () => {
    expect(end(frameOf(raw))).toBe(14 + tokenLength);
    expect(end(frameOf(ipv4))).toBe(14 + 20 + 8 + tokenLength);
    expect(end(frameOf(ipv4), plan.runTag + 1)).toBe(14 + 20 + 8);
    expect(end(frameOf(ipv4), null)).toBe(14 + 20 + 8 + tokenLength);
    expect(end(buildFrame({ ...ipv4.frame, size: 200 }, new Uint8Array(tokenLength)))).toBe(14 + 20 + 8);
  });
  it('is nothing where it is no Ethernet, and never more than there is', () => {
    expect(end(new Uint8Array(13))).toBe(0);
    expect(end(frameOf(raw).subarray(0, 20))).toBe(14);
    expect(keptEnd(frameOf(raw), 0, 14 + tokenLength, plan.runTag)).toBe(14 + tokenLength);
  });
});

describe('the group that a frame is for', () => {
  it('is its IP group, else its group MAC, and none for a broadcast or one station', () => {
    expect(groupAddress({ ...raw.frame, dstMac: '01:00:5e:01:01:01', dstIp: '239.1.1.1' })).toBe('239.1.1.1');
    expect(groupAddress({ ...raw.frame, dstMac: '33:33:00:00:00:01', dstIp: null })).toBe('33:33:00:00:00:01');
    expect(groupAddress({ ...raw.frame, dstMac: 'ff:ff:ff:ff:ff:ff', dstIp: '255.255.255.255' })).toBeNull();
    expect(groupAddress({ ...raw.frame, dstMac: '52:54:00:00:00:02', dstIp: '10.0.0.2' })).toBeNull();
  });
});
