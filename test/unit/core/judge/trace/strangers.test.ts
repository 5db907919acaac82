import { describe, expect, it } from 'vitest';
import type { LinkState } from '../../../../../src/core/model/state.js';
import type { TracedDevice, TracedPlace, TraceEnd } from '../../../../../src/core/model/timeline.js';
import { type Evidence, hostState, judge } from '../../../../support/judge/perfect-run.js';
import { asSent, atHome, only, place, traced } from '../../../../support/judge/traced.js';
import { there } from '../../../../support/there.js';

describe('a device beside the bridges', () => {
  const owner = { pid: 77, name: 'ids', program: { path: '/usr/bin/ids', device: 1, inode: 2, owner: 0, user: 0 } };
  const beyond: TracedDevice = {
    ...{ space: 4_026_532_000, ifindex: 3, name: 'eth0', home: false, path: '/proc/77/ns/net', lower: 9, owner },
  };
  /** A host with a further device, and what the trace saw. */
  function besideOf(kind: string, change: (evidence: Evidence) => void, ...places: readonly TracedPlace[]) {
    const evidence = traced(...places);
    const state = hostState();
    const { lower: _lower, ...plain } = there(state.links[1]);
    const link = { ...plain, name: 'x0', kind, ifindex: 9, master: null, port: null };
    const both = { ...state, links: [...state.links, link] };
    evidence.states = [{ before: both, after: both }];
    change(evidence);
    return only(judge(evidence));
  }
  const nothing = (): void => undefined;
  const leaksOf = ({ findings }: ReturnType<typeof only>) =>
    findings.filter(({ leak }) => leak).map(({ observer, seen }) => `${observer} ${seen}`);

  it.each(['transmit', 'receive', 'consume'] as const)(
    'is a leak in a namespace in which a process lives, with device and process: %s',
    (where) => {
      const own = { ...atHome('x0', 9), own: true } as const;
      const step = besideOf('veth', nothing, place(own), place(beyond, { place: where }));
      expect([step.verdict, leaksOf(step)]).toEqual(['broken', ['eth0@x0 5']]);
      expect(step.traced).toEqual([
        { observer: 'eth0@x0', device: 'eth0 in /proc/77/ns/net of process 77 (/usr/bin/ids)', probes: 5 },
      ]);
      expect(step.observers.map(({ name }) => name)).not.toContain('eth0@x0');
    },
  );

  it('is none where it became a port of the bridge meanwhile, as that of a guest that starts', () => {
    const plug = (evidence: Evidence): void => {
      const [{ before, after }] = [there(evidence.states[0])];
      const [{ port, master }] = [there(hostState().links.find(({ name }) => name === 'p1'))];
      const links = (after?.links ?? []).map((link) => (link.name === 'x0' ? { ...link, port, master } : link));
      evidence.states = [{ before, after: after === null ? null : { ...after, links } }];
    };
    expect(leaksOf(besideOf('veth', plug, place(beyond)))).toEqual([]);
  });

  it('is a leak where it is a tap that a process reads', () => {
    const reader = { ...owner, parties: [] };
    const step = besideOf('tun', nothing, place(atHome('x0', 9), { place: 'read', reader }));
    expect([step.verdict, leaksOf(step)]).toEqual(['broken', ['ids@x0 5']]);
    expect(besideOf('veth', nothing, place(atHome('x0', 9), { place: 'read', reader })).verdict).toBe('inconclusive');
  });

  const { owner: _, ...empty } = beyond;
  it.each([
    ['where no process lives there', nothing, place(empty), 'inconclusive'],
    [
      'where somebody answers for what is beside',
      (evidence: Evidence) => {
        const trust = [{ what: 'nft dup', where: null, reason: 'IDS', owner: null, ticket: null, until: null }];
        evidence.plan = {
          ...evidence.plan,
          steps: evidence.plan.steps.map((step) => ({ ...step, expect: { ...step.expect, trust } })),
        };
      },
      place(beyond),
      'holds',
    ],
    ['where the frames came in by another way, as from a router', nothing, place(atHome('x0', 9)), 'inconclusive'],
    ['where another packet quotes them', nothing, place(beyond, { tokenAt: asSent + 28 }), 'holds'],
  ] as const)('is none %s', (_name, change, line, verdict) => {
    const more = line.device?.home === true ? [place(beyond)] : [];
    const step = besideOf('veth', change, line, ...more);
    expect([step.verdict, leaksOf(step)]).toEqual([verdict, []]);
  });

  /** Changes the links of the host. */
  const links =
    (change: (links: readonly LinkState[], plain: LinkState) => readonly LinkState[]) =>
    (evidence: Evidence): void => {
      const { lower: _lower, ...plain } = there(hostState().links[1]);
      const both = there(evidence.states[0]?.after ?? undefined);
      const state = { ...both, links: change(both.links, { ...plain, master: null, port: null }) };
      evidence.states = [{ before: state, after: state }];
    };
  const ends = (counts: TraceEnd['counts']) => (evidence: Evidence) => {
    evidence.trace = [...(evidence.trace ?? []).slice(0, -1), { step: 0, place: 'end', open: {}, counts }];
  };
  const lost = (evidence: Evidence): void => {
    evidence.trace = evidence.trace?.slice(1) ?? [];
  };
  /** The uplink is a VLAN of a trunk, a NIC or a bond of it; what comes back in another VLAN goes to x0. */
  const trunk = (kind: 'bond' | null) =>
    links((all, plain) => [
      ...all.map((link) => {
        if (link.name === 'p3') return { ...link, kind: 'vlan', lower: kind ?? 'nic' };
        return link.name === 'x0' ? { ...link, master: 'br99' } : link;
      }),
      { ...plain, name: 'nic', kind: null, ifindex: 20, master: kind },
      ...(kind === null ? [] : [{ ...plain, name: kind, kind, ifindex: 23 }]),
      { ...plain, name: 'nic.99', kind: 'vlan', ifindex: 21, master: 'br99', lower: kind ?? 'nic' },
      { ...plain, name: 'br99', kind: 'bridge', ifindex: 22 },
    ]);
  /** The uplink is one end of a pair. The other one is a port of a device of that kind, as x0 is. */
  const beyondUplink = (kind: string) =>
    links((all, plain) => [
      ...all.map((link) => {
        if (link.name === 'p3') return { ...link, lower: 'q3' };
        return link.name === 'x0' ? { ...link, master: 's0' } : link;
      }),
      { ...plain, name: 'q3', ifindex: 20, master: 's0', lower: 'p3' },
      { ...plain, name: 's0', kind, ifindex: 21 },
    ]);
  it.each([
    ['the line of where they came in is lost', lost, [place(null), place(beyond)]],
    ['the table of the trace was full', ends({ tableFull: 9 }), [place(beyond)]],
    ['packets could not be searched', ends({ blind: 1 }), [place(beyond)]],
    ['XDP had packets', ends({ xdp: 1 }), [place(beyond)]],
    ['they came in by a tap that came and went', nothing, [place({ ...atHome('', 15), name: null }), place(beyond)]],
    ['they came in by the trunk of the uplink', trunk(null), [place(atHome('nic', 20)), place(beyond)]],
    ['they came in by a member of the uplink’s bond', trunk('bond'), [place(atHome('nic', 20)), place(beyond)]],
    ['a port leads to that namespace as well', nothing, [place({ ...beyond, ifindex: 2, lower: 3 }), place(beyond)]],
    ['Open vSwitch is beyond the uplink', beyondUplink('openvswitch'), [place(beyond)]],
  ] as const)('leaves a doubt where %s', (_name, change, places) => {
    const step = besideOf('veth', change, ...places);
    expect([step.verdict, leaksOf(step)]).toEqual(['inconclusive', []]);
    expect(step.reasons.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('eth0 in /proc/77/ns/net is no part of these bridges and had 5 probes'),
    );
  });

  it('is a leak where the trunk of the uplink had none of them', () => {
    expect(leaksOf(besideOf('veth', trunk(null), place(beyond)))).toEqual(['eth0@x0 5']);
  });

  it('is a leak, and no exposure, where the same is open by design among guests', () => {
    const open = (evidence: Evidence): void => {
      const steps = evidence.plan.steps.map((step) => ({
        ...step,
        flows: step.flows.map((flow) => ({ ...flow, class: 'unknown-unicast' as const })),
        expect: { ...step.expect, open: [{ probe: 0, observers: ['b'] }] },
      }));
      evidence.plan = { ...evidence.plan, steps };
    };
    const step = besideOf('veth', open, place(beyond));
    expect([step.verdict, leaksOf(step)]).toEqual(['broken', ['eth0@x0 5']]);
  });

  it('is one of two by one name, and no process is called as another device', () => {
    const second = { ...beyond, space: 4_026_532_001, path: '/proc/78/ns/net', owner: { ...owner, pid: 78 } };
    const step = besideOf('veth', nothing, place(beyond), place(second, { tokens: '0-2' }));
    expect(leaksOf(step)).toEqual(['eth0@x0 5', 'eth0@x0#2 3']);
    const reader = { ...owner, name: 'kworker/0:1@p1#2', parties: [] };
    const read = besideOf('tun', nothing, place(atHome('x0', 9), { place: 'read', reader }));
    expect(leaksOf(read)).toEqual(['kworker_0:1_p1_2@x0 5']);
  });

  it('leaves a doubt about what is no leak of one whose leak is accepted', () => {
    const accept = (evidence: Evidence): void => {
      const answer = { reason: 'IDS', owner: null, ticket: null, until: null };
      const accepted = { observer: 'eth0@x0', class: 'known-unicast', ...answer };
      const steps = evidence.plan.steps.map((step) => ({ ...step, expect: { ...step.expect, accept: [accepted] } }));
      evidence.plan = { ...evidence.plan, steps };
    };
    const entry = place({ ...atHome('', 15), name: null }, { tokens: '7' });
    expect(besideOf('veth', accept, place(beyond)).verdict).toBe('holds');
    const { reasons } = besideOf('veth', accept, entry, place(beyond, { tokens: '0-7' }));
    expect(reasons.map(({ text }) => text)).toEqual([expect.stringMatching(/^eth0 in .* had 1 probes/)]);
  });
});
