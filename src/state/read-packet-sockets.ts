import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PacketSocket } from '../model/packet-socket.js';
import { inNamespace } from '../sys/namespaces.js';
import { helperPath } from '../sys/helper-command.js';

/** The lines of /proc/net/packet (net/packet/af_packet.c, packet_seq_show): sk RefCnt Type Proto Iface R Rmem User Inode. */
export function parsePacketSockets(text: string): readonly Omit<PacketSocket, 'holders' | 'own'>[] {
  return text.split('\n').slice(1).flatMap((line) => {
    const [, , , protocol, ifindex, , , , inode] = line.trim().split(/\s+/);
    return protocol === undefined || ifindex === undefined || inode === undefined ? [] : [{ inode, ifindex: Number(ifindex), protocol: protocol.toLowerCase() }];
  });
}

/** The text of /proc/net/packet in a namespace; null where it cannot be read. */
export function readPacketTable(netns: string | null): string | null {
  try {
    return inNamespace(netns, () => readFileSync('/proc/thread-self/net/packet', 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Packet sockets of a namespace with the processes that hold them. Processes of other users show only to root (ptrace(2), "ptrace access
 * mode checking"); one that ends meanwhile is left out.
 */
export function readPacketSockets(netns: string | null): readonly PacketSocket[] | null {
  const table = readPacketTable(netns);
  if (table === null) return null;
  const sockets = parsePacketSockets(table);
  if (sockets.length === 0) return [];
  const holders = holdersOf(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map((socket) => {
    const found = holders.get(socket.inode) ?? [];
    return { ...socket, holders: found.map(({ pid, name }) => ({ pid, name })), own: found.length > 0 && found.every(({ own }) => own) };
  });
}

interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly own: boolean;
}

function holdersOf(inodes: ReadonlySet<string>): ReadonlyMap<string, readonly Holder[]> {
  const found = new Map<string, Holder[]>();
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    const held = new Set(list(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1] ?? '').filter((inode) => inodes.has(inode)));
    if (held.size === 0) continue;
    const holder = describe(Number(pid));
    for (const inode of held) found.set(inode, [...(found.get(inode) ?? []), holder]);
  }
  return found;
}

/** Helpers that capture and send are this program's own and known; a relay is somebody who bridges the bridge. */
function describe(pid: number): Holder {
  const argv = text(`/proc/${pid}/cmdline`).split('\0');
  const at = argv.indexOf(helperPath);
  const role = at < 0 ? null : (argv[at + 1] ?? '');
  const name = role === null ? text(`/proc/${pid}/comm`).trim() : `verify-isolation ${role}`;
  return { pid, name, own: role === 'capture' || role === 'send' };
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
