import { type Fields, fieldsOf } from '../../text/json-text.js';

/**
 * What is known to carry no frame anywhere but on its way: names as tc, nft and iptables print them. Whatever is not in
 * these lists may copy frames, or move them past every ear, and costs a *holds* (`bypass-possible`).
 */

/**
 * Functions of the kernel's own protocols (net/ipv4, net/ipv6, net/llc): what IP does with a packet, its rules and
 * routes show. Not here: a function of a module that takes every frame, as VMware's does that bridges a bridge.
 */
export const harmlessHandlers: ReadonlySet<string> = new Set(['arp_rcv', 'ip_rcv', 'ipv6_rcv', 'llc_rcv']);

/**
 * Queueing disciplines that send whenever the device takes a frame (tc(8)): no frame waits in them for its time. Not
 * here: those that shape, delay or plug (cake, etf, fq, hfsc, htb, netem, plug, taprio, tbf).
 */
export const promptDisciplines: ReadonlySet<string> = new Set([
  'bfifo',
  'choke',
  'codel',
  'drr',
  'ets',
  'fq_codel',
  'fq_pie',
  'hhf',
  'mq',
  'mqprio',
  'multiq',
  'noqueue',
  'pfifo',
  'pfifo_fast',
  'pfifo_head_drop',
  'pie',
  'prio',
  'qfq',
  'red',
  'sfb',
  'sfq',
]);

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
 * Actions of tc that let a frame go on or drop it, or change what nobody is chosen by (tc-actions(8)); of `ct`, `pedit`
 * and `skbedit` it is asked what they change. Not here: bpf (a program), sample (hands frames to a process), ipt and xt
 * (TEE), gate, ife; and what gives frames other addresses or tags, so that others get them: mpls, nat, skbmod,
 * tunnel_key, vlan.
 */
export const harmlessActions: ReadonlySet<string> = new Set([
  'connmark',
  'csum',
  'ct',
  'ctinfo',
  'gact',
  'pedit',
  'police',
  'simple',
  'skbedit',
]);

/** Offsets in IPv4 and IPv6 headers at which pedit may write: class of traffic, hop limit. */
const peditOffsets: Readonly<Record<string, readonly number[]>> = { ipv4: [0, 8], ipv6: [0, 4] };

/** A change of pedit that moves no frame: in TCP or UDP, or of a packet's class or hop limit (tc-pedit(8)). */
export function harmlessPedit({ htype, offset }: Fields): boolean {
  if (htype === 'tcp' || htype === 'udp') return true;
  return typeof htype === 'string' && typeof offset === 'number' && (peditOffsets[htype] ?? []).includes(offset);
}

/** Fields that nft may write without another one getting the frame (nft(8), payload and meta expressions). */
const mangledPayload: Readonly<Record<string, readonly string[] | 'all'>> = {
  ip: ['dscp', 'ecn', 'ttl', 'id', 'frag-off'],
  ip6: ['dscp', 'ecn', 'hoplimit', 'flowlabel'],
  dccp: 'all',
  icmp: 'all',
  icmpv6: 'all',
  sctp: 'all',
  tcp: 'all',
  th: 'all',
  udp: 'all',
  udplite: 'all',
};
const mangledMeta: readonly unknown[] = ['mark', 'priority', 'secmark'];

/**
 * A change by nft, by the key of its `mangle`, that moves no frame: not of MACs, tags, addresses or packet type. Not
 * here: nftrace, for every subscriber of trace events gets the head of the frame (nf_trace_fill_pkt_info,
 * net/netfilter/nf_tables_trace.c), and no list names subscribers in other namespaces.
 */
export function isHarmlessMangle(key: Fields): boolean {
  if ('ct' in key || 'tcp option' in key || 'exthdr' in key) return true;
  const meta = fieldsOf(key['meta']);
  if (meta !== null) return mangledMeta.includes(meta['key']);
  const { protocol, field } = fieldsOf(key['payload']) ?? {};
  const fields = typeof protocol === 'string' ? mangledPayload[protocol] : undefined;
  return fields === 'all' || (fields ?? []).some((name) => name === field);
}

/**
 * Statements of nft's rules that match, count, judge, mark, translate or note (libnftables-json(5)); `dup` and `fwd`
 * are copies, `mangle` is asked what it changes. Not here: queue (a process gets the packet), tproxy.
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

/**
 * Targets of iptables and ebtables in nft's tables (iptables-extensions(8)). Not here: TEE, NFQUEUE, TPROXY, TRACE;
 * dnat and redirect of ebtables, which write another destination; its arpreply and snat, whose MACs nft does not print,
 * and by which the host chooses who gets what others send.
 */
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
  'TTL',
  'limit',
  'log',
  'mark',
  'nflog',
  'standard',
]);

/**
 * Results of a program at tcx or netkit: the next one is asked, the frame goes on, or it is dropped (linux/bpf.h, enum
 * tcx_action_base). Not here: redirect.
 */
const passOrDrop: readonly number[] = [-1, 0, 2];
const instructionLength = 8;
/** Parts of an opcode, and the classes and operations that count here (Documentation/bpf/standardization). */
const [classMask, operationMask, modeMask] = [0x07, 0xf0, 0xe0] as const;
const [LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const [loadWide, plainMemory, moveConstant] = [0x18, 0x60, 0xb0] as const;
const fromRegister = 0x08;
const [call, lastJump] = [0x80, 0xd0] as const;
const [resultRegister, stackRegister] = [0, 10] as const;

function keepsToVerdict(code: DataView, at: number): boolean {
  const opcode = code.getUint8(at);
  const target = code.getUint8(at + 1) & 0x0f;
  const operation = opcode & operationMask;
  switch (opcode & classMask) {
    case LD:
      return opcode === loadWide && target !== resultRegister;
    case LDX:
      return target !== resultRegister;
    case ST:
    case STX:
      return (opcode & modeMask) === plainMemory && target === stackRegister;
    case ALU:
    case ALU64:
      if (target !== resultRegister) return true;
      return (
        operation === moveConstant && (opcode & fromRegister) === 0 && passOrDrop.includes(code.getInt32(at + 4, true))
      );
    case JMP:
    case JMP32:
      return operation !== call && operation <= lastJump;
    default:
      return false;
  }
}

/**
 * True if a program at tcx or netkit lets frames go on or drops them and can do nothing else, by the instructions that
 * the kernel runs (struct bpf_insn): it calls nothing, writes to its own stack alone, and each of its results is a
 * constant that says so.
 */
export function onlyPassesOrDrops(instructions: Uint8Array): boolean {
  const code = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  let at = 0;
  while (at + instructionLength <= code.byteLength) {
    if (!keepsToVerdict(code, at)) return false;
    at += code.getUint8(at) === loadWide ? 2 * instructionLength : instructionLength;
  }
  return at > 0 && at === code.byteLength;
}
