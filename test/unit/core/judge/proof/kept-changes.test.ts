import { describe, expect, it } from 'vitest';
import { undoneReasons } from '../../../../../src/core/judge/proof/kept-changes.js';
import type { Change } from '../../../../../src/core/model/fabric.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import type { FdbEntry, PortVlan } from '../../../../../src/core/model/scenario.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { type SettingChange, vlanList } from '../../../../../src/core/model/timeline.js';
import { setBridge, setPort, setSysctl } from '../../../../../src/core/bridge/changes.js';
import { hostState, judge, perfectRun } from '../../../../support/judge/perfect-run.js';
import { over, plan, step } from '../../../../support/judge/unchanged-fixture.js';
import { addLinks, changedState, setPorts, type StateChange } from '../../../../support/link-state.js';

const kept = setPort('p2', 'flood', false);
const vlan = (more: Partial<PortVlan>, act: 'add' | 'del' = 'add'): Change => ({
  kind: 'vlan',
  act,
  self: false,
  entry: { port: 'p2', first: 10, last: 10, pvid: false, untagged: true, ...more },
});
const entry = (more: Partial<FdbEntry> = {}, act: 'add' | 'del' = 'add'): Change => ({
  kind: 'fdb',
  act,
  entry: { mac: '52:54:00:00:00:03', port: 'p2', state: 'static', sticky: false, vlan: null, self: false, ...more },
});
const run = (...argv: readonly string[]): Change => ({ kind: 'run', argv });
const noFlood = setPorts({ flood: false }, 'p2');
const spanning = (bridge: Readonly<Record<string, number>>): StateChange => over('br0', { bridge });

