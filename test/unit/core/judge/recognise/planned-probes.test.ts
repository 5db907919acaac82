import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClassifier, flowFinder, tagsOf } from '../../../../../src/core/judge/recognise/classify.js';
import { PlannedProbes } from '../../../../../src/core/judge/recognise/planned-probes.js';
import { type Flow, frameForms, type FrameSpec } from '../../../../../src/core/model/plan.js';
import { carriers } from '../../../../../src/core/model/scenario.js';
import { buildFrame, leastSizeOf } from '../../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { key, perfectRun } from '../../../../support/judge/perfect-run.js';

const { plan } = perfectRun();

/**
 * A plan of one flow with a frame of this kind, and its frames. `alike`: flows are also known by what they have in
 * common.
 */
function flowOf(over: Partial<FrameSpec>, alike = true) {
  const flow = plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  const v6 = over.carrier?.startsWith('ipv6') ?? false;
  const ips =
    over.carrier === 'raw'
      ? { srcIp: null, dstIp: null }
      : { srcIp: v6 ? 'fd00::1' : '192.0.2.1', dstIp: v6 ? 'fd00::2' : '192.0.2.2' };
  const spec = { ...flow.frame, ...ips, ...over };
  const sized: Flow = { ...flow, frame: { ...spec, size: Math.max(60, leastSizeOf(spec)) } };
  const changed = {
    ...plan,
    steps: plan.steps.map((step, index) => (index === 0 ? { ...step, flows: [sized] } : step)),
  };
  const tags = tagsOf(changed, key);
  const frame = (sequence: number): Uint8Array =>
    buildFrame(sized.frame, tokensFor(key, plan.runTag, sized.first + sequence, 1));
  return {
    flow: sized,
    frame,
    classify: createClassifier(changed, tags),
    probes: new PlannedProbes(plan.runTag, tags, alike ? flowFinder(changed) : () => null),
  };
}

type Built = ReturnType<typeof flowOf>;
const learnAll = (of: Built): Built => {
  for (let i = 0; i < of.flow.count; i += 1) of.probes.learn(of.flow, i);
  return of;
};
const whole = ({ probes }: Pick<Built, 'probes'>, bytes: Uint8Array) => probes.read(bytes, 0, bytes.length);
const tagged = carriers.flatMap((carrier) => [[], [7], [7, 8]].map((vlan) => ({ carrier, vlan })));

/** What the classifier says, in the words of the other. */
function classified(
  of: Built,
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly flow: Flow; readonly sequence: number } | null {
  const { sighting } = of.classify(bytes, start, end);
  return sighting.kind === 'probe' && sighting.form === 'as-sent'
    ? { flow: sighting.flow, sequence: sighting.sequence }
    : null;
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
  ...tagged,
  ...frameForms.flatMap((form) => carriers.map((carrier) => ({ form, carrier, vlan: [] })).filter(builds)),
];
expect(new Set(kinds.map((kind) => ('form' in kind ? kind.form : '')))).toEqual(new Set(['', ...frameForms]));

describe('a probe that is known by comparison', () => {
  it.each(tagged)('is known in every carrier, and is the probe that it was built as: $carrier, tags $vlan', (over) => {
    const of = flowOf(over);
    expect(whole(of, of.frame(3))).toBeNull();
    learnAll(of);
    for (const sequence of [16, 19]) expect(whole(of, of.frame(sequence))).toMatchObject({ flow: of.flow, sequence });
  });

  it('is never another one than the classifier finds, whatever bytes of it are changed, wherever it begins and ends', () => {
    const any = fc.record({
      kind: fc.constantFrom(...kinds),
      sequence: fc.nat(25),
      changes: fc.array(fc.record({ at: fc.nat(120), to: fc.nat(255) }), { maxLength: 2 }),
      before: fc.constantFrom(0, 0, 4, 12, 1, 2),
      cut: fc.nat(90),
    });
    type Case = typeof any extends fc.Arbitrary<infer Drawn> ? Drawn : never;
    let [runs, known] = [0, 0];
    fc.assert(
      fc.property(any, ({ kind, sequence, changes, before, cut }) => {
        runs += 1;
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
      }),
      { examples: kinds.slice(0, 1).map((kind): [Case] => [{ kind, sequence: 0, changes: [], before: 0, cut: 0 }]) },
    );
    expect(known).toBeGreaterThanOrEqual(Math.floor(runs / 20));
  });

  it('is left to the classifier where the key is not known, or the token is of another run', () => {
    const of = flowOf({ carrier: 'ipv4-udp' });
    const without = new PlannedProbes(0x0101_0101, tagsOf(plan, null), flowFinder(plan));
    for (let i = 0; i < of.flow.count; i += 1) without.learn(of.flow, i);
    expect(without.read(of.frame(0), 0, 60)).toBeNull();
  });

  it('does not fail on a flow whose frame cannot be built', () => {
    const of = flowOf({ carrier: 'ipv4-udp' });
    for (let i = 0; i < of.flow.count; i += 1)
      of.probes.learn({ ...of.flow, frame: { ...of.flow.frame, size: 3, srcIp: 'nowhere' } }, 0);
    expect(of.probes.read(of.frame(0), 0, 60)).toBeNull();
  });
});

