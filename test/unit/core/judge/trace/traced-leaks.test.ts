import { describe, expect, it } from 'vitest';
import type { AttachedProgram } from '../../../../../src/core/model/state.js';
import type { TracedPlace, TracedReader, TraceEnd } from '../../../../../src/core/model/timeline.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { framesOfStep } from '../../../../../src/core/plan/flows/shortcuts.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { addFrames, type Evidence, hostState, judge, key, perfectRun } from '../../../../support/judge/perfect-run.js';
import { measuredText } from '../../../../../src/report/stories.js';
import { asSent, atHome, inside, only, place, reasonsOf, traced } from '../../../../support/judge/traced.js';
import { there } from '../../../../support/there.js';

/** The same where the first frames of each flow alone were traced. */
function samplesOnly(evidence: Evidence): Evidence {
  for (const entry of evidence.timeline)
    if (entry.event === 'trace' && entry.state === 'read') Object.assign(entry, { sampled: true });
  return evidence;
}

/** Tokens of the samples of each flow. */
function sampledTokens({ plan }: Evidence): readonly string[] {
  return there(plan.steps[0]).flows.map(({ first, count }) => `${first}-${first + Math.ceil(count / 10) - 1}`);
}

const doubled = /^bypass-possible eth1 in .* had \d probes that had entered the bridge twice or stand in other/;
describe('what the kernel’s trace of a step shows', () => {
  it('changes nothing where probes were with those who may have them alone', () => {
    const { verdict, traced: reached } = only(
      judge(traced(place(inside('a', 'eth0'), { place: 'transmit' }), place(inside('b', 'eth0')), place(null))),
    );
    expect([verdict, reached]).toEqual(['holds', undefined]);
  });

  it('is a leak where they came to another guest past its port, and names the device', () => {
    const step = only(judge(traced(place(inside('c'), { tokens: '0-4,7' }))));
    expect(step.verdict).toBe('broken');
    expect(step.traced).toEqual([{ observer: 'c', device: 'eth1 in /run/netns/c', probes: 6 }]);
    expect(step.findings.filter(({ leak }) => leak).map(({ observer, seen }) => [observer, seen])).toEqual([['c', 6]]);
  });

  it('is a leak where they ended there and no device had received them, as by bpf_redirect_peer', () => {
    expect(only(judge(traced(place(inside('c'), { place: 'consume' })))).verdict).toBe('broken');
  });

  it('counts a probe once that an observer heard as well', () => {
    const evidence = traced(place(inside('c'), { tokens: '0-4' }));
    const flow = there(evidence.plan.steps[0]?.flows.at(0));
    const bytes = buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, 0, 1));
    addFrames(evidence, { observer: 'c', outgoing: true, bytes });
    const { findings, traced: reached } = only(judge(evidence));
    expect(findings.find(({ leak }) => leak)?.seen).toBe(5);
    expect(reached?.[0]?.probes).toBe(4);
  });

  it('is no leak where a guest that had them may have said them again, but a doubt', () => {
    const evidence = traced(place(inside('c'), { tokens: '0' }));
    const flow = there(evidence.plan.steps[0]?.flows.at(0));
    const bytes = buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, 0, 1));
    addFrames(evidence, { observer: 'b', outgoing: false, bytes });
    expect(reasonsOf(judge(evidence))).toContainEqual(expect.stringMatching(doubled));
    expect(only(judge(evidence)).verdict).toBe('inconclusive');
  });

  it('is no leak where they stand in other packets, as in a tunnel’s, but a doubt', () => {
    const result = judge(traced(place(inside('c'), { tokenAt: asSent + 50 })));
    expect([only(result).verdict, reasonsOf(result)]).toEqual(['inconclusive', [expect.stringMatching(doubled)]]);
  });

  it('is no leak where an observer lost frames', () => {
    const evidence = traced(place(inside('c')));
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event === 'stopped'
        ? { ...entry, counters: { ...entry.counters, c: { received: 9, dropped: 3, delivered: 6 } } }
        : entry,
    );
    expect(only(judge(evidence)).verdict).toBe('inconclusive');
  });

  it('leaves a doubt where a device beside the bridges had frames that nobody routes', () => {
    const evidence = traced(place(atHome('x0', 9)), place(atHome('p2', 4), { place: 'transmit', tokens: '' }));
    const state = hostState();
    const beside = { ...there(state.links[1]), name: 'x0', ifindex: 9, master: null, port: null };
    evidence.states = [{ before: { ...state, links: [...state.links, beside] }, after: state }];
    expect(reasonsOf(judge(evidence))).toContain(
      "bypass-possible x0 is no part of these bridges and had 5 probes, as the kernel's trace shows: something copies or moves frames there past every capture point",
    );
  });

  it('leaves none where a port of the bridge had them, or the run itself', () => {
    const own = { ...atHome('vi2dd91e37-0', 9), own: true } as const;
    expect(only(judge(traced(place(atHome('p2', 4)), place(atHome('br0', 1)), place(own)))).verdict).toBe('holds');
  });

  it('is incomplete where a line of it is gone', () => {
    const evidence = traced(place(inside('b', 'eth0')));
    evidence.trace = evidence.trace?.slice(1) ?? [];
    expect(reasonsOf(judge(evidence))).toEqual([
      'evidence-incomplete trace.ndjson had 2 lines of this step, 1 were read back',
    ]);
  });
});

