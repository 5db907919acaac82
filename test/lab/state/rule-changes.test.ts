import { closeSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { type RuleWatch, watchRuleChanges } from '../../../src/system/state/changes/rule-changes.js';
import { runIn } from '../../support/lab/throw-away.js';
import { needs, root } from '../../support/needs.js';

describe('who changes rules', needs(root), () => {
  let namespace = -1;
  let watch: RuleWatch | null = null;
  /** Runs a command there, as a process whose number it gives. */
  const run = (...command: readonly string[]): number => runIn(namespace, ...command);
  beforeAll(() => {
    namespace = newNamespace(disableIpv6);
    run('ip link add dev br0 type bridge');
    watch = watchRuleChanges(`/proc/${process.pid}/fd/${namespace}`);
  });
  afterAll(() => {
    watch?.close();
    closeSync(namespace);
  });

  it('is named for nft: the process and its program, also where the rules are put back', () => {
    const pids = [run('nft add table bridge x'), run('nft delete table bridge x')];
    expect(watch?.take()).toEqual(pids.map((pid) => ({ kind: 'nft', pid, program: 'nft' })));
    expect(watch?.take()).toEqual([]);
  });

  it('is named for tc by its netlink port, which is its process id', () => {
    const pid = run('tc qdisc add dev br0 clsact');
    expect(watch?.take()).toEqual([{ kind: 'tc', pid, program: null }]);
  });

  it('says which rules were made that carry frames elsewhere, with their names in a listing', () => {
    const bridge = 'add table bridge y; add chain bridge y c { type filter hook prerouting priority 0; }';
    run('nft', bridge);
    watch?.take();
    const rules = [
      'add rule bridge y c ether type ip meta mark set 7 counter',
      'add rule bridge y c meta pkttype set host',
      'add rule bridge y c ether daddr set 02:00:00:00:00:09',
      'add rule bridge y c tcp dport set 9 accept',
      'add table netdev z; add chain netdev z c { type filter hook egress device br0 priority 0; }',
      'add rule netdev z c udp dport 9 dup to br0',
    ];
    const pid = run('nft', rules.join('; '));
    const made = (place: string, what: string, handle: number) => ({ what, place, rule: `${place} ${handle}` });
    expect(watch?.take()).toEqual([
      {
        ...{ kind: 'nft', pid, program: 'nft' },
        carrying: [
          made('bridge y c', 'nft meta set', 3),
          made('bridge y c', 'nft payload set', 4),
          made('netdev z c', 'nft dup', 2),
        ],
      },
    ]);
    run('nft', 'delete table bridge y; delete table netdev z');
    expect(watch?.take()).toEqual([expect.not.objectContaining({ carrying: expect.anything() })]);
    const all = 'protocol all u32 match u32 0 0';
    run(`tc filter add dev br0 ingress pref 7 ${all} classid 1:1`);
    run(`tc filter add dev br0 egress pref 9 ${all} action mirred egress mirror dev lo`);
    const index = inNamespaceFd(namespace, () => readFileSync('/proc/thread-self/net/dev_snmp6/br0', 'utf8')).match(
      /^ifIndex\s+(\d+)/,
    )?.[1];
    const place = `interface ${index} pref 9`;
    expect(watch?.take().flatMap(({ carrying = [] }) => carrying)).toEqual([
      { what: 'tc action mirred', place, rule: `${index} 9` },
    ]);
  });

  it('reads no rules as changed where only links, ports and the table of MACs did', () => {
    run('ip link add dev v0 type veth peer name v1');
    run('ip link set dev v0 master br0 up');
    run('bridge fdb add 02:00:00:00:00:01 dev v0 master static');
    run('ip link set dev v0 type bridge_slave flood off');
    run('nft list ruleset');
    expect(watch?.take()).toEqual([]);
  });
});
