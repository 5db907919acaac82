import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { LegacyTable } from '../../../core/model/state.js';
import { libc } from '../libc.js';
import { NETLINK_NETFILTER, netlinkAttributes, netlinkText } from '../netlink-socket.js';
import { rootsText } from '../proc-files.js';
import { copiesOfEntries } from './legacy-copies.js';
import { AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_RAW } from '../socket-constants.js';
import { openAskerIfThere, openNetlinkAsker } from './netlink-dump.js';

interface Family {
  readonly program: Extract<LegacyTable['program'], 'iptables-legacy' | 'ip6tables-legacy'>;
  readonly domain: number;
  /** SOL_IP and SOL_IPV6. */
  readonly level: number;
  /** Asking for other tables would make them. */
  readonly names: string;
  /** `target_offset` in struct ipt_entry and ip6t_entry (linux/netfilter_ipv4/ip_tables.h, …ipv6/ip6_tables.h). */
  readonly targetOffsetAt: number;
  /** Size of those structs. Matches follow, then the target. */
  readonly matchesAt: number;
}

const families: readonly Family[] = [
  {
    ...{ program: 'iptables-legacy', domain: AF_INET, level: 0, names: 'ip_tables_names' },
    ...{ targetOffsetAt: 88, matchesAt: 112 },
  },
  {
    ...{ program: 'ip6tables-legacy', domain: AF_INET6, level: 41, names: 'ip6_tables_names' },
    ...{ targetOffsetAt: 140, matchesAt: 168 },
  },
];

/** IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES, the same for IPv6; EBT_SO_GET_INFO of linux/netfilter_bridge/ebtables.h. */
const getInfo = 64;
const getEntries = 65;
const getBridgeInfo = 128;
const IPPROTO_RAW = 255;
const nameLength = 32;
/** struct ipt_getinfo. */
const info = { length: 84, validHooks: 32, entries: 76, size: 80 } as const;
/** struct ipt_get_entries. */
const entriesAt = 40;
/** struct ebt_replace of 64-bit systems. */
const bridgeInfo = { length: 120, entries: 36 } as const;
/** struct xt_entry_target and xt_entry_match. */
const [nameAt, extensionNameLength, leastExtension] = [2, 29, 32];
const maxTableBytes = 64 << 20;

function ask(fd: number, level: number, option: number, value: Buffer, table: string): Buffer | string {
  const c = libc();
  value.write(table, 0, nameLength - 1, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length, 0);
  return c.getsockopt(fd, level, option, value, length) === 0 ? value : c.errnoName(c.errno());
}

const absent: readonly string[] = ['ENOENT', 'ENOPROTOOPT'];

/** Tables, and reasons why others are unreadable. */
export interface LegacyTables {
  readonly tables: readonly LegacyTable[];
  readonly unread: readonly string[];
}

type Found = LegacyTable | string;

interface Extensions {
  readonly targets: readonly string[];
  readonly matches: readonly string[];
}

/** Targets and matches. null = cut off, or a wrong length. */
export function extensionsOfEntries(
  entries: Buffer,
  { targetOffsetAt, matchesAt }: Pick<Family, 'targetOffsetAt' | 'matchesAt'>,
): Extensions | null {
  const [targets, matches] = [new Set<string>(), new Set<string>()];
  const nameOf = (at: number): string => {
    const name = entries.toString('latin1', at + nameAt, at + nameAt + extensionNameLength);
    return name.split('\0', 1)[0] ?? name;
  };
  for (let at = 0; at < entries.length; ) {
    if (at + targetOffsetAt + 4 > entries.length) return null;
    const [target, next] = [entries.readUInt16LE(at + targetOffsetAt), entries.readUInt16LE(at + targetOffsetAt + 2)];
    if (next === 0 || at + target + nameAt + extensionNameLength > entries.length) return null;
    targets.add(nameOf(at + target));
    for (let match = at + matchesAt; match < at + target; ) {
      const size = entries.readUInt16LE(match);
      if (size < leastExtension || match + size > at + target) return null;
      matches.add(nameOf(match));
      match += size;
    }
    at += next;
  }
  targets.delete(''); // a verdict, or a jump
  targets.delete('ERROR'); // head of a chain, end of the table
  return { targets: [...targets].sort(), matches: [...matches].sort() };
}

/** Each hook has an entry for its policy. */
function countBits(bits: number): number {
  return bits.toString(2).replaceAll('0', '').length;
}

function tableOf(family: Family, fd: number, table: string): readonly Found[] {
  const { program, level } = family;
  const answer = ask(fd, level, getInfo, Buffer.alloc(info.length), table);
  if (typeof answer === 'string') return absent.includes(answer) ? [] : [refusedTable(program, table, answer)];
  const size = answer.readUInt32LE(info.size);
  // the end of the table is an entry too
  const rules = answer.readUInt32LE(info.entries) - countBits(answer.readUInt32LE(info.validHooks)) - 1;
  if (rules === 0) return [];
  if (size > maxTableBytes) return [{ program, table, rules, targets: null }];
  const request = Buffer.alloc(entriesAt + size);
  request.writeUInt32LE(size, nameLength);
  const entries = ask(fd, level, getEntries, request, table);
  if (typeof entries === 'string') return [{ program, table, rules, targets: null }];
  const names = extensionsOfEntries(entries.subarray(entriesAt), family);
  if (names === null) return [{ program, table, rules, targets: null }];
  const copies = names.targets.includes('TEE') ? copiesOfEntries(entries.subarray(entriesAt), answer, program) : [];
  return [{ program, table, rules, ...names, ...(copies.length === 0 ? {} : { copies }) }];
}

