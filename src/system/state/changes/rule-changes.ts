import { closeSync } from 'node:fs';
import type { CarryingRule, RuleChange } from '../../../core/model/timeline.js';
import { inNamespace } from '../../kernel/namespaces.js';
import {
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  netlinkAttributes,
  netlinkText,
  openNetlinkIfThere,
  waitingMessages,
} from '../../kernel/netlink-socket.js';
import { carryingRules } from './carrying-rules.js';

/** RTNLGRP_TC of linux/rtnetlink.h; NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const tcGroup = 4;
const tablesGroup = 7;
/**
 * NFNL_SUBSYS_NFTABLES and NFT_MSG_NEWGEN: a transaction's last message, which names its process
 * (nf_tables_fill_gen_info, net/netfilter/nf_tables_api.c).
 */
const newGeneration = (10 << 8) | 15;
/** NFTA_GEN_PROC_PID and NFTA_GEN_PROC_NAME, behind struct nlmsghdr and struct nfgenmsg. */
const processAttribute = 2;
const nameAttribute = 3;
const attributesAt = 20;
const portAt = 12;
const buffer = 8 * 1024 * 1024;

export interface RuleWatch {
  /** Distinct, in order, since the last call. */
  take(): readonly RuleChange[];
  /** Unheard sources, with reasons: changes reverted there go unnoticed. */
  unheard(): readonly string[];
  close(): void;
}

/**
 * Hears which processes change nft's rules and tc in a network namespace. nft names process and program. tc's messages
 * have the netlink port, which is the process id for a process's first socket (netlink_autobind,
 * net/netlink/af_netlink.c). For links, bridge ports, FDB and MDB the port is 0. Leaves out rules that this kernel
 * lacks.
 */
export function watchRuleChanges(netns: string | null): RuleWatch {
  const opened = inNamespace(netns, () => [
    open('tc', NETLINK_ROUTE, tcGroup),
    open('nft', NETLINK_NETFILTER, tablesGroup),
  ]);
  const sockets = opened.flatMap(({ kind, socket }) =>
    socket === null || 'refused' in socket ? [] : [{ kind, fd: socket.fd }],
  );
  return {
    unheard: () =>
      opened.flatMap(({ kind, socket }) =>
        socket !== null && 'refused' in socket ? [`changes of ${kind} rules: ${socket.refused}`] : [],
      ),
    take: () => unique(sockets.flatMap(({ kind, fd }) => [...waiting(kind, fd)])),
    close: () => sockets.forEach(({ fd }) => closeSync(fd)),
  };
}

interface OpenedGroup {
  readonly kind: RuleChange['kind'];
  readonly socket: ReturnType<typeof openNetlinkIfThere>;
}

function open(
  kind: RuleChange['kind'],
  family: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER,
  group: number,
): OpenedGroup {
  return { kind, socket: openNetlinkIfThere({ family, groups: [group], waitMs: null, buffer }) };
}

function* waiting(kind: RuleChange['kind'], fd: number): Generator<RuleChange> {
  const made: CarryingRule[] = [];
  const takeMade = (): Pick<RuleChange, 'carrying'> => (made.length === 0 ? {} : { carrying: made.splice(0) });
  for (const message of waitingMessages(fd)) {
    // the kernel dropped some: the process is unknown
    if (message === 'lost') {
      const unknown = { what: `${kind} rules`, place: 'more changes than the kernel keeps', rule: '' };
      yield { kind, pid: null, program: null, carrying: [unknown] };
      continue;
    }
    made.push(...carryingRules(message));
    if (kind === 'tc') yield { kind, pid: message.bytes.readUInt32LE(portAt), program: null, ...takeMade() };
    else if (message.type === newGeneration)
      yield { kind, ...processOf(message.bytes.subarray(attributesAt)), ...takeMade() };
  }
}

function processOf(bytes: Buffer): Pick<RuleChange, 'pid' | 'program'> {
  const attributes = netlinkAttributes(bytes);
  const [pid, name] = [attributes.get(processAttribute), attributes.get(nameAttribute)];
  return {
    pid: pid?.length === 4 ? pid.readUInt32BE(0) : null,
    program: name === undefined ? null : netlinkText(name),
  };
}

function unique(changes: readonly RuleChange[]): readonly RuleChange[] {
  return [...new Map(changes.map((change) => [JSON.stringify(change), change])).values()];
}
