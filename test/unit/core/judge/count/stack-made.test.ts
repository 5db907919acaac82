import { expect, it } from 'vitest';
import { settleStackMade } from '../../../../../src/core/judge/count/stack-made.js';
import { createTallies, arrivalAt } from '../../../../../src/core/judge/count/tally.js';
import { perfectRun } from '../../../../support/judge/perfect-run.js';
import { stateWith } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const { plan } = perfectRun();
const step = there(plan.steps[0]);

/** True if an answer of the host with a token counts as a sighting under these statements of nft. */
function counts(made: 'reply' | 'payload', ...statements: readonly object[]): boolean {
  const tally = there(createTallies(plan, true).steps[0]);
  const flow = there(step.flows.at(0));
  const arrival = arrivalAt(step, there(step.observers[0]), false);
  tally.stackMade.set('key', { flow, made, firsts: new Map([[flow.first, arrival]]) });
  const nft = { nftables: [{ rule: { family: 'ip', table: 'filter', chain: 'FORWARD', expr: statements } }] };
  const state = stateWith([], { nft, programs: [], packetSockets: [] });
  settleStackMade({ before: state, after: state }, tally);
  expect(tally.replayed.size).toBe(tally.sightings.hasToken(flow, flow.first, arrival.observer.name) ? 0 : 1);
  return tally.replayed.size === 0;
}

const xt = (type: string, name: string) => ({ xt: { type, name } });

it('matches of xtables change no packet, and make none', () => {
  const idle = [xt('match', 'conntrack'), xt('match', 'comment'), { counter: { packets: 1, bytes: 2 } }];
  expect([counts('reply'), counts('reply', ...idle), counts('payload', ...idle)]).toEqual([false, false, false]);
});

it.each(['SNAT', 'DNAT', 'NETMAP', 'MASQUERADE', 'REDIRECT', 'TPROXY', 'arpreply', 'UNHEARDOF'])(
  'the target %s of xtables may have changed a packet',
  (name) => expect(counts('reply', xt('match', 'mark'), xt('target', name))).toBe(true),
);

it('another target may have made one, and what nft does not name may have changed one', () => {
  expect([counts('reply', xt('target', 'NFLOG')), counts('payload', xt('target', 'NFLOG'))]).toEqual([false, true]);
  expect(counts('reply', { xt: null })).toBe(true);
});
