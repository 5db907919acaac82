import { describe, expect, it } from 'vitest';
import { controlComment, isControlComment } from '../../../../../src/core/judge/recognise/leak-comment.js';
import { sideEffectsOf } from '../../../../../src/core/judge/proof/unchanged.js';
import { isUnicast } from '../../../../../src/core/bridge/row-context.js';
import { rowContexts } from '../../../../../src/core/judge/rows/row-contexts.js';
import type { Control, Flow, Observer, Plan, StepPlan } from '../../../../../src/core/model/plan.js';
import type { Finding } from '../../../../../src/core/model/result.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { createClassifier, tagsOf } from '../../../../../src/core/judge/recognise/classify.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { key } from '../../../../support/judge/perfect-run.js';
import { there } from '../../../../support/there.js';
import { entry, flow, group, host, macOfB, plan, step, zero } from '../../../../support/judge/row-fixture.js';

const context = (
  finding: Finding = zero,
  of: StepPlan = step,
  before: HostState | null = host(),
  after: HostState | null = host(),
) => rowContexts(plan, of, { before, after })(finding);

describe('what is known around a row', () => {
  it('is its flow, its ends, its observer, the bridge and the ports', () => {
    expect(context()).toMatchObject({
      flow: { id: flow.id },
      dstMac: macOfB,
      from: { name: 'a' },
      to: { name: 'b' },
      observer: { name: 'c' },
      listener: { name: 'c' },
      bridge: { name: 'br0' },
      port: { name: 'p2' },
      fromPort: { name: 'p0' },
      entries: [],
    });
  });
  it('is nothing where the state was not read, or has not the bridge', () => {
    expect([
      context(zero, step, null),
      context(zero, step, host(), null),
      context(zero, step, host({ links: host().links.slice(1) })),
    ]).toEqual([null, null, null]);
  });
  it('is that of the sender’s bridge where the observer is beside the bridges', () => {
    const own = there(step.observers.find(({ name }) => name === 'a'));
    const device = { name: 'eth0', space: null, kind: 'veth' };
    const beside: Observer = { ...own, name: 'eth0@x0', interface: 'x0', device };
    const observers = [beside, { ...own, bridge: 'br1' }];
    const two = host({ links: [...host().links, { ...there(host().links[0]), name: 'br1', ifindex: 30 }] });
    expect(context({ ...zero, observer: 'eth0@x0' }, { ...step, observers }, two)).toMatchObject({
      observer: { name: 'eth0@x0', bridge: 'br1' },
      bridge: { name: 'br1' },
    });
  });
  it('is that of the bridge itself where it is the observer by name', () => {
    expect(context({ ...zero, observer: 'br0' })).toMatchObject({
      observer: { name: 'br0' },
      bridge: { name: 'br0' },
      port: null,
      listener: null,
    });
    expect(context({ ...zero, observer: 'br0' }, { ...step, observers: [] })).toMatchObject({
      observer: null,
      bridge: { name: 'br0' },
    });
  });
  it.each<[string, Partial<Finding>]>([
    ['probe', { probe: 1 }],
    ['class', { class: 'broadcast' }],
    ['carrier', { carrier: 'native' }],
    ['variant', { variant: 'root' }],
    ['sender', { from: 'c' }],
    ['addressee', { to: 'lan' }],
    ['tags', { vlan: [10] }],
  ])('is no flow of another %s', (_, over) => expect(context({ ...zero, ...over })?.flow).toBeNull());
  it('is the first flow of its kind, in whatever order rows are asked for', () => {
    const flows = [...['a', 'b', 'a', 'c', 'a'].entries()].map(
      ([id, from]): Flow => ({ ...flow, id, from, to: id === 2 ? 'lan' : 'b' }),
    );
    const contextOf = rowContexts(
      plan,
      { ...step, flows: [...flows, { ...flow, id: 9, from: 'a' }] },
      { before: host(), after: host() },
    );
    const ids = (...asked: readonly (readonly [string, string])[]) =>
      asked.map(([from, to]) => contextOf({ ...zero, from, to })?.flow?.id);
    expect(
      ids(
        ['c', 'b'],
        ['a', 'lan'],
        ['a', 'b'],
        ['b', 'b'],
        ['a', 'c'],
        ['a', 'b'],
        ['c', 'b'],
        ['a', 'lan'],
        ['d', 'b'],
      ),
    ).toEqual([3, 2, 0, 1, undefined, 0, 3, 2, undefined]);
  });
  it('without a flow is for the addressee’s MAC, from who is named', () => {
    expect(context({ ...zero, carrier: 'native', from: 'b', to: 'a' })).toMatchObject({
      dstMac: '52:54:00:00:00:01',
      from: { name: 'b' },
      fromPort: { name: 'p1' },
    });
    expect(context({ ...zero, carrier: 'native', from: 'x', to: null })).toMatchObject({
      dstMac: null,
      from: null,
      to: null,
      fromPort: null,
    });
  });
  it('takes who transmits for the sender', () => {
    expect(context(zero, { ...step, flows: [{ ...flow, sender: 'lan' }] })).toMatchObject({
      from: { name: 'lan' },
      fromPort: { name: 'p3' },
    });
  });
  it('is what the bridge’s own table says of the destination before the probes', () => {
    const fdb = [
      entry(),
      entry({ port: 'br0', master: null }),
      entry({ port: 'p9', master: 'br9' }),
      entry({ mac: '02:00:00:00:00:99' }),
    ];
    expect(context(zero, step, host({ fdb }), host())?.entries).toEqual(fdb.slice(0, 2));
  });
  it('has no port of a link that is none', () => {
    expect(context(zero, step, host({ links: host().links.map((link) => ({ ...link, port: null })) }))).toMatchObject({
      port: null,
      fromPort: null,
    });
  });
});

