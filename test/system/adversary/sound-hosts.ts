import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fabric } from './attack.js';
import { type GuestName, gateways, guestNames, guests } from './guests.js';
import { hostScript } from './host-script.js';
import { isLack, noResult } from './outcome.js';
import { cage, cli, ended, quoted } from './run-cases.js';
import { tools } from './case-files.js';

/** A host as managers set it up, on which no guest hears frames for another. */
export interface SoundHost {
  readonly name: string;
  readonly fabric: Fabric;
  /** Lines of a shell on the host, before the run. */
  readonly setup: readonly string[];
  /** Ports of guests, where they are not the usual ones. */
  readonly ports: Partial<Record<GuestName, string>>;
  /** Further keys of the step. */
  readonly step: string;
  readonly uplink: GuestName | null;
}

type Part = Partial<Omit<SoundHost, 'name'>> & { readonly name: string };

const nft = (text: string): string => `nft -f - <<'END'\n${text}\nEND`;
const { a, b } = guests;

/** A pair to the outside, so that rules have something to name. */
const wan =
  'ip link add dev wan type veth peer name beyond; ip address add 203.0.113.2/24 dev wan; ip link set dev wan up; ip link set dev beyond up';
const forwarding = 'echo 1 >/proc/sys/net/ipv4/ip_forward';

/** The bridge of a firewall between a guest and the real bridge, as Proxmox makes it. */
const firewallBridge = (name: GuestName): string =>
  [
    `ip link add dev fwbr${name} type bridge forward_delay 0`,
    `ip link add dev fwpr${name} type veth peer name fwln${name}`,
    `ip link set dev ${guests[name].port} nomaster`,
    `ip link set dev ${guests[name].port} master fwbr${name}`,
    `ip link set dev fwln${name} master fwbr${name}`,
    `ip link set dev fwpr${name} master br0`,
    `for link in fwbr${name} fwln${name} fwpr${name}; do ip link set dev $link up; done`,
    // the bridge's MAC is that of its lowest port, which may be another one now
    `ip netns exec ${name} ip neigh flush all`,
    `ip netns exec ${name} ping -c 1 -w 30 ${gateways.br0.ip} >/dev/null || { echo "${name} does not reach its gateway" >&2; exit 1; }`,
  ].join('\n');