/** What the last of these steps says, whose states are these. */
function said(
  steps: readonly (readonly Change[] | Partial<StepPlan>)[],
  before: StateChange = {},
  { after = before, heard = [] }: { readonly after?: StateChange; readonly heard?: readonly SettingChange[] } = {},
): readonly string[] {
  const planned = steps.map(
    (each, index): StepPlan => ({
      ...step,
      index,
      ...('length' in each ? { changes: each } : each),
    }),
  );
  const last = planned.at(-1) ?? step;
  const state = (change: StateChange): HostState => changedState(hostState(), change);
  return undoneReasons(
    { ...plan, steps: planned },
    last,
    { before: state(before), after: state(after) },
    { settingChangesBefore: heard },
  ).map(({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`);
}

describe('what a step changed has to be so when its probes begin', () => {
  it('says nothing where all is as it was set', () => {
    expect(said([[kept]], noFlood)).toEqual([]);
  });

  it('names port, setting, the value asked for and the one found', () => {
    expect(said([[kept]])).toEqual(['settings-changed c: p2: flood was set to false, is true before the probes']);
  });

  it('takes spellings of one value for one', () => {
    expect(said([[setPort('p2', 'flood', 'off')]], noFlood)).toEqual([]);
  });

  it.each([
    ['in force', noFlood, 'holds'],
    ['undone', {}, 'inconclusive'],
  ])('of a setting that is %s makes the verdict', (_, change, verdict) => {
    const evidence = perfectRun();
    const state = changedState(hostState(), change);
    const result = judge({
      ...evidence,
      plan: { ...evidence.plan, steps: evidence.plan.steps.map((each) => ({ ...each, changes: [kept] })) },
      states: [{ before: state, after: state }],
    });
    expect(result.steps[0]?.verdict).toBe(verdict);
  });

  it('names a port that is gone', () => {
    const gone = (state: HostState): HostState => ({
      ...state,
      links: state.links.filter(({ name }) => name !== 'p2'),
    });
    expect(said([[kept]], gone)).toEqual([
      'settings-changed c: p2: flood was set to false, is gone with p2 before the probes',
    ]);
  });

  it('takes what a setting was last set to', () => {
    expect(said([[kept, setPort('p2', 'flood', true)]])).toEqual([]);
    expect(said([[kept], [setPort('p2', 'flood', true)]])).toEqual([]);
  });

  it('expects of later steps what an earlier one set', () => {
    expect(said([[kept], []])).toEqual(['settings-changed c: p2: flood was set to false, is true before the probes']);
    expect(said([[kept], []], noFlood)).toEqual([]);
  });

  it("leaves to the run's own commands what they can change", () => {
    expect(said([[kept, run('ip', 'link', 'set', 'dev', 'p2', 'nomaster')]])).toEqual([]);
    expect(said([[kept, run('nft', 'add', 'table', 'inet', 'x')]])).toHaveLength(1);
    const during = [{ atMs: 1, run: [['bridge', 'link', 'set', 'dev', 'p2', 'flood', 'on']], settleMs: 0 }];
    expect(said([{ changes: [kept], during }, []])).toEqual([]);
    expect(said([{ changes: [kept], during }])).toHaveLength(1);
  });

  it('asks nothing of a port whose guest was stopped or started since', () => {
    expect(said([[kept], [{ kind: 'stop', endpoint: 'c' }]])).toEqual([]);
    expect(said([[kept], [{ kind: 'stop', endpoint: 'a' }]])).toHaveLength(1);
  });

  it('leaves to spanning tree what it steers', () => {
    const delay = setBridge('br0', 'forward_delay', 0);
    expect(said([[delay]], spanning({ ageing_time: 30_000, forward_delay: 200, stp_state: 1 }))).toEqual([]);
    expect(said([[delay]], spanning({ ageing_time: 30_000, forward_delay: 200, stp_state: 0 }))).toHaveLength(1);
    const ageing = setBridge('br0', 'ageing_time', 1000);
    expect(said([[ageing]], spanning({ ageing_time: 400, forward_delay: 200, topology_change: 1 }))).toEqual([]);
    expect(said([[ageing]], spanning({ ageing_time: 400, forward_delay: 200, topology_change: 0 }))).toHaveLength(1);
  });

  it('looks at links, sysctls, VLANs, entries and members of groups', () => {
    expect(said([[{ kind: 'set', device: 'p2', place: 'link', key: 'mtu', value: 9000 }]])).toEqual([
      'settings-changed c: p2: mtu was set to 9000, is 1500 before the probes',
    ]);
    expect(said([[setSysctl('net.ipv4.ip_forward', '1')]], { sysctl: { 'net.ipv4.ip_forward': '0' } })).toEqual([
      'settings-changed -: net.ipv4.ip_forward was set to 1, is 0 before the probes',
    ]);
    const vlans = { vlan: [{ ifname: 'p2', vlans: [{ vlan: 10, flags: ['Egress Untagged'] }] }] };
    expect(said([[vlan({})]], vlans)).toEqual([]);
    expect(said([[vlan({ pvid: true })]], vlans)).toEqual([
      'settings-changed c: VLAN 10 on p2 was set to present pvid untagged, is present untagged before the probes',
    ]);
    expect(said([[vlan({}, 'del')]], vlans)).toEqual([
      'settings-changed c: VLAN 10 on p2 was set to absent, is present before the probes',
    ]);
    expect(said([[entry()]], { fdb: [] })).toEqual([
      'settings-changed c: 52:54:00:00:00:03 on p2 was set to static, is absent before the probes',
    ]);
    const member: Change = {
      kind: 'mdb',
      act: 'add',
      bridge: 'br0',
      entry: { port: 'p2', group: '239.1.1.1', vlan: null },
    };
    expect(said([[member]], { mdb: [] })).toEqual([
      'settings-changed c: 239.1.1.1 on p2 was set to present, is absent before the probes',
    ]);
    expect(said([[member]], { mdb: [{ mdb: [{ grp: '239.1.1.1', port: 'p2' }] }] })).toEqual([]);
  });

  it('says nothing of what traffic brings back, nor of what a later change replaces', () => {
    expect(said([[entry({}, 'del')]])).toEqual([]);
    expect(said([[entry({ state: 'dynamic' })]], { fdb: [] })).toEqual([]);
    const native = { vlan: [{ ifname: 'p2', vlans: [{ vlan: 10 }, { vlan: 20, flags: ['PVID'] }] }] };
    const tagged = vlan({ pvid: true, untagged: false, first: 20, last: 20 });
    expect(said([[vlan({ pvid: true, untagged: false }), tagged]], native)).toEqual([]);
    expect(said([[entry(), setSysctl('a.b', '1')], []], { fdb: [], sysctl: { 'a.b': '0' } })).toEqual([]);
  });

  it('names what was put back before the first look', () => {
    const heard = [{ ifindex: 4, what: 'flood' }];
    expect(said([[kept]], noFlood, { heard })).toEqual([
      'settings-changed c: p2: flood was set, then changed and put back before the probes',
    ]);
    expect(said([[kept]], noFlood, { heard: [{ ifindex: 4, what: 'isolated' }] })).toEqual([]);
    expect(said([[kept]], noFlood, { heard: [{ ifindex: 3, what: 'flood' }] })).toEqual([]);
    const vlans = { vlan: [{ ifname: 'p2', vlans: [{ vlan: 10, flags: ['Egress Untagged'] }] }] };
    expect(said([[vlan({})]], vlans, { heard: [{ ifindex: 4, what: vlanList }] })).toHaveLength(1);
  });

  it('looks after the probes at links that are not of the step', () => {
    const beside = addLinks('p0', { name: 'q0', ifindex: 90, master: 'br9' });
    const away = setPort('q0', 'flood', true);
    const opened = (state: HostState): HostState => changedState(beside(state), setPorts({ flood: false }, 'q0'));
    expect(said([[away]], beside)).toEqual([]);
    expect(said([[away]], beside, { after: opened })).toEqual([
      'settings-changed -: q0: flood was set to true, is false after the probes',
    ]);
    expect(said([[kept]], noFlood, { after: {} })).toEqual([]); // unchangedReasons says so
  });
});
