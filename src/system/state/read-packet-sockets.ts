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

/**
 * The lines of /proc/net/packet (net/packet/af_packet.c, packet_seq_show): sk RefCnt Type Proto Iface R Rmem User
 * Inode.
 */
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

/** What is said where `readPacketSockets` gives null. */
export const unreadSockets = { what: 'packet sockets', why: '/proc/net/packet cannot be read' } as const;

/** The text of /proc/net/packet in a namespace; null where it cannot be read. */
export function readPacketTable(netns: string | null): string | null {
  try {
    return inNamespace(netns, () => readFileSync('/proc/thread-self/net/packet', 'utf8'));
  } catch {
    return null;
  }
}

/** What packet sockets are called there, which have a list of their own (net/packet/af_packet.c). */
const ofSockets = /^t?packet_rcv/;

/**
 * The lines of /proc/net/ptype (net/core/net-procfs.c, ptype_seq_show) but those of packet sockets. A kernel that knows
 * no names of functions prints addresses: these are left out.
 */
export function parsePacketHandlers(text: string): readonly PacketHandler[] {
  return text.split('\n').flatMap((line): readonly PacketHandler[] => {
    const match = /^(ALL|[0-9a-f]{4})\s+(?:(\S+)\s+)?([A-Za-z_]\S*(?: \[\S+\])?)\s*$/.exec(line);
    const [, type = '', device = null, name = ''] = match ?? [];
    return match === null || ofSockets.test(name) ? [] : [{ type, device, function: name }];
  });
}

/** Functions of the kernel that get frames, and why some of them are not known. */
export interface PacketHandlers {
  readonly handlers: readonly PacketHandler[];
  readonly unread: readonly string[];
}

/**
 * Functions of the kernel that get frames in a namespace, but those of packet sockets, and programs of BPF at
 * netfilter's hooks.
 */
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
 * Packet sockets of a namespace with the processes that hold them. Processes of other users show only to root
 * (ptrace(2), "ptrace access mode checking"); one that ends meanwhile is left out. `isOurs`: whether a process that is
 * called as this program's helpers is one.
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

/** Helpers that capture and send are this program's own and known; a relay is something that bridges the bridge. */
function describe({ pid, argv, comm }: SocketHolder, isOurs: (pid: number) => boolean): Holder {
  const at = argv.indexOf(helperPath);
  // what a sender will send by is open here first
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

/** A process may call itself as it likes: it is called by its program, whose version may stand behind the name. */
function nameOf(path: string, comm: string): string {
  const name = basename(path);
  const version = name.slice(comm.length);
  return name === '' || (comm !== '' && name.startsWith(comm) && /^[\d.]*$/.test(version)) ? comm : name;
}

/**
 * Groups of NFLOG from which a process takes packets: the first column of /proc/net/netfilter/nfnetlink_log
 * (net/netfilter/nfnetlink_log.c, seq_show); null = this kernel has none. `refused`: the error that hinders reading it.
 */
export function readLogGroups(
  netns: string | null,
): { readonly groups: readonly number[] | null } | { readonly refused: string } {
  const read = inNamespace(netns, () => rootsText('/proc/thread-self/net/netfilter/nfnetlink_log'));
  if ('refused' in read) return read;
  const lines = read.text?.split('\n').filter((line) => line.trim() !== '');
  return { groups: lines?.map((line) => Number(line.trim().split(/\s+/)[0])) ?? null };
}