describe('a process that read probes', () => {
  const file = { path: '/usr/sbin/taker', device: 1, inode: 2, owner: 0, user: 0 };
  const read = (reader: Partial<TracedReader> | null): TracedPlace =>
    place(null, {
      place: 'read',
      ...(reader === null ? {} : { reader: { pid: 4711, name: 'taker', parties: [], ...reader } }),
    });
  const judged = (reader: Partial<TracedReader> | null) => only(judge(traced(read(reader))));

  it.each([
    ['is of the run', { own: true }],
    ['is the monitor of the guest that they are for', { parties: ['b'] }],
    ['is the sender’s', { parties: ['a'] }],
  ] as const)('changes nothing where it %s, and no report names it', (_, reader) => {
    expect([judged(reader).verdict, judged(reader).readers]).toEqual(['holds', undefined]);
    expect(JSON.stringify(judge(traced(read(reader))))).not.toContain('taker');
  });

  it('is a leak where it is another guest’s, by number and program', () => {
    const { verdict, traced: reached } = judged({ parties: ['c'], program: file });
    expect(verdict).toBe('broken');
    expect(reached).toEqual([{ observer: 'c', device: 'process 4711 (/usr/sbin/taker)', probes: 5 }]);
  });

  it('is named behind a verdict that holds where it is the host’s own', () => {
    const { verdict, readers } = judged({ program: file, hostsOwn: true });
    expect(verdict).toBe('holds');
    expect(readers).toEqual([{ pid: 4711, name: 'taker', program: file, where: 'process 4711' }]);
  });

  it('is one guest’s where several endpoints are in one namespace', () => {
    const both = { pid: 4711, name: 'taker', parties: ['b', 'c'] };
    const inOne = place({ ...inside('c'), parties: ['b', 'c'] }, { tokens: '' });
    expect(only(judge(traced(inOne, read({ parties: ['b', 'c'] })))).verdict).toBe('holds');
    expect(only(judge(traced(place(null, { place: 'read', reader: both })))).verdict).toBe('inconclusive');
  });

  it.each([
    ['nothing shows whose it is', { program: file }, 'reader /usr/sbin/taker at process 4711'],
    ['it has the taps of several guests', { parties: ['b', 'c'] }, 'reader taker at process 4711'],
    ['it is another guest’s, and got them within others', { parties: ['c'] }, 'reader taker at process 4711'],
    ['it lives where it is not seen', null, 'reader of probes at a process that is not seen here'],
  ] as const)('leaves a doubt where %s', (text, reader, what) => {
    const tokenAt = text.endsWith('within others') ? 148 : asSent;
    const { verdict, reasons } = only(judge(traced({ ...read(reader), tokenAt })));
    expect(verdict).toBe('inconclusive');
    expect(reasons.map(({ code, text }) => `${code} ${text}`)).toEqual([
      `bypass-possible ${what} may carry frames past the ears: it read 5 probes, as the kernel's trace shows: end it, or answer for it with trust`,
    ]);
  });
});

/** Every probe of the step, where it entered. */
const tokens = `0-${framesOfStep(there(perfectRun().plan.steps[0])) - 1}`;
const sent = place(inside('a', 'eth0'), { place: 'transmit', tokens });

