import type { KernelTypes } from './btf.js';

/**
 * Places in the kernel that every packet passes (include/trace/events/net.h, skb.h): a device transmits it, receives
 * it, it is dropped or has been used up, a process reads it from a socket.
 */
export const places = [
  { name: 'transmit', tracepoint: 'net_dev_start_xmit' },
  { name: 'receive', tracepoint: 'netif_receive_skb' },
  { name: 'drop', tracepoint: 'kfree_skb' },
  { name: 'consume', tracepoint: 'consume_skb' },
  { name: 'read', tracepoint: 'skb_copy_datagram_iovec' },
] as const;
export type PlaceName = (typeof places)[number]['name'];

/** Events of XDP (include/trace/events/xdp.h): they have no data of the frame, so they are counted alone. */
export const xdpTracepoints = [
  'xdp_redirect',
  'xdp_redirect_err',
  'xdp_devmap_xmit',
  'xdp_cpumap_enqueue',
  'xdp_bulk_tx',
  'xdp_exception',
] as const;

/** Where the members stand that a program reads, in bytes. They differ from one kernel to the next. */
export interface PacketLayout {
  readonly device: number;
  readonly length: number;
  readonly macHeader: number;
  readonly tail: number;
  readonly head: number;
  readonly data: number;
  /** Of struct net_device. */
  readonly ifindex: number;
  readonly net: number;
  /** Of struct net. */
  readonly number: number;
}

/** Bytes of struct sk_buff that a program copies to its stack. */
export const copiedBytes = 256;

/** Null: a member has another name in this kernel, or stands behind what is copied. */
export function packetLayout(types: KernelTypes): PacketLayout | null {
  const inPacket = (member: string): number | null => types.offsetOf('sk_buff', member);
  const [device, length, macHeader] = [inPacket('dev'), inPacket('len'), inPacket('mac_header')];
  const [tail, head, data] = [inPacket('tail'), inPacket('head'), inPacket('data')];
  const ifindex = types.offsetOf('net_device', 'ifindex');
  const net = types.offsetOf('net_device', 'nd_net', 'net');
  const number = types.offsetOf('net', 'ns', 'inum');
  if (device === null || length === null || macHeader === null || tail === null || head === null || data === null)
    return null;
  if (ifindex === null || net === null || number === null) return null;
  if (Math.max(device, length, macHeader, tail, head, data) + 8 > copiedBytes) return null;
  return { device, length, macHeader, tail, head, data, ifindex, net, number };
}

/** Descriptors of the maps that the programs of a step write. */
export interface TraceMaps {
  /** Per processor: a copy of the frame's first bytes, one value for each place. */
  readonly windows: number;
  /** By `placeKey`: how often, and a byte for each token. */
  readonly table: number;
  /** A value of the table that is 0 throughout. */
  readonly zero: number;
  /** By token and address of the packet: where it was seen last. A death deletes it. */
  readonly ledger: number;
  /** Counts of 8 bytes, numbered as `tallies`. */
  readonly tally: number;
}

/** What is counted beside the table. `interrupted`: one program came into itself, and the inner one saw nothing. */
export const tallies = ['tableFull', 'ledgerFull', 'blind', 'interrupted', 'xdp'] as const;
export type Tally = (typeof tallies)[number];

/** Bytes that are searched: the token of every form of probe begins below, at an even offset. */
export const searched = 128;
/** The copy, and behind it whether the program is at work there. */
export const busyAt = searched + 16;
export const windowLength = busyAt + 8;

export const keyLength = 24;
export const keyAt = { place: 0, tokenAt: 1, netns: 4, ifindex: 8, reason: 12, location: 16 } as const;
export const ledgerKeyLength = 16;
/** Bytes of a value of the table before those of its tokens. */
export const countLength = 8;

/** What the programs of a step look for. */
export interface TraceTarget {
  readonly runTag: number;
  /** Tokens first … first + count − 1. */
  readonly first: number;
  readonly count: number;
  /** Frames of more bytes are none of the step's. */
  readonly longest: number;
  /** Device and inode of this process's namespace of processes: other processes have their number there. */
  readonly pids: { readonly device: bigint; readonly inode: bigint } | null;
}
