import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type PacketSocket, receives, type RunningProgram } from '../../core/model/packet-socket.js';
import { type PacketHandler } from '../../core/model/state.js';
import { netfilterPrograms } from '../kernel/bpf-programs.js';
import { procLink, rootsText } from '../kernel/proc-files.js';
import { inNamespace } from '../kernel/namespaces.js';
import { packetSocketReports, type SocketReport } from '../kernel/ask/socket-diag.js';
import { isHostsOwn, runningProgram, type SocketHolder, socketHolders } from '../process/socket-holders.js';
import { helperPath } from '../process/helper-command.js';
import { given } from '../../core/text/collections.js';

/** /proc/net/packet (packet_seq_show): sk RefCnt Type Proto Iface R Rmem User Inode. */
export function parsePacketSockets(
  text: string,
): readonly Omit<PacketSocket, 'holders' | 'own' | keyof SocketReport>[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, , , protocol, ifindex, , , , inode] = line.trim().split(/\s+/);
      return protocol === undefined || ifindex === undefined || inode === undefined
        ? []
        : [{ inode, ifindex: Number(ifindex), protocol: protocol.toLowerCase() }];
    });
}

/** The report if `readPacketSockets` gives null. */
export const unreadSockets = { what: 'packet sockets', why: '/proc/net/packet cannot be read' } as const;

/** /proc/net/packet. null = unreadable. */
export function readPacketTable(netns: string | null): string | null {
  try {
    return inNamespace(netns, () => readFileSync('/proc/thread-self/net/packet', 'utf8'));
  } catch {
    return null;
  }
}

/** Packet sockets' handlers, listed elsewhere (net/packet/af_packet.c). */
const ofSockets = /^t?packet_rcv/;

/**
 * Lines of /proc/net/ptype (net/core/net-procfs.c, ptype_seq_show) without packet sockets. Handlers printed as
 * addresses, by kernels without names, are left out.
 */
export function parsePacketHandlers(text: string): readonly PacketHandler[] {
  return text.split('\n').flatMap((line): readonly PacketHandler[] => {
    const match = /^(ALL|[0-9a-f]{4})\s+(?:(\S+)\s+)?([A-Za-z_]\S*(?: \[\S+\])?)\s*$/.exec(line);
    const [, type = '', device = null, name = ''] = match ?? [];
    return match === null || ofSockets.test(name) ? [] : [{ type, device, function: name }];
  });
}

/** Kernel functions that receive frames, and why some are unknown. */
export interface PacketHandlers {
  readonly handlers: readonly PacketHandler[];
  readonly unread: readonly string[];
}

/** Kernel functions that receive a namespace's frames, except packet sockets, and BPF programs at netfilter's hooks. */
export function readPacketHandlers(netns: string | null): PacketHandlers {
  const found = netfilterPrograms();
  const programs = (typeof found === 'string' ? [] : found).map(({ id, family }) => ({
    type: family === 'ipv4' ? '0800' : '86dd',
    device: null,
    function: `BPF program ${id} of netfilter`,
  }));
  const list = inNamespace(netns, () => rootsText('/proc/thread-self/net/ptype'));
  return {
    handlers: ['text' in list && list.text !== null ? parsePacketHandlers(list.text) : [], programs].flat(),
    unread: [
      ...(typeof found === 'string' ? [`the kernel does not list BPF programs of netfilter: ${found}`] : []),
      ...('refused' in list ? [`/proc/net/ptype cannot be read: ${list.refused}`] : []),
    ],
  };
}

/**
 * A namespace's packet sockets with their processes. Only root sees other users' processes (ptrace(2), "ptrace access
 * mode checking"); one that just ended is left out. `isOurs`: confirms a process named like this program's helpers.
 */
export function readPacketSockets(
  netns: string | null,
  isOurs: (pid: number) => boolean = () => true,
): readonly PacketSocket[] | null {
  const table = readPacketTable(netns);
  if (table === null) return null;
  const sockets = parsePacketSockets(table);
  if (sockets.length === 0) return [];
  const holders = socketHolders(new Set(sockets.map(({ inode }) => inode)));
  const reports = inNamespace(netns, packetSocketReports);
  const isHosts = inNamespace(netns, () => procLink('/proc/thread-self/ns/net')) === procLink('/proc/1/ns/net');
  const isAlone = ({ pid }: Holder, ifindex: number): boolean =>
    sockets.every(
      (socket) => socket.ifindex === ifindex || !(holders.get(socket.inode) ?? []).some((holder) => holder.pid === pid),
    );
  return sockets.map((socket) => {
    const processes = (holders.get(socket.inode) ?? []).map((holder) => describe(holder, isOurs));
    const mayBeHosts = isHosts && receives(socket);
    return {
      ...socket,
      holders: processes.map((holder) => ({
        pid: holder.pid,
        name: holder.name,
        ...given({ program: holder.program }),
        ...(mayBeHosts && isAlone(holder, socket.ifindex) && isOfHost(holder) ? { hostsOwn: true } : {}),
      })),
      own: processes.length > 0 && processes.every(({ isOwn }) => isOwn),
      ...reportedOf(reports?.get(socket.inode)),
    };
  });
}

function reportedOf(reported: SocketReport | undefined): Pick<PacketSocket, keyof SocketReport> {
  if (reported === undefined) return {};
  const { filter, cooked: isCooked, promiscuous } = reported;
  return { filter, ...(isCooked ? { cooked: true } : {}), promiscuous };
}

interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly isOwn: boolean;
  readonly program: RunningProgram | null;
}

function isOfHost({ pid, program }: Holder): boolean {
  return program !== null && isHostsOwn(pid, program);
}

/** Our helpers capture and send, but a relay bridges. */
function describe({ pid, argv, comm }: SocketHolder, isOurs: (pid: number) => boolean): Holder {
  const at = argv.indexOf(helperPath);
  // senders' sockets are opened here first
  if (at < 0) {
    if (pid === Number(procLink('/proc/self'))) return { pid, name: comm, isOwn: true, program: null };
    const program = runningProgram(pid);
    return { pid, name: nameOf(program?.path ?? '', comm), isOwn: false, program };
  }
  const role = argv[at + 1] ?? '';
  const name = `verify-isolation ${role}`;
  return isOurs(pid)
    ? { pid, name, isOwn: role === 'capture' || role === 'send', program: null }
    : { pid, name: `${name} of another run`, isOwn: false, program: runningProgram(pid) };
}

/** A process may rename itself: its program counts, whose name may end with a version. */
function nameOf(path: string, comm: string): string {
  const name = basename(path);
  const version = name.slice(comm.length);
  return name === '' || (comm !== '' && name.startsWith(comm) && /^[\d.]*$/.test(version)) ? comm : name;
}

/**
 * NFLOG groups that processes read: first column of /proc/net/netfilter/nfnetlink_log (net/netfilter/nfnetlink_log.c,
 * seq_show); null = none in this kernel. `refused`: the error.
 */
export function readLogGroups(
  netns: string | null,
): { readonly groups: readonly number[] | null } | { readonly refused: string } {
  const read = inNamespace(netns, () => rootsText('/proc/thread-self/net/netfilter/nfnetlink_log'));
  if ('refused' in read) return read;
  const lines = read.text?.split('\n').filter((line) => line.trim() !== '');
  return { groups: lines?.map((line) => Number(line.trim().split(/\s+/)[0])) ?? null };
}
