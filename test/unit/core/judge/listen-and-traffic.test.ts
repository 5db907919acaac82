import { describe, expect, it } from 'vitest';
import { createParties } from '../../../../src/core/judge/parties.js';
import { createClassifier, tagsOf } from '../../../../src/core/judge/recognise/classify.js';
import { leakComment } from '../../../../src/core/judge/recognise/leak-comment.js';
import type { Result } from '../../../../src/core/model/result.js';
import type { HostState } from '../../../../src/core/model/state.js';
import type { Step } from '../../../../src/core/model/scenario.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokenLength, tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  hostState,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

const macs = {
  a: '52:54:00:00:00:01',
  b: '52:54:00:00:00:02',
  c: '52:54:00:00:00:03',
  lan: '00:11:22:33:44:55',
  stranger: '02:00:00:00:00:99',
} as const;
type Name = keyof typeof macs;

/** A frame as guests send it, without a token. */
function plain(from: Name, to: Name | 'all', carrier: 'raw' | 'arp' = 'raw'): Uint8Array {
  const [srcIp, dstIp] = carrier === 'arp' ? ['10.0.0.1', '10.0.0.2'] : [null, null];
  return buildFrame(
    {
      carrier,
      srcMac: macs[from],
      dstMac: to === 'all' ? 'ff:ff:ff:ff:ff:ff' : macs[to],
      vlan: [],
      srcIp,
      dstIp,
      size: 60,
    },
    new Uint8Array(tokenLength),
  );
}
function crosses(evidence: Evidence, from: Name, to: Name, ...heardBy: readonly Name[]): void {
  addFrames(
    evidence,
    { observer: from, outgoing: false, bytes: plain(from, to) },
    ...heardBy.map((observer) => ({ observer, outgoing: true, bytes: plain(from, to) })),
  );
}
const codes = (result: Result): readonly string[] =>
  result.steps.flatMap(({ reasons }) => reasons.map(({ code, observer }) => `${code} ${observer ?? '-'}`));
const rows = (result: Result): readonly string[] =>
  result.steps.flatMap(({ findings }) =>
    findings.map(
      (row) =>
        `${row.from}>${row.to ?? ''} at ${row.observer}: ${row.seen} of ${row.sent ?? '?'} ${row.allowed}${row.leak ? ' LEAK' : ''}`,
    ),
  );

const quiet: Partial<Step> = { probes: [], listenMs: 1000 };
const listening = (): Evidence => perfectRun(scenario([step(quiet)]));

