import { execFileSync } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { tenantOf } from '../../support/lab/processes.js';
import { barriersIn, causesIn, fixesIn } from '../../support/lab/result-parts.js';
import { type WholeHost, wholeHost } from '../../support/lab/whole-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const numbers = [1, 2, 3, 4];

describe('guests that the host routes to', { ...needs(root), timeout: patient(300_000) }, () => {
  let host: WholeHost;
  const spaces = numbers.map(() => newNamespace(disableIpv6));
  beforeAll(() => {
    host = wholeHost(0);
    host.sh('sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=1');
    for (const n of numbers) {
      host.sh(
        [
          `ip link add cali${n} type veth peer name eth0 address 52:54:00:00:01:0${n} netns /proc/${process.pid}/fd/${spaces[n - 1]}`,
          `ip link set cali${n} up; ip address add 169.254.1.1/32 dev cali${n}; ip route add 10.9.1.${n}/32 dev cali${n}`,
        ].join('\n'),
      );
      const inside =
        'ip link set lo up; ip link set eth0 up; ip address add 10.9.1.N/32 dev eth0; ip route add default via 169.254.1.1 dev eth0 onlink; ping -c 1 -w 30 169.254.1.1';
      inNamespaceFd(spaces[n - 1] ?? 0, () =>
        execFileSync('sh', ['-ec', inside.replace('N', String(n))], { stdio: 'pipe' }),
      );
    }
  });
  afterAll(() => {
    host.close();
    for (const fd of spaces) closeSync(fd);
  });

  it('are examined without a file, each as a sender, and EXPOSED where the host hands packets to their addressee alone', async () => {
    const init = await host.run(['init']);
    expect(init.stdout).toMatch(/routes: *\{ *kind: routed *\}|kind: routed/);
    expect(init.stdout).toContain('no chain of nft decides');
    const { status, text, result } = await host.judge('holds');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
    expect(text).toContain('HOLDS: known unicast between 4 guests is private. EXPOSED: 1 thing any guest can');
    expect(text).toContain('the host routes between guests');
    expect(text).not.toContain('not examined');
    expect([result.coverage.complete, result.coverage.ports]).toEqual([true, 4]);
    const delivered = result.steps.flatMap(({ findings }) =>
      findings.filter(({ allowed, observer, to }) => allowed === 'must' && observer === to),
    );
    expect(delivered.length).toBeGreaterThan(0);
    expect(delivered.every(({ seen, sent }) => seen === sent)).toBe(true);
  });

  it('are BROKEN where a rule of tc copies to one of them what is for another', { tags: 'all' }, async () => {
    host.sh(
      'tc qdisc add dev cali2 clsact; tc filter add dev cali2 egress protocol all u32 match u32 0 0 action mirred egress mirror dev cali3',
    );
    const { status, text, result } = await host.judge('mirror');
    host.sh('tc qdisc del dev cali2 clsact');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect(new Set(groups.flatMap(({ observers }) => observers))).toEqual(new Set(['cali3']));
    expect(groups.flatMap(({ causes }) => causes.map(({ code }) => code))).toContain('mirror');
  });

  it('are BROKEN where a rule of nft routes a copy to one of them, which is named with what takes it away', {
    tags: 'all',
  }, async () => {
    host.sh(
      "nft add table ip copies; nft 'add chain ip copies pre { type filter hook prerouting priority 0 ; }'; nft add rule ip copies pre ip daddr 10.9.1.2 dup to 10.9.1.3",
    );
    const { status, text, result } = await host.judge('dup');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect(new Set(groups.flatMap(({ observers }) => observers))).toEqual(new Set(['cali3']));
    const causes = groups.flatMap((group) => group.causes);
    expect(new Set(causes.map(({ code, places, value }) => `${code} ${places.join()} ${value}`))).toEqual(
      new Set(['mirror ip copies pre dup to 10.9.1.3']),
    );
    const audited = await host.run(['audit', '--json']);
    expect(audited.stdout).toContain('"value": "dup to 10.9.1.3"');
    host.sh(fixesIn(result).join('\n'));
    const fixed = await host.judge('dup-fixed');
    host.sh('nft delete table ip copies');
    expect([fixed.status, fixed.result.verdict], fixed.text).toEqual([0, 'holds']);
  });

  const detour = 'ip route add 10.9.1.2/32 via 10.9.1.3 dev cali3 onlink table 100; ip rule add pref 100';
  it('are BROKEN where a rule of policy routing leads to one of them what is for another, which is named with what deletes it', {
    tags: 'all',
  }, async () => {
    host.sh(`${detour} from 10.9.1.1 lookup 100`);
    const audited = await host.run(['audit', '--json']);
    const { status, text, result } = await host.judge('rule');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect(new Set(groups.flatMap(({ observers }) => observers))).toEqual(new Set(['cali3']));
    const causes = causesIn(result);
    expect(new Set(causes.map(({ code, places, value }) => `${code} ${places.join()} ${value}`))).toEqual(
      new Set(['policy-route ip rule 100 from 10.9.1.1 lookup 100']),
    );
    expect(JSON.parse(audited.stdout).findings).toContainEqual(
      expect.objectContaining({
        id: 'policy-route',
        place: 'ip rule 100',
        fix: 'ip rule del pref 100 from 10.9.1.1 lookup 100',
      }),
    );
    host.sh(fixesIn(result).join('\n'));
    const fixed = await host.judge('rule-fixed');
    host.sh('ip route flush table 100');
    expect([fixed.status, fixed.result.verdict], fixed.text).toEqual([0, 'holds']);
  });

  const carriers = {
    'a route by a nexthop object, which names no device': [
      'ip link add nowhere type vxlan id 7 dstport 4789; ip link set nowhere up; sysctl -qw net.ipv4.nexthop_compat_mode=0; ip nexthop add id 10 dev nowhere; ip route add 10.9.1.2/32 nhid 10 table 100; ip rule add pref 100 fwmark 0x10 lookup 100',
      'ip rule del pref 100; ip link del nowhere; sysctl -qw net.ipv4.nexthop_compat_mode=1',
      'ip rule 100 to nowhere at from all fwmark 0x10 lookup 100, 10.9.1.2 nhid 10 dev nowhere table 100',
    ],
    'a policy of IPsec': [
      'ip xfrm policy add dir out src 10.9.1.1 dst 10.9.1.2 proto tcp tmpl src 10.9.1.3 dst 10.9.1.3 proto esp mode tunnel',
      'ip xfrm policy flush',
      'xfrm policy at dir out src 10.9.1.1/32 dst 10.9.1.2/32 proto tcp',
    ],
    'a rule of policy routing that takes no probe': [
      `${detour} fwmark 0x10 lookup 100`,
      'ip rule del pref 100; ip route flush table 100',
      'ip rule 100 to cali3 at from all fwmark 0x10 lookup 100, 10.9.1.2 via 10.9.1.3 dev cali3 table 100',
    ],
    'a rule that leads to a socket of the host': [
      'ip rule add ipproto udp dport 443 pref 100 lookup 100; ip route add local default dev lo table 100',
      'ip rule del pref 100; ip route flush table 100',
      'ip rule 100 to the host itself at from all ipproto udp dport 443 lookup 100, local default dev lo table 100',
    ],
    'a rule of nft that takes no probe and cannot be asked': [
      "nft add table netdev copies; nft 'add chain netdev copies in { type filter hook ingress device cali1 priority 0 ; }'; nft add rule netdev copies in meta mark 7 dup to cali3",
      'nft delete table netdev copies',
      'nft dup to cali3 at nft netdev copies in on cali1',
    ],
    'a rule of tc to a device where nobody listens': [
      'ip link add nowhere type vxlan id 7 dstport 4789; ip link set nowhere up; tc qdisc add dev cali2 clsact; tc filter add dev cali2 egress protocol all u32 match u32 0 0 action mirred egress mirror dev nowhere',
      'tc qdisc del dev cali2 clsact; ip link del nowhere',
      'tc action mirred to nowhere at tc cali2 egress',
    ],
  } as const;
  const title = 'are INCONCLUSIVE where something may carry their frames past the ears: %s';
  async function carry([add, remove, named]: readonly [add: string, remove: string, named: string]): Promise<void> {
    host.sh(add);
    const { status, text, result } = await host.judge(`past-${named.length}`);
    host.sh(remove);
    expect([status, result.verdict], text).toEqual([3, 'inconclusive']);
    const reasons = result.steps.flatMap((step) => step.reasons);
    expect(new Set(reasons.map((reason) => `${reason.code}: ${reason.text.split(' may ')[0] ?? ''}`))).toEqual(
      new Set([`bypass-possible: ${named}`]),
    );
  }
  it.each(Object.entries(carriers))(title, { tags: 'all' }, (_, way) => carry(way));

  it('are BROKEN where a macvlan on the device of one of them gets its broadcasts', { tags: 'all' }, async () => {
    const space = newNamespace(disableIpv6);
    host.sh(
      `ip link add mv0 link cali1 type macvlan mode bridge; ip link set mv0 netns /proc/${process.pid}/fd/${space}`,
    );
    inNamespaceFd(space, () => execFileSync('ip', ['link', 'set', 'mv0', 'up']));
    const tenant = tenantOf(space);
    const { status, text, result } = await host.judge('macvlan');
    await tenant.end();
    inNamespaceFd(space, () => execFileSync('ip', ['link', 'del', 'mv0']));
    closeSync(space);
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect(new Set(groups.flatMap(({ observers }) => observers))).toEqual(new Set(['mv0@cali1']));
    expect(new Set(groups.flatMap(({ causes }) => causes.map(({ code }) => code)))).toEqual(new Set(['above-bridge']));
  });

  it('are BROKEN where one of them may send from any address, with the sysctl that ends it', {
    tags: 'all',
  }, async () => {
    host.sh('sysctl -q -w net.ipv4.conf.cali1.rp_filter=0');
    const { status, text, result } = await host.judge('spoof');
    host.sh('sysctl -q -w net.ipv4.conf.cali1.rp_filter=1');
    expect([status, result.verdict], text).toEqual([2, 'broken']);
    const causes = causesIn(result);
    expect(causes.flatMap(({ fixes }) => fixes)).toContain('sysctl -w net.ipv4.conf.cali1.rp_filter=1');
  });

  it('are held to a policy by a file that names their devices and zones alone, until rules of nft keep it', {
    tags: 'all',
  }, async () => {
    const file = join(host.dir, 'policy.yml');
    writeFileSync(
      file,
      `version: 1
name: policy
topology:
  provider: host
  bridges: { routes: { kind: routed } }
  endpoints:
    web: { bridge: routes, port: cali1, zone: red }
    db: { bridge: routes, port: cali2, zone: red }
    dns: { bridge: routes, port: cali3, zone: blue }
policy:
  - { from: "zone:*", to: "zone:*", expect: separated }
`,
    );
    const broken = await host.judge('policy-broken', file);
    expect([broken.status, broken.result.verdict], broken.text).toEqual([2, 'broken']);
    const causes = causesIn(broken.result);
    expect(new Set(causes.map(({ code }) => code))).toEqual(new Set(['host-forwards']));
    // What is advised is what a shell takes
    host.sh(fixesIn(broken.result).join('\n'));
    const kept = await host.judge('policy-kept', file);
    host.sh('nft delete table inet isolation');
    expect([kept.status, kept.result.verdict], kept.text).toEqual([0, 'holds']);
    const barriers = barriersIn(kept.result);
    expect(barriers).toContain('filter');
  });

  it('are found where a route of several next hops leads to them', async () => {
    host.sh('ip route replace 10.9.1.2/32 nexthop dev cali2 nexthop dev cali3');
    const { stdout } = await host.run(['init']);
    host.sh('ip route replace 10.9.1.2/32 dev cali2');
    expect(stdout).toMatch(/port: cali2\n.*\n.*10\.9\.1\.2\/32/);
  });

  it('are not sent to at an address that leads elsewhere', async () => {
    const file = join(host.dir, 'astray.yml');
    writeFileSync(
      file,
      `version: 1
name: astray
topology:
  provider: host
  bridges: { routes: { kind: routed } }
  endpoints:
    web: { bridge: routes, port: cali1 }
    db: { bridge: routes, port: cali2, ip: 10.9.1.3/32 }
    dns: { bridge: routes, port: cali3, ip: 192.0.2.9/32 }
steps:
  - { name: one, probe: [ { class: known-unicast, from: web, to: [db, dns], count: 1 } ], expect: private }
`,
    );
    const { status, stderr } = await host.run(['run', file, '--yes', '--out', join(host.dir, 'astray')]);
    expect([status, stderr]).toEqual([3, expect.stringContaining('db: 10.9.1.3 is routed to "cali3", not to "cali2"')]);
    expect(stderr).toContain('dns: 192.0.2.9 is routed to nothing, not to "cali3"');
  });

  it('hold where the host forwards nothing', { tags: 'all' }, async () => {
    host.sh('sysctl -q -w net.ipv4.ip_forward=0');
    const { status, text, result } = await host.judge('apart');
    expect([status, result.verdict], text).toEqual([0, 'holds']);
  });
});