describe('a flow whose probes are known by comparison', () => {
  const alone = (over: Partial<FrameSpec>): Built => flowOf(over, false);
  const kept = { form: 'as-sent' } as const;
  it('is one once sixteen of its probes were found, without those of too many others between', () => {
    const of = alone({ carrier: 'ipv4-udp' });
    for (let i = 0; i < 15; i += 1) of.probes.learn(of.flow, i);
    expect(whole(of, of.frame(0))).toBeNull();
    of.probes.learn(of.flow, 15);
    expect(whole(of, of.frame(15))).toMatchObject({ flow: of.flow, sequence: 15, ...kept });
    const between = alone({ carrier: 'ipv4-udp' });
    const later = { ...between.flow, id: between.flow.id + 1024 };
    for (let i = 0; i < 40; i += 1) between.probes.learn(i % 2 === 0 ? between.flow : later, 0);
    expect(whole(between, between.frame(0))).toBeNull();
    const beside = alone({ carrier: 'ipv4-udp' });
    for (let i = 0; i < 40; i += 1)
      beside.probes.learn(i % 2 === 0 ? beside.flow : { ...beside.flow, id: beside.flow.id + 1, first: 900 }, 0);
    expect(whole(beside, beside.frame(0))).not.toBeNull();
  });
  it('is found by the numbers of those tokens, or right after another of its probes', () => {
    const of = alone({ carrier: 'ipv4-udp' });
    for (let i = 0; i < 20; i += 1) of.probes.learn(of.flow, 0);
    expect(whole(of, of.frame(19))).toBeNull();
    expect(whole(of, of.frame(3))).toMatchObject({ sequence: 3 });
    expect(whole(of, of.frame(19))).toMatchObject({ sequence: 19 });
  });
  it('is none that sweeps sources, and none whose token is not where it is looked for first', () => {
    const sweep = learnAll(alone({ carrier: 'raw', form: 'source-sweep' }));
    expect(whole(sweep, sweep.frame(3))).toBeNull();
  });
  it('does not answer to a number that is not its own, or a tag that only looks like its own', () => {
    const of = learnAll(alone({ carrier: 'ipv4-udp' }));
    expect(whole(of, of.frame(19))).toMatchObject({ sequence: 19 });
    expect([whole(of, of.frame(20)), whole(of, of.frame(-of.flow.first - 1 + 2 ** 32))]).toEqual([null, null]);
    const shorter = learnAll(alone({ carrier: 'ipv4-udp' }));
    const flow = { ...shorter.flow, first: shorter.flow.first + 1, count: 18 };
    for (let i = 0; i < 20; i += 1) shorter.probes.learn({ ...flow, id: 77 }, 0);
    expect([0, 1, 18, 19].map((sequence) => whole(shorter, shorter.frame(sequence))?.flow.id ?? null)).toEqual([
      null,
      77,
      77,
      null,
    ]);
    const tagAt = 14 + 20 + 8 + 10;
    for (const at of [tagAt, tagAt + 3, tagAt + 4, tagAt + 7]) {
      const forged = of.frame(0).slice();
      forged[at] = (forged[at] ?? 0) ^ 1;
      expect(whole(of, forged), String(at)).toBeNull();
    }
  });
  it('is one whatever its checksum and what stands behind its token, and none with one other byte before it', () => {
    const of = learnAll(alone({ carrier: 'ipv4-udp' }));
    const changed = (at: number): unknown => {
      const bytes = of.frame(5).slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      return whole(of, bytes)?.sequence ?? null;
    };
    const token = 14 + 20 + 8;
    const known = Array.from({ length: token + 6 }, (_, at) => at).filter((at) => changed(at) !== null);
    expect(known).toEqual([token - 2, token - 1]);
  });
  it('is one wherever a word begins, in whatever array, as far as its token is whole', () => {
    const of = learnAll(alone({ carrier: 'ipv4-udp' }));
    const placed = (before: number, frame: Uint8Array, behind = 0): Uint8Array => {
      const bytes = new Uint8Array(before + frame.length + behind);
      bytes.set(frame, before);
      return bytes;
    };
    const [first, second] = [placed(8, of.frame(2), 4), placed(0, of.frame(9))];
    const read = (bytes: Uint8Array, start: number, end = bytes.length) =>
      of.probes.read(bytes, start, end)?.sequence ?? null;
    expect([read(first, 8), read(second, 0), read(first, 8), read(second, 0)]).toEqual([2, 9, 2, 9]);
    for (const before of [1, 2, 3]) expect(read(placed(before, of.frame(2)), before)).toBeNull();
    for (const offset of [1, 2, 3]) expect(read(placed(offset, of.frame(2)).subarray(offset), 0)).toBeNull();
    expect(read(placed(4, of.frame(2)).subarray(4), 0)).toBe(2);
    const end = 14 + 20 + 8 + 18;
    expect([read(second, 0, end), read(second, 0, end - 1)]).toEqual([9, null]);
    const fresh = learnAll(alone({ carrier: 'ipv4-udp' }));
    expect(fresh.probes.read(second, 0, end - 1)).toBeNull();
    expect(fresh.probes.read(placed(8, of.frame(2), 4), 8, 8 + end)).toMatchObject({ sequence: 2 });
  });
  it('may be one of thousands', () => {
    const of = alone({ carrier: 'ipv4-udp' });
    for (let id = 1; id <= 4096; id += 1)
      for (let i = 0; i < 16; i += 1) of.probes.learn({ ...of.flow, id: 10_000 + id, first: 10_000 }, 0);
    learnAll(of);
    expect(whole(of, of.frame(4))).toMatchObject({ sequence: 4 });
  });
});

