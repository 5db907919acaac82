import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSighting } from '../../../../../src/core/judge/count/count-frame.js';
import { createPlainFrames } from '../../../../../src/core/judge/count/plain-frames.js';
import { arrivalAt, createTallies, noteStations, type StepTally } from '../../../../../src/core/judge/count/tally.js';
import { createClassifier, tagsOf } from '../../../../../src/core/judge/recognise/classify.js';
import type { Plan } from '../../../../../src/core/model/plan.js';
import type { Step } from '../../../../../src/core/model/scenario.js';
import { viewFrame } from '../../../../../src/core/wire/frame-view.js';
import { key, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';
import { there } from '../../../../support/there.js';

const macs = [
  '525400000001',
  '525400000002',
  '525400000003',
  '001122334455',
  '020000000099',
  'ffffffffffff',
  '01005e010101',
] as const;
const traffic = (from: string, to: string): Step['traffic'][number] => ({
  kind: 'http',
  from,
  to,
  requests: 1,
  bytes: 10,
  maySee: null,
  mustSee: null,
  seen: [],
});
const plans = {
  listens: perfectRun(scenario([step({ probes: [], listenMs: 1000 })])).plan,
  'lets two talk': perfectRun(scenario([step({ probes: [], traffic: [traffic('a', 'lan'), traffic('b', 'a')] })])).plan,
  'listens while two talk': perfectRun(scenario([step({ probes: [], listenMs: 1000, traffic: [traffic('a', 'lan')] })]))
    .plan,
  'only probes': perfectRun().plan,
  'lets two of one network talk': withAddresses(
    perfectRun(scenario([step({ probes: [], traffic: [traffic('a', 'b'), traffic('a', 'lan')] })])).plan,
  ),
} as const;

/** a and b are in one network, the uplink is in another. */
function withAddresses(plan: Plan): Plan {
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.1.9'];
  const endpoints = plan.endpoints.map((endpoint, at) => ({
    ...endpoint,
    ips: [{ address: there(addresses[at]), prefix: 24, family: 4 as const }],
  }));
  return { ...plan, endpoints };
}
/** An IPv4 header without options from a to this address, of UDP. */
const packet = (to: string): string => `0800450000200000000040110000${'0a000001'}${to}`;

interface Frame {
  readonly dst: string;
  readonly src: string;
  readonly type: string;
  readonly body: number;
  readonly towards: boolean;
  readonly time: number;
}
const frames = fc.array(
  fc.record({
    dst: fc.constantFrom(...macs),
    src: fc.constantFrom(...macs),
    type: fc.constantFrom('0800', '86dd', '0806', '88b5', '8100', '0800450000', packet('0a000002'), packet('0a000109')),
    body: fc.nat(46),
    towards: fc.boolean(),
    time: fc.nat(9),
  }),
  { maxLength: 25 },
);
const bytesOf = ({ dst, src, type, body }: Frame): Uint8Array =>
  Buffer.concat([Buffer.from(`${dst}${src}${type}`, 'hex'), Buffer.alloc(body)]);

/** What of a tally frames without a token can change. */
const reported = (
  { traffic: seen, trafficEntered, foreign, crossed, noise, read }: StepTally,
  withNoise: boolean,
): unknown => ({
  seen: [...seen].sort(),
  trafficEntered: [...trafficEntered].sort(),
  foreign: [...foreign].sort(),
  crossed: [...crossed].sort(),
  noise: withNoise ? noise : null,
  read,
});

/** By the quick way and by the slow one, with every frame cut off at `cut` bytes. */
function both(
  plan: Plan,
  observerName: string,
  list: readonly Frame[],
  cut = Infinity,
): readonly [quick: StepTally, slow: StepTally] {
  const [quick] = createTallies(plan, true).steps;
  const slow = createTallies(plan, true);
  const [stepTally] = slow.steps;
  const [step] = plan.steps;
  const observer = step?.observers.find(({ name }) => name === observerName);
  if (quick === undefined || stepTally === undefined || step === undefined || observer === undefined)
    throw new Error('the fixture has changed');
  const plain = createPlainFrames(step, observer, quick, plan, true);
  const classify = createClassifier(plan, tagsOf(plan, key));
  list.forEach((frame, index) => {
    const bytes = bytesOf(frame).subarray(0, cut);
    const timeNs = BigInt(frame.time) * 2n ** 33n + BigInt(index % 3);
    const [high, low] = [Number(timeNs >> 32n), Number(timeNs & 0xffff_ffffn)];
    plain.count(bytes, 0, bytes.length, { towards: frame.towards, frame: index + 1, high, low });
    countSighting(
      bytes,
      classify(bytes, 0, bytes.length),
      { ...arrivalAt(step, observer, false), towards: frame.towards, frame: index + 1, high, low },
      slow,
    );
  });
  plain.finish();
  return [quick, stepTally];
}

describe('frames without a token', () => {
  it.each(Object.entries(plans))('count by the quick way as they do by the slow one, in a step that %s', (_, plan) => {
    fc.assert(
      fc.property(
        fc.constantFrom('a', 'b', 'c', 'lan', 'br0'),
        frames,
        fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 20 })),
        (observer, list, cut) => {
          const [quick, slow] = both(plan, observer, list, cut);
          // Of a frame that ends within its tags the quick way still counts the noise.
          const whole = list.every(
            (frame) => cut < 14 || viewFrame(bytesOf(frame), 0, Math.min(cut, bytesOf(frame).length)) !== null,
          );
          expect(reported(quick, whole)).toEqual(reported(slow, whole));
        },
      ),
    );
  });

  const frame = (over: Partial<Frame> = {}): Frame => ({
    dst: macs[3],
    src: macs[0],
    type: '0800',
    body: 46,
    towards: true,
    time: 1,
    ...over,
  });

  it('of traffic are counted by its ways, where they are handed over and where they enter', () => {
    const [tally] = both(plans['lets two talk'], 'a', [
      frame({ towards: false }),
      frame({ towards: false }),
      frame({ dst: macs[0], src: macs[3] }),
      frame({ dst: macs[0], src: macs[1], time: 4 }),
      frame({ dst: macs[0], src: macs[1], time: 2 }),
      frame({ type: '0806', towards: false }),
    ]);
    expect([...tally.trafficEntered]).toEqual([['0/>', 2]]);
    expect([...tally.traffic].map(([key, { frames: count, first }]) => [key, count, first.frame])).toEqual([
      ['0/</a', 1, 3],
      ['1/>/a', 2, 5],
    ]);
    expect([tally.foreign.size, tally.crossed.size, tally.read.get('a')]).toEqual([0, 0, 6]);
  });
  it('of traffic count where another MAC than the addressee has leads them, within one network', () => {
    const plan = plans['lets two of one network talk'];
    const astray = { src: macs[0], dst: macs[2], type: packet('0a000002') };
    const others = [
      { ...astray, type: packet('0a000003') },
      { ...astray, type: packet('0a000109') },
      { ...astray, dst: macs[4] },
      { ...astray, src: macs[1] },
    ];
    const counted = (observer: string, list: readonly Partial<Frame>[]) => {
      const [tally, slow] = both(plan, observer, list.map(frame));
      expect(reported(tally, true)).toEqual(reported(slow, true));
      return [...tally.traffic].map(([key, { frames: count }]) => [key, count]);
    };
    expect(counted('c', [...others, astray, astray])).toEqual([['0/>/c', 2]]);
    expect(counted('lan', others)).toEqual([]);
    const [entered] = both(plan, 'a', [frame({ ...astray, towards: false })]);
    expect([...entered.trafficEntered]).toEqual([['0/>', 1]]);
  });
  it.each([
    ['a router’s', { role: 'uplink' }],
    ['the other interface of the addressee’s owner', { owner: 'tenant' }],
    ['one that shares the address', { ips: [{ address: '10.0.0.2', prefix: 24, family: 4 }] }],
  ] as const)('of traffic are not led astray where the MAC is %s', (_, over) => {
    const plan = plans['lets two of one network talk'];
    const endpoints = plan.endpoints.map((endpoint) => {
      if (endpoint.name === 'c') return { ...endpoint, ...over };
      return endpoint.name === 'b' ? { ...endpoint, owner: 'tenant' } : endpoint;
    });
    const [tally] = both({ ...plan, endpoints }, 'c', [frame({ dst: macs[2], type: packet('0a000002') })]);
    expect([...tally.traffic]).toEqual([]);
  });
  it('are foreign to who is not addressed, and cross where they enter', () => {
    const [tally] = both(plans['listens'], 'c', [
      frame(),
      frame({ dst: macs[2] }),
      frame({ dst: macs[5] }),
      frame({ dst: macs[6] }),
      frame({ src: macs[2], dst: macs[4], towards: false }),
      frame({ src: macs[2], dst: macs[5], towards: false }),
    ]);
    expect([...tally.foreign.keys()]).toEqual(['c|52:54:00:00:00:01|00:11:22:33:44:55']);
    expect([...tally.crossed]).toEqual([['c|02:00:00:00:00:99', { from: 'c', to: '02:00:00:00:00:99' }]]);
  });
  it('are foreign to an observer but for the time in which the bridge had their MAC at its port', () => {
    const plan = plans['listens'];
    const [step] = plan.steps;
    const observer = step?.observers.find(({ name }) => name === 'c');
    if (step === undefined || observer === undefined) throw new Error('the fixture has changed');
    const [second, wandering] = [1_000_000_000n, '02:00:00:00:00:99'];
    const learned = (ns: bigint, at: string | null, mac = wandering) => ({ mac, observer: at, ns });
    const seenBy = (stations: readonly ReturnType<typeof learned>[], dst: string, at: readonly bigint[]): number => {
      const tallies = createTallies(plan, true);
      noteStations(tallies, [{ stations }]);
      const tally = there(tallies.steps[0]);
      const plain = createPlainFrames(step, observer, tally, plan, false);
      const bytes = bytesOf(frame({ dst: dst.replaceAll(':', '') }));
      for (const ns of at) {
        const [high, low] = [Number(ns >> 32n), Number(ns & 0xffff_ffffn)];
        plain.count(bytes, 0, bytes.length, { towards: true, frame: 1, high, low });
      }
      plain.finish();
      return [...tally.foreign.values()].reduce((sum, { count }) => sum + count.frames, 0);
    };
    const times = [1n, 3n, 5n].map((at) => at * second);
    expect(seenBy([], wandering, times)).toBe(3);
    expect(seenBy([learned(2n * second, 'c'), learned(4n * second, null)], wandering, times)).toBe(2);
    expect(seenBy([learned(2n * second, 'c'), learned(2n * second, 'c')], wandering, times)).toBe(1);
    expect(seenBy([learned(2n * second, 'b')], wandering, times)).toBe(3);
    // a listed MAC that another takes for itself stays its owner's
    const theirs = there(plan.endpoints.find(({ name }) => name === 'b')?.macs[0]);
    expect(seenBy([learned(2n * second, 'c', theirs)], theirs, times)).toBe(3);
  });
  it('are noise only where something was lost', () => {
    const [step] = plans['listens'].steps;
    const [tally] = createTallies(plans['listens'], true).steps;
    const observer = step?.observers[0];
    if (step === undefined || tally === undefined || observer === undefined) throw new Error('the fixture has changed');
    const plain = createPlainFrames(step, observer, tally, plans['listens'], false);
    plain.finish();
    expect(tally.read.size).toBe(0);
    const bytes = bytesOf(frame());
    plain.count(bytes, 0, bytes.length, { towards: true, frame: 1, high: 0, low: 1 });
    plain.finish();
    expect([tally.noise.size, tally.read.get(observer.name)]).toEqual([0, 1]);
  });
});
