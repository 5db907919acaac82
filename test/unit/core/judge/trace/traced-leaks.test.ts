import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../../src/core/model/result.js';
import type { AttachedProgram, LinkState } from '../../../../../src/core/model/state.js';
import type { TracedDevice, TracedPlace, TracedReader, TraceEnd } from '../../../../../src/core/model/timeline.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { framesOfStep } from '../../../../../src/core/plan/flows/shortcuts.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { addFrames, type Evidence, hostState, judge, key, perfectRun } from '../../../../support/judge/perfect-run.js';
import { measuredText } from '../../../../../src/report/stories.js';
import { there } from '../../../../support/there.js';

/** A raw frame's token stands right behind its Ethernet header. */
const asSent = 14;
const inside = (party: string, name = 'eth1'): TracedDevice => ({
  space: 4_026_531_900,
  ifindex: 7,
  name,
  home: false,
  path: `/run/netns/${party}`,
  party,
});
const atHome = (name: string, ifindex: number): TracedDevice => ({ space: 1, ifindex, name, home: true });

function place(device: TracedDevice | null, more: Partial<TracedPlace> = {}): TracedPlace {
  return { step: 0, place: 'receive', tokenAt: asSent, device, packets: 5, tokens: '0-4', ...more };
}

/** The evidence of a run with a trace of these places. */
function traced(...places: readonly TracedPlace[]): Evidence {
  const evidence = perfectRun();
  const trace = [...places, { step: 0, place: 'end', open: {}, counts: {} } as const];
  evidence.trace = trace;
  evidence.timeline.push({
    ...{ atNs: '99000000', monoMs: 99, step: 0 },
    ...{ event: 'trace', state: 'read', lines: trace.length },
  });
  return evidence;
}

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

