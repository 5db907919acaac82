import { describe, expect, it } from 'vitest';
import { isLearnedFlow, parseFlow } from '../../../../../src/core/bridge/bypass/ovs-flows.js';
import { suspectsOf } from '../../../../../src/core/bridge/bypass/ovs-pipeline.js';

const [macOfP1, macOfP2] = ['02:00:00:00:00:02', '02:00:00:00:00:03'] as const;
const names = ['p0', 'p1', 'p2', 'p3'];
/** Ports p0 to p3 with the numbers 1 to 4, and 5, a patch port. */
const followed = (flows: readonly string[], groups: readonly string[] = []) =>
  suspectsOf({
    flows: flows.map((flow) => parseFlow(flow)),
    groups,
    ports: new Map([
      ['LOCAL', 'br0'] as const,
      ['5', null] as const,
      ...names.map((name, at) => [String(at + 1), name] as const),
    ]),
    flooded: names,
    owners: new Map([
      [macOfP1, ['p1']],
      [macOfP2, ['p2']],
    ]),
    isOneSegment: true,
    isOvn: false,
  });
const found = (...flows: readonly string[]): readonly string[] => [
  ...new Set(followed(flows).suspects.map(({ action, to }) => (to === null ? action : `${action} to ${to.join()}`))),
];
const passes = 'priority=0 actions=NORMAL';
const changed = 'NORMAL after a change of addresses or tags';
const brTun =
  'learn(table=20,hard_timeout=300,priority=1,cookie=0xa5,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:NXM_OF_IN_PORT[])';

