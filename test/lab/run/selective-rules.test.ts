import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { kernel } from '../../support/lab/features.js';
import { alike, rows, runLab, threeOn } from '../../support/lab/program.js';
import { file, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

/** Commands that make a rule, and those that take it away; each a line without quotes, or a list of arguments. */
interface Rule {
  readonly name: string;
  readonly does: readonly (readonly string[])[];
  readonly undoes: readonly (readonly string[])[];
}

const words = (line: string): readonly string[] => line.split(' ');
const toC = 'action mirred egress mirror dev p2';
const tcp = 'protocol ip u32 match ip protocol 6 0xff';

const tc = (name: string, filter: string, device = 'p0', way = 'ingress'): Rule => ({
  name: `tc ${name}`,
  does: [words(`tc qdisc add dev ${device} clsact`), words(`tc filter add dev ${device} ${way} ${filter}`)],
  undoes: [words(`tc qdisc del dev ${device} clsact`)],
});
const nft = (family: string, hook: string, rule: string, ...more: readonly string[]): Rule => ({
  name: `nft ${family} ${hook}: ${rule}`,
  does: [
    ['nft', `add table ${family} adv`],
    ...more.map((line) => ['nft', line]),
    ['nft', `add chain ${family} adv x { type filter hook ${hook} priority 0 ; }`],
    ['nft', `add rule ${family} adv x ${rule}`],
  ],
  undoes: [['nft', `delete table ${family} adv`]],
});
const atA = 'ingress device "p0"';

/** Rules that would hand c what a says to b, and take none of the frames that a run sends. */
const rules: readonly Rule[] = [
  tc('u32 of TCP', `${tcp} ${toC}`),
  tc('u32 of TCP, moved', `${tcp} action mirred egress redirect dev p2`),
  tc('u32 whose last match is empty', `${tcp} match u32 0 0 ${toC}`),
  tc('u32 of ARP', `protocol arp u32 match u32 0 0 ${toC}`),
  tc('u32 of a chain that nothing leads to', `protocol all chain 5 u32 match u32 0 0 ${toC}`),
  tc('u32 on the way out', `${tcp} ${toC}`, 'p1', 'egress'),
  tc('u32 at the bridge', `${tcp} ${toC}`, 'br0'),
  tc('u32 out of the bridge', `${tcp} ${toC}`, 'br0', 'egress'),
  tc('u32 into the port', `${tcp} action mirred ingress mirror dev p2`),
  tc('u32 to the bridge', `${tcp} action mirred egress mirror dev br0`),
  tc('flower', `protocol ip flower ip_proto tcp ${toC}`),
  tc('flower of MACs', `protocol all flower dst_mac 52:54:00:00:00:77 ${toC}`),
  tc('basic', `protocol all basic match u32(u32 0x00060000 0x00ff0000 at 8) ${toC}`),
  tc('matchall of a protocol', `protocol arp matchall ${toC}`),
  tc('fw', `protocol all handle 3 fw ${toC}`),
  tc('u32, by a chain', `${tcp} action goto chain 5`),
  tc(
    'police before a mirror',
    `protocol all u32 match u32 0 0 action police rate 1kbit burst 1 conform-exceed ok/pipe ${toC}`,
  ),
  tc('pedit', `${tcp} action pedit ex munge eth dst set 52:54:00:00:00:0c`),
  tc('skbmod', `${tcp} action skbmod set dmac 52:54:00:00:00:0c`),
  tc('vlan', `${tcp} action vlan push id 5`),
  tc('skbedit', `${tcp} action skbedit ptype host`),
  tc('nat', `${tcp} action nat ingress 10.9.0.2 10.9.0.3`),
  tc('mpls', `${tcp} action mpls push protocol mpls_uc label 5`),
  tc('tunnel_key', `${tcp} action tunnel_key set src_ip 10.9.0.254 dst_ip 10.9.0.3 id 5`),
  tc('ct', `${tcp} action ct nat dst addr 10.9.0.3`),
  {
    name: 'tc shared block',
    does: [words('tc qdisc add dev p0 ingress_block 22 clsact'), words(`tc filter add block 22 ${tcp} ${toC}`)],
    undoes: [words('tc qdisc del dev p0 clsact')],
  },
  {
    name: 'tc below a discipline',
    does: [words('tc qdisc add dev p1 root handle 1: prio'), words(`tc filter add dev p1 parent 1: ${tcp} ${toC}`)],
    undoes: [words('tc qdisc del dev p1 root')],
  },
  {
    name: 'tc at an ifb that gets everything',
    does: [
      words('ip link add dev ifb7 type ifb'),
      words('ip link set dev ifb7 up'),
      words('tc qdisc add dev ifb7 clsact'),
      words(`tc filter add dev ifb7 egress ${tcp} ${toC}`),
      words('tc qdisc add dev p0 clsact'),
      words('tc filter add dev p0 ingress protocol all u32 match u32 0 0 action mirred egress redirect dev ifb7'),
    ],
    undoes: [words('tc qdisc del dev p0 clsact'), words('ip link del dev ifb7')],
  },
  nft('netdev', atA, 'meta l4proto tcp dup to "p2"'),
  nft('netdev', atA, 'meta l4proto tcp fwd to "p2"'),
  nft('netdev', atA, 'ip protocol tcp fwd ip to 10.9.0.3 device "p2"'),
  nft('netdev', atA, 'meta mark 7 dup to "p2"'),
  nft('netdev', atA, 'meta l4proto tcp dup to iif map { "p0" : "p2" }'),
  nft('netdev', 'egress device "p1"', 'meta l4proto tcp dup to "p2"'),
  nft('netdev', atA, 'meta l4proto tcp jump y', 'add chain netdev adv y', 'add rule netdev adv y dup to "p2"'),
  nft('netdev', atA, 'ip saddr @s dup to "p2"', 'add set netdev adv s { type ipv4_addr ; elements = { 10.9.0.77 } ; }'),
  nft('bridge', 'prerouting', 'meta l4proto tcp ether daddr set 52:54:00:00:00:0c'),
  nft('bridge', 'prerouting', 'meta l4proto tcp meta pkttype set host'),
  nft('bridge', 'prerouting', 'meta l4proto tcp meta broute set 1'),
  nft('bridge', 'prerouting', 'meta l4proto tcp ip daddr set 10.9.0.3'),
  nft('ip', 'prerouting', 'ip protocol tcp dup to 10.9.0.3 device "br0"'),
];

/** What changes nothing of where frames go. */
const harmless: readonly Rule[] = [
  nft('bridge', 'forward', 'meta l4proto tcp counter drop'),
  nft('bridge', 'prerouting', 'meta l4proto tcp meta mark set 7 log'),
  nft('ip', 'forward', 'ip protocol tcp ip ttl set 9'),
  nft('netdev', atA, 'meta l4proto tcp counter accept'),
  tc('filter that only chooses', `${tcp} classid 1:7`),
];

const topology =
  'ip link add br0 type bridge && for i in 0 1 2; do ip link add p$i type veth peer name e$i && ip link set p$i up master br0 || exit; done; ip link set br0 up; set -e; ';
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const line = (argv: readonly string[]): string => argv.map(quoted).join(' ');

/** Whether this kernel has what a rule takes. */
function isThere({ does }: Rule): boolean {
  const script = `${topology}${does.map(line).join('; ')}`;
  return spawnSync('unshare', ['--net', 'sh', '-c', script]).status === 0;
}

const probe = '{ class: known-unicast, from: a, to: b, carriers: [raw, ipv4-udp, ipv6-udp], count: 5 }';

/** Each rule in a step of its own: verdict, exit, and codes of the reasons, by its name. */
async function verdictsOf(rules: readonly Rule[], more = ''): Promise<ReadonlyMap<string, string>> {
  const steps = rules.flatMap(({ does, undoes }, at) => [
    `  - { name: rule ${at}, run: ${JSON.stringify(does)}, probe: ${probe}, expect: private${more} }`,
    `  - { name: undo ${at}, run: ${JSON.stringify(undoes)} }`,
  ]);
  const { result } = await runLab(threeOn('{}', steps.join('\n')));
  return new Map(
    rules.map(({ name }, at) => {
      const step = result.steps.find((step) => step.name === `rule ${at}`);
      return [name, [step?.verdict, ...(step?.reasons ?? []).map(({ code }) => code)].join(' ')];
    }),
  );
}

describe('a rule that takes frames that no probe is like', needs(root), () => {
  it('never holds: it may hand them to a port, although every frame that leaves there is heard', {
    tags: ['alike', 'all'],
    timeout: patient(300_000),
  }, async () => {
    const known = rules.filter(isThere);
    // clsact, u32, mirred and nft are what this program takes itself
    expect(known.length).toBeGreaterThanOrEqual(20);
    const verdicts = await verdictsOf(known);
    expect(Object.fromEntries(verdicts)).toEqual(
      Object.fromEntries(known.map(({ name }) => [name, 'inconclusive bypass-possible'])),
    );
  });

  it('holds where it only drops, marks, counts or chooses', { ...alike, timeout: patient(300_000) }, async () => {
    const known = harmless.filter(isThere);
    expect(Object.fromEntries(await verdictsOf(known))).toEqual(
      Object.fromEntries(known.map(({ name }) => [name, 'holds'])),
    );
  });

  it('holds where it is accepted that its guest sees it', {
    tags: ['alike', 'all'],
    timeout: patient(300_000),
  }, async () => {
    const accepted = rules.slice(0, 3);
    const more = ', accept: [ { observer: c, class: known-unicast, reason: intrusion detection } ]';
    expect(Object.fromEntries(await verdictsOf(accepted, more))).toEqual(
      Object.fromEntries(accepted.map(({ name }) => [name, 'holds'])),
    );
  });
});

describe('a discipline that holds frames back, which leave when nobody listens any more', needs(root), () => {
  /** What is for a or b, whose answers have tokens as well. */
  const held = (mac: string): readonly string[] =>
    words(`tc filter add dev p2 parent 1: protocol all prio 1 u32 match ether dst ${mac} classid 1:3`);
  const shaping: Rule = {
    name: 'htb',
    does: [
      words('tc qdisc add dev p2 root handle 1: htb default 10'),
      words('tc class add dev p2 parent 1: classid 1:10 htb rate 1gbit'),
      words('tc class add dev p2 parent 1: classid 1:3 htb rate 8bit ceil 8bit burst 1 cburst 1'),
      held('52:54:00:00:00:0a'),
      held('52:54:00:00:00:0b'),
    ],
    undoes: [words('tc qdisc del dev p2 root')],
  };

  it('never holds, and is named with how many wait; holds where none do', {
    ...needs(kernel('the queueing discipline htb')),
    tags: 'all',
  }, async () => {
    const steps = [
      `  - { name: first goes, run: ${JSON.stringify(shaping.does)}, probe: ${probe}, expect: leak }`,
      `  - { name: others wait, probe: ${probe}, expect: private }`,
      `  - { name: undo, run: ${JSON.stringify(shaping.undoes)} }`,
      `  - { name: no hub, set: { br0: { ageing_time: 300s } }, run: ${JSON.stringify(shaping.does)}, probe: ${probe}, expect: private }`,
    ];
    const { result } = await runLab(threeOn('{ ageing_time: 0 }', steps.join('\n')));
    const waiting = result.steps[1];
    expect(rows(result, { step: 1, observer: 'c' }).map(({ seen }) => seen)).toEqual([0, 0, 0]);
    expect(waiting?.verdict).toBe('inconclusive');
    expect(waiting?.reasons.map(({ code, text }) => `${code}: ${text}`)).toEqual([
      expect.stringMatching(
        /^bypass-possible: queueing discipline htb at p2 .* \d+ frames still waited in it at the end: /,
      ),
    ]);
    expect(result.steps[3]?.verdict).toBe('holds');
  });
});

describe(
  'a process whose packet socket is there in the middle of a step only',
  needs(root, file('/usr/bin/python3')),
  () => {
    it('never holds', { ...alike, timeout: patient(300_000) }, async () => {
      const listens =
        'import socket, time; held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3); held.bind(("p0", 3)); time.sleep(0.6)';
      const argv = JSON.stringify(['python3', '-c', listens]);
      const step = `  - { name: s, probe: ${probe.replace('count: 5', 'count: 60, rate: 60')}, during: [ { at: 100ms, run: [${argv}] } ], expect: private }`;
      const { result } = await runLab(threeOn('{}', step), '--allow-run');
      expect(result.steps[0]?.reasons.map(({ code, text }) => `${code}: ${text.split(' may ')[0] ?? ''}`)).toContain(
        'bypass-possible: packet socket of python3 at p0',
      );
    });
  },
);