function refusedTable(program: LegacyTable['program'], table: string, why: string): string {
  return `the kernel does not show table ${table} of ${program}: ${why}`;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

const kernelModules = [
  ...(['nf_tables', 'ebtable_broute', 'ebtable_nat', 'ebtable_filter'] as const),
  ...(['xfrm_user', 'af_key'] as const),
] as const;
type KernelModule = (typeof kernelModules)[number];

const makings: Readonly<Record<KernelModule, { readonly option: string; readonly starts: string }>> = {
  xfrm_user: { option: 'XFRM_USER', starts: 'xfrm_user_init' },
  af_key: { option: 'NET_KEY', starts: 'ipsec_pfkey_init' },
  nf_tables: { option: 'NF_TABLES', starts: 'nf_tables_module_init' },
  ebtable_broute: { option: 'BRIDGE_EBT_BROUTE', starts: 'ebtable_broute_init' },
  ebtable_nat: { option: 'BRIDGE_EBT_T_NAT', starts: 'ebtable_nat_init' },
  ebtable_filter: { option: 'BRIDGE_EBT_T_FILTER', starts: 'ebtable_filter_init' },
};

/** Sources for the kernel's modules. null = unreadable. */
export interface ModuleLists {
  readonly modules: string | null;
  /** modules.builtin, which most containers lack. */
  readonly builtIn: () => string | null;
  readonly parts: () => ReadonlySet<KernelModule> | null;
}

/** True if loaded or built in, so that a question loads nothing. 'perhaps' = unknown. */
export function isLoaded(module: KernelModule, lists: ModuleLists): boolean | 'perhaps' {
  const { modules } = lists;
  const isPart = (): boolean | undefined => lists.parts()?.has(module);
  if (modules === null) return isPart() === true ? true : 'perhaps';
  if (new RegExp(`^${module} `, 'm').test(modules)) return true;
  return lists.builtIn()?.includes(`/${module}.ko`) ?? isPart() ?? 'perhaps';
}

/** Built-in modules by proc_config.gz, else kallsyms (10 MB). null = neither. */
export function partsOfKernel(
  configuration: string | null,
  functions: () => string | null,
): ReadonlySet<KernelModule> | null {
  const text = configuration ?? functions();
  if (text === null) return null;
  const isPart = (module: KernelModule): boolean => {
    const { option, starts } = makings[module];
    return new RegExp(configuration === null ? ` ${starts}$` : `^CONFIG_${option}=y$`, 'm').test(text);
  };
  return new Set(kernelModules.filter(isPart));
}

function readConfiguration(): string | null {
  try {
    return gunzipSync(readFileSync('/proc/config.gz')).toString('latin1');
  } catch {
    return null;
  }
}

let knownParts: ReadonlySet<KernelModule> | null | undefined;

function readParts(): ReadonlySet<KernelModule> | null {
  knownParts ??= partsOfKernel(readConfiguration(), () => textOf('/proc/kallsyms'));
  return knownParts;
}

function moduleLists(): ModuleLists {
  return {
    modules: textOf('/proc/modules'),
    builtIn: () => textOf(`/lib/modules/${release()}/modules.builtin`),
    parts: readParts,
  };
}

/** True if IPsec may have policies: asking then loads no module. */
export function mayHavePolicies(): boolean {
  const lists = moduleLists();
  return (['xfrm_user', 'af_key'] as const).some((module) => isLoaded(module, lists) !== false);
}

/**
 * ebtables lists no tables, and a question loads a table's module (find_inlist_lock, net/bridge/netfilter/ebtables.c):
 * only those present are asked for.
 */
function bridgeTables(): readonly Found[] {
  const lists = moduleLists();
  const known = (['broute', 'nat', 'filter'] as const).map((table) => [table, isLoaded(`ebtable_${table}`, lists)]);
  const tested = known.flatMap(([table, isThere]) => (isThere === false ? [] : [String(table)]));
  const isCertain = known.some(([, isThere]) => isThere === true);
  const program = 'ebtables-legacy';
  return withRawSocket({ domain: AF_INET, program, isCertain }, tested, (fd, table): readonly Found[] => {
    const answer = ask(fd, 0, getBridgeInfo, Buffer.alloc(bridgeInfo.length), table);
    if (typeof answer === 'string') return absent.includes(answer) ? [] : [refusedTable(program, table, answer)];
    const rules = answer.readUInt32LE(bridgeInfo.entries);
    return rules === 0 ? [] : [{ program, table, rules, targets: null }];
  });
}

/** Not `isCertain`: a service without IP sockets reports nothing, as the kernel may lack all tables. */
function withRawSocket(
  {
    domain,
    program,
    isCertain,
  }: { readonly domain: number; readonly program: LegacyTable['program']; readonly isCertain: boolean },
  tables: readonly string[],
  find: (fd: number, table: string) => readonly Found[],
): readonly Found[] {
  if (tables.length === 0) return [];
  const c = libc();
  const fd = c.socket(domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) {
    const why = c.errnoName(c.errno());
    if (why === 'EAFNOSUPPORT' && !isCertain) return [];
    return [`a raw socket, which shows rules of ${program}, cannot be opened: ${why}`];
  }
  try {
    return tables.flatMap((table) => find(fd, table));
  } finally {
    c.close(fd);
  }
}

function namesOf({ names, program }: Family): readonly string[] | string {
  const read = rootsText(`/proc/thread-self/net/${names}`);
  if ('refused' in read) return `the names of the tables of ${program} cannot be read: ${read.refused}`;
  return (read.text ?? '')
    .split('\n')
    .filter((name) => name !== '')
    .sort();
}

/** The calling thread's non-empty legacy xtables and ebtables, which nft does not list. */
export function legacyTables(): LegacyTables {
  const ofIp = families.flatMap((family): readonly Found[] => {
    const names = namesOf(family);
    if (typeof names === 'string') return [names];
    return withRawSocket({ ...family, isCertain: true }, names, (fd, name) => tableOf(family, fd, name));
  });
  const found = [...ofIp, ...bridgeTables()];
  return {
    tables: found.filter((table) => typeof table !== 'string'),
    unread: found.filter((table) => typeof table === 'string'),
  };
}

/** NFT_MSG_NEWTABLE and NFT_MSG_GETTABLE of NFNL_SUBSYS_NFTABLES; struct nfgenmsg, whose family 0 means all. */
const [newTable, getTable, generalLength] = [10 << 8, (10 << 8) | 1, 4];
/**
 * Family and attributes behind struct nlmsghdr: NFTA_TABLE_NAME, and NFTA_TABLE_USE (number of contents, big-endian).
 */
const tableAt = { family: 16, attributes: 20 } as const;
const [nameAttribute, useAttribute] = [1, 3];
/** nfnetlink_rcv_msg (net/netfilter/nfnetlink.c) returns it for a missing part of netfilter. */
const EINVAL = 22;
/** NFPROTO_… of linux/netfilter.h. */
const familyNames: ReadonlyMap<number, string> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
]);

