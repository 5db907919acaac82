/**
 * What is known to carry no frame anywhere but on its way: names as tc, nft and iptables print them. Whatever is not in
 * these lists may copy frames, or move them past every ear, and costs a *holds* (`bypass-possible`).
 */

/** Kinds of tc's filters that only choose (tc(8)); `bpf` is a program, which may do more. */
export const harmlessFilters: ReadonlySet<string> = new Set([
  'basic',
  'cgroup',
  'flow',
  'flower',
  'fw',
  'matchall',
  'route',
  'u32',
]);

/**
 * Actions of tc that let a frame go on, change it, or drop it (tc-actions(8)); `mirred` is asked where it leads to.
 * Not here: bpf (a program), sample (hands frames to a process), ipt and xt (TEE), gate, ife.
 */
export const harmlessActions: ReadonlySet<string> = new Set([
  'connmark',
  'csum',
  'ct',
  'ctinfo',
  'gact',
  'mpls',
  'nat',
  'pedit',
  'police',
  'simple',
  'skbedit',
  'skbmod',
  'tunnel_key',
  'vlan',
]);

/**
 * Statements of nft's rules that match, count, judge, mark, translate or note (libnftables-json(5)); `dup` and `fwd`
 * are asked where they lead to. Not here: queue (a process gets the packet), tproxy.
 */
export const harmlessStatements: ReadonlySet<string> = new Set([
  'accept',
  'comment',
  'continue',
  'counter',
  'ct count',
  'ct expectation',
  'ct helper',
  'ct timeout',
  'dnat',
  'drop',
  'flow',
  'goto',
  'jump',
  'last',
  'limit',
  'log',
  'mangle',
  'map',
  'masquerade',
  'match',
  'meter',
  'notrack',
  'quota',
  'redirect',
  'reject',
  'reset',
  'return',
  'secmark',
  'set',
  'snat',
  'synproxy',
  'vmap',
]);

/** Targets of iptables and ebtables in nft's tables (iptables-extensions(8)). Not here: TEE, NFQUEUE, TPROXY. */
export const harmlessTargets: ReadonlySet<string> = new Set([
  'AUDIT',
  'CHECKSUM',
  'CLASSIFY',
  'CONNMARK',
  'CONNSECMARK',
  'CT',
  'DNAT',
  'DSCP',
  'ECN',
  'HL',
  'HMARK',
  'LOG',
  'MARK',
  'MASQUERADE',
  'NETMAP',
  'NFLOG',
  'NOTRACK',
  'REDIRECT',
  'REJECT',
  'SECMARK',
  'SET',
  'SNAT',
  'SYNPROXY',
  'TCPMSS',
  'TCPOPTSTRIP',
  'TOS',
  'TRACE',
  'TTL',
  'arpreply',
  'dnat',
  'limit',
  'log',
  'mark',
  'nflog',
  'redirect',
  'snat',
  'standard',
]);
