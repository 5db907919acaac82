import { macOfGuest } from './whole-host.js';

/** How a host is set up whose barriers all stand: lines for a shell. */
export const soundHosts = {
  stock: () => '',
  isolated: (n) => each(n, (at) => `bridge link set dev v${at} isolated on`),
  'flood off': (n) => each(n, (at) => `bridge link set dev v${at} flood off`),
  'groups off': (n) => each(n, (at) => `bridge link set dev v${at} bcast_flood off mcast_flood off`),
  'static entries': (n) =>
    each(
      n,
      (at) => `bridge fdb replace ${macOfGuest(at)} dev v${at} master static; bridge link set dev v${at} learning off`,
    ),
  'MAC filters': (n) =>
    `nft add table bridge guard; nft 'add chain bridge guard in { type filter hook prerouting priority 0; }'; ${each(n, (at) => `nft add rule bridge guard in iifname v${at} ether saddr != ${macOfGuest(at)} drop`)}`,
} as const satisfies Readonly<Record<string, (guests: number) => string>>;

export type SoundHost = keyof typeof soundHosts;

/** One barrier of one guest that is broken, on a host where all others stand. */
export interface BrokenBarrier {
  readonly what: string;
  readonly on: SoundHost;
  /** Lines for a shell that break it at guest `k`; `j` is another one. */
  readonly breaks: (k: number, j: number) => string;
  /** Codes one of which has to be among the causes of the leaks. */
  readonly causes: readonly string[];
  /** What the answer has to name: of guest `k`. */
  readonly names: (k: number) => RegExp;
  /** A fix that the report has to propose for guest `k`; null = there is none to type. */
  readonly fix: (k: number) => RegExp | null;
}

function each(guests: number, line: (at: number) => string): string {
  return Array.from({ length: guests }, (_, at) => line(at + 1)).join('; ');
}

const port = (k: number): RegExp => new RegExp(`\\bv${k}\\b`);

function learning(on: SoundHost): BrokenBarrier {
  return {
    what: 'learning off',
    on,
    breaks: (k) => `bridge link set dev v${k} learning off; bridge fdb del ${macOfGuest(k)} dev v${k} master`,
    causes: ['learning-off'],
    names: port,
    fix: (k) => new RegExp(`bridge fdb replace ${macOfGuest(k)} dev v${k} master static|dev v${k} learning on`),
  };
}

/** Egress: copies of what goes to j; ingress: of what j sends. */
function copy(on: SoundHost, way: 'egress' | 'ingress'): BrokenBarrier {
  return {
    what: `mirror, ${way}`,
    on,
    breaks: (k, j) =>
      `tc qdisc add dev v${j} clsact; tc filter add dev v${j} ${way} protocol all u32 match u32 0 0 action mirred egress mirror dev v${k}`,
    causes: ['mirror'],
    names: port,
    fix: () => /tc (filter|qdisc) del/,
  };
}

function flag(on: SoundHost, name: 'flood' | 'bcast_flood' | 'mcast_flood'): BrokenBarrier {
  return {
    what: `${name} on`,
    on,
    breaks: (k) => `bridge link set dev v${k} ${name} on`,
    causes: name === 'flood' ? ['unknown-flood'] : ['group-flood', 'no-querier'],
    names: port,
    fix: (k) => new RegExp(`dev v${k} ${name} off`),
  };
}

const hosts = Object.keys(soundHosts) as readonly SoundHost[];

/** At least forty barriers, each of one guest or of the bridge. */
export const brokenBarriers: readonly BrokenBarrier[] = [
  ...(['stock', 'groups off', 'MAC filters'] as const).map(learning),
  ...(['stock', 'groups off', 'MAC filters'] as const).map(
    (on): BrokenBarrier => ({
      what: 'ageing 0',
      on,
      breaks: () => 'ip link set br0 type bridge ageing_time 0',
      causes: ['ageing-zero'],
      names: () => /br0/,
      fix: () => /ip link set dev br0 type bridge ageing_time \d+/,
    }),
  ),
  // Where all are isolated nothing goes to a guest that could be copied
  ...hosts.flatMap((on) => [...(on === 'isolated' ? [] : [copy(on, 'egress')]), copy(on, 'ingress')]),
  {
    what: 'isolated off',
    on: 'isolated',
    breaks: (k) => `bridge link set dev v${k} isolated off`,
    causes: ['not-isolated'],
    names: port,
    fix: (k) => new RegExp(`dev v${k} isolated on`),
  },
  flag('flood off', 'flood'),
  flag('groups off', 'bcast_flood'),
  flag('groups off', 'mcast_flood'),
  {
    what: 'static entry gone',
    on: 'static entries',
    breaks: (k) => `bridge fdb del ${macOfGuest(k)} dev v${k} master`,
    causes: ['learning-off'],
    names: port,
    fix: (k) => new RegExp(`bridge fdb replace ${macOfGuest(k)} dev v${k} master static`),
  },
  {
    what: 'filter gone',
    on: 'MAC filters',
    breaks: (k) =>
      `nft delete rule bridge guard in handle $(nft -a list chain bridge guard in | sed -n 's/.*iifname "v${k}" .*handle //p')`,
    causes: ['source-unchecked', 'not-isolated'],
    names: port,
    fix: () => null,
  },
  {
    what: 'the host routes',
    on: 'isolated',
    breaks: () => 'echo 1 > /proc/sys/net/ipv4/ip_forward',
    causes: ['host-forwards'],
    names: () => /ip_forward|routes/,
    fix: () => /ip_forward/,
  },
];
