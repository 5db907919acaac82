import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { SocketProcess } from '../../../../../src/core/model/packet-socket.js';
import type { HostState, OvsMirrorState, OvsPortState } from '../../../../../src/core/model/state.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { changedState, setLink } from '../../../../support/link-state.js';

vi.mock('../../../../../src/core/bridge/bypass/ovs-pipeline.js', async (original) => {
  const whole = await original<typeof import('../../../../../src/core/bridge/bypass/ovs-pipeline.js')>();
  return { ...whole, suspectsOf: vi.fn(whole.suspectsOf) };
});
// Other files of this process have loaded the real one
vi.resetModules();
const { bypassesIn } = await import('../../../../../src/core/bridge/bypass/bypasses.js');
const Pipeline = await import('../../../../../src/core/bridge/bypass/ovs-pipeline.js');
const { ovsQuestions } = await import('../../../../../src/core/bridge/ovs.js');

const port = (name: string, ofport: number, more: Partial<OvsPortState> = {}): OvsPortState => ({
  name,
  bridge: 'br0',
  columns: {},
  ofport,
  config: [],
  ...more,
});

const groups = [
  'group_id=1,type=all,bucket=actions=output:3,bucket=actions=output:2',
  'group_id=2,type=select,bucket=bucket_id:0,weight:100,actions=output:2',
];