const only = ({ steps }: Result) => there(steps[0]);
const reasonsOf = (result: Result): readonly string[] =>
  only(result).reasons.map(({ code, text }) => `${code} ${text}`);

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

  it('is no leak where a guest that had them may have said them again', () => {
    const evidence = traced(place(inside('c'), { tokens: '0' }));
    const flow = there(evidence.plan.steps[0]?.flows.at(0));
    const bytes = buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, 0, 1));
    addFrames(evidence, { observer: 'b', outgoing: false, bytes });
    expect(only(judge(evidence)).verdict).not.toBe('broken');
  });

  it('is no leak where another packet quotes them, as an error of ICMP does', () => {
    expect(only(judge(traced(place(inside('c'), { tokenAt: asSent + 28 })))).verdict).toBe('holds');
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

describe('a device beside the bridges', () => {
  const owner = { pid: 77, name: 'ids', program: { path: '/usr/bin/ids', device: 1, inode: 2, owner: 0, user: 0 } };
  const beyond: TracedDevice = {
    ...{ space: 4_026_532_000, ifindex: 3, name: 'eth0', home: false, path: '/proc/77/ns/net', lower: 9, owner },
  };
  /** A host with a further device, and what the trace saw. */
  function besideOf(kind: string, change: (evidence: Evidence) => void, ...places: readonly TracedPlace[]) {
    const evidence = traced(...places);
    const state = hostState();
    const { lower: _lower, ...plain } = there(state.links[1]);
    const link = { ...plain, name: 'x0', kind, ifindex: 9, master: null, port: null };
    const both = { ...state, links: [...state.links, link] };
    evidence.states = [{ before: both, after: both }];
    change(evidence);
    return only(judge(evidence));
  }
  const nothing = (): void => undefined;
  const leaksOf = ({ findings }: ReturnType<typeof only>) =>
    findings.filter(({ leak }) => leak).map(({ observer, seen }) => `${observer} ${seen}`);

  it.each(['transmit', 'receive', 'consume'] as const)(
    'is a leak in a namespace in which a process lives, with device and process: %s',
    (where) => {
      const own = { ...atHome('x0', 9), own: true } as const;
      const step = besideOf('veth', nothing, place(own), place(beyond, { place: where }));
      expect([step.verdict, leaksOf(step)]).toEqual(['broken', ['eth0@x0 5']]);
      expect(step.traced).toEqual([
        { observer: 'eth0@x0', device: 'eth0 in /proc/77/ns/net of process 77 (/usr/bin/ids)', probes: 5 },
      ]);
      expect(step.observers.map(({ name }) => name)).not.toContain('eth0@x0');
    },
  );

  it('is none where it became a port of the bridge meanwhile, as that of a guest that starts', () => {
    const plug = (evidence: Evidence): void => {
      const [{ before, after }] = [there(evidence.states[0])];
      const [{ port, master }] = [there(hostState().links.find(({ name }) => name === 'p1'))];
      const links = (after?.links ?? []).map((link) => (link.name === 'x0' ? { ...link, port, master } : link));
      evidence.states = [{ before, after: after === null ? null : { ...after, links } }];
    };
    expect(leaksOf(besideOf('veth', plug, place(beyond)))).toEqual([]);
  });

  it('is a leak where it is a tap that a process reads', () => {
    const reader = { ...owner, parties: [] };
    const step = besideOf('tun', nothing, place(atHome('x0', 9), { place: 'read', reader }));
    expect([step.verdict, leaksOf(step)]).toEqual(['broken', ['ids@x0 5']]);
    expect(besideOf('veth', nothing, place(atHome('x0', 9), { place: 'read', reader })).verdict).toBe('inconclusive');
  });

  const { owner: _, ...empty } = beyond;
  it.each([
    ['where no process lives there', nothing, place(empty), 'inconclusive'],
    [
      'where somebody answers for what is beside',
      (evidence: Evidence) => {
        const trust = [{ what: 'nft dup', where: null, reason: 'IDS', owner: null, ticket: null, until: null }];
        evidence.plan = {
          ...evidence.plan,
          steps: evidence.plan.steps.map((step) => ({ ...step, expect: { ...step.expect, trust } })),
        };
      },
      place(beyond),
      'holds',
    ],
    ['where the frames came in by another way, as from a router', nothing, place(atHome('x0', 9)), 'inconclusive'],
    ['where another packet quotes them', nothing, place(beyond, { tokenAt: asSent + 28 }), 'holds'],
  ] as const)('is none %s', (_name, change, line, verdict) => {
    const more = line.device?.home === true ? [place(beyond)] : [];
    const step = besideOf('veth', change, line, ...more);
    expect([step.verdict, leaksOf(step)]).toEqual([verdict, []]);
  });

  /** Changes the links of the host. */
  const links =
    (change: (links: readonly LinkState[], plain: LinkState) => readonly LinkState[]) =>
    (evidence: Evidence): void => {
      const { lower: _lower, ...plain } = there(hostState().links[1]);
      const both = there(evidence.states[0]?.after ?? undefined);
      const state = { ...both, links: change(both.links, { ...plain, master: null, port: null }) };
      evidence.states = [{ before: state, after: state }];
    };
  const ends = (counts: TraceEnd['counts']) => (evidence: Evidence) => {
    evidence.trace = [...(evidence.trace ?? []).slice(0, -1), { step: 0, place: 'end', open: {}, counts }];
  };
  const lost = (evidence: Evidence): void => {
    evidence.trace = evidence.trace?.slice(1) ?? [];
  };
  /** The uplink is a VLAN of a trunk, a NIC or a bond of it; what comes back in another VLAN goes to x0. */
  const trunk = (kind: 'bond' | null) =>
    links((all, plain) => [
      ...all.map((link) => {
        if (link.name === 'p3') return { ...link, kind: 'vlan', lower: kind ?? 'nic' };
        return link.name === 'x0' ? { ...link, master: 'br99' } : link;
      }),
      { ...plain, name: 'nic', kind: null, ifindex: 20, master: kind },
      ...(kind === null ? [] : [{ ...plain, name: kind, kind, ifindex: 23 }]),
      { ...plain, name: 'nic.99', kind: 'vlan', ifindex: 21, master: 'br99', lower: kind ?? 'nic' },
      { ...plain, name: 'br99', kind: 'bridge', ifindex: 22 },
    ]);
  /** The uplink is one end of a pair. The other one is a port of a device of that kind, as x0 is. */
  const beyondUplink = (kind: string) =>
    links((all, plain) => [
      ...all.map((link) => {
        if (link.name === 'p3') return { ...link, lower: 'q3' };
        return link.name === 'x0' ? { ...link, master: 's0' } : link;
      }),
      { ...plain, name: 'q3', ifindex: 20, master: 's0', lower: 'p3' },
      { ...plain, name: 's0', kind, ifindex: 21 },
    ]);
  it.each([
    ['the line of where they came in is lost', lost, [place(null), place(beyond)]],
    ['the table of the trace was full', ends({ tableFull: 9 }), [place(beyond)]],
    ['packets could not be searched', ends({ blind: 1 }), [place(beyond)]],
    ['XDP had packets', ends({ xdp: 1 }), [place(beyond)]],
    ['they came in by a tap that came and went', nothing, [place({ ...atHome('', 15), name: null }), place(beyond)]],
    ['they came in by the trunk of the uplink', trunk(null), [place(atHome('nic', 20)), place(beyond)]],
    ['they came in by a member of the uplink’s bond', trunk('bond'), [place(atHome('nic', 20)), place(beyond)]],
    ['a port leads to that namespace as well', nothing, [place({ ...beyond, ifindex: 2, lower: 3 }), place(beyond)]],
    ['Open vSwitch is beyond the uplink', beyondUplink('openvswitch'), [place(beyond)]],
  ] as const)('leaves a doubt where %s', (_name, change, places) => {
    const step = besideOf('veth', change, ...places);
    expect([step.verdict, leaksOf(step)]).toEqual(['inconclusive', []]);
    expect(step.reasons.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('eth0 in /proc/77/ns/net is no part of these bridges and had 5 probes'),
    );
  });

  it('is a leak where the trunk of the uplink had none of them', () => {
    expect(leaksOf(besideOf('veth', trunk(null), place(beyond)))).toEqual(['eth0@x0 5']);
  });

  it('is a leak, and no exposure, where the same is open by design among guests', () => {
    const open = (evidence: Evidence): void => {
      const steps = evidence.plan.steps.map((step) => ({
        ...step,
        flows: step.flows.map((flow) => ({ ...flow, class: 'unknown-unicast' as const })),
        expect: { ...step.expect, open: [{ probe: 0, observers: ['b'] }] },
      }));
      evidence.plan = { ...evidence.plan, steps };
    };
    const step = besideOf('veth', open, place(beyond));
    expect([step.verdict, leaksOf(step)]).toEqual(['broken', ['eth0@x0 5']]);
  });

  it('is one of two by one name, and no process is called as another device', () => {
    const second = { ...beyond, space: 4_026_532_001, path: '/proc/78/ns/net', owner: { ...owner, pid: 78 } };
    const step = besideOf('veth', nothing, place(beyond), place(second, { tokens: '0-2' }));
    expect(leaksOf(step)).toEqual(['eth0@x0 5', 'eth0@x0#2 3']);
    const reader = { ...owner, name: 'kworker/0:1@p1#2', parties: [] };
    const read = besideOf('tun', nothing, place(atHome('x0', 9), { place: 'read', reader }));
    expect(leaksOf(read)).toEqual(['kworker_0:1_p1_2@x0 5']);
  });

  it('leaves a doubt about what is no leak of one whose leak is accepted', () => {
    const accept = (evidence: Evidence): void => {
      const answer = { reason: 'IDS', owner: null, ticket: null, until: null };
      const accepted = { observer: 'eth0@x0', class: 'known-unicast', ...answer };
      const steps = evidence.plan.steps.map((step) => ({ ...step, expect: { ...step.expect, accept: [accepted] } }));
      evidence.plan = { ...evidence.plan, steps };
    };
    const entry = place({ ...atHome('', 15), name: null }, { tokens: '7' });
    expect(besideOf('veth', accept, place(beyond)).verdict).toBe('holds');
    const { reasons } = besideOf('veth', accept, entry, place(beyond, { tokens: '0-7' }));
    expect(reasons.map(({ text }) => text)).toEqual([expect.stringMatching(/^eth0 in .* had 1 probes/)]);
  });
});
