import { describe, expect, it } from 'vitest';
import { bypassesIn } from '../../../../../src/core/bridge/bypass/bypasses.js';
import type { HostState, OvsPortState } from '../../../../../src/core/model/state.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { changedState, setLink } from '../../../../support/link-state.js';

const port = (name: string, ofport: number, more: Partial<OvsPortState> = {}): OvsPortState => ({
  name,
  bridge: 'br0',
  columns: {},
  ofport,
  config: [],
  ...more,
});

/** br0 of Open vSwitch with the ports p0 to p3, a patch port and a tunnel. */
function switched(flows: readonly string[], columns: Readonly<Record<string, unknown>> = {}): HostState {
  return changedState(hostState(), setLink('br0', { kind: 'openvswitch' }), {
    ovs: {
      bridges: [{ name: 'br0', columns, flows }],
      ports: [
        ...['p0', 'p1', 'p2', 'p3'].map((name, at) => port(name, at + 1)),
        port('patch-tun', 5, { type: 'patch' }),
        port('vx0', 6, { type: 'vxlan' }),
      ],
      mirrors: [],
    },
  });
}

const segment = new Set(['br0', 'p0', 'p1', 'p2', 'p3']);
const reported = (state: HostState, devices = segment) =>
  bypassesIn(state, devices).map(({ what, where, to }) => [what, where, ...(to === undefined ? [] : [to])]);
const ofFlow = (flow: string) => reported(switched([flow]));
const set = (...members: readonly unknown[]): unknown => ['set', members];

describe('what of Open vSwitch copies frames past the ears', () => {
  it.each([
    'table=0, priority=0 actions=NORMAL',
    'table=0, actions=drop',
    'priority=4,in_port=5,dl_vlan=1 actions=strip_vlan,NORMAL',
    'priority=2,in_port=1 actions=mod_vlan_vid:7,NORMAL',
    'table=60, priority=20,dl_vlan=1,dl_dst=fa:16:3e:00:00:01 actions=strip_vlan,output:2',
    'table=22, dl_vlan=1 actions=strip_vlan,load:0x64->NXM_NX_TUN_ID[],output:2,output:3',
    'table=10, priority=1 actions=learn(table=20,hard_timeout=300,NXM_OF_VLAN_TCI[0..11],load:0->NXM_OF_VLAN_TCI[],output:NXM_OF_IN_PORT[]),NORMAL',
    'table=65, priority=100,reg15=0x1,metadata=0x3 actions=output:2',
    'table=18, priority=100,udp,reg14=0x1,metadata=0x3,tp_src=68 actions=controller(userdata=00.00.00.02.00.00,pause),resubmit(,29)',
    // what nobody hears is told as ports that are not observed
    'priority=9,arp,arp_tpa=192.0.2.9 actions=output:5,NORMAL',
    'priority=9 actions=NORMAL,output:6',
    'priority=9 actions=NORMAL,IN_PORT',
  ])('is no flow of ordinary hosts: %s', (flow) => expect(ofFlow(flow)).toEqual([]));

  it.each([
    'priority=9 actions=NORMAL,CONTROLLER:65535',
    // no length is kept to since 2.7
    'priority=9,udp,tp_dst=67 actions=CONTROLLER:0',
    'table=0, priority=9 actions=controller(reason=no_match,max_len=128,id=7),NORMAL',
    'priority=9 actions=clone(CONTROLLER:65535),NORMAL',
    // not as OVN writes them: of no datapath, and of every frame
    'priority=9 actions=controller(userdata=00.00.00.02),NORMAL',
    'priority=9,metadata=0 actions=controller(userdata=00.00.00.02),NORMAL',
    'priority=9,metadata=0x3 actions=controller(userdata=00.00.00.02),CONTROLLER:65535',
  ])('is a flow that hands frames to controllers: %s', (flow) =>
    expect(ofFlow(flow)).toEqual([['Open vSwitch action CONTROLLER', `br0 ${flow.split(' actions=')[0] ?? ''}`]]),
  );

  it('is a flow that samples frames', () =>
    expect(ofFlow('priority=9 actions=sample(probability=65535,collector_set_id=1,obs_domain_id=0),NORMAL')).toEqual([
      ['Open vSwitch action sample', 'br0 priority=9'],
    ]));

  it.each([
    ['output:3', 'p2'],
    ['output:"p2"', 'p2'],
    ['output(port=3,max_len=64)', 'p2'],
    ['enqueue:3:1', 'p2'],
    ['clone(output:3)', 'p2'],
    ['output:5,output:4', 'p3'],
  ])('is a flow that sends a copy to a port beside NORMAL: %s', (action, name) =>
    expect(ofFlow(`priority=9,tcp,tp_dst=22 actions=NORMAL,${action}`)).toEqual([
      [`Open vSwitch action output beside NORMAL to ${name}`, 'br0 priority=9,tcp,tp_dst=22', [name]],
    ]),
  );

  it('is one that sends it to a port that a register has, or that is not known', () => {
    const copy = [['Open vSwitch action output beside NORMAL', 'br0 priority=9']];
    expect(ofFlow('priority=9 actions=NORMAL,output:NXM_NX_REG0[]')).toEqual(copy);
    expect(ofFlow('priority=9 actions=NORMAL,output:77')).toEqual(copy);
  });

  it('is sFlow or IPFIX of the bridge, and none that is not set or was not asked for', () => {
    const uuid = ['uuid', '0c0ffee0-0000-4000-8000-000000000000'];
    expect(reported(switched([], { sflow: uuid, ipfix: uuid }))).toEqual([
      ['Open vSwitch sFlow', 'br0'],
      ['Open vSwitch IPFIX', 'br0'],
    ]);
    expect(reported(switched([], { sflow: set(), ipfix: set(), netflow: uuid }))).toEqual([]);
    expect(reported(switched([]))).toEqual([]);
  });

  it('is nothing of other bridges, or of another host’s switch', () => {
    const copying = switched(['priority=9 actions=CONTROLLER:65535']);
    expect(reported(copying, new Set(['br7']))).toEqual([]);
    expect(reported({ ...copying, links: hostState().links })).toEqual([]);
  });
});
