import { type Fields, fieldsOf, objectsOf } from '../../text/json-text.js';

/** Anything not listed here may copy or move frames past every capture, and costs a HOLDS (`bypass-possible`). */

/**
 * The kernel's own protocols (net/ipv4, net/ipv6, net/llc). Modules that take every frame, such as VMware's, are not
 * here.
 */
export const harmlessHandlers: ReadonlySet<string> = new Set(['arp_rcv', 'ip_rcv', 'ipv6_rcv', 'llc_rcv']);

/** Disciplines that send at once (tc(8)). Not here: those that shape, delay or plug. */
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

/** Filters that only choose (tc(8)). `bpf` may do more. */
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
 * tc-actions(8). Not here: bpf (a program), sample (to a process), ipt and xt (TEE), gate, ife, new addresses or tags.
 * `ct`, `pedit` and `skbedit` are examined.
 */
const harmlessActions: ReadonlySet<string> = new Set([
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

/** Traffic class and hop limit. */
const peditOffsets: Readonly<Record<string, readonly number[]>> = { ipv4: [0, 8], ipv6: [0, 4] };

/** tc-pedit(8). */
function harmlessPedit({ htype, offset }: Fields): boolean {
  if (htype === 'tcp' || htype === 'udp') return true;
  return typeof htype === 'string' && typeof offset === 'number' && (peditOffsets[htype] ?? []).includes(offset);
}

/** True if a tc action changes no address or packet type. */
export function isHarmlessAction(name: string, action: Fields): boolean {
  if (!harmlessActions.has(name)) return false;
  if (name === 'skbedit') return !('ptype' in action);
  if (name === 'ct') return !Object.keys(action).includes('nat');
  return name !== 'pedit' || objectsOf(action['keys']).every(harmlessPedit);
}

/** nft(8), payload and meta expressions. */
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
 * True of a `mangle` key that moves no frame. Not nftrace: subscribers get the frame's head (nf_trace_fill_pkt_info,
 * net/netfilter/nf_tables_trace.c), and those in other namespaces are not listed.
 */
export function isHarmlessMangle(key: Fields): boolean {
  if ('ct' in key || 'tcp option' in key || 'exthdr' in key) return true;
  const meta = fieldsOf(key['meta']);
  if (meta !== null) return mangledMeta.includes(meta['key']);
  const { protocol, field } = fieldsOf(key['payload']) ?? {};
  const fields = typeof protocol === 'string' ? mangledPayload[protocol] : undefined;
  return fields === 'all' || (fields ?? []).some((name) => name === field);
}

/** libnftables-json(5). `dup` and `fwd` are copies, `mangle` is examined. Not here: queue (to a process), tproxy. */
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
 * Targets of iptables and ebtables that nft lists (iptables-extensions(8)). Not here: TEE, NFQUEUE, TPROXY, TRACE, and
 * ebtables' dnat, redirect, arpreply and snat. These choose receivers, or print no MACs.
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

/** Next program, pass, drop (linux/bpf.h, enum tcx_action_base). */
const passOrDrop: readonly number[] = [-1, 0, 2];
const instructionLength = 8;
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

/** True if a tcx or netkit program (struct bpf_insn) only passes or drops: no calls, own stack, constant results. */
export function onlyPassesOrDrops(instructions: Uint8Array): boolean {
  const code = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  let at = 0;
  while (at + instructionLength <= code.byteLength) {
    if (!keepsToVerdict(code, at)) return false;
    at += code.getUint8(at) === loadWide ? 2 * instructionLength : instructionLength;
  }
  return at > 0 && at === code.byteLength;
}

/** Kernel functions of a call number. Empty = not known. */
export type FunctionsOf = (call: number) => readonly string[];

const reading: ReadonlySet<string> = new Set([
  '__htab_map_lookup_elem',
  'array_map_lookup_elem',
  'bpf_get_hash_recalc',
  'bpf_get_smp_processor_id',
  'bpf_ktime_get_boot_ns',
  'bpf_ktime_get_coarse_ns',
  'bpf_ktime_get_ns',
  'bpf_map_lookup_elem',
  'bpf_skb_cgroup_id',
  'bpf_user_rnd_u32',
  'htab_lru_map_lookup_elem',
  'htab_map_lookup_elem',
  'htab_percpu_map_lookup_elem',
  'percpu_array_map_lookup_elem',
  'trie_lookup_elem',
]);
/** They copy to their third argument. */
const copying: ReadonlySet<string> = new Set(['bpf_skb_load_bytes', 'bpf_skb_load_bytes_relative']);
/** kernel/trace/bpf_trace.c, net/core/filter.c. */
const outputs: ReadonlySet<string> = new Set(['bpf_skb_event_output', 'bpf_xdp_event_output']);

const [atomicMemory, noSpeculation, tailCall, longAdd, wordAdd] = [0xc0, 0xc0, 0xf0, 0xdb, 0xc3] as const;
const [argumentRegister, targetRegister, subprogram] = [1, 3, 1] as const;
const [increase, firstKeptRegister] = [0x07, 6] as const;
const jumpClasses: readonly number[] = [JMP, JMP32];
const loadingClasses: readonly number[] = [LD, LDX, ALU, ALU64];

interface Instruction {
  readonly opcode: number;
  readonly to: number;
  readonly from: number;
  readonly offset: number;
  readonly value: number;
  readonly at: number;
}

function instructionsOf(bytes: Uint8Array): readonly Instruction[] {
  const code = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Instruction[] = [];
  for (let at = 0; (at + 1) * instructionLength <= code.byteLength; at += 1) {
    const byte = at * instructionLength;
    const opcode = code.getUint8(byte);
    const registers = code.getUint8(byte + 1);
    const [offset, value] = [code.getInt16(byte + 2, true), code.getInt32(byte + 4, true)];
    found.push({ opcode, to: registers & 0x0f, from: registers >> 4, offset, value, at });
    if (opcode === loadWide) at += 1;
  }
  return found;
}

const isCall = ({ opcode, from }: Instruction): boolean => opcode === (JMP | call) && from !== subprogram;

/** Call numbers of a program's kernel calls. */
export function callsOf(code: Uint8Array): readonly number[] {
  return [...new Set(instructionsOf(code).flatMap((made) => (isCall(made) && made.from === 0 ? [made.value] : [])))];
}

/** True if a tracing program hands packets to a process. null = code or a called function is not known. */
export function mayOutputPackets(code: Uint8Array, functionsOf: FunctionsOf): boolean | null {
  const called = callsOf(code).map(functionsOf);
  if (called.some((names) => names.some((name) => outputs.has(name)))) return true;
  return code.length === 0 || called.some((names) => names.length === 0) ? null : false;
}

const isTarget = (code: readonly Instruction[], { at: target }: Instruction): boolean =>
  code.some(({ opcode, offset, at }) => jumpClasses.includes(opcode & classMask) && at + 1 + offset === target);

function packetRegister([head, ...rest]: readonly Instruction[]): number | null {
  if (head?.opcode !== (ALU64 | moveConstant | fromRegister) || head.from !== argumentRegister) return null;
  const { to: kept } = head;
  const isWritten = rest.some(({ opcode, to }) => to === kept && loadingClasses.includes(opcode & classMask));
  return kept < firstKeptRegister || isWritten ? null : kept;
}

/** An atomic addition of a number, or of a value loaded just before, such as the length. */
function isCounter(code: readonly Instruction[], index: number): boolean {
  const [adding, before] = [code[index], code[index - 1]];
  if (adding === undefined || before === undefined || before.to !== adding.from) return false;
  const isAddition = (adding.opcode === longAdd || adding.opcode === wordAdd) && adding.value === 0;
  if (!isAddition || isTarget(code, adding)) return false;
  const isNumber = before.opcode === (ALU64 | moveConstant) || before.opcode === (ALU | moveConstant);
  return isNumber || ((before.opcode & classMask) === LDX && before.from === packetRegister(code));
}

function isOnStack(code: readonly Instruction[], index: number, register: number): boolean {
  if (register === stackRegister) return true;
  for (let at = index - 1; at >= 0; at -= 1) {
    const [made, next] = [code[at], code[at + 1]];
    if (made === undefined || next === undefined || isTarget(code, next)) return false;
    if (jumpClasses.includes(made.opcode & classMask)) return false;
    if (made.to !== register || !loadingClasses.includes(made.opcode & classMask)) continue;
    if (made.opcode === (ALU64 | moveConstant | fromRegister)) return made.from === stackRegister;
    if (made.opcode !== increase) return false;
  }
  return false;
}

function writesNothing(code: readonly Instruction[], index: number, mayCount: boolean): boolean {
  const { opcode, to } = code[index] ?? { opcode: 0, to: 0 };
  const mode: number = opcode & modeMask;
  switch (opcode & classMask) {
    case ST:
      return mode === noSpeculation || (mode === plainMemory && isOnStack(code, index, to));
    case STX:
      if (mode === atomicMemory) return mayCount && isCounter(code, index);
      return mode === plainMemory && isOnStack(code, index, to);
    case LD:
      return opcode === loadWide;
    default:
      return opcode !== (JMP | tailCall);
  }
}

/**
 * True if a program cannot pass on or keep packet bytes: only reading calls and stack writes. `mayCount`: it may count
 * as systemd does for a service (src/core/bpf-firewall.c).
 */
export function keepsNothing(bytes: Uint8Array, functionsOf: FunctionsOf, mayCount = false): boolean {
  const code = instructionsOf(bytes);
  const mayCall = (made: Instruction, index: number): boolean => {
    const names = made.from === 0 ? functionsOf(made.value) : [];
    return (
      names.length > 0 &&
      names.every((name) => reading.has(name) || (copying.has(name) && isOnStack(code, index, targetRegister)))
    );
  };
  return (
    code.length > 0 &&
    code.every((made, index) => (isCall(made) ? mayCall(made, index) : writesNothing(code, index, mayCount)))
  );
}