describe('a step that listens', () => {
  it('holds where unicast between two others crossed the bridge and nobody else heard it', () => {
    const evidence = listening();
    crosses(evidence, 'a', 'b', 'b');
    crosses(evidence, 'c', 'lan', 'lan');
    const result = judge(evidence);
    expect(codes(result)).toEqual([]);
    expect(result.verdict).toBe('holds');
    expect(rows(result)).toEqual(['a', 'b', 'c', 'lan'].map((name) => `*>* at ${name}: 0 of ? no`));
  });

  describe('where a guest has a second MAC that the file does not list', () => {
    const withEntries = (fdb: HostState['fdb']): HostState => ({ ...hostState(), fdb });
    const learned = (port: string, state = '') =>
      withEntries([
        { mac: macs.stranger, port, master: 'br0', vlan: null, state, flags: [], usedS: null, updatedS: null },
      ]);
    const heard = (states: Evidence['states'][number], more: (evidence: Evidence) => void = () => undefined) => {
      const evidence = listening();
      evidence.states = [states];
      crosses(evidence, 'a', 'stranger', 'c');
      crosses(evidence, 'a', 'b', 'b');
      crosses(evidence, 'c', 'lan', 'lan');
      more(evidence);
      return judge(evidence).verdict;
    };
    const portOfC = listening().plan.endpoints.find(({ name }) => name === 'c')?.port ?? '';

    it('takes it for its own where the bridge has learned it at its port before and after', () => {
      expect(heard({ before: learned(portOfC), after: learned(portOfC) })).toBe('holds');
    });

    it.each([
      ['has it there only afterwards', hostState(), learned(portOfC)],
      ['has it there only before', learned(portOfC), hostState()],
      ['has it there by a static entry', learned(portOfC, 'static'), learned(portOfC, 'static')],
      ['has it at the port of another as well', learned(portOfC), learned('p9')],
      ['was not read', null, learned(portOfC)],
    ])('does not where the bridge %s', (_, before, after) => expect(heard({ before, after })).toBe('broken'));

    it('never takes what another endpoint has for it', () => {
      const stolen = withEntries(learned(portOfC).fdb.map((entry) => ({ ...entry, mac: macs.b })));
      const verdict = heard({ before: stolen, after: stolen }, (evidence) => crosses(evidence, 'a', 'b', 'c'));
      expect(verdict).toBe('broken');
    });

    it('does not count what goes to it as something to overhear', () => {
      const evidence = listening();
      evidence.states = [{ before: learned(portOfC), after: learned(portOfC) }];
      crosses(evidence, 'a', 'stranger', 'c');
      expect(codes(judge(evidence))).toContain('nothing-to-hear c');
    });
  });

  it('is inconclusive for whoever had nothing to overhear', () => {
    const evidence = listening();
    expect(codes(judge(evidence))).toEqual(['a', 'b', 'c', 'lan'].map((name) => `nothing-to-hear ${name}`));
    crosses(evidence, 'a', 'b', 'b');
    expect(codes(judge(evidence))).toEqual(['nothing-to-hear a', 'nothing-to-hear b']);
  });

  it('knows each observer by its whole name, as a container calls its device', () => {
    const of = scenario([step(quiet)]);
    const name = 'a|b@br0';
    const endpoints = of.topology.endpoints.map((endpoint) =>
      endpoint.name === 'c' ? { ...endpoint, name } : endpoint,
    );
    const evidence = perfectRun({ ...of, topology: { ...of.topology, endpoints } });
    crosses(evidence, 'a', 'b', 'b');
    addFrames(evidence, { observer: name, outgoing: true, bytes: plain('a', 'b') });
    expect(rows(judge(evidence)).filter((row) => row.includes(name))).toEqual([`a>b at ${name}: 1 of ? no LEAK`]);
  });

  it('is broken by foreign unicast, told by who talks to whom', () => {
    const evidence = listening();
    crosses(evidence, 'a', 'b', 'b', 'c');
    crosses(evidence, 'a', 'b', 'b', 'c');
    crosses(evidence, 'lan', 'stranger', 'c');
    const result = judge(evidence);
    expect(result.verdict).toBe('broken');
    expect(rows(result)).toContain('a>b at c: 2 of ? no LEAK');
    expect(rows(result)).toContain('lan>02:00:00:00:00:99 at c: 1 of ? no LEAK');
    const leak = result.steps[0]?.findings.find(({ to }) => to === 'b');
    expect(leak).toMatchObject({
      class: 'foreign-unicast',
      carrier: 'native',
      upperBound95: null,
      firstSighting: { file: 'evidence.pcapng' },
    });
  });

  it('hears groups as everybody does, and nothing on the bridge device', () => {
    const evidence = listening();
    crosses(evidence, 'a', 'b', 'b');
    crosses(evidence, 'c', 'lan', 'lan');
    addFrames(
      evidence,
      { observer: 'c', outgoing: true, bytes: plain('a', 'all') },
      { observer: 'br0', outgoing: false, bytes: plain('a', 'b') },
    );
    expect(judge(evidence).verdict).toBe('holds');
  });

  it('takes an accepted leak for what it is', () => {
    const evidence = perfectRun(
      scenario([
        step({
          ...quiet,
          accept: [
            { observer: 'c', class: 'foreign-unicast', reason: 'known', owner: null, ticket: null, until: null },
          ],
        }),
      ]),
    );
    crosses(evidence, 'a', 'b', 'b', 'c');
    crosses(evidence, 'c', 'lan', 'lan');
    expect(judge(evidence).verdict).toBe('holds');
  });
});

const talking = (over: Partial<Step['traffic'][number]> = {}): Evidence => {
  const evidence = perfectRun(
    scenario([
      step({
        probes: [],
        traffic: [
          {
            kind: 'http',
            from: 'a',
            to: 'lan',
            requests: 1,
            bytes: 10,
            maySee: null,
            mustSee: null,
            seen: [],
            ...over,
          },
        ],
      }),
    ]),
  );
  const last = evidence.timeline.length - 1;
  evidence.timeline.splice(last, 0, {
    atNs: String(last * 1_000_000),
    monoMs: last,
    step: 0,
    event: 'traffic',
    traffic: 0,
    ok: true,
    detail: '',
  });
  return evidence;
};

describe('traffic of real programs', () => {
  it('holds where its two ends have it and nobody else', () => {
    const evidence = talking();
    for (let i = 0; i < 3; i += 1) crosses(evidence, 'a', 'lan', 'lan');
    crosses(evidence, 'lan', 'a', 'a');
    const result = judge(evidence);
    expect(codes(result)).toEqual([]);
    expect(result.verdict).toBe('holds');
    expect(rows(result)).toEqual([
      'a>lan at b: 0 of 3 no',
      'a>lan at c: 0 of 3 no',
      'a>lan at lan: 3 of 3 must',
      'lan>a at a: 1 of 1 must',
      'lan>a at b: 0 of 1 no',
      'lan>a at c: 0 of 1 no',
    ]);
    expect(result.steps[0]?.findings[0]?.upperBound95).toBeCloseTo(1 - 0.05 ** (1 / 3), 3);
  });

  it("is broken where a third hears it; ARP is nobody's secret", () => {
    const evidence = talking();
    crosses(evidence, 'a', 'lan', 'lan', 'c');
    crosses(evidence, 'lan', 'a', 'a');
    addFrames(evidence, { observer: 'b', outgoing: true, bytes: plain('a', 'lan', 'arp') });
    const result = judge(evidence);
    expect(result.verdict).toBe('broken');
    expect(
      result.steps[0]?.findings
        .filter(({ leak }) => leak)
        .map(({ observer, class: name, carrier }) => [observer, name, carrier]),
    ).toEqual([['c', 'http', 'native']]);
  });

  it('lets who may see it, see it', () => {
    const evidence = talking({ maySee: ['a', 'lan', 'c'] });
    crosses(evidence, 'a', 'lan', 'lan', 'c');
    crosses(evidence, 'lan', 'a', 'a');
    expect(judge(evidence).verdict).toBe('holds');
  });

  it('that did not work, or reached one end only, proves nothing', () => {
    const failed = talking();
    failed.timeline = failed.timeline.map((entry) =>
      entry.event === 'traffic' ? { ...entry, ok: false, detail: 'refused' } : entry,
    );
    crosses(failed, 'a', 'lan', 'lan');
    crosses(failed, 'lan', 'a', 'a');
    expect(codes(judge(failed))).toEqual(['traffic-failed -']);
    expect(judge(failed).steps[0]?.reasons[0]?.text).toBe('http a to lan: refused');
    const unrun = talking();
    unrun.timeline = unrun.timeline.filter(({ event }) => event !== 'traffic');
    expect(judge(unrun).steps[0]?.reasons[0]?.text).toBe('http a to lan: did not run');
    const short = talking();
    for (let i = 0; i < 100; i += 1) crosses(short, 'a', 'lan', ...(i < 98 ? (['lan'] as const) : []));
    crosses(short, 'lan', 'a', 'a');
    expect(codes(judge(short))).toEqual(['delivery-short lan']);
  });
});

