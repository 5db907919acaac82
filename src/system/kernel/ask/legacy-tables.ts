import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { LegacyTable } from '../../../core/model/state.js';
import { libc } from '../libc.js';
import { AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_RAW } from '../socket-constants.js';

/** A family of tables that the kernel takes by setsockopt(2). */
interface Family {
  readonly program: Extract<LegacyTable['program'], 'iptables-legacy' | 'ip6tables-legacy'>;
  readonly domain: number;
  /** SOL_IP and SOL_IPV6. */
  readonly level: number;
  /** Names of the tables that the namespace has; to ask of others would make them. */
  readonly names: string;
  /**
   * Offset of `target_offset` in struct ipt_entry and ip6t_entry (linux/netfilter_ipv4/ip_tables.h,
   * …ipv6/ip6_tables.h).
   */
  readonly targetOffsetAt: number;
}

const families: readonly Family[] = [
  { program: 'iptables-legacy', domain: AF_INET, level: 0, names: 'ip_tables_names', targetOffsetAt: 88 },
  { program: 'ip6tables-legacy', domain: AF_INET6, level: 41, names: 'ip6_tables_names', targetOffsetAt: 140 },
];

/**
 * IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES, those of IPv6 alike; EBT_SO_GET_INFO of linux/netfilter_bridge/ebtables.h.
 */
const getInfo = 64;
const getEntries = 65;
const getBridgeInfo = 128;
const IPPROTO_RAW = 255;
const nameLength = 32;
/** struct ipt_getinfo. */
const info = { length: 84, validHooks: 32, entries: 76, size: 80 } as const;
/** struct ipt_get_entries: the entries stand behind name and size. */
const entriesAt = 40;
/** struct ebt_replace of 64-bit systems. */
const bridgeInfo = { length: 120, entries: 36 } as const;
/** struct xt_entry_target: size in two bytes, then the name in 29. */
const targetNameAt = 2;
const targetNameLength = 29;
/** A table larger than this is taken for one that cannot be read. */
const maxTableBytes = 64 << 20;

/** The value of an option that is asked for a table by name; null = the kernel refuses. */
function ask(fd: number, level: number, option: number, value: Buffer, table: string): Buffer | null {
  value.write(table, 0, nameLength - 1, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length, 0);
  return libc().getsockopt(fd, level, option, value, length) === 0 ? value : null;
}

/** Targets of the rules in `entries`, each once; `''` = one that only says what becomes of the packet. */
export function targetsOfEntries(entries: Buffer, targetOffsetAt: number): readonly string[] | null {
  const targets = new Set<string>();
  for (let at = 0; at < entries.length; ) {
    if (at + targetOffsetAt + 4 > entries.length) return null;
    const [target, next] = [entries.readUInt16LE(at + targetOffsetAt), entries.readUInt16LE(at + targetOffsetAt + 2)];
    const from = at + target + targetNameAt;
    if (next === 0 || from + targetNameLength > entries.length) return null;
    const name = entries.toString('latin1', from, from + targetNameLength);
    targets.add(name.slice(0, name.indexOf('\0')));
    at += next;
  }
  targets.delete(''); // a verdict, or a jump
  targets.delete('ERROR'); // head of a chain, end of the table
  return [...targets].sort();
}

/** How many hooks a table has: each has an entry for its policy. */
function countBits(bits: number): number {
  return bits.toString(2).replaceAll('0', '').length;
}

function tableOf({ program, level, targetOffsetAt }: Family, fd: number, table: string): LegacyTable | null {
  const answer = ask(fd, level, getInfo, Buffer.alloc(info.length), table);
  if (answer === null) return null;
  const size = answer.readUInt32LE(info.size);
  // what ends the table is an entry too
  const rules = answer.readUInt32LE(info.entries) - countBits(answer.readUInt32LE(info.validHooks)) - 1;
  if (size > maxTableBytes) return { program, table, rules, targets: null };
  const request = Buffer.alloc(entriesAt + size);
  request.writeUInt32LE(size, nameLength);
  const entries = ask(fd, level, getEntries, request, table);
  const targets = entries === null ? null : targetsOfEntries(entries.subarray(entriesAt), targetOffsetAt);
  return { program, table, rules, targets };
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/**
 * Whether asking for a table of that module loads nothing: it is loaded, or part of the kernel, or this kernel has no
 * modules.
 */
function isLoaded(module: string, modules: string | null): boolean {
  if (modules === null || new RegExp(`^${module} `, 'm').test(modules)) return true;
  return textOf(`/lib/modules/${release()}/modules.builtin`)?.includes(`/${module}.ko`) === true;
}

/**
 * Tables of ebtables-legacy in which rules stand. There is no list of them: the kernel is asked for each, which would
 * load its module (find_inlist_lock, net/bridge/netfilter/ebtables.c), so that those without one are not asked for.
 */
function bridgeTables(fd: number): readonly LegacyTable[] {
  const modules = textOf('/proc/modules');
  return ['broute', 'nat', 'filter'].flatMap((table): readonly LegacyTable[] => {
    if (!isLoaded(`ebtable_${table}`, modules)) return [];
    const answer = ask(fd, 0, getBridgeInfo, Buffer.alloc(bridgeInfo.length), table);
    const rules = answer?.readUInt32LE(bridgeInfo.entries) ?? 0;
    return rules === 0 ? [] : [{ program: 'ebtables-legacy', table, rules, targets: null }];
  });
}

function withRawSocket<T>(domain: number, fn: (fd: number) => readonly T[]): readonly T[] {
  const c = libc();
  const fd = c.socket(domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) return [];
  try {
    return fn(fd);
  } finally {
    c.close(fd);
  }
}

/**
 * Tables of iptables-legacy, ip6tables-legacy and ebtables-legacy with rules, of the calling thread's network
 * namespace: nft lists none of them. Empty also where this user may not ask.
 */
export function legacyTables(): readonly LegacyTable[] {
  const ofIp = families.flatMap((family) => {
    const names = (textOf(`/proc/thread-self/net/${family.names}`) ?? '').split('\n').filter((name) => name !== '');
    if (names.length === 0) return [];
    return withRawSocket(family.domain, (fd) =>
      names
        .sort()
        .flatMap((name) => tableOf(family, fd, name) ?? [])
        .filter(({ rules }) => rules > 0),
    );
  });
  return [...ofIp, ...withRawSocket(AF_INET, bridgeTables)];
}
