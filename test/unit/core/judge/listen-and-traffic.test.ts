import { describe, expect, it } from 'vitest';
import { createParties } from '../../../../src/core/judge/parties.js';
import { createClassifier, tagsOf } from '../../../../src/core/judge/recognise/classify.js';
import { leakComment } from '../../../../src/core/judge/recognise/leak-comment.js';
import type { HostState } from '../../../../src/core/model/state.js';
import type { Scenario, Step } from '../../../../src/core/model/scenario.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokenLength, tokensFor } from '../../../../src/core/wire/token.js';
import {
  type Change,
  changedRun,
  finds,
  flowOf,
  receives,
  type Judged,
  judgedOf,
  lacks,
  listening,
  logs,
  probeFrame,
  sends,
  records,
  withEndpoints,
} from '../../../support/judge/judged.js';
import { type Evidence, hostState, key, scenario, step } from '../../../support/judge/perfect-run.js';
import { learnedAt } from '../../../support/link-state.js';
import { there } from '../../../support/there.js';

const macs = {
  a: '52:54:00:00:00:01',
  b: '52:54:00:00:00:02',
  c: '52:54:00:00:00:03',
  lan: '00:11:22:33:44:55',
  stranger: '02:00:00:00:00:99',
} as const;
type Name = keyof typeof macs;

