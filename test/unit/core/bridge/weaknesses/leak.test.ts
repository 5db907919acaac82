import { describe, expect, it } from 'vitest';
import { createCauseFinding, withCauses } from '../../../../../src/core/judge/explain/cause-finding.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import type { RuleChange } from '../../../../../src/core/model/timeline.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { addFrames, hostState, judge, key, perfectRun } from '../../../../support/judge/perfect-run.js';
import { evidence, step, flow, finding, port, entry, host, never } from '../../../../support/judge/leak-fixture.js';

describe('a leak in a result', () => {
  function leaking(states: (state: HostState) => HostState | null): string[] {
    const run = perfectRun();
    addFrames(run, {
      observer: 'c',
      outgoing: true,
      bytes: buildFrame(flow?.frame ?? never(), tokensFor(key, run.plan.runTag, flow?.first ?? 0, 1)),
    });
    run.states = run.states.map(({ before, after }) => ({ before: before === null ? null : states(before), after }));
    return (
      judge(run)
        .steps[0]?.findings.filter((finding) => finding.leak)
        .flatMap((finding) => finding.causes.map(({ code }) => code)) ?? []
    );
  }
  const changed =
    (change: (link: LinkState) => LinkState, fdb: HostState['fdb'] = []) =>
    (state: HostState): HostState => ({ ...state, fdb, links: state.links.map(change) });

  it('has its causes, the most specific first', () => {
    expect(leaking(changed((link) => (link.bridge === null ? link : { ...link, bridge: { ageing_time: 0 } })))).toEqual(
      ['ageing-zero', 'unknown-flood'],
    );
  });
  it('that a table entry and a port rule out is unexplained', () => {
    expect(leaking(changed((link) => (link.name === 'p2' ? port(link, { flood: false }) : link)))).toEqual([
      'unexplained',
    ]);
    expect(leaking(changed((link) => link, [entry()]))).toEqual(['unexplained']);
    expect(leaking(() => null)).toEqual(['unexplained']);
    expect(leaking(changed((link) => ({ ...link, name: `other-${link.name}` })))).toEqual(['unexplained']);
  });
  it('that is unexplained says whether the state was read', () => {
    const text = (before: HostState | null): string | undefined =>
      withCauses([finding], createCauseFinding(evidence.plan, step, { before, after: host() }))[0]?.causes[0]?.text;
    expect([
      text(null),
      text(
        host({ links: hostState().links.map((link) => (link.name === 'p2' ? port(link, { flood: false }) : link)) }),
      ),
    ]).toEqual([
      'unexplained: the state around the step was not read',
      'unexplained: nothing in the state around the step accounts for it',
    ]);
  });
  const codesAndTexts = (
    states: Parameters<typeof createCauseFinding>[2],
    ...changes: readonly RuleChange[]
  ): readonly string[] =>
    withCauses([finding], createCauseFinding(evidence.plan, step, states, changes)).flatMap(({ causes }) =>
      causes.map(({ code, text }) => `${code}: ${text}`),
    );
  it('of a step that was interrupted has the cause that the state before it has', () => {
    const hub = host({
      links: hostState().links.map((link) => (link.bridge === null ? link : { ...link, bridge: { ageing_time: 0 } })),
    });
    const whole = codesAndTexts({ before: hub, after: hub });
    expect(whole[0]).toContain('ageing-zero');
    expect(codesAndTexts({ before: hub, after: null })).toEqual(whole);
    expect(codesAndTexts({ before: null, after: null })).toEqual([
      'unexplained: unexplained: the state around the step was not read',
    ]);
  });
  it('is explained by a rule that came after the first probe, where a snapshot has it', () => {
    const known = host({ fdb: [entry()] });
    const rule = { family: 'netdev', table: 't', chain: 'c', handle: 3, expr: [{ dup: { addr: 'p2' } }] };
    const chain = { family: 'netdev', table: 't', name: 'c', dev: 'p0' };
    const ruled = { ...known, nft: { nftables: [{ chain }, { rule }] } };
    const text =
      'mirror: frames are carried to another device, which no attribute of a link shows; it came while the probes were under way';
    expect(codesAndTexts({ before: known, after: ruled })[0]).toBe(text);
    expect(codesAndTexts({ before: known, during: [ruled, null], after: known })[0]).toBe(text);
    expect(codesAndTexts({ before: known, after: known })[0]).not.toContain('mirror');
  });
  it('is not laid on ports that are open anyway where rules came and went meanwhile', () => {
    const links = hostState().links.map((link) =>
      link.port === null ? link : { ...link, port: { ...link.port, isolated: false } },
    );
    const known = { before: host({ fdb: [entry()], links }), after: host({ fdb: [entry()], links }) };
    expect(codesAndTexts(known).map((cause) => cause.split(':')[0])).toEqual(['not-isolated']);
    expect(codesAndTexts(known, { kind: 'nft', pid: 77, program: 'nft' })).toEqual([
      'unexplained: unexplained: rules of nft, by process 77 (nft), came and went while the probes were under way, and no snapshot has what carried these',
    ]);
    const flooded = { before: host({ links }), after: host({ links }) };
    expect(codesAndTexts(flooded, { kind: 'nft', pid: 77, program: 'nft' })).toEqual(codesAndTexts(flooded));
  });
  it('whose entry stands on another port moved', () =>
    expect(
      leaking(changed((link) => link, [entry({ port: 'p2' }), entry({ mac: '02:00:00:00:00:99', port: 'p3' })])),
    ).toEqual(['mac-moved']));
  it('is explained, other rows are left as they are', () => {
    const causeFinding = createCauseFinding(evidence.plan, step, { before: host(), after: host() });
    const [first, second] = withCauses([{ ...finding, leak: false }, finding], causeFinding);
    expect([first?.causes.length, second?.causes.length]).toEqual([0, 1]);
    const many = withCauses(
      Array.from({ length: 2001 }, () => finding),
      causeFinding,
    );
    expect([many[1999]?.causes.length, many[2000]?.causes.length]).toEqual([1, 0]);
  });
});