const bases: readonly Part[] = [
  { name: 'plain bridge' },
  {
    name: 'libvirt NAT',
    setup: [
      wan,
      forwarding,
      nft(`table ip libvirt_network {
  chain forward { type filter hook forward priority filter; policy accept; jump guest_cross; jump guest_input; jump guest_output; }
  chain guest_output { ip saddr 10.9.0.0/24 iif "br0" counter accept; iif "br0" counter reject; }
  chain guest_input { oif "br0" ip daddr 10.9.0.0/24 ct state established,related counter accept; oif "br0" counter reject; }
  chain guest_cross { iif "br0" oif "br0" counter accept; }
  chain guest_nat { type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.9.0.0/24 ip daddr 224.0.0.0/24 counter return; ip saddr 10.9.0.0/24 ip daddr != 10.9.0.0/24 counter masquerade; }
}`),
    ],
  },
  {
    name: 'Docker',
    setup: [
      wan,
      forwarding,
      'ip link set dev br0 type bridge nf_call_iptables 1',
      nft(`table ip filter {
  chain DOCKER { iifname != "br0" oifname "br0" ip daddr 10.9.0.1 tcp dport 80 counter accept; }
  chain DOCKER-ISOLATION-STAGE-1 { iifname "br0" oifname != "br0" counter jump DOCKER-ISOLATION-STAGE-2; counter return; }
  chain DOCKER-ISOLATION-STAGE-2 { oifname "br0" counter drop; counter return; }
  chain DOCKER-USER { counter return; }
  chain FORWARD { type filter hook forward priority filter; policy drop; counter jump DOCKER-USER; counter jump DOCKER-ISOLATION-STAGE-1;
    oifname "br0" ct state related,established counter accept; oifname "br0" counter jump DOCKER;
    iifname "br0" oifname != "br0" counter accept; iifname "br0" oifname "br0" counter accept; }
}
table ip nat {
  chain DOCKER { iifname "br0" counter return; iifname != "br0" tcp dport 8080 counter dnat to 10.9.0.1:80; }
  chain PREROUTING { type nat hook prerouting priority dstnat; fib daddr type local counter jump DOCKER; }
  chain OUTPUT { type nat hook output priority -100; ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER; }
  chain POSTROUTING { type nat hook postrouting priority srcnat; oifname != "br0" ip saddr 10.9.0.0/24 counter masquerade; }
}`),
    ],
  },
  {
    name: 'Podman',
    setup: [
      wan,
      forwarding,
      nft(`table inet netavark {
  chain INPUT { type filter hook input priority filter; ip saddr 10.9.0.0/24 udp dport 53 accept; }
  chain FORWARD { type filter hook forward priority filter; ct state invalid drop; jump NETAVARK-ISOLATION-1; ip daddr 10.9.0.0/24 ct state { established, related } accept; ip saddr 10.9.0.0/24 accept; }
  chain NETAVARK-ISOLATION-1 { iifname "br0" oifname != "br0" jump NETAVARK-ISOLATION-2; }
  chain NETAVARK-ISOLATION-2 { oifname "br1" drop; }
  chain POSTROUTING { type nat hook postrouting priority srcnat; meta mark & 0x2000 == 0x2000 masquerade; ip saddr 10.9.0.0/24 jump nv_10; }
  chain nv_10 { ip daddr 10.9.0.0/24 accept; ip daddr != 224.0.0.0/4 masquerade; }
}`),
    ],
  },
  {
    name: 'Incus',
    setup: [
      wan,
      forwarding,
      nft(`table inet incus {
  chain pstrt.br0 { type nat hook postrouting priority srcnat; policy accept; ip saddr 10.9.0.0/24 ip daddr != 10.9.0.0/24 masquerade; }
  chain fwd.br0 { type filter hook forward priority filter; policy accept; ip version 4 oifname "br0" accept; ip version 4 iifname "br0" accept; }
  chain in.br0 { type filter hook input priority filter; policy accept; iifname "br0" udp dport { 53, 67 } accept; }
}
table bridge incus {
  chain in.c1.eth0 { type filter hook input priority filter; policy accept; iifname "p0" ether saddr != ${a.mac} drop; }
  chain fwd.c1.eth0 { type filter hook forward priority filter; policy accept; iifname "p0" ether saddr != ${a.mac} drop; }
  chain fwd.c2.eth0 { type filter hook forward priority filter; policy accept; iifname "p1" ether saddr != ${b.mac} drop; }
}`),
    ],
  },
  {
    name: 'Proxmox firewall',
    setup: ['ip link set dev br0 type bridge nf_call_iptables 0', firewallBridge('a'), firewallBridge('b')],
    ports: { a: 'fwpra', b: 'fwprb' },
  },
  {
    name: 'isolated ports',
    setup: [
      'bridge link set dev p2 isolated on',
      'bridge link set dev p3 isolated on',
      'bridge link set dev p2 flood off',
    ],
  },
  { name: 'bridge with an uplink', uplink: 'd' },
  { name: 'VLAN-aware bridge', fabric: 'vlan' },
  { name: 'Open vSwitch', fabric: 'ovs' },
  {
    name: 'bond and VLAN below the bridge',
    uplink: 'd',
    setup: [
      'ip link add dev bond0 type bond mode active-backup',
      'ip link add dev slave0 type veth peer name switch0',
      'ip link set dev slave0 master bond0',
      'for link in slave0 switch0 bond0; do ip link set dev $link up; done',
      'ip link add link bond0 name bond0.7 type vlan id 7',
      'ip link set dev bond0.7 up master br0',
    ],
  },
];

/** Starts a process that stays, and waits until it says that it is ready; one that ends before fails the script. */
const daemon = (...words: readonly string[]): string =>
  [
    'said=$(mktemp)',
    `/usr/bin/python3 ${tools}/attack.py ${words.join(' ')} >"$said" 2>/dev/null </dev/null &`,
    'until grep -q ready "$said"; do kill -0 $!; sleep 0.02; done; rm -f "$said"',
  ].join('\n');
const inside = (guest: GuestName, command: string): string =>
  `ip netns exec ${guest} ${command} >/dev/null 2>&1 </dev/null &`;

const extras: readonly Part[] = [
  { name: 'as it is' },
  {
    name: 'lldpd',
    setup: [...guestNames.map((name) => daemon('listen', guests[name].port, '0x88cc', 'none'))],
  },
  { name: 'dhclient', setup: [daemon('listen', 'br0', '0x0003', 'dhcp')] },
  {
    name: 'htb',
    setup: [
      'tc qdisc add dev p1 root handle 1: htb default 10',
      'tc class add dev p1 parent 1: classid 1:10 htb rate 1gbit',
    ],
  },
  { name: 'fq_codel', setup: guestNames.map((name) => `tc qdisc add dev ${guests[name].port} root fq_codel`) },
  {
    name: 'guests that talk',
    setup: [
      inside('a', `ping -i 0.05 ${b.ip}`),
      inside('c', `ping -i 0.05 ${guests.d.ip}`),
      inside('e', `ping -i 0.05 ${guests.f.ip}`),
      inside('d', `ping -i 0.05 ${a.ip}`),
    ],
  },
  {
    name: 'multicast DNS',
    setup: (['a', 'b', 'c'] as const).map((name) =>
      inside(name, `/usr/bin/python3 ${tools}/attack.py announce 224.0.0.251 5353 0.05`),
    ),
  },
  {
    name: 'an accepted SPAN port',
    setup: [
      'tc qdisc add dev p0 clsact',
      'tc filter add dev p0 ingress protocol all prio 7 u32 match u32 0 0 action mirred egress mirror dev p3',
    ],
    step: 'accept: [ { observer: d, class: known-unicast, reason: intrusion detection, owner: security, ticket: SEC-1, until: 2099-12-31 } ]',
  },
];