/** A frame as guests send it, without a token. */
function plain(from: Name, to: Name | 'all', carrier: 'raw' | 'arp' = 'raw') {
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
const crosses =
  (from: Name, to: Name, ...heardBy: readonly Name[]): Change =>
  (evidence) =>
    [sends(from, plain(from, to)), ...heardBy.map((name) => receives(name, plain(from, to)))].forEach((change) =>
      change(evidence),
    );
const rows = ({ findings }: Judged) =>
  findings.map(
    (row) =>
      `${row.from}>${row.to ?? ''} at ${row.observer}: ${row.seen} of ${row.sent ?? '?'} ${row.allowed}${row.leak ? ' LEAK' : ''}`,
  );
const heard = (...changes: readonly Change[]) => judgedOf(listening(), ...changes);
/** Each of the four has something to overhear. */
const enough = [crosses('a', 'b', 'b'), crosses('c', 'lan', 'lan')];

describe('a step that listens', () => {
  it('holds where unicast between two others crossed the bridge and nobody else heard it', () => {
    const result = heard(...enough);
    expect([result.codes, result.verdict]).toEqual([[], 'holds']);
    expect(rows(result)).toEqual(['a', 'b', 'c', 'lan'].map((name) => `*>* at ${name}: 0 of ? no`));
  });

  describe('where a guest has a second MAC that the file does not list', () => {
    const learned = (port: string, state = '', mac: string = macs.stranger): HostState => ({
      ...hostState(),
      fdb: [learnedAt(mac, port, { state })],
    });
    const verdictWith = (...changes: readonly Change[]) =>
      heard(...changes, crosses('a', 'stranger', 'c'), ...enough).verdict;
    const portOfC = 'p2';

    it('takes it for its own where the bridge has learned it at its port before and after', () => {
      expect(verdictWith(finds(learned(portOfC)))).toBe('holds');
    });

    it.each([
      ['has it there only afterwards', hostState(), learned(portOfC)],
      ['has it there only before', learned(portOfC), hostState()],
      ['has it there by a static entry', learned(portOfC, 'static'), learned(portOfC, 'static')],
      ['has it at the port of another as well', learned(portOfC), learned('p9')],
      ['was not read', null, learned(portOfC)],
    ])('does not where the bridge %s', (_, before, after) => expect(verdictWith(finds(before, after))).toBe('broken'));

    it('never takes what another endpoint has for it', () =>
      expect(verdictWith(finds(learned(portOfC, '', macs.b)), crosses('a', 'b', 'c'))).toBe('broken'));

    it('does not count what goes to it as something to overhear', () =>
      expect(heard(finds(learned(portOfC)), crosses('a', 'stranger', 'c')).reasons).toContain('nothing-to-hear c'));
  });

  it('is inconclusive for whoever had nothing to overhear', () => {
    expect(heard().reasons).toEqual(['a', 'b', 'c', 'lan'].map((name) => `nothing-to-hear ${name}`));
    expect(heard(crosses('a', 'b', 'b')).reasons).toEqual(['nothing-to-hear a', 'nothing-to-hear b']);
  });

  it('knows each observer by its whole name, as a container calls its device', () => {
    const name = 'a|b@br0';
    const of = withEndpoints(listening(), (endpoint) => (endpoint.name === 'c' ? { name } : {}));
    const result = judgedOf(of, crosses('a', 'b', 'b'), receives(name, plain('a', 'b')));
    expect(rows(result).filter((row) => row.includes(name))).toEqual([`a>b at ${name}: 1 of ? no LEAK`]);
  });

  it('is broken by foreign unicast, told by who talks to whom', () => {
    const overheard = crosses('a', 'b', 'b', 'c');
    const result = heard(overheard, overheard, crosses('lan', 'stranger', 'c'));
    expect(result.verdict).toBe('broken');
    expect(rows(result)).toContain('a>b at c: 2 of ? no LEAK');
    expect(rows(result)).toContain('lan>02:00:00:00:00:99 at c: 1 of ? no LEAK');
    expect(result.findings.find(({ to }) => to === 'b')).toMatchObject({
      class: 'foreign-unicast',
      carrier: 'native',
      upperBound95: null,
      firstSighting: { file: 'evidence.pcapng' },
    });
  });

  it('hears groups as everybody does, and nothing on the bridge device', () =>
    expect(heard(...enough, receives('c', plain('a', 'all')), sends('br0', plain('a', 'b'))).verdict).toBe('holds'));

  it('takes an accepted leak for what it is', () => {
    const accept = [
      { observer: 'c', class: 'foreign-unicast', reason: 'known', owner: null, ticket: null, until: null },
    ];
    expect(judgedOf(listening({ accept }), ...enough, crosses('a', 'b', 'c')).verdict).toBe('holds');
  });
});

const talking = (over: Partial<Step['traffic'][number]> = {}): Scenario => {
  const traffic = { kind: 'http', from: 'a', to: 'lan', requests: 1, bytes: 10, maySee: null, mustSee: null } as const;
  return scenario([step({ probes: [], traffic: [{ ...traffic, seen: [], ...over }] })]);
};
/** The programs did what they were to do, before the step ended. */
const worked: Change = (evidence) => {
  logs({ event: 'traffic', traffic: 0, ok: true, detail: '' })(evidence);
  evidence.timeline.splice(-2, 0, ...evidence.timeline.splice(-1));
};
const talked = (...changes: readonly Change[]) => judgedOf(talking(), worked, ...changes);
const answer = crosses('lan', 'a', 'a');

describe('traffic of real programs', () => {
  it('holds where its two ends have it and nobody else', () => {
    const request = crosses('a', 'lan', 'lan');
    const result = talked(request, request, request, answer);
    expect([result.codes, result.verdict]).toEqual([[], 'holds']);
    expect(rows(result)).toEqual([
      'a>lan at b: 0 of 3 no',
      'a>lan at c: 0 of 3 no',
      'a>lan at lan: 3 of 3 must',
      'lan>a at a: 1 of 1 must',
      'lan>a at b: 0 of 1 no',
      'lan>a at c: 0 of 1 no',
    ]);
    expect(result.findings[0]?.upperBound95).toBeCloseTo(1 - 0.05 ** (1 / 3), 3);
  });

  const overheard = [crosses('a', 'lan', 'lan', 'c'), answer];

  it("is broken where a third hears it; ARP is nobody's secret", () => {
    const { verdict, leaks } = talked(...overheard, receives('b', plain('a', 'lan', 'arp')));
    expect(verdict).toBe('broken');
    expect(leaks.map(({ observer, class: name, carrier }) => [observer, name, carrier])).toEqual([
      ['c', 'http', 'native'],
    ]);
  });

  it('lets who may see it, see it', () =>
    expect(judgedOf(talking({ maySee: ['a', 'lan', 'c'] }), worked, ...overheard).verdict).toBe('holds'));

  it('that did not work, or reached one end only, proves nothing', () => {
    const refused = records('traffic', () => ({ ok: false, detail: 'refused' }));
    expect(talked(refused, crosses('a', 'lan', 'lan'), answer).texts).toEqual([
      'traffic-failed -: http a to lan: refused',
    ]);
    expect(talked(lacks('traffic')).texts[0]).toMatch(/: http a to lan: did not run$/);
    const requests = Array.from({ length: 100 }, (_, at) => crosses('a', 'lan', ...(at < 98 ? ['lan' as const] : [])));
    expect(talked(...requests, answer).reasons).toEqual(['delivery-short lan']);
  });
});

describe('the comment of a frame in the capture', () => {
  const evidence = changedRun(undefined);
  const stepPlan = there(evidence.plan.steps[0]);
  const comment = ({ plan }: Evidence, name: string, bytes: Uint8Array, towards = true) => {
    const step = there(plan.steps[0]);
    const observer = there(step.observers.find((each) => each.name === name));
    const classified = createClassifier(plan, tagsOf(plan, key))(bytes, 0, bytes.length);
    const text = leakComment({ bytes, classified, step, observer, towards }, plan, createParties(plan.endpoints));
    const where = `, in step 1 (${step.name})`;
    if (text !== null) expect(text.endsWith(where)).toBe(true);
    return text?.slice(0, -where.length) ?? null;
  };
  const flow = flowOf(evidence);
  const probe = probeFrame(evidence, 2);

  it('names the probe, its way and who overheard it', () =>
    expect(comment(evidence, 'c', probe)).toBe(`LEAK probe ${flow.first + 2} a→b known-unicast, overheard by c`));
  it('says that a broadcast is to all, and what is open by default where it may be', () => {
    const probes = ['broadcast', 'unknown-unicast'].map((name) => ({
      ...there(step().probes[0]),
      class: name === 'broadcast' ? ('broadcast' as const) : ('unknown-unicast' as const),
      to: null,
      maySee: [],
      mustSee: [],
      ...(name === 'broadcast' ? { openByDesign: ['c'] } : {}),
    }));
    const open = changedRun(scenario([step({ probes })]));
    const [broadcast, unknown] = ['broadcast', 'unknown-unicast'].map((name) =>
      there([...there(open.plan.steps[0]).flows].find((each) => each.class === name)),
    );
    const exposed = ' (EXPOSED if half of the guests get it)';
    const texts = [broadcast, unknown].map((each) => comment(open, 'c', probeFrame(open, 0, each)));
    expect(texts).toEqual([
      `LEAK probe ${broadcast?.first} a→all broadcast, overheard by c${exposed}`,
      `LEAK probe ${unknown?.first} a→nobody unknown-unicast, overheard by c`,
    ]);
    expect(comment(open, 'b', probeFrame(open, 0, broadcast))).not.toContain('EXPOSED');
  });
  it('is none on the way in, at the ends, and on the bridge device', () => {
    expect(comment(evidence, 'c', probe, false)).toBeNull();
    for (const name of ['a', 'b', 'br0']) expect(comment(evidence, name, probe), name).toBeNull();
  });
  it('is none for controls, nor for what is no Ethernet', () => {
    const control = there(stepPlan.controls.find(({ observer }) => observer === 'c'));
    const token = tokensFor(key, evidence.plan.runTag, control.index, 1);
    expect(comment(evidence, 'c', buildFrame(control.frame, token))).toBeNull();
    expect(comment(evidence, 'c', new Uint8Array(5))).toBeNull();
    expect(comment(evidence, 'c', plain('a', 'b'))).toBeNull();
  });
  it('is none for an ICMP error that quotes a probe, and one for whatever else carries it', () => {
    const ipv4 = [0x45, 0, 0, 200, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
    const wrapped = (type: number) => {
      const icmp = [type, 0, 0, 0, 0, 0, 0, 0];
      return new Uint8Array([...probe.subarray(0, 12), 8, 0, ...ipv4, ...icmp, ...ipv4, ...probe.subarray(14)]);
    };
    expect([wrapped(3), wrapped(8)].map((bytes) => comment(evidence, 'c', bytes))).toEqual([
      null,
      `LEAK probe ${flow.first + 2} a→b known-unicast, overheard by c (encapsulated)`,
    ]);
  });
  it('names foreign unicast and traffic by the ends', () => {
    const listened = changedRun(listening());
    const talked = changedRun(talking(), worked);
    expect(comment(listened, 'c', plain('a', 'b'))).toBe('LEAK foreign unicast a→b, overheard by c');
    expect(comment(listened, 'c', plain('stranger', 'b'))).toBe(
      'LEAK foreign unicast 02:00:00:00:00:99→b, overheard by c',
    );
    expect(comment(listened, 'c', plain('b', 'stranger'))).toBe(
      'LEAK foreign unicast b→02:00:00:00:00:99, overheard by c, unless that MAC is its own',
    );
    expect(comment(talked, 'c', plain('lan', 'a'))).toBe('LEAK http lan→a, overheard by c');
    for (const [run, name, bytes] of [
      [listened, 'b', plain('a', 'b')],
      [listened, 'c', plain('a', 'all')],
      [listened, 'br0', plain('a', 'b')],
      [talked, 'lan', plain('a', 'lan')],
      [talked, 'c', plain('a', 'b')],
      [talked, 'c', plain('a', 'lan', 'arp')],
    ] as const)
      expect(comment(run, name, bytes), name).toBeNull();
  });
});