describe('the comment of a frame in the capture', () => {
  const evidence = perfectRun();
  const [stepPlan] = evidence.plan.steps;
  if (stepPlan === undefined) throw new Error('no step');
  const comment = (of: Evidence, name: string, bytes: Uint8Array, towards = true): string | null => {
    const [step] = of.plan.steps;
    const observer = step?.observers.find((each) => each.name === name);
    if (step === undefined || observer === undefined) throw new Error('no observer');
    return leakComment(
      {
        bytes,
        classified: createClassifier(of.plan, tagsOf(of.plan, key))(bytes, 0, bytes.length),
        step,
        observer,
        towards,
      },
      of.plan,
      createParties(of.plan.endpoints),
    );
  };
  const flow = stepPlan.flows.at(0);
  if (flow === undefined) throw new Error('no flow');
  const probe = buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + 2, 1));

  it('names the probe, its way and who overheard it', () =>
    expect(comment(evidence, 'c', probe)).toBe(`LEAK probe ${flow.first + 2} a→b known-unicast, overheard by c`));
  it('is none on the way in, at the ends, and on the bridge device', () => {
    expect(comment(evidence, 'c', probe, false)).toBeNull();
    for (const name of ['a', 'b', 'br0']) expect(comment(evidence, name, probe), name).toBeNull();
  });
  it('is none for controls, nor for what is no Ethernet', () => {
    const control = stepPlan.controls.find(({ observer }) => observer === 'c');
    if (control === undefined) throw new Error('no control');
    expect(
      comment(evidence, 'c', buildFrame(control.frame, tokensFor(key, evidence.plan.runTag, control.index, 1))),
    ).toBeNull();
    expect(comment(evidence, 'c', new Uint8Array(5))).toBeNull();
    expect(comment(evidence, 'c', plain('a', 'b'))).toBeNull();
  });
  it('is none for an ICMP error that quotes a probe, and one for whatever else carries it', () => {
    const ipv4 = [0x45, 0, 0, 200, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
    const wrapped = (type: number): Uint8Array =>
      new Uint8Array([
        ...probe.subarray(0, 12),
        8,
        0,
        ...ipv4,
        type,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        ...ipv4,
        ...probe.subarray(14),
      ]);
    expect([wrapped(3), wrapped(8)].map((bytes) => comment(evidence, 'c', bytes))).toEqual([
      null,
      `LEAK probe ${flow.first + 2} a→b known-unicast, overheard by c (encapsulated)`,
    ]);
  });
  it('names foreign unicast and traffic by the ends', () => {
    expect(comment(listening(), 'c', plain('a', 'b'))).toBe('LEAK foreign unicast a→b, overheard by c');
    expect(comment(listening(), 'c', plain('stranger', 'b'))).toBe(
      'LEAK foreign unicast 02:00:00:00:00:99→b, overheard by c',
    );
    expect(comment(listening(), 'c', plain('b', 'stranger'))).toBe(
      'LEAK foreign unicast b→02:00:00:00:00:99, overheard by c, unless that MAC is its own',
    );
    for (const [name, bytes] of [
      ['b', plain('a', 'b')],
      ['c', plain('a', 'all')],
      ['br0', plain('a', 'b')],
    ] as const)
      expect(comment(listening(), name, bytes), name).toBeNull();
    expect(comment(talking(), 'c', plain('lan', 'a'))).toBe('LEAK http lan→a, overheard by c');
    for (const [name, bytes] of [
      ['lan', plain('a', 'lan')],
      ['c', plain('a', 'b')],
      ['c', plain('a', 'lan', 'arp')],
    ] as const)
      expect(comment(talking(), name, bytes), name).toBeNull();
  });
});