describe('flows of Open vSwitch', () => {
  it('of the same priority may take what one of them takes', () => {
    expect(found('priority=9 actions=NORMAL', 'priority=9,tcp actions=FLOOD')).toEqual(['FLOOD to p0,p1,p2,p3']);
    expect(found('priority=9 actions=NORMAL', 'priority=8,tcp actions=FLOOD')).toEqual([]);
  });

  it('do not give a rewritten address its owner back by a match', () => {
    const rewritten = `priority=9,tcp,dl_dst=${macOfP1} actions=mod_dl_dst:${macOfP2},resubmit(,5)`;
    expect(found(passes, rewritten, `table=5, dl_dst=${macOfP2} actions=output:3`)).toEqual(['output to p2']);
    expect(found(passes, rewritten, `table=5, dl_dst=${macOfP2} actions=NORMAL`)).toEqual([changed]);
    const toGroup = 'priority=9,tcp actions=mod_dl_dst:ff:ff:ff:ff:ff:ff,resubmit(,5)';
    expect(found(passes, toGroup, 'table=5, dl_dst=ff:ff:ff:ff:ff:ff actions=FLOOD')).toEqual(['FLOOD to p0,p1,p2,p3']);
    expect(found(passes, `priority=9,dl_dst=${macOfP2} actions=resubmit(,5)`, 'table=5 actions=output:3')).toEqual([]);
  });

  it('that put another port in place send back to that one', () => {
    for (const write of ['load:0x3->NXM_OF_IN_PORT[]', 'set_field:3->in_port'])
      expect(found(passes, `priority=9,in_port=1,tcp actions=${write},IN_PORT`)).toEqual(['IN_PORT to p2']);
    expect(
      found('priority=9,in_port=1 actions=load:0x3->NXM_OF_IN_PORT[],resubmit(,5)', 'table=5 actions=NORMAL'),
    ).toEqual(['NORMAL after a change of in_port']);
    expect(found('priority=9,in_port=1,tcp actions=resubmit(3,5)', 'table=5 actions=IN_PORT')).toEqual([
      'IN_PORT to p2',
    ]);
    expect(
      found('priority=9,in_port=1 actions=resubmit(,4),IN_PORT', 'table=4 actions=load:0x3->NXM_OF_IN_PORT[]'),
    ).toEqual(['IN_PORT to p2']);
    expect(found('priority=9 actions=move:NXM_NX_REG0[0..15]->NXM_OF_IN_PORT[],IN_PORT')).toEqual(['set in_port']);
    // the port is put back behind
    expect(found('priority=9,in_port=1 actions=resubmit(3,5),NORMAL', 'table=5 actions=drop')).toEqual([]);
    for (const none of ['load:0->NXM_OF_IN_PORT[]', 'load:0xffff->NXM_OF_IN_PORT[]', 'set_field:ANY->in_port'])
      expect(
        found(
          `priority=9,in_port=1,dl_dst=${macOfP2} actions=push:NXM_OF_IN_PORT[],${none},output:3,output:1,pop:NXM_OF_IN_PORT[],IN_PORT`,
        ),
      ).toEqual([]);
    expect(
      found(
        'priority=9,in_port=1 actions=load:0->NXM_OF_IN_PORT[],resubmit(,5)',
        'table=5, priority=9,in_port=1 actions=drop',
        'table=5, priority=1,tcp actions=output:3',
      ),
    ).toEqual(['output to p2']);
  });

  it('that learn write nothing by which another port is chosen', () => {
    const learnt = (learn: string) => found(`priority=9,tcp actions=${learn},NORMAL`, passes);
    const ofMac = 'NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]';
    for (const load of [
      'load:0x3->NXM_NX_REG0[]',
      'load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]',
      'load:0x20000000003->NXM_OF_ETH_DST[]',
      'load:0x1014->NXM_OF_VLAN_TCI[]',
      'load:0x3->NXM_OF_IN_PORT[]',
    ])
      for (const output of ['', ',output:NXM_OF_IN_PORT[]'])
        expect(learnt(`learn(table=9,${ofMac},${load}${output})`)).toEqual(['learn']);
    expect(learnt(`learn(table=9,${ofMac},result_dst=NXM_NX_REG0[0])`)).toEqual(['learn']);
    expect(learnt(brTun)).toEqual([]);
    expect(found(`priority=9,in_port=1 actions=load:0x3->NXM_OF_IN_PORT[],${brTun}`)).toEqual(['learn']);
  });

  it('are known to be learned by their one MAC, their one output and their writes', () => {
    const flows = [`table=10, priority=1 actions=${brTun},output:1`];
    const learned = (match: string, actions: string): boolean =>
      isLearnedFlow(`table=20 priority=1,${match} actions=${actions}`, flows);
    const match = `vlan_tci=0x0001/0x0fff,dl_dst=${macOfP1}`;
    expect(learned(match, 'load:0->NXM_OF_VLAN_TCI[],load:0x64->NXM_NX_TUN_ID[],output:5')).toBe(true);
    expect(isLearnedFlow(`table=21 priority=1,${match} actions=output:5`, flows)).toBe(false);
    for (const [other, actions] of [
      ['dl_dst=02:00:00:00:00:00/ff:ff:ff:00:00:00', 'output:5'],
      ['vlan_tci=0x0001/0x0fff', 'output:5'],
      [`tcp,${match}`, 'output:5'],
      [`${match},tp_dst=22`, 'output:5'],
      [match, 'output:5,output:3'],
      [match, 'load:0x3->NXM_NX_REG0[],output:5'],
      [match, 'NORMAL'],
      [match, 'FLOOD'],
    ] as const)
      expect(learned(other, actions)).toBe(false);
  });

  it('from a patch port may map tags, and rewrite no address', () => {
    expect(found('priority=9,in_port=5,dl_vlan=1 actions=strip_vlan,NORMAL')).toEqual([]);
    expect(found(`priority=9,in_port=5,dl_vlan=1 actions=mod_dl_dst:${macOfP2},NORMAL`)).toEqual([changed]);
  });

  it('choose by the priority of a tag what is not all of a VLAN', () => {
    for (const match of ['dl_vlan_pcp=5', 'vlan_tci=0xa005/0xe000', 'vlan_tci=0x1005', 'vlan_tci1=0x1005/0x1fff'])
      expect(found(`priority=9,in_port=1,${match} actions=mod_vlan_vid:20,NORMAL`, passes)).toEqual([changed]);
    for (const match of ['dl_vlan=5', 'vlan_tci=0x1005/0x1fff', 'vlan_tci=0x0000'])
      expect(found(`priority=9,in_port=1,${match} actions=mod_vlan_vid:20,NORMAL`, passes)).toEqual([]);
  });

  it('add outputs to a set, which flows behind may change', () => {
    const set = (output: string, ...behind: readonly string[]) =>
      found(`priority=9,dl_dst=${macOfP2} actions=write_actions(${output}),goto_table:5`, ...behind);
    for (const change of [`mod_dl_dst:${macOfP1}`, 'mod_vlan_vid:20', 'load:0x1->NXM_OF_IN_PORT[]']) {
      expect(set('NORMAL', `table=5, actions=${change}`)).toEqual(['write_actions']);
      expect(set('output:3', `table=5, actions=${change}`)).toEqual(['write_actions']);
    }
    expect(set('output:3', 'table=5, actions=goto_table:6', 'table=6,tcp actions=mod_vlan_vid:20')).toEqual([
      'write_actions',
    ]);
    expect(
      found(
        `priority=9,dl_dst=${macOfP2} actions=write_actions(set_field:${macOfP1}->eth_dst),goto_table:5`,
        `table=5,dl_dst=${macOfP2} actions=write_actions(output:3)`,
      ),
    ).toEqual(['write_actions']);
    expect(set('output:3', 'table=5, actions=set_queue:1')).toEqual([]);
    expect(set('NORMAL')).toEqual([]);
  });

  it('change all frames of a port alike, or NORMAL separates them', () => {
    const retags = 'priority=2,in_port=1 actions=mod_vlan_vid:7,NORMAL';
    for (const spared of ['priority=9,in_port=1,tcp actions=NORMAL', 'priority=9,arp actions=NORMAL'])
      expect(found(spared, retags, passes)).toEqual([changed]);
    expect(found('priority=9,in_port=2,tcp actions=NORMAL', retags, passes)).toEqual([]);
    expect(found('priority=9,in_port=1,tcp actions=drop', retags, passes)).toEqual([]);
  });

  it('may name a group that names itself or another one, or an address that is none', () => {
    const own = ['group_id=1,type=all,bucket=actions=group:1,bucket=actions=output:2'];
    expect(followed(['actions=group:1'], own)).toMatchObject({ isWhole: false, suspects: [{ action: 'group:1' }] });
    const chain = ['group_id=1,type=all,bucket=actions=group:2', 'group_id=2,type=all,bucket=actions=output:3'];
    expect(followed(['actions=group:1'], chain)).toMatchObject({ isWhole: true, suspects: [{ to: ['p2'] }] });
    const deep = Array.from({ length: 30 }, (_, at) => {
      const to = `group:${at + 2}`;
      return `group_id=${at + 1},type=all,bucket=actions=${to},bucket=actions=${to}`;
    });
    expect(followed(['actions=group:1'], deep).isWhole).toBe(false);
    expect(() => followed(['dl_dst=nonsense actions=group:(', `dl_dst=${macOfP1} actions=resubmit(,1)`])).not.toThrow();
    expect(found(`dl_dst=${macOfP1} actions=resubmit(,1)`, 'table=1,dl_dst=nonsense/ff actions=output:3')).toEqual([
      'output to p2',
    ]);
  });
});
