import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClassifier, tagsOf } from '../../src/judge/classify.js';
import { createPlannedProbes } from '../../src/judge/planned-probes.js';
import { type Flow, frameForms, type FrameSpec } from '../../src/model/plan.js';
import { carriers } from '../../src/model/scenario.js';
import { buildFrame, leastSizeOf } from '../../src/probe/frame.js';
import { tokensFor } from '../../src/wire/token.js';
import { key, perfectRun } from './perfect-run.js';

const { plan } = perfectRun();

/** A plan of one flow with a frame of this kind, and its frames. */
function flowOf(over: Partial<FrameSpec>) {
  const flow = plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  const v6 = over.carrier?.startsWith('ipv6') ?? false;
  const ips = over.carrier === 'raw' ? { srcIp: null, dstIp: null } : { srcIp: v6 ? 'fd00::1' : '192.0.2.1', dstIp: v6 ? 'fd00::2' : '192.0.2.2' };
  const spec = { ...flow.frame, ...ips, ...over };
  const one: Flow = { ...flow, frame: { ...spec, size: Math.max(60, leastSizeOf(spec)) } };
  const changed = { ...plan, steps: plan.steps.map((step, index) => (index === 0 ? { ...step, flows: [one] } : step)) };
  const tags = tagsOf(changed, key);
  const frame = (sequence: number): Uint8Array => buildFrame(one.frame, tokensFor(key, plan.runTag, one.first + sequence, 1));
  return { flow: one, frame, classify: createClassifier(changed, tags), probes: createPlannedProbes(plan.runTag, tags) };
}

/** What the classifier says, in the words of the other. */
function classified(of: ReturnType<typeof flowOf>, bytes: Uint8Array, start: number, end: number): { readonly flow: Flow; readonly sequence: number } | null {
  const { sighting } = of.classify(bytes, start, end);
  return sighting.kind === 'probe' && sighting.form === 'as-sent' ? { flow: sighting.flow, sequence: sighting.sequence } : null;
}

/** Not every form goes with every carrier. */
function builds(over: Partial<FrameSpec>): boolean {
  try {
    return flowOf(over).frame(0).length > 0;
  } catch {
    return false;
  }
}

const kinds = [
  ...carriers.flatMap((carrier) => [[], [7], [7, 8]].map((vlan) => ({ carrier, vlan }))),
  ...frameForms.flatMap((form) => carriers.map((carrier) => ({ form, carrier, vlan: [] })).filter(builds)),
];
expect(new Set(kinds.map((kind) => ('form' in kind ? kind.form : '')))).toEqual(new Set(['', ...frameForms]));

describe('a probe that is known by comparison', () => {
  it('is known in every carrier, without and with tags, and is the probe that it was built as', () => {
    for (const carrier of carriers) {
      for (const vlan of [[], [7], [7, 8]]) {
        const of = flowOf({ carrier, vlan });
        expect(of.probes.read(of.frame(3), 0, of.frame(3).length), carrier).toBeNull();
        for (let i = 0; i < of.flow.count; i += 1) of.probes.learn(of.flow, i);
        for (const sequence of [16, 19]) expect(of.probes.read(of.frame(sequence), 0, of.frame(sequence).length), carrier).toMatchObject({ flow: of.flow, sequence });
      }
    }
  });

  it('is never another one than the classifier finds, whatever octets of it are changed, wherever it begins and ends', () => {
    const any = fc.record({
      kind: fc.constantFrom(...kinds), sequence: fc.nat(25), changes: fc.array(fc.record({ at: fc.nat(120), to: fc.nat(255) }), { maxLength: 2 }), before: fc.constantFrom(0, 0, 4, 12, 1, 2), cut: fc.nat(90),
    });
    let known = 0;
    fc.assert(fc.property(any, ({ kind, sequence, changes, before, cut }) => {
      const of = flowOf(kind);
      for (let i = 0; i < 2 * of.flow.count; i += 1) of.probes.learn(of.flow, i % of.flow.count);
      const frame = of.frame(sequence);
      const bytes = new Uint8Array(before + frame.length + 30);
      bytes.set(frame, before);
      for (const { at, to } of changes) if (at < frame.length) bytes[before + at] = to;
      const end = before + frame.length - Math.min(cut, frame.length) * (cut > 60 ? 1 : 0);
      const read = of.probes.read(bytes, before, end);
      if (read === null) return;
      known += 1;
      expect({ flow: read.flow, sequence: read.sequence }).toEqual(classified(of, bytes, before, end));
    }), { numRuns: 1500 });
    expect(known).toBeGreaterThan(10);
  });

  it('is left to the classifier where the key is not known, or the token is of another run', () => {
    const of = flowOf({ carrier: 'ipv4-udp' });
    const without = createPlannedProbes(0x0101_0101, tagsOf(plan, null));
    for (let i = 0; i < of.flow.count; i += 1) without.learn(of.flow, i);
    expect(without.read(of.frame(0), 0, 60)).toBeNull();
  });

  it('does not fail on a flow whose frame cannot be built', () => {
    const of = flowOf({ carrier: 'ipv4-udp' });
    for (let i = 0; i < of.flow.count; i += 1) of.probes.learn({ ...of.flow, frame: { ...of.flow.frame, size: 3, srcIp: 'nowhere' } }, 0);
    expect(of.probes.read(of.frame(0), 0, 60)).toBeNull();
  });
});
