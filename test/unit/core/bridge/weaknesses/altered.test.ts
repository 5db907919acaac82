import { describe, expect, it } from 'vitest';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import type { FrameSpec } from '../../../../../src/core/model/plan.js';
import type { Finding } from '../../../../../src/core/model/result.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { addFrames, hostState, judge, key, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';

const withIps = scenario([step()]);
const endpoints = withIps.topology.endpoints.map((endpoint, at) => ({
  ...endpoint,
  ips: [{ family: 4 as const, address: `10.0.0.${at + 1}`, prefix: 24 }],
}));
const of = {
  ...withIps,
  topology: { ...withIps.topology, endpoints },
  steps: withIps.steps.map((step) => ({
    ...step,
    probes: step.probes.map((probe) => ({ ...probe, carriers: ['ipv4-udp'] as const })),
  })),
};

/** What is said of a leak at c whose frame was changed, in a state. */
function leakOf(
  change: (frame: Uint8Array) => Uint8Array,
  { state = hostState(), over = {} }: { readonly state?: HostState; readonly over?: Partial<FrameSpec> } = {},
): Finding | undefined {
  const evidence = perfectRun(of);
  evidence.states = [{ before: state, after: state }];
  const flow = evidence.plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  const bytes = change(buildFrame({ ...flow.frame, ...over }, tokensFor(key, evidence.plan.runTag, flow.first, 1)));
  addFrames(evidence, { observer: 'c', outgoing: true, bytes });
  return judge(evidence).steps[0]?.findings.find(({ leak }) => leak);
}
const codes = (finding: Finding | undefined): readonly string[] | undefined => finding?.causes.map(({ code }) => code);
const learned = {
  mac: '52:54:00:00:00:02',
  port: 'p1',
  master: 'br0',
  vlan: null,
  state: '',
  flags: [],
  usedS: 1,
  updatedS: 1,
};
const known: HostState = { ...hostState(), fdb: [learned] };
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