/** br0 of Open vSwitch with the ports p0 to p3, a patch port and a tunnel. */
function switched(
  flows: readonly string[],
  columns: Readonly<Record<string, unknown>> = {},
  known: readonly (readonly [mac: string, port: string])[] = [],
): HostState {
  return changedState(hostState(), setLink('br0', { kind: 'openvswitch' }), {
    fdb: known.map(([mac, at]) => ({
      ...{ mac, port: at, master: 'br0', vlan: null, state: 'dynamic' },
      ...{ flags: [], usedS: 1, updatedS: 1 },
    })),
    ovs: {
      bridges: [{ name: 'br0', columns, flows, groups }],
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
/** A flow as `trust` names it, which another cookie and other actions do not change. */
const matchOf = (flow: string): string => flow.replace(/^cookie=\S+, /, '').replace(/,? actions=.*$/, '');
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
    // as OVN writes them, on a bridge that is not known to be OVN's
    'priority=9 actions=controller(userdata=00.00.00.02),NORMAL',
    'priority=9,metadata=0 actions=controller(userdata=00.00.00.02),NORMAL',
    'cookie=0x9, priority=9 actions=controller(userdata=00.00.00.02),CONTROLLER:65535',
  ])('is a flow that hands frames to controllers: %s', (flow) =>
    expect(ofFlow(flow)).toEqual([['Open vSwitch action CONTROLLER', `br0 ${matchOf(flow)}`]]),
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
      [
        `Open vSwitch action ${action.startsWith('enqueue') ? 'enqueue' : 'output'} to ${name}`,
        'br0 priority=9,tcp,tp_dst=22',
        [name],
      ],
    ]),
  );

  it('is one that sends it to a port that a register has, or that is not known', () => {
    for (const action of ['output:NXM_NX_REG0[]', 'output:77'])
      expect(ofFlow(`priority=9 actions=NORMAL,${action}`)).toEqual([['Open vSwitch action output', 'br0 priority=9']]);
  });

  const passes = 'priority=0 actions=NORMAL';
  it.each([
    ['FLOOD to p0, p1, p2, p3', ['priority=9,tcp,tp_dst=443 actions=FLOOD']],
    ['output to p1, p2', ['priority=9,tcp,tp_dst=443 actions=output:2,output:3']],
    ['output to p2', ['priority=9,tcp,tp_dst=443 actions=resubmit(,5),NORMAL', 'table=5, priority=1 actions=output:3']],
    ['output to p2', ['priority=9,tcp,tp_dst=443 actions=goto_table:5', 'table=5, actions=write_actions(output:3)']],
    ['FLOOD to p0, p1, p2, p3', ['priority=9,tcp actions=ct(table=5)', 'table=5, ct_state=+trk actions=FLOOD']],
    ['group:1 to p2, p1', ['priority=9,tcp,tp_dst=443 actions=NORMAL,group:1']],
    ['group:7', ['priority=9,tcp,tp_dst=443 actions=group:7']],
    ['bundle to p1, p2', ['priority=9,tcp,tp_dst=443 actions=bundle(eth_src,0,hrw,ofport,members:2,3)']],
    ['learn', ['priority=9,tcp actions=learn(table=9,NXM_OF_TCP_DST[],output:NXM_OF_IN_PORT[]),resubmit(,9),NORMAL']],
    [
      'NORMAL after a change of addresses or tags',
      ['priority=9,tcp,tp_dst=443 actions=mod_dl_dst:02:00:00:00:00:03,NORMAL'],
    ],
    ['NORMAL after a change of addresses or tags', ['priority=9,tcp,tp_dst=443 actions=mod_vlan_vid:20,NORMAL']],
    ['encap', ['priority=9,tcp,tp_dst=443 actions=encap(nsh(md_type=1)),NORMAL']],
    ['output', ['priority=9,tcp actions=load:0x3->NXM_NX_REG0[],output:NXM_NX_REG0[]']],
  ])('is what may hand a frame to another port than its owner’s: %s', (what, flows) => {
    const known = [
      ['02:00:00:00:00:02', 'p1'],
      ['02:00:00:00:00:03', 'p2'],
    ] as const;
    const state = switched([passes, ...flows], {}, known);
    const named = reported(state);
    expect(named.map(([text]) => text)).toEqual([`Open vSwitch action ${what}`]);
    expect(named[0]?.[1]).toMatch(/^br0 (?!.*(?:actions|cookie)=)/);
  });

  it.each([
    [['priority=9,dl_dst=02:00:00:00:00:02 actions=output:2']],
    [['priority=9,dl_dst=02:00:00:00:00:02 actions=strip_vlan,load:0x5->NXM_NX_TUN_ID[],group:2']],
    // what reaches table 5 is for p1 alone, by a register that table 0 gives it
    [
      [
        'priority=9,dl_dst=02:00:00:00:00:02 actions=load:0x2->NXM_NX_REG15[],ct(table=5,zone=1)',
        'priority=8,dl_dst=02:00:00:00:00:03 actions=set_field:0x3->reg15,resubmit(,5)',
        'table=5, reg15=0x2 actions=output:2',
        'table=5, reg15=0x3 actions=output:3',
      ],
    ],
    [['priority=9,tcp actions=learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),NORMAL']],
    // of no table that is reached
    [[passes, 'table=7, actions=FLOOD', 'priority=3,metadata=0x9 actions=FLOOD']],
    [['priority=9,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=FLOOD', passes]],
    [['priority=50,dl_src=03:76:69:ff:ff:fd actions=FLOOD', passes]],
    [['priority=9,udp,tp_dst=67 actions=drop', 'priority=8,arp actions=meter:1,dec_ttl,NORMAL']],
  ])('is nothing that hands a frame to its owner’s port alone: %s', (flows) => {
    const known = [
      ['02:00:00:00:00:02', 'p1'],
      ['02:00:00:00:00:03', 'p2'],
    ] as const;
    expect(reported(switched(flows, {}, known))).toEqual([]);
  });

  it('goes by no MAC that is behind two ports', () => {
    const flow = 'priority=9,dl_dst=02:00:00:00:00:02 actions=output:2';
    const known = [
      ['02:00:00:00:00:02', 'p1'],
      ['02:00:00:00:00:02', 'p2'],
    ] as const;
    expect(reported(switched([flow], {}, known))).toHaveLength(1);
  });

  it('names a flow with its cookie, and what ofproto/trace predicts of a frame that it takes', () => {
    const known = [
      ['02:00:00:00:00:01', 'p0'],
      ['02:00:00:00:00:02', 'p1'],
    ] as const;
    const asked = switched(['priority=9,tcp,tcp_flags=+syn-ack actions=FLOOD'], {}, known);
    const [{ frame = '' } = {}] = ovsQuestions(asked);
    expect(frame).toBe('in_port=1,tcp,tcp_flags=2,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02');
    const answered = (actions: string): HostState => {
      const traces = [{ frame, text: ` 0. tcp, priority 9\n    FLOOD\n\nDatapath actions: ${actions}\n` }];
      const bridges = (asked.ovs?.bridges ?? []).map((bridge) => ({ ...bridge, cookies: ['0x5'], traces }));
      return { ...asked, ovs: { ports: [], mirrors: [], ...asked.ovs, bridges } };
    };
    const remedyOf = (state: HostState) => bypassesIn(state, segment).map(({ where, remedy }) => [where, remedy]);
    expect(remedyOf(answered('p1,p2,p3'))).toEqual([
      [
        'br0 priority=9,tcp,tcp_flags=+syn-ack',
        `cookie=0x5, priority=9,tcp,tcp_flags=+syn-ack actions=FLOOD; ofproto/trace predicts that ${frame} leaves by p2, p3; take it away, or answer for it with trust`,
      ],
    ]);
    expect(remedyOf(answered('p1'))[0]?.[1]).not.toContain('predicts');
  });

  it('is a mirror, with all that it selects', () => {
    const state = switched([passes]);
    const ofMirror = { name: 'ear', bridge: 'br0', outputPort: 'p2', ports: null };
    const mirrored = (...mirrors: readonly OvsMirrorState[]): HostState => ({
      ...state,
      ovs: { bridges: [], ports: [], ...state.ovs, mirrors },
    });
    expect(reported(mirrored({ ...ofMirror, filter: 'tcp,tp_dst=443', vlans: [10] }))).toEqual([
      ['Open vSwitch mirror ear to p2', 'br0 all ports, VLAN 10, filter tcp,tp_dst=443', ['p2']],
    ]);
    expect(reported(mirrored({ ...ofMirror, outputPort: null, outputVlan: 99, ports: ['p0'] }))).toEqual([
      ['Open vSwitch mirror ear to VLAN 99', 'br0 p0'],
    ]);
    expect(reported(mirrored({ ...ofMirror, snaplen: 14 }))).toEqual([
      ['Open vSwitch mirror ear to p2', 'br0 all ports, snaplen 14', ['p2']],
    ]);
    const filter = 'tcp';
    expect(reported(mirrored({ ...ofMirror, filter, outputPort: null }))).toEqual([]);
    expect(reported(mirrored({ ...ofMirror, filter, outputPort: 'vx0' }))).toEqual([]);
    // probes show one that takes all
    expect(reported(mirrored(ofMirror))).toEqual([]);
  });

  it('is what OVN’s flows do where others instruct the bridge too, and not where OVN alone does', () => {
    const flows = readFileSync('test/support/snapshots/ovn-flows.txt', 'utf8').trim().split('\n');
    const known = ['1', '2', '3', '4'].map((n) => [`52:54:00:0b:00:0${n}`, `p${Number(n) - 1}`] as const);
    const ofSwitch = switched([], {}, known);
    const program = {
      path: '/usr/bin/ovn-controller',
      device: 1,
      inode: 2,
      owner: 65534,
      user: 0,
      isRoots: true,
    } as const;
    const state = (controllers: readonly SocketProcess[], ovnBridge = 'br0'): HostState => ({
      ...ofSwitch,
      ovs: {
        ...{ ports: ofSwitch.ovs?.ports ?? [], mirrors: [], ovnBridge },
        bridges: [
          {
            ...{ name: 'br0', columns: {}, controllers },
            flows: flows.map((flow) => flow.replace(/^cookie=\S+ /, '')),
            cookies: flows.map((flow) => /^cookie=(0x[1-9a-f][0-9a-f]*),/.exec(flow)?.[1] ?? ''),
          },
        ],
      },
    });
    const own = { pid: 7, name: 'ovn-controller', program };
    const kinds = (of: HostState): readonly unknown[] => [...new Set(reported(of).map(([what]) => what))];
    expect(kinds(state([own]))).toEqual([]);
    const handed = ['Open vSwitch action CONTROLLER'];
    expect(kinds(state([own], 'br-int'))).toEqual(handed);
    expect(kinds(state([]))).toEqual(handed);
    expect(kinds(state([own, { ...own, pid: 8, name: 'ovs-ofctl' }, { pid: 9, name: 'ovn-controller' }]))).toEqual(
      handed,
    );
    expect(kinds(state([{ ...own, program: { path: program.path, device: 1, inode: 2, owner: 0, user: 0 } }]))).toEqual(
      handed,
    );
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

  it('is followed once as long as flows, ports and addresses stay', () => {
    const state = switched(['priority=9 actions=output:3']);
    vi.mocked(Pipeline.suspectsOf).mockClear();
    expect([ovsQuestions(state), reported(state), reported({ ...state })].map(({ length }) => length)).toEqual([
      0, 1, 1,
    ]);
    expect(Pipeline.suspectsOf).toHaveBeenCalledTimes(1);
    const bridges = (state.ovs?.bridges ?? []).map((bridge) => ({ ...bridge, groups: [] }));
    reported({ ...state, ovs: { ports: [], mirrors: [], ...state.ovs, bridges } });
    expect(Pipeline.suspectsOf).toHaveBeenCalledTimes(2);
  });

  it('is a flood of groups where a port has VLANs of its own, or is protected', () => {
    const flow = 'priority=9,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=FLOOD';
    const whatWith = (columns: Readonly<Record<string, unknown>>): readonly unknown[] => {
      const state = switched([flow]);
      const ports = (state.ovs?.ports ?? []).map((each) => (each.name === 'p1' ? { ...each, columns } : each));
      return reported({ ...state, ovs: { bridges: [], mirrors: [], ...state.ovs, ports } }).map(([what]) => what);
    };
    for (const columns of [{ tag: 7 }, { trunks: set(7, 8) }, { trunks: 7 }, { protected: true }])
      expect(whatWith(columns)).toEqual(['Open vSwitch action FLOOD to p0, p1, p2, p3']);
    expect(whatWith({ tag: set(), trunks: set(), protected: false })).toEqual([]);
  });
});
