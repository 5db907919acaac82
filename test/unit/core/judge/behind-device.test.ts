import { describe, expect, it } from 'vitest';
import { captures, receives, type Judged, judgedOf, probing, withEndpoints } from '../../../support/judge/judged.js';
import { there } from '../../../support/there.js';

describe('a sender behind the bridge device of a host, to whom no entry control is sent', () => {
  /** As it looks when the first `left` of its 20 probes left through the device, and none of those to others. */
  function leaving(left: number, others: readonly string[] = []): Judged {
    const of = probing(...['b', ...others].map((name) => ({ from: ['vm'], to: [name] })));
    const a = there(of.topology.endpoints[0]);
    const { topology, ...rest } = withEndpoints(of, () => ({}), {
      ...a,
      name: 'vm',
      port: null,
      attach: 'promiscuous',
      macs: ['00:0c:29:00:00:01'],
    });
    return judgedOf(
      { ...rest, partialScope: 'vm has no interface', topology: { ...topology, provider: 'host' } },
      captures(({ observer }) => observer !== 'vm'),
      ...Array.from({ length: left }, (_, sequence) => receives('br0', sequence)),
    );
  }

  it('has entered where every probe left through it', () => {
    expect(leaving(20)).toMatchObject({ verdict: 'holds', codes: [], steps: [{ entry: { sent: 0, seen: 0 } }] });
  });
  it('has not where all to one addressee did, and none to the other', () => {
    expect(leaving(20, ['c']).codes).toEqual(['entry-unproved']);
  });
  it('has not where one did not, whatever its addressee got', () => {
    expect(leaving(19).codes).toEqual(['entry-unproved']);
  });
});
