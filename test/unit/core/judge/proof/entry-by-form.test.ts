import { describe, expect, it } from 'vitest';
import type { HostState, StepStates } from '../../../../../src/core/model/state.js';
import { entryText } from '../../../../../src/report/stories.js';
import { captures, counts, probing } from '../../../../support/judge/judged.js';
import { type Evidence, hostState, judge, perfectRun } from '../../../../support/judge/perfect-run.js';
import { addLinks, changedState, setLink, type StateChange } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

/** A run in which `a` sends raw and IPv4 frames that nobody has to see, untagged or with a tag. */
function runOf(vlan: readonly number[] = []): Evidence {
  const evidence = perfectRun(probing({ class: 'unknown-unicast', carriers: ['raw', 'ipv4-udp'], vlanStacks: [vlan] }));
  return { ...evidence, states: states({ ...hostState(), programs: [] }) };
}

function states(state: HostState): StepStates[] {
  return [{ before: state, after: state }];
}

const isForm = ({ plan }: Evidence, index: number): boolean =>
  there(plan.steps[0]).controls.some((control) => control.index === index && control.kind === 'entry-form');

/** Takes away what the bridge device got of the controls in the form of the probes: something keeps such frames out. */
function keptOut(evidence: Evidence): Evidence {
  const [planned] = evidence.plan.steps;
  const forms = new Set(
    there(planned).controls.flatMap(({ kind, frame }) => (kind === 'entry-form' ? [frame.size] : [])),
  );
  expect(forms.size).toBeGreaterThan(0);
  const indexAt = (bytes: Uint8Array): number => {
    const view = Buffer.from(bytes);
    const at = view.indexOf('VI');
    return at < 0 ? -1 : view.readUInt32BE(at + 6);
  };
  const kept = { ...evidence };
  captures(({ observer, bytes }) => observer !== 'br0' || !isForm(evidence, indexAt(bytes)))(kept);
  expect(kept.frames.length).toBeLessThan(evidence.frames.length);
  const count = kept.frames.filter(({ observer }) => observer === 'br0').length;
  counts('br0', { received: count, dropped: 0, delivered: count }, count)(kept);
  return kept;
}

/** Somebody answers for rules that nobody reads. */
function answeredFor(evidence: Evidence): Evidence {
  const trust = [
    {
      what: 'rules that this program does not read',
      where: null,
      reason: 'ours',
      owner: null,
      until: null,
      ticket: null,
    },
  ];
  const steps = evidence.plan.steps.map((planned) => ({ ...planned, expect: { ...planned.expect, trust } }));
  return { ...evidence, plan: { ...evidence.plan, steps } };
}

const withState = (evidence: Evidence, ...changes: readonly StateChange[]): Evidence => ({
  ...evidence,
  states: states(changedState(hostState(), { programs: [] }, ...changes)),
});

const chain = (family: string, hook: string, more: Readonly<Record<string, unknown>> = {}) => ({
  nft: {
    nftables: [
      { chain: { family, table: 'fw', name: 'in', hook, policy: 'accept', ...more } },
      { rule: { family, table: 'fw', chain: 'in', expr: [{ drop: null }] } },
    ],
  },
});
const flower = (port: string) => ({ tc: { filters: { [`${port} ingress`]: [{ kind: 'flower', options: {} }] } } });

function judged(evidence: Evidence): { readonly verdict: string; readonly lines: readonly string[] } {
  const { verdict, steps } = judge(evidence);
  return {
    verdict,
    lines: steps.flatMap(({ heldAtEntry = [], reasons }) => [
      ...heldAtEntry.map(entryText),
      ...reasons.map(({ code, text }) => `${code}: ${text}`),
    ]),
  };
}

const unproved =
  'entry-unproved: no control of a in the form of its probes (untagged ipv4-udp) was received on the bridge';