describe('a program that can hand on and keep nothing', () => {
  const program = { device: 'p1', place: 'tcx ingress', id: 7, name: 'look', tag: 'ab', keepsNothing: true } as const;
  const planned: readonly TracedPlace[] = [
    sent,
    place(atHome('p1', 3)),
    place(atHome('br0', 1)),
    place(inside('b', 'eth0')),
    place(null),
  ];
  function judged(
    end: Partial<TraceEnd>,
    { places = planned, programs = [program] as readonly AttachedProgram[], xdp = false, isSampled = false } = {},
  ) {
    const evidence = traced(...places);
    const trace = evidence.trace ?? [];
    evidence.trace = [...trace.slice(0, -1), { step: 0, place: 'end', open: {}, counts: {}, ...end }];
    if (isSampled) samplesOnly(evidence);
    const plain = hostState();
    const links = plain.links.map((link) => (xdp && link.name === 'p1' ? { ...link, xdp: 'program id 9' } : link));
    const state = { ...plain, links, programs };
    evidence.states = [{ before: state, after: state }];
    return only(judge(evidence)).reasons.filter(({ text }) => text.startsWith('BPF program 7')).length;
  }

  it('is acquitted where every packet was seen to end, where it was to be', () => {
    expect(judged({ counts: { blind: 0, xdp: 0 } })).toBe(0);
  });

  it.each([
    ['its code may do more', {}, { programs: [{ device: 'p1', place: 'tcx ingress', id: 7 }] }],
    ['a sample alone was traced', {}, { isSampled: true }],
    ['a packet was not seen to end', { open: { receive: 1 } }, {}],
    ['a packet could not be searched', { counts: { blind: 1 } }, {}],
    ['a probe was not seen at all', {}, { places: [{ ...sent, tokens: '1-9999' }] }],
    ['calls were missed', { counts: { missed: 1 } }, {}],
    ['XDP had packets', { counts: { xdp: 1 } }, {}],
    ['XDP is at a port', {}, { xdp: true }],
    ['a device beside the bridges had one', {}, { places: [...planned, place(atHome('x0', 9))] }],
    ['another guest had one', {}, { places: [...planned, place(inside('c'), { tokenAt: asSent + 40 })] }],
    ['a namespace that is nobody’s had one', {}, { places: [place({ ...atHome('x0', 9), home: false })] }],
  ] as const)('is not where %s', (_, end, more) => {
    expect(judged(end, { ...more })).toBe(1);
  });
});

describe('what holds is measured', () => {
  const dropped = (more: Partial<TracedPlace>): TracedPlace =>
    place(atHome('p1', 3), { place: 'drop', function: 'nft_do_chain', reason: 'NETFILTER_DROP', ...more });

  it('by where the copies ended among the bridges, and those that were not made', () => {
    const again = dropped({ tokenAt: asSent + 4, tokens: '3-6' });
    const lines = [sent, dropped({}), again, dropped({ device: inside('b', 'eth0') })];
    const [held] = only(judge(traced(...lines))).held ?? [];
    const flow = there(perfectRun().plan.steps[0]?.flows.at(0));
    expect(held?.measured).toEqual({
      dropped: [{ function: 'nft_do_chain', device: 'p1', reason: 'NETFILTER_DROP', probes: 7 }],
      notCopied: flow.count - 7,
    });
    expect(measuredText(there(held))[0]).toBe('7 probes ended in nft_do_chain at p1');
  });

  it('by a sample of each flow, where that alone was traced', () => {
    const first = there(perfectRun().plan.steps[0]?.flows.at(0));
    const sampled = Math.ceil(first.count / 10);
    const places = sampledTokens(perfectRun()).map((tokens) => ({ ...sent, tokens }));
    const evidence = samplesOnly(traced(...places, dropped({ tokens: '0' })));
    const [held] = only(judge(evidence)).held ?? [];
    expect(held?.measured).toMatchObject({ notCopied: sampled - 1, sampled });
    expect(measuredText(there(held))[0]).toBe(`of ${sampled} traced probes 1 probe ended in nft_do_chain at p1`);
    const without = samplesOnly(traced(...places.slice(1), dropped({ tokens: '0' })));
    expect(only(judge(without)).held?.[0]?.measured).toBeUndefined();
  });

  it('by a whole trace alone', () => {
    expect(only(judge(traced(dropped({ device: atHome('x0', 9) })))).held?.[0]?.measured).toBeUndefined();
    expect(only(judge(perfectRun())).held?.[0]?.measured).toBeUndefined();
  });
});
