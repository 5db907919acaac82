import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { guests, outcomeOf } from '../../support/lab/throw-away-host.js';
import { ovs, sharedOvs } from '../../support/lab/throw-away-ovs.js';
import { needs, root } from '../../support/needs.js';

/** TCP to port 443, of which no probe is one. */
const https = 'priority=10,tcp,tp_dst=443';
const flow = (text: string): readonly string[] => ['ovs-ofctl', '-O', 'OpenFlow13', 'add-flow', 'br0', text];
const group = (text: string): readonly string[] => ['ovs-ofctl', '-O', 'OpenFlow13', 'add-group', 'br0', text];
const mirror = (selection: string): readonly string[] => [
  'ovs-vsctl',
  ...['--', '--id=@o', 'get', 'port', guests.kali3.port],
  ...['--', '--id=@m', 'create', 'mirror', 'name=ear', 'output-port=@o', selection, 'filter="tcp,tp_dst=443"'],
  ...['--', 'set', 'bridge', 'br0', 'mirrors=@m'],
];
/** Kinds of flows that take guests' frames of a form that no probe has; `is`: the action that is named. */
const kinds = [
  { name: 'FLOOD', run: [flow(`${https},actions=FLOOD`)], is: 'action FLOOD to', isPredicted: true },
  {
    name: 'two outputs and no NORMAL',
    run: [flow(`${https},actions=output:${guests.lan.port},output:${guests.kali3.port}`)],
    is: 'action output to',
    isPredicted: true,
  },
  {
    name: 'an output in a table behind resubmit',
    run: [flow(`${https},actions=resubmit(,5),NORMAL`), flow(`table=5,actions=output:${guests.kali3.port}`)],
    is: 'action output to vnet4',
    isPredicted: true,
  },
  {
    name: 'a group',
    run: [
      group(`group_id=1,type=all,bucket=output:${guests.kali3.port},bucket=output:${guests.lan.port}`),
      flow(`${https},actions=group:1`),
    ],
    is: 'action group:1 to',
    isPredicted: true,
  },
  {
    name: 'a group of type select',
    run: [
      group(`group_id=2,type=select,bucket=output:${guests.lan.port},bucket=output:${guests.kali3.port}`),
      flow(`${https},actions=group:2`),
    ],
    is: 'action group:2 to',
    isPredicted: null,
  },
  {
    name: 'a bundle',
    run: [
      flow(
        `${https},actions=bundle(eth_src,0,active_backup,ofport,members:${guests.kali3.port},${guests.lan.port}),NORMAL`,
      ),
    ],
    is: 'action bundle to',
    isPredicted: true,
  },
  {
    name: 'conntrack and recirculation',
    run: [flow(`${https},actions=ct(table=5)`), flow('table=5,ct_state=+trk,actions=FLOOD')],
    is: 'action FLOOD to',
    isPredicted: true,
  },
  {
    name: 'a mirror with column filter',
    run: [mirror('select-all=true')],
    is: 'mirror ear to vnet4',
    isPredicted: true,
  },
  {
    name: 'write_actions, which OpenFlow 1.0 does not print',
    run: [
      flow(`${https},actions=write_actions(output:${guests.kali3.port}),goto_table:5`),
      flow('table=5,actions=drop'),
    ],
    is: 'action output to vnet4',
    isPredicted: true,
  },
  {
    name: 'learn',
    run: [
      flow(
        `${https},actions=learn(table=9,eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[],output:NXM_OF_IN_PORT[]),resubmit(,9),NORMAL`,
      ),
    ],
    is: 'action learn',
    isPredicted: false,
  },
] as const;

const known =
  '  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, both_ways: true, count: 20 }, expect: private }\n';

const long =
  '  - { name: private, probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 800, rate: 200 }, expect: private }\n';

