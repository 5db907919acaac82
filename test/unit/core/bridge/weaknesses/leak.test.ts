import { describe, expect, it } from 'vitest';
import { createCauseFinding, withCauses } from '../../../../../src/core/judge/explain/cause-finding.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import type { RuleChange } from '../../../../../src/core/model/timeline.js';
import { finds, judged, receives } from '../../../../support/judge/judged.js';
import { evidence, step, finding, entry } from '../../../../support/judge/leak-fixture.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { changedState, setBridges, setLinks, setPorts, type StateChange } from '../../../../support/link-state.js';

describe('a leak in a result', () => {
  /** The codes of the causes of a leak, in a state that differs before the probes; null = it was not read. */
  const leaking = (change: StateChange | null): readonly string[] => {
    const before = change === null ? null : changedState(hostState(), change);
    return judged(finds(before, hostState()), receives('c')).leaks.flatMap(({ causes }) =>
      causes.map(({ code }) => code),
    );
  };
  const hub = setBridges({ ageing_time: 0 });
  const closed = setPorts({ flood: false }, 'p2');

  it('has its causes, the most specific first', () => {
    expect(leaking(hub)).toEqual(['ageing-zero', 'unknown-flood']);
  });
  it('that a table entry and a port rule out is unexplained', () => {
    const unknown = setLinks(({ name }) => ({ name: `other-${name}` }));
    for (const change of [closed, { fdb: [entry()] }, null, unknown]) expect(leaking(change)).toEqual(['unexplained']);
  });
  it('that is unexplained says whether the state was read', () => {
    const text = (before: HostState | null): string | undefined =>
      withCauses([finding], createCauseFinding(evidence.plan, step, { before, after: hostState() }))[0]?.causes[0]
        ?.text;
    expect(text(null)).toBe('unexplained: the state around the step was not read');
    expect(text(closed(hostState()))).toBe('unexplained: nothing in the state around the step accounts for it');
  });
  const codesAndTexts = (
    states: Parameters<typeof createCauseFinding>[2],
    ...changes: readonly RuleChange[]
  ): readonly string[] =>
    withCauses([finding], createCauseFinding(evidence.plan, step, states, changes)).flatMap(({ causes }) =>
      causes.map(({ code, text }) => `${code}: ${text}`),
    );
  it('of a step that was interrupted has the cause that the state before it has', () => {
    const before = hub(hostState());
    const whole = codesAndTexts({ before, after: before });
    expect(whole[0]).toContain('ageing-zero');
    expect(codesAndTexts({ before, after: null })).toEqual(whole);
    expect(codesAndTexts({ before: null, after: null })).toEqual([
      'unexplained: unexplained: the state around the step was not read',
    ]);
  });
  it('is explained by a rule that came after the first probe, where a snapshot has it', () => {
    const known = { ...hostState(), fdb: [entry()] };
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
    const around = (state: HostState) => ({ before: state, after: state });
    const open = setPorts({ isolated: false })(hostState());
    const known = around({ ...open, fdb: [entry()] });
    // the bridge sent it to another port: its settings carried nothing to this one
    expect(codesAndTexts(known).map((cause) => cause.split(':')[0])).toEqual(['unexplained']);
    expect(codesAndTexts(known, { kind: 'nft', pid: 77, program: 'nft' })).toEqual([
      'unexplained: unexplained: rules of nft, by process 77 (nft), came and went while the probes were under way, and no snapshot has what carried these',
    ]);
    const flooded = around(open);
    expect(codesAndTexts(flooded, { kind: 'nft', pid: 77, program: 'nft' })).toEqual(codesAndTexts(flooded));
  });
  it('whose entry stands on another port moved', () =>
    expect(leaking({ fdb: [entry({ port: 'p2' }), entry({ mac: '02:00:00:00:00:99', port: 'p3' })] })).toEqual([
      'mac-moved',
    ]));
  it('is explained, other rows are left as they are', () => {
    const causeFinding = createCauseFinding(evidence.plan, step, { before: hostState(), after: hostState() });
    const [first, second] = withCauses([{ ...finding, leak: false }, finding], causeFinding);
    expect([first?.causes.length, second?.causes.length]).toEqual([0, 1]);
    const many = withCauses(
      Array.from({ length: 2001 }, () => finding),
      causeFinding,
    );
    expect([many[1999]?.causes.length, many[2000]?.causes.length]).toEqual([1, 0]);
  });
});