describe('probes of one tag stack and carrier', () => {
  it('came in where a control of their form did: nothing is said', () =>
    expect(judged(runOf())).toEqual({ verdict: 'holds', lines: [] }));

  it('are inconclusive where nothing of their form came in and nothing accounts for it', () =>
    expect(judged(keptOut(runOf()))).toEqual({
      verdict: 'inconclusive',
      lines: [`${unproved}, and nothing that was read of the host accounts for it`],
    }));

  it('are inconclusive where only a program can have kept them out', () => {
    const { verdict, lines } = judged(
      withState(keptOut(runOf()), { programs: [{ device: 'p0', place: 'tcx ingress', id: 12 }] }),
    );
    expect(verdict).toBe('inconclusive');
    expect(lines).toContain(
      `${unproved}: BPF program 12 at p0 tcx ingress may keep them out, and what a program does cannot be read`,
    );
  });

  it.each<[string, StateChange, string]>([
    ['a rule of the bridge family', chain('bridge', 'prerouting'), 'nft bridge fw in'],
    ['a rule at the port', chain('netdev', 'ingress', { dev: 'p0' }), 'nft netdev fw in'],
    [
      'a rule of IP, to which br_netfilter hands frames',
      { ...chain('ip', 'prerouting'), sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' } },
      'nft ip fw in',
    ],
    [
      'a rule of ebtables-legacy, for which somebody answers',
      { legacyTables: [{ program: 'ebtables-legacy', table: 'nat', rules: 1, targets: null }] },
      'ebtables-legacy nat',
    ],
    ['a filter of tc', flower('p0'), 'tc on p0 ingress'],
    ['a locked port', setLink('p0', { port: { state: 'forwarding', flood: true, locked: true } }), 'p0.locked'],
  ])('are held at entry by %s, which takes nothing from the verdict', (_, change, by) =>
    expect(judged(answeredFor(withState(keptOut(runOf()), change)))).toEqual({
      verdict: 'holds',
      lines: [`held at entry: a untagged ipv4-udp: ${by}`],
    }),
  );

  it.each<[string, StateChange]>([
    ['forwarded frames alone', chain('bridge', 'forward')],
    ['another port', chain('netdev', 'ingress', { dev: 'p1' })],
    ['IP that the bridge does not hand over', chain('ip', 'prerouting')],
    ['another port, by tc', flower('p1')],
  ])('are not held by a rule for %s', (_, change) =>
    expect(judged(withState(keptOut(runOf()), change)).verdict).toBe('inconclusive'),
  );

  it('came in where an observer saw one of them, whatever became of the controls', () => {
    const evidence = keptOut(runOf());
    const flow = there(there(evidence.plan.steps[0]).flows.filter(({ carrier }) => carrier === 'ipv4-udp')[0]);
    const probe = there(
      evidence.frames.find(({ observer, bytes }) => {
        const at = Buffer.from(bytes).indexOf('VI');
        return observer === 'a' && at >= 0 && Buffer.from(bytes).readUInt32BE(at + 6) === flow.first;
      }),
    );
    const { verdict, lines } = judged({
      ...evidence,
      frames: [...evidence.frames, { ...probe, observer: 'c', outgoing: true }],
    });
    expect(verdict).toBe('broken');
    expect(lines.filter((line) => line.includes('in the form'))).toEqual([]);
  });

  it('with a tag are asked of a bridge that ignores tags', () =>
    expect(judged(keptOut(runOf([20]))).lines).toEqual(
      [
        `${unproved.replace('untagged', '802.1Q 20')}, and nothing that was read of the host accounts for it`,
        `${unproved.replace('untagged ipv4-udp', '802.1Q 20 raw')}, and nothing that was read of the host accounts for it`,
      ].sort((a, b) => Number(b.includes('raw')) - Number(a.includes('raw'))),
    ));

  it('that the port has no VLAN for are held there; where the bridge itself is not in it nothing is said', () => {
    const filtering = setLink('br0', { bridge: { ageing_time: 30000, vlan_filtering: 1 } });
    const member = (ifname: string, ...vlans: readonly number[]): unknown => ({
      ifname,
      vlans: vlans.map((vlan) => ({ vlan })),
    });
    const asked = keptOut(runOf([20]));
    const with_ = (vlan: unknown): ReturnType<typeof judged> => judged(withState(asked, filtering, { vlan }));
    expect(with_([member('p0', 1), member('br0', 20)])).toEqual({
      verdict: 'holds',
      lines: ['raw', 'ipv4-udp'].map((carrier) => `held at entry: a 802.1Q 20 ${carrier}: p0 has no VLAN 20`),
    });
    expect(with_([member('p0', 20), member('br0', 1)])).toEqual({ verdict: 'holds', lines: [] });
    expect(with_([member('p0', 20), member('br0', 20)]).verdict).toBe('inconclusive');
  });

  it('are not asked where a VLAN device takes them away, of which there is a reason', () => {
    const device = { name: 'p0.20', ifindex: 77, kind: 'vlan', lower: 'p0', vlanId: 20, master: null, port: null };
    const taker = addLinks('p0', device);
    expect(judged(withState(keptOut(runOf([20])), taker)).lines).toEqual([
      'entry-unproved: p0.20 takes or drops frames of VLAN 20 at p0, before the bridge sees them',
    ]);
  });
});