/** Non-empty tables of the calling thread's namespace, as `inet filter`. null = not permitted. */
export function nfTables(): readonly string[] | null {
  if (isLoaded('nf_tables', moduleLists()) === false) return [];
  const asker = openAskerIfThere(NETLINK_NETFILTER);
  if (asker === null || asker === 'absent') return asker === null ? null : [];
  try {
    const answers = asker.ask(getTable, new Uint8Array(generalLength), 'dump', [EINVAL]);
    return answers?.flatMap(({ type, bytes }) => (type === newTable ? tableNamed(bytes) : [])) ?? null;
  } finally {
    asker.close();
  }
}

/** NFT_MSG_GETGEN, NFTA_GEN_ID. */
const [getGeneration, generationAttribute] = [(10 << 8) | 16, 1];
/** SO_NETNS_COOKIE (Linux 5.14) is unique until reboot. */
const [SOL_SOCKET, SO_NETNS_COOKIE] = [1, 71];

/**
 * Identifies nf_tables rules of the calling thread's network namespace by cookie and generation. Transactions raise the
 * latter (nf_tables_commit, net/netfilter/nf_tables_api.c); elements added by packets, counters and timers do not. null
 * = not reported.
 */
export function rulesGeneration(): string | null {
  if (isLoaded('nf_tables', moduleLists()) === false) return null;
  const asker = openNetlinkAsker(NETLINK_NETFILTER);
  if (asker === null) return null;
  try {
    const cookie = Buffer.alloc(8);
    const length = Buffer.from(Uint32Array.of(cookie.length).buffer);
    if (libc().getsockopt(asker.fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, length) !== 0) return null;
    const [answer] = asker.ask(getGeneration, new Uint8Array(generalLength), 'one') ?? [];
    const id = answer && netlinkAttributes(answer.bytes.subarray(tableAt.attributes)).get(generationAttribute);
    return id?.length === 4 ? `${cookie.readBigUInt64LE()} ${id.readUInt32BE()}` : null;
  } finally {
    asker.close();
  }
}

function tableNamed(bytes: Buffer): readonly string[] {
  const attributes = netlinkAttributes(bytes.subarray(tableAt.attributes));
  const [name, use] = [attributes.get(nameAttribute), attributes.get(useAttribute)];
  if (use?.length === 4 && use.readUInt32BE(0) === 0) return [];
  const family = bytes.readUInt8(tableAt.family);
  return [`${familyNames.get(family) ?? family} ${name === undefined ? '' : netlinkText(name)}`];
}