/** Every host with everything on it, in an order that does not change. */
export const soundHosts: readonly SoundHost[] = bases.flatMap((base) =>
  extras
    .filter(({ name }) => !(base.fabric === 'ovs' && name.includes('SPAN')))
    .map((extra) => ({
      name: `${base.name}, ${extra.name}`,
      fabric: base.fabric ?? 'linux',
      setup: [...(base.setup ?? []), ...(extra.setup ?? [])],
      ports: base.ports ?? {},
      step: extra.step ?? '',
      uplink: base.uplink ?? null,
    })),
);

/** The answer of a run about a sound host. */
export interface SoundAnswer {
  readonly name: string;
  readonly verdict: string | null;
  readonly reasons: readonly string[];
  /** Why it cannot be built here. */
  readonly refused: string | null;
}

function scenarioOf(host: SoundHost): string {
  const kind = host.fabric === 'ovs' ? '{ kind: ovs }' : '{}';
  return [
    'version: 1',
    'name: sound',
    'topology:',
    '  provider: host',
    `  bridges: { br0: ${kind}, br1: ${kind} }`,
    '  endpoints:',
    ...guestNames.map((name) => {
      const { bridge, port, mac, ip } = guests[name];
      return `    ${name}: { bridge: ${bridge}, port: ${host.ports[name] ?? port}, mac: "${mac}", ip: ${ip}/24${host.uplink === name ? ', role: uplink' : ''} }`;
    }),
    'steps:',
    '  - name: private',
    '    probe: { class: known-unicast, from: a, to: b, both_ways: true, count: 40 }',
    '    expect: private',
    ...(host.step === '' ? [] : [`    ${host.step}`]),
    '',
  ].join('\n');
}

/** Builds the host, runs the program on it, and gives its answer; all files stay in `folder`. */
export async function runSoundHost(host: SoundHost, folder: string): Promise<SoundAnswer> {
  mkdirSync(folder, { recursive: true });
  const evidence = join(folder, 'evidence');
  const refusal = join(folder, 'refused');
  writeFileSync(join(folder, 'scenario.yml'), scenarioOf(host));
  const run = [process.execPath, cli, 'run', join(folder, 'scenario.yml'), '--yes', '--quiet', '--out', evidence];
  const setup = join(folder, 'setup.sh');
  writeFileSync(setup, ['set -e', ...host.setup, ''].join('\n'));
  const script = join(folder, 'host.sh');
  writeFileSync(
    script,
    hostScript(host.fabric, folder, [
      `sh ${quoted(setup)} >/dev/null 2>${quoted(join(folder, 'stderr'))} || { tail -n 2 ${quoted(join(folder, 'stderr'))} >${quoted(refusal)}; exit 0; }`,
      run.map(quoted).join(' '),
    ]),
  );
  const { status, stderr } = await ended([...cage, 'sh', script], folder);
  const refused = (why: string): SoundAnswer => ({ name: host.name, verdict: null, reasons: [], refused: why });
  if (existsSync(refusal)) {
    const why = readFileSync(refusal, 'utf8').trim();
    // a failure without a text, or for another cause, does not show that the kernel lacks something
    return isLack(why)
      ? refused(why)
      : { name: host.name, verdict: null, reasons: [`it was not built: ${why}`], refused: null };
  }
  const file = join(evidence, 'result.json');
  if (!existsSync(file) && status === 69) return refused(stderr.trim().split('\n').at(-1) ?? '');
  if (!existsSync(file))
    return { name: host.name, verdict: null, reasons: [`${noResult}: ${stderr.trim().slice(-600)}`], refused: null };
  const result: {
    readonly verdict: string;
    readonly steps: readonly { readonly reasons: readonly { readonly code: string; readonly text: string }[] }[];
  } = JSON.parse(readFileSync(file, 'utf8'));
  const reasons = result.steps.flatMap((step) => step.reasons.map(({ code, text }) => `${code}: ${text}`));
  return { name: host.name, verdict: result.verdict, reasons, refused: null };
}

/** Examines the hosts, `atOnce` at a time; none starts after `isOver`. */
export async function runSoundHosts(
  hosts: readonly SoundHost[],
  folder: string,
  atOnce: number,
  reported: (said: SoundAnswer) => void = () => undefined,
  isOver: () => boolean = () => false,
): Promise<readonly SoundAnswer[]> {
  const answers: SoundAnswer[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = (next += 1) - 1; at < hosts.length; at = (next += 1) - 1) {
      const host = hosts[at];
      if (host === undefined || isOver()) return;
      const said = await runSoundHost(host, join(folder, `sound-${at}`));
      reported(said);
      answers.push(said);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return answers;
}
