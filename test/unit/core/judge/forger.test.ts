import { describe, expect, it } from 'vitest';
import {
  receives,
  type Judged,
  judged,
  judgedOf,
  captures,
  changedRun,
  judgedRun,
  plans,
  probeFrame,
  probing,
  sends,
  counts,
} from '../../../support/judge/judged.js';
import { type Evidence, scenario, step } from '../../../support/judge/perfect-run.js';

/** The first probe, with bytes of its token, which begins behind the Ethernet header, written over. */
const forged = (change: (bytes: Uint8Array, token: number) => void) => (evidence: Evidence) => {
  const bytes = probeFrame(evidence).slice();
  change(bytes, bytes.indexOf(0x56, 14));
  return bytes;
};

describe('what a forger can do', () => {
  it('a token with a wrong tag decides nothing', () => {
    const flipped = forged((bytes, token) => (bytes[token + 17] = (bytes[token + 17] ?? 0) ^ 1));
    expect(judged(receives('c', flipped)).verdict).toBe('holds');
  });

  it.each([
    ['a token that a guest sends again', 'b'],
    ['its own token, sent again by the sender,', 'a'],
  ])('%s is inconclusive, and no leak', (_, name) => {
    const { verdict, codes } = judged(sends(name), receives('c'));
    expect(verdict).toBe('inconclusive');
    expect(codes).toContain('replayed');
  });

  it('a token that a guest sends again is no doubt at who may overhear all that is probed, for somebody answers for it', () => {
    const accepted = (probeClass: string, until: string | null): Judged => {
      const accept = [{ observer: 'c', class: probeClass, reason: 'IDS', owner: 'ops', ticket: null, until }];
      return judgedOf(scenario([step({ accept })]), sends('b'), receives('c'));
    };
    expect(accepted('known-unicast', null).verdict).toBe('holds');
    expect(accepted('known-unicast', '2001-01-01').codes).toContain('replayed');
    expect(accepted('broadcast', null).codes).toContain('replayed');
  });

  it('a leak that was seen before a guest sent it again stays a leak', () => {
    expect(judged(receives('c'), sends('c')).verdict).toBe('broken');
  });

  it('a token of an earlier step, sent again in a later one, is no leak of either', () => {
    const { leaks, verdict } = judgedOf(
      scenario([step(), step({ name: 'two' })]),
      sends('a', 0, 1),
      receives('c', 0, 1),
    );
    expect([leaks, verdict]).toEqual([[], 'inconclusive']);
  });

  it('a delivery that a guest may have made by sending the token again proves nothing where its port is deaf to it', () => {
    const evidence = changedRun(probing({ to: ['lan'], maySee: ['b', 'lan'], mustSee: ['b', 'lan'] }));
    expect(judgedRun(evidence).verdict).toBe('holds');
    // lan got the probes from b, which may have them; nobody heard b say them, for the ear at its port hears one
    // direction only.
    captures(({ observer, outgoing }) => observer !== 'b' || outgoing)(evidence);
    const heard = evidence.frames.filter(({ observer }) => observer === 'b').length;
    counts('b', { received: heard, dropped: 0, delivered: heard }, heard)(evidence);
    expect(judgedRun(evidence)).toMatchObject({ verdict: 'inconclusive', codes: ['control-missing'] });
  });

  it('a delivery that a guest may have made proves nothing where no control can show that its port hears it', () => {
    expect(judged().verdict).toBe('holds');
    const unproved = plans(({ steps }) => ({ steps: steps.map((of) => ({ ...of, inwardUnproved: ['c'] })) }));
    expect(judged(unproved)).toMatchObject({ verdict: 'inconclusive', reasons: ['control-missing c'] });
  });

  it("a token of another run is nobody's", () => {
    const other = forged((bytes, token) => bytes.set([0xde, 0xad, 0xbe, 0xef], token + 2));
    expect(judged(receives('c', other)).verdict).toBe('holds');
  });

  it('a token that the uplink sends back is a leak', () => {
    expect(judged(sends('lan'), receives('c')).verdict).toBe('broken');
  });
});
