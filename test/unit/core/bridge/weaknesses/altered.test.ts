import { describe, expect, it } from 'vitest';
import type { FrameSpec } from '../../../../../src/core/model/plan.js';
import type { Finding } from '../../../../../src/core/model/result.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { addressed, finds, judgedOf, probeFrame, probing, receives } from '../../../../support/judge/judged.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { learnedAt } from '../../../../support/link-state.js';

const of = addressed(probing({ carriers: ['ipv4-udp'] }));

/** What is said of a leak at c whose frame was changed, in a state. */
function leakOf(
  change: (frame: Uint8Array) => Uint8Array,
  { state = hostState(), over = {} }: { readonly state?: HostState; readonly over?: Partial<FrameSpec> } = {},
): Finding | undefined {
  const leak = receives('c', (evidence) => change(probeFrame(evidence, 0, undefined, over)));
  return judgedOf(of, finds(state), leak).leaks[0];
}
const codes = (finding: Finding | undefined): readonly string[] | undefined => finding?.causes.map(({ code }) => code);
const known: HostState = { ...hostState(), fdb: [learnedAt('52:54:00:00:00:02', 'p1')] };
const asIs = (frame: Uint8Array): Uint8Array => frame;

describe('a leak whose headers are not those that were sent', () => {
  it('is a leak all the same, says what it looked like, and names what rewrote it where the state shows it', () => {
    const masquerade = {
      nftables: [
        { metainfo: {} },
        { rule: { family: 'ip', table: 'nat', chain: 'post', expr: [{ match: {} }, { masquerade: null }] } },
      ],
    };
    const changed = { state: { ...known, nft: masquerade }, over: { srcIp: '10.9.9.1' } };
    const finding = leakOf(asIs, changed);
    expect(finding).toMatchObject({ forms: { rewritten: 1 }, altered: { srcIp: '10.9.9.1', tokenAt: 42 } });
    expect(finding?.causes[0]).toMatchObject({ code: 'nat', place: 'nft ip nat post', value: 'masquerade' });
    expect(codes(leakOf(asIs, { ...changed, state: known }))).toEqual(['rewritten']);
    const xt = { nftables: [{ rule: { family: 'ip', table: 'nat', chain: 'p', expr: [{ xt: { name: 'SNAT' } }] } }] };
    expect(codes(leakOf(asIs, { ...changed, state: { ...known, nft: xt } }))).toEqual(['nat']);
  });
  it('is none of NAT where the bridge flooded what it translates: the settings that flood are the cause', () => {
    const nft = { nftables: [{ rule: { family: 'ip', table: 'nat', chain: 'post', expr: [{ masquerade: null }] } }] };
    const flooding = addressed(probing({ class: 'unknown-unicast', to: null, carriers: ['ipv4-udp'], maySee: [] }));
    const leak = receives('c', (evidence) => probeFrame(evidence, 0, undefined, { srcIp: '10.9.9.1' }));
    const [finding] = judgedOf(flooding, finds({ ...known, nft }), leak).leaks;
    expect(finding?.altered?.srcIp).toBe('10.9.9.1');
    expect(codes(finding)).not.toContain('nat');
    expect(codes(finding)).not.toContain('rewritten');
  });
  it('is rewritten by a rule that no state shows, too', () => {
    const finding = leakOf(asIs, { state: known, over: { dstMac: '52:54:00:00:00:03' } });
    expect(codes(finding)).toEqual(['rewritten']);
    expect(finding?.causes[0]?.text).toContain('> 52:54:00:00:00:03');
  });
  it('came in a tunnel where the token stands behind headers that were not sent', () => {
    const label = (frame: Uint8Array): Uint8Array =>
      Buffer.concat([frame.subarray(0, 12), Buffer.from('8847000101ff', 'hex'), frame.subarray(14)]);
    const finding = leakOf(label, { state: known });
    expect(codes(finding)).toEqual(['copy-in-tunnel']);
    expect(finding?.causes[0]?.value).toBe('token at byte 46');
  });
  it('has none of these causes where it is as it was sent', () => {
    expect(codes(leakOf(asIs, { state: known }))).toEqual(['unexplained']);
  });
});