describe('flows of Open vSwitch that no probe meets', needs(root, ovs), () => {
  const host = sharedOvs();

  const reset = (): void => {
    host.run('ovs-vsctl clear Bridge br0 mirrors');
    host.run('ovs-ofctl del-flows br0');
    host.run('ovs-ofctl -O OpenFlow13 del-groups br0');
    host.run('ovs-ofctl add-flow br0 priority=0,actions=NORMAL');
    host.talk();
  };

  const probing = (): boolean => {
    const timeline = join(host.dir, 'moment/timeline.ndjson');
    return existsSync(timeline) && /"event":"probing","state":"started"/.test(readFileSync(timeline, 'utf8'));
  };

  const title = '$name: does not hold, the flow is named, and its leak if the switch knows it';
  const judge = async (kind: (typeof kinds)[number]): Promise<void> => {
    reset();
    for (const command of kind.run) host.run(command);
    const out = join(host.dir, kind.name.replaceAll(/\W/g, '-'));
    const ran = await outcomeOf(host.cli(['run', host.scenario('kind', known), '--yes', '--json', '--out', out]));
    const { verdict, steps } = JSON.parse(ran.stdout);
    const texts = steps[0].reasons.map(({ code, text }: { code: string; text: string }) => `${code} ${text}`);
    expect([ran.status, verdict], ran.stderr).toEqual([3, 'inconclusive']);
    expect(texts).toContainEqual(expect.stringContaining(`bypass-possible Open vSwitch ${kind.is}`));
    expect(texts).toContainEqual(expect.stringMatching(/ at br0 .*443|ct_state|table=5/));
    const isPredicted = texts.some((text: string) =>
      /ofproto\/trace predicts that in_port=\d+,.* leaves by /.test(text),
    );
    // the switch chooses a bucket by its hash of a frame
    expect(isPredicted, texts.join('\n')).toBe(kind.isPredicted ?? isPredicted);
    const again = await outcomeOf(host.cli(['replay', out, '--json']));
    expect(JSON.parse(again.stdout).steps[0].reasons).toEqual(steps[0].reasons);
  };
  it.each(kinds.slice(0, 1))(title, judge);
  it.each(kinds.slice(1))(title, { tags: 'all' }, judge);

  it('does not hold if a flow stood for a second, which is named', async () => {
    reset();
    const running = outcomeOf(
      host.cli(['run', host.scenario('moment', long), '--yes', '--json', '--out', join(host.dir, 'moment')]),
    );
    const during = (async () => {
      for (let tries = 0; !probing() && tries < 600; tries += 1) await sleep(50);
      host.run(flow(`${https},actions=FLOOD`));
      await sleep(1000);
      host.run(`ovs-ofctl --strict del-flows br0 ${https}`);
    })();
    const [ran] = await Promise.all([running, during]);
    const { verdict, steps } = JSON.parse(ran.stdout);
    expect([ran.status, verdict], ran.stderr).toEqual([3, 'inconclusive']);
    expect(steps[0].reasons.map(({ code, text }: { code: string; text: string }) => `${code} ${text}`)).toEqual([
      'settings-changed a flow of Open vSwitch on br0: table=0 tcp,tp_dst=443 actions=FLOOD changed while the step ran',
    ]);
  });

  it('holds where each flow drops, is NORMAL or outputs to the port that owns the destination', async () => {
    reset();
    const { lan, kali2 } = guests;
    host.run(flow(`priority=20,ip,dl_dst=${lan.mac},actions=load:7->NXM_NX_REG5[],ct(table=6,zone=3)`));
    host.run(flow(`table=6,ip,reg5=7,actions=output:${lan.port}`));
    host.run(flow(`priority=21,in_port=${lan.port},dl_dst=${kali2.mac},actions=resubmit(,7)`));
    host.run(flow(`table=7,tcp,actions=output:${kali2.port}`));
    host.run(flow('table=7,priority=1,actions=NORMAL'));
    host.run(flow('priority=30,udp,tp_dst=67,actions=drop'));
    const ran = await outcomeOf(
      host.cli(['run', host.scenario('sane', known), '--yes', '--json', '--out', join(host.dir, 'sane')]),
    );
    const { verdict, steps } = JSON.parse(ran.stdout);
    expect([ran.status, verdict, steps[0].reasons]).toEqual([0, 'holds', []]);
  });
});