describe('flows that differ in their addresses only', () => {
  const [step] = plan.steps;
  if (step === undefined) throw new Error('the plan has no step');
  /** Six flows of one frame each, between three guests. */
  function mesh(carrier: FrameSpec['carrier'], vlan: readonly number[] = []) {
    const like = flowOf({ carrier, vlan }).flow;
    const prefix = carrier.startsWith('ipv6') ? 'fd00::' : '192.0.2.';
    const guests = [1, 2, 3].map((n) => ({
      mac: `02:00:00:00:00:0${n}`,
      ip: carrier === 'raw' ? null : `${prefix}${n}`,
    }));
    const flows = guests
      .flatMap((from) => guests.filter((to) => to !== from).map((to) => ({ from, to })))
      .map(
        ({ from, to }, index): Flow => ({
          ...like,
          id: like.id + index,
          first: like.first + index,
          count: 1,
          frame: { ...like.frame, srcMac: from.mac, dstMac: to.mac, srcIp: from.ip, dstIp: to.ip },
        }),
      );
    const changed = { ...plan, steps: plan.steps.map((step, index) => (index === 0 ? { ...step, flows } : step)) };
    const tags = tagsOf(changed, key);
    const probes = new PlannedProbes(plan.runTag, tags, flowFinder(changed));
    const frame = (at: number, token = at): Uint8Array => {
      const flow = flows[at];
      if (flow === undefined) throw new Error(`no flow ${at}`);
      return buildFrame(flow.frame, tokensFor(key, plan.runTag, like.first + token, 1));
    };
    return { flows, probes, frame, classify: createClassifier(changed, tags) };
  }

  it.each(tagged)('are known once one was found, but for ARP: $carrier, tags $vlan', ({ carrier, vlan }) => {
    const { flows, probes, frame } = mesh(carrier, vlan);
    expect(whole({ probes }, frame(4))).toBeNull();
    const [first] = flows;
    if (first !== undefined) probes.learn(first, 0);
    const found = flows.map((_, at) => whole({ probes }, frame(at))?.flow ?? null);
    expect(found).toEqual(carrier === 'arp' ? flows.map(() => null) : flows);
  });

  it('are never taken for one another: a token in the frame of another flow is left to the classifier', () => {
    for (const carrier of carriers) {
      const { flows, probes, frame, classify } = mesh(carrier);
      for (const flow of flows) probes.learn(flow, 0);
      for (const at of flows.keys()) {
        for (const token of flows.keys()) {
          const bytes = frame(at, token);
          if (at === token) continue;
          expect(probes.read(bytes, 0, bytes.length), `${carrier} ${at} ${token}`).toBeNull();
          expect(classify(bytes, 0, bytes.length).sighting, `${carrier} ${at} ${token}`).toMatchObject({
            kind: 'probe',
            form: carrier === 'raw' ? 'rewritten' : expect.stringMatching(/^(rewritten|encapsulated)$/),
          });
        }
      }
    }
  });

  it('are what the classifier says, whatever bytes are changed, wherever they begin and end', () => {
    let [runs, known] = [0, 0];
    const any = fc.record({
      carrier: fc.constantFrom(...carriers),
      vlan: fc.constantFrom([], [7], [7, 8]),
      at: fc.nat(5),
      changes: fc.array(fc.record({ at: fc.nat(100), to: fc.nat(255) }), { maxLength: 2 }),
      before: fc.constantFrom(0, 0, 4, 1),
      cut: fc.nat(90),
    });
    fc.assert(
      fc.property(any, ({ carrier, vlan, at, changes, before, cut }) => {
        runs += 1;
        const { flows, probes, frame, classify } = mesh(carrier, vlan);
        for (const flow of flows) probes.learn(flow, 0);
        const bytes = new Uint8Array(before + frame(at).length + 30);
        bytes.set(frame(at), before);
        for (const change of changes) bytes[before + change.at] = change.to;
        const end = before + frame(at).length - (cut > 60 ? Math.min(cut, frame(at).length) : 0);
        const read = probes.read(bytes, before, end);
        if (read === null) return;
        known += 1;
        expect(classify(bytes, before, end).sighting).toMatchObject({
          kind: 'probe',
          form: 'as-sent',
          flow: read.flow,
          sequence: read.sequence,
        });
      }),
      { examples: [[{ carrier: 'raw', vlan: [], at: 0, changes: [], before: 0, cut: 0 }]] },
    );
    expect(known).toBeGreaterThanOrEqual(Math.floor(runs / 20));
  });
});
