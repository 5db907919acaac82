import { describe, expect, it } from 'vitest';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import type { ProbeEntry } from '../../../../../src/core/model/scenario.js';
import { addressed, captures, changedRun, counts, judgedRun, probing } from '../../../../support/judge/judged.js';
import { type Evidence, hostState } from '../../../../support/judge/perfect-run.js';
import { changedState } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const guests = ['a', 'b', 'c'];
const asked: Partial<ProbeEntry> = { class: 'unknown-unicast', from: guests, to: null, count: 1, openByDesign: guests };
const filter = {
  nft: {
    nftables: [
      { chain: { family: 'bridge', table: 'own', name: 'in', hook: 'prerouting', policy: 'accept' } },
      { rule: { family: 'bridge', table: 'own', chain: 'in', expr: [{ drop: null }] } },
    ],
  },
};

const spoofs = (step: StepPlan | undefined) => (step?.controls ?? []).filter(({ kind }) => kind === 'entry-spoof');

/** A run in which the bridge gets ARP from addresses that are not their sender's of these guests alone. */
function runOf(
  passing: readonly string[],
  over: Partial<ProbeEntry> = {},
  state = changedState(hostState(), filter),
): Evidence {
  const evidence = changedRun(addressed(probing({ ...asked, ...over })));
  evidence.states = [{ before: state, after: state }];
  const stopped = spoofs(evidence.plan.steps[0]).filter(({ sender }) => !passing.includes(sender ?? ''));
  const tokenOf = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32BE(Buffer.from(bytes).indexOf('VI') + 6);
  captures(({ observer, bytes }) => observer !== 'br0' || !stopped.some(({ index }) => index === tokenOf(bytes)))(
    evidence,
  );
  const count = evidence.frames.filter(({ observer }) => observer === 'br0').length;
  counts('br0', { received: count, dropped: 0, delivered: count }, count)(evidence);
  return evidence;
}
const rowsOf = (evidence: Evidence) => judgedRun(evidence).findings.filter(({ variant }) => variant === 'entry');

describe('a filter of sources', () => {
  it('is asked once of each guest that is alike by design, by ARP to the bridge alone', () => {
    const { plan } = runOf(guests);
    const [step] = plan.steps;
    expect(spoofs(step).map(({ phase, sender, observer }) => [phase, sender, observer])).toEqual(
      guests.map((name) => ['before', name, 'br0']),
    );
    const [{ frame }] = [there(spoofs(step)[0])];
    const a = there(plan.endpoints.find(({ name }) => name === 'a'));
    expect(frame).toMatchObject({
      carrier: 'arp',
      srcMac: a.macs[0],
      dstMac: plan.bridgeMacs['br0'],
      dstIp: '224.0.0.1',
    });
    expect(plan.endpoints.flatMap(({ ips }) => ips.map(({ address }) => address))).not.toContain(frame.srcIp);
    expect(
      spoofs(changedRun(addressed(probing({ class: 'unknown-unicast', to: null, maySee: [] }))).plan.steps[0]),
    ).toEqual([]);
  });

  it('that one lacks and most have is missing there', () => {
    const { verdict, codes, leaks } = judgedRun(runOf(['c']));
    expect([verdict, codes]).toEqual(['broken', []]);
    expect(leaks).toMatchObject([
      {
        class: 'arp-spoof',
        variant: 'entry',
        from: 'c',
        observer: 'br0',
        sent: 1,
        seen: 1,
        causes: [{ code: 'source-unchecked', place: 'p2' }],
      },
    ]);
  });

  it.each([
    ['that all have stops it at each', []],
    ['that none has is open by design', guests],
    ['that most lack is so, too', ['b', 'c']],
  ])('%s', (_, passing) => expect(rowsOf(runOf(passing))).toEqual([]));

  it('that no rule is does not keep a frame out: what was not received was lost', () =>
    expect(rowsOf(runOf(['c'], {}, hostState()))).toEqual([]));
});
