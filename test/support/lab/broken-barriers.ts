import { macOfGuest } from './whole-host.js';

/** How a host is set up whose barriers all stand: lines for a shell. */
export const soundHosts = {
  stock: () => '',
  isolated: (n) => each(n, (at) => `bridge link set dev v${at} isolated on flood off`),
  'flood off': (n) => each(n, (at) => `bridge link set dev v${at} flood off`),
  'groups off': (n) => each(n, (at) => `bridge link set dev v${at} bcast_flood off mcast_flood off`),
  closed: (n) =>
    each(
      n,
      (at) =>
        `bridge fdb replace ${macOfGuest(at)} dev v${at} master static; bridge link set dev v${at} flood off bcast_flood off mcast_flood off`,
    ),
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
  /** Absent: BROKEN. `exposed`: it shows when entries age, and the answer says so before. */
  readonly verdict?: 'exposed';
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

/** Of what goes to j (egress), or of what j sends (ingress), k gets a copy, or all of it. */
function mirred(action: 'mirror' | 'redirect', on: SoundHost, way: 'egress' | 'ingress'): BrokenBarrier {
  return {
    what: `${action}, ${way}`,
    on,
    breaks: (k, j) =>
      `tc qdisc add dev v${j} clsact; tc filter add dev v${j} ${way} protocol all u32 match u32 0 0 action mirred egress ${action} dev v${k}`,
    causes: ['mirror'],
    names: port,
    fix: () => /tc (filter|qdisc) del/,
  };
}

/** Copies made by nft at j's port. */
function dup(on: SoundHost, hook: 'egress' | 'ingress'): BrokenBarrier {
  return {
    what: `nft dup, ${hook}`,
    on,
    breaks: (k, j) =>
      `nft add table netdev copies; nft 'add chain netdev copies c { type filter hook ${hook} device v${j} priority 0; }'; nft add rule netdev copies c dup to v${k}`,
    causes: ['mirror'],
    names: port,
    fix: () => /nft delete/,
  };
}

/** A port more, of which nobody has set anything; `joins`: it leads to a second bridge. */
function stranger(on: SoundHost, joins: boolean, fix: RegExp, ...causes: readonly string[]): BrokenBarrier {
  const second = joins
    ? 'ip link add br1 type bridge forward_delay 0; ip link set br1 up; ip link set x1 master br1; '
    : '';
  return {
    what: joins ? 'a second bridge joined' : 'a port without its barrier',
    on,
    breaks: () =>
      `ip link add x0 type veth peer name x1; ${second}ip link set x1 up; ip link set x0 up; ip link set x0 master br0`,
    causes,
    names: () => /\bx0\b/,
    fix: () => fix,
  };
}

function entryLeft(on: SoundHost): BrokenBarrier {
  return {
    what: 'learning off, entry left',
    on,
    breaks: (k) => `bridge link set dev v${k} learning off`,
    verdict: 'exposed',
    causes: ['learning-off'],
    names: port,
    fix: (k) => new RegExp(`bridge fdb replace ${macOfGuest(k)} dev v${k} master static`),
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
      // Of guests that are silent nobody would know now which is behind which port
      breaks: () =>
        'ip link set br0 type bridge ageing_time 0; for address in $(ip neigh show dev br0 | cut -d " " -f 1); do ping -q -i 0.2 -w 5 $address > /dev/null 2>&1 & done',
      causes: ['ageing-zero'],
      names: () => /br0/,
      fix: () => /ip link set dev br0 type bridge ageing_time \d+/,
    }),
  ),
  // Where all are isolated nothing goes to a guest that could be copied
  ...hosts.flatMap((on) => [
    ...(on === 'isolated' ? [] : [mirred('mirror', on, 'egress')]),
    mirred('mirror', on, 'ingress'),
  ]),
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
  flag('closed', 'flood'),
  flag('closed', 'bcast_flood'),
  flag('closed', 'mcast_flood'),
  ...hosts.map((on) => dup(on, 'ingress')),
  dup('stock', 'egress'),
  mirred('redirect', 'stock', 'ingress'),
  mirred('redirect', 'stock', 'egress'),
  mirred('redirect', 'isolated', 'ingress'),
  stranger('isolated', false, /dev x0 isolated on/, 'not-isolated'),
  stranger('flood off', false, /dev x0 flood off/, 'unknown-flood'),
  stranger('groups off', false, /dev x0 [bm]cast_flood off/, 'group-flood'),
  stranger('closed', false, /dev x0 flood off/, 'unknown-flood', 'group-flood'),
  stranger('isolated', true, /dev x0 isolated on/, 'not-isolated'),
  stranger('flood off', true, /dev x0 flood off/, 'unknown-flood'),
  entryLeft('stock'),
  entryLeft('groups off'),
  entryLeft('MAC filters'),
  {
    what: 'a port of a multicast router',
    on: 'groups off',
    // Where nobody asks for members, no group goes to routers alone
    breaks: (k) =>
      `ip link set br0 type bridge mcast_query_response_interval 100; ip link set br0 type bridge mcast_querier 1; bridge link set dev v${k} mcast_router 2`,
    causes: ['mcast-router-port'],
    names: port,
    fix: (k) => new RegExp(`dev v${k} .*mcast_router`),
  },
  {
    what: 'filter passed by',
    on: 'MAC filters',
    breaks: (k) => `nft insert rule bridge guard in iifname v${k} accept`,
    causes: ['source-unchecked', 'not-isolated'],
    names: port,
    fix: () => null,
  },
  {
    what: 'nft sets the destination',
    on: 'stock',
    breaks: (k, j) =>
      `nft add table bridge turn; nft 'add chain bridge turn in { type filter hook prerouting priority -300; }'; nft add rule bridge turn in ether daddr ${macOfGuest(j)} ether daddr set ${macOfGuest(k)}`,
    causes: ['rewritten', 'nat'],
    names: port,
    fix: () => null,
  },
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
    fix: () => /^nft add rule inet isolation forward iifname br0 oifname br0 (ether daddr [0-9a-f:]{17} )?drop$/,
  },
];