describe('a destination', () => {
  it('is one station unless the lowest bit of its first byte is set', () => {
    expect(
      ['52:54:00:00:00:02', '00:00:00:00:00:01', group, 'ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01', null].map((dstMac) =>
        isUnicast({ dstMac }),
      ),
    ).toEqual([true, true, false, false, false, false]);
  });
});

describe('what probes bring about on purpose', () => {
  const sideEffects = (...codes: readonly string[]) => sideEffectsOf({ ...step, provokes: codes }, plan.endpoints);
  it('are the root’s timers, where the step says so', () => {
    expect(
      ['forward_delay', 'hello_time', 'max_age', 'flood'].map((name) =>
        sideEffects('settings-changed').setting(name, []),
      ),
    ).toEqual([true, true, true, false]);
    expect([
      sideEffects('mac-moved').setting('max_age', []),
      sideEffectsOf(step, plan.endpoints).setting('max_age', []),
    ]).toEqual([false, false]);
  });
  it('are an ageing time of twice the forward delay, as long as a topology change is in effect', () => {
    const ageing = (...bridges: readonly LinkState['bridge'][]) =>
      sideEffects('settings-changed').setting(
        'ageing_time',
        host()
          .links.slice(0, 1)
          .flatMap((link) => bridges.map((bridge) => ({ ...link, bridge }))),
      );
    const usual = { ageing_time: 30000, forward_delay: 1500, topology_change: 0 };
    const changing = { ageing_time: 3000, forward_delay: 1500, topology_change: 1 };
    expect([ageing(usual, changing), ageing(changing, usual), ageing(usual, usual), ageing(null)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([
      ageing(usual, { ...changing, topology_change: 0 }),
      ageing(usual, { ...changing, ageing_time: 3001 }),
    ]).toEqual([false, false]);
  });
  it('are the sender’s port closing, and no other', () => {
    expect(['p0', 'p1'].map((port) => sideEffects('not-forwarding').closed(port))).toEqual([true, false]);
    expect(sideEffects('settings-changed').closed('p0')).toBe(false);
  });
  it('are MACs that the sender took to its own port', () => {
    const effects = sideEffects('mac-moved');
    expect([
      effects.moved(flow.frame.srcMac, 'p0'),
      effects.moved(flow.frame.srcMac, 'p2'),
      effects.moved(macOfB, 'p0'),
      sideEffects('not-forwarding').moved(flow.frame.srcMac, 'p0'),
    ]).toEqual([true, false, false, false]);
    expect(sideEffectsOf({ ...step, provokes: ['mac-moved'] }, []).moved(flow.frame.srcMac, 'p0')).toBe(false);
  });
});

describe('the comment of a control in a capture', () => {
  const comment = (of: Plan, control: Control): string | null => {
    const bytes = buildFrame(control.frame, tokensFor(key, of.runTag, control.index, 1));
    return controlComment(createClassifier(of, tagsOf(of, key))(bytes, 0, bytes.length));
  };
  const find = (fits: (control: Control) => boolean): Control => {
    return there(step.controls.find(fits));
  };
  it.each([
    [
      find(({ kind, observer, sender }) => kind === 'ear' && observer === 'c' && sender === null),
      "CONTROL ear: sent at c's own port, before the probes, to prove that it hears",
    ],
    [
      find(
        ({ kind, observer, sender, phase }) =>
          kind === 'ear' && observer === 'c' && sender !== null && phase === 'after',
      ),
      "CONTROL ear: sent from c's side, after the probes, to prove that it hears",
    ],
    [
      find(({ kind, phase }) => kind === 'entry' && phase === 'between'),
      'CONTROL entry: sent by a, between the probes, to prove that its frames enter',
    ],
  ])('says where it was sent, when, and what it proves: case %#', (control, expected) =>
    expect(comment(plan, control)).toBe(expected),
  );
  it('is known again, and is none of another frame', () => {
    const probe: Flow = flow;
    const bytes = buildFrame(probe.frame, tokensFor(key, plan.runTag, probe.first, 1));
    expect(controlComment(createClassifier(plan, tagsOf(plan, key))(bytes, 0, bytes.length))).toBeNull();
    expect([isControlComment('CONTROL ear: x'), isControlComment('LEAK CONTROL ear'), isControlComment('')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
