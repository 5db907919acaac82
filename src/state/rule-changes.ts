import { closeSync, readSync } from 'node:fs';
import { VerifyError } from '../model/verify-error.js';
import type { RuleChange } from '../model/timeline.js';
import { inNamespace } from '../sys/namespaces.js';
import { NETLINK_NETFILTER, NETLINK_ROUTE, netlinkMessages, openNetlink } from '../sys/netlink-socket.js';

/** RTNLGRP_TC of linux/rtnetlink.h; NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const tcGroup = 4;
const tablesGroup = 7;
/** NFNL_SUBSYS_NFTABLES and NFT_MSG_NEWGEN: the last message of every transaction, which tells who made it (nf_tables_fill_gen_info, net/netfilter/nf_tables_api.c). */
const newGeneration = (10 << 8) | 15;
/** NFTA_GEN_PROC_PID and NFTA_GEN_PROC_NAME, behind struct nlmsghdr and struct nfgenmsg. */
const processAttribute = 2;
const nameAttribute = 3;
const attributesAt = 20;
const portAt = 12;
/** Octets that the kernel keeps until they are taken. */
const buffer = 1024 * 1024;

export interface RuleWatch {
  /** What was told since it was opened or last asked, in order, alike ones once. */
  take(): readonly RuleChange[];
  close(): void;
}

/**
 * Hears who changes nft's rules and tc in a network namespace. nft names process and program; tc's messages bear the netlink port of who
 * asked, which is the process id of its first socket (netlink_autobind, net/netlink/af_netlink.c). Of links, bridge ports, FDB and MDB the
 * kernel names nobody: there the port is 0. What this user may not listen to is not heard.
 */
export function watchRuleChanges(netns: string | null): RuleWatch {
  const sockets = inNamespace(netns, () => [...opened('tc', NETLINK_ROUTE, tcGroup), ...opened('nft', NETLINK_NETFILTER, tablesGroup)]);
  return {
    take: () => unique(sockets.flatMap(({ kind, fd }) => [...waiting(kind, fd)])),
    close: () => sockets.forEach(({ fd }) => closeSync(fd)),
  };
}

function opened(kind: RuleChange['kind'], family: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER, group: number): readonly { readonly kind: RuleChange['kind']; readonly fd: number }[] {
  try {
    return [{ kind, fd: openNetlink({ family, groups: [group], waitMs: null, buffer }) }];
  } catch (error) {
    if (error instanceof VerifyError) return [];
    throw error;
  }
}

function* waiting(kind: RuleChange['kind'], fd: number): Generator<RuleChange> {
  const chunk = Buffer.alloc(1 << 16);
  for (;;) {
    let octets: number;
    try {
      octets = readSync(fd, chunk);
    } catch (error) {
      // ENOBUFS: more than the kernel kept for us; somebody changed something, and it cannot be said who.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOBUFS')) return;
      yield { kind, pid: null, program: null };
      continue;
    }
    for (const { type, at, length } of netlinkMessages(chunk, octets)) {
      if (kind === 'tc') yield { kind, pid: chunk.readUInt32LE(at + portAt), program: null };
      else if (type === newGeneration) yield { kind, ...processOf(chunk.subarray(at + attributesAt, at + length)) };
    }
  }
}

/** struct nlattr: length and type of 16 bits each, then the value; aligned to 4 octets. Numbers of nf_tables are big-endian. */
function processOf(attributes: Buffer): Pick<RuleChange, 'pid' | 'program'> {
  let found: Pick<RuleChange, 'pid' | 'program'> = { pid: null, program: null };
  for (let at = 0; at + 4 <= attributes.length; ) {
    const length = attributes.readUInt16LE(at);
    if (length < 4 || at + length > attributes.length) break;
    const type = attributes.readUInt16LE(at + 2);
    const value = attributes.subarray(at + 4, at + length);
    if (type === processAttribute && value.length === 4) found = { ...found, pid: value.readUInt32BE(0) };
    if (type === nameAttribute) found = { ...found, program: value.toString('latin1').replace(/\0.*$/s, '') };
    at += (length + 3) & ~3;
  }
  return found;
}

function unique(changes: readonly RuleChange[]): readonly RuleChange[] {
  return [...new Map(changes.map((change) => [JSON.stringify(change), change])).values()];
}
