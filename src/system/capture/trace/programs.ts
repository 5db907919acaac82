import { Assembler } from '../../../core/wire/search-program.js';
import { magicHigh, magicLow, tokenLength } from '../../../core/wire/token.js';
import type { PacketLayout } from './btf.js';
import { type OwnProcesses, putReader } from './reader-program.js';

/**
 * Tracepoints (include/trace/events/net.h, skb.h): a device sends or receives, a packet is dropped or consumed, a
 * process reads it.
 */
export const places = [
  { name: 'transmit', tracepoint: 'net_dev_start_xmit' },
  { name: 'receive', tracepoint: 'netif_receive_skb' },
  { name: 'drop', tracepoint: 'kfree_skb' },
  { name: 'consume', tracepoint: 'consume_skb' },
  { name: 'read', tracepoint: 'skb_copy_datagram_iovec' },
] as const;
export type PlaceName = (typeof places)[number]['name'];

/** Descriptors of maps that programs write. */
export interface TraceMaps {
  /** Per processor and place: the frame's first bytes. */
  readonly windows: number;
  /** By `placeKey`: a count, and a byte a token. */
  readonly table: number;
  /** A table value of zeros. */
  readonly zero: number;
  /** By token and packet address: the last place. A death deletes it. */
  readonly ledger: number;
  /** 8-byte counts, numbered as `tallies`. */
  readonly tally: number;
}

/** Counts beside the table. `interrupted`: one program came into itself, and the inner one saw nothing. */
export const tallies = ['tableFull', 'ledgerFull', 'blind', 'interrupted', 'xdp'] as const;
export type Tally = (typeof tallies)[number];
/** Bytes searched: every probe's token begins below, at an even offset. */
export const searched = 128;
/** Of frames up to this length no more is copied: ping(8) sends 98 bytes. */
const shortCopy = 104;
/** Behind the copy: a flag that the program is at work. */
export const busyAt = searched + 16;
export const windowLength = busyAt + 8;
export const keyLength = 24;
export const keyAt = { place: 0, tokenAt: 1, netns: 4, ifindex: 8, reason: 12, location: 16 } as const;
export const ledgerKeyLength = 16;
/** Bytes of a table value before the tokens' bytes. */
export const countLength = 8;

/** Tokens that programs search for. */
export interface TraceTarget {
  readonly runTag: number;
  /** Tokens first … first + count − 1. */
  readonly first: number;
  readonly count: number;
  /** No longer frame is the step's. */
  readonly longest: number;
  /** Inode of this process's PID namespace. */
  readonly pids: OwnProcesses;
}

const helpers = {
  lookUp: 1,
  update: 2,
  remove: 3,
  readKernel: 113,
} as const;
const [result, first, second, third, fourth, fifth] = [0, 1, 2, 3, 4, 5] as const;
const [context, packet, length, window, stack] = [6, 7, 8, 9, 10] as const;

const on = {
  number: -8,
  pointer: -16,
  key: -40,
  ledgerKey: -56,
  address: -64,
  scratch: -80,
  tokenAt: -88,
  bytes: -88 - searched - 8,
} as const;

class PlaceProgram {
  private readonly program = new Assembler();

  constructor(
    private readonly place: number,
    private readonly parameters: number,
    private readonly layout: PacketLayout,
    private readonly maps: TraceMaps,
    private readonly target: TraceTarget,
  ) {}

  private get name(): PlaceName | undefined {
    return places[this.place]?.name;
  }

  encode(): Uint8Array {
    this.sortOut();
    this.findBytes();
    this.search();
    this.copyWindow();
    this.takeToken();
    this.describe();
    this.enter();
    if (this.name === 'drop' || this.name === 'consume') this.close();
    else this.open();
    return this.end();
  }

  /** Most packets are no probes, and the length shows it without a call. */
  private sortOut(): void {
    this.program
      .put('move', { to: context, from: first })
      .put('loadLong', { to: packet, from: context, offset: 0 })
      .put('loadWord', { to: first, from: packet, offset: this.layout.length })
      .put('ifGreater', { to: first, value: this.target.longest, offset: 'out' })
      .put('ifLess', { to: first, value: tokenLength, offset: 'out' });
  }

  /** From the MAC header or the data, whichever comes first: before that lie old bytes. */
  private findBytes(): void {
    const { macHeader, tail, head, data } = this.layout;
    const noHeader = 0xffff; // skb_mac_header_was_set
    this.program
      .put('storeLong', { to: stack, from: packet, offset: on.address })
      .put('loadLong', { to: length, from: packet, offset: head })
      .put('loadWord', { to: third, from: packet, offset: tail })
      .put('loadHalf', { to: second, from: packet, offset: macHeader })
      .put('loadLong', { to: packet, from: packet, offset: data })
      .put('ifEqual', { to: second, value: noHeader, offset: 'no header' })
      .put('add', { to: second, from: length })
      .put('ifNotLessRegister', { to: second, from: packet, offset: 'no header' })
      .put('move', { to: packet, from: second })
      .label('no header')
      .put('add', { to: length, from: third })
      .put('subtract', { to: length, from: packet })
      .put('ifGreater', { to: length, value: 65_536, offset: 'blind' })
      .put('ifLess', { to: length, value: tokenLength, offset: 'blind' }); // its bytes lie in pages
  }

  /**
   * Each aligned word is compared with both halves of the mark, as one half is aligned. Copying beyond the frame is
   * safe: 320 bytes of the kernel follow (struct skb_shared_info).
   */
  private search(): void {
    const mark = this.mark();
    const { program } = this;
    const pads: number[] = [];
    program
      .put('set', { to: second, value: shortCopy })
      .put('ifNotGreater', { to: length, value: shortCopy, offset: 'short' })
      .put('set', { to: second, value: searched + 4 })
      .label('short')
      .onStack(first, on.bytes)
      .put('move', { to: third, from: packet })
      .put('call', { value: helpers.readKernel })
      .put('ifNotEqual', { to: result, value: 0, offset: 'blind' })
      .put('setWord', { to: fifth, value: mark.readInt32LE(0) })
      .put('setWord', { to: first, value: mark.readInt32LE(2) });
    const compare = (constant: number, tokenAt: number): void => {
      if (tokenAt < 0 || tokenAt >= searched) return;
      pads.push(tokenAt);
      program.put('ifEqualRegister', { to: fourth, from: constant, offset: `at ${tokenAt}` });
    };
    for (let at = 0; at <= searched; at += 4) {
      if (at === shortCopy || at === shortCopy / 2)
        program.put('ifNotGreater', { to: length, value: at, offset: 'out' });
      program.put('loadWord', { to: fourth, from: stack, offset: on.bytes + at });
      compare(first, at - 2);
      compare(fifth, at);
    }
    program.put('jump', { offset: 'out' });
    for (const tokenAt of pads)
      program.label(`at ${tokenAt}`).put('set', { to: third, value: tokenAt }).put('jump', { offset: 'perhaps' });
  }

  private mark(): Buffer {
    const mark = Buffer.from([magicHigh, magicLow, 0, 0, 0, 0]);
    mark.writeUInt32BE(this.target.runTag, 2);
    return mark;
  }

  /** The stack allows no token at an odd word. */
  private copyWindow(): void {
    const mark = this.mark();
    this.program
      .label('perhaps')
      .put('move', { to: first, from: third })
      .put('increase', { to: first, value: 10 })
      .put('ifGreaterRegister', { to: first, from: length, offset: 'out' }) // left over from a longer frame
      .put('storeLong', { to: stack, from: third, offset: on.tokenAt })
      .put('ifNotGreater', { to: length, value: busyAt, offset: 'fits' })
      .put('set', { to: length, value: busyAt })
      .label('fits')
      .put('storeWordOf', { to: stack, offset: on.number, value: this.place });
    this.lookUp(this.maps.windows, on.number, 'out');
    this.program
      .put('move', { to: window, from: result })
      .put('loadLong', { to: first, from: window, offset: busyAt })
      .put('ifNotEqual', { to: first, value: 0, offset: 'interrupted' })
      .put('set', { to: first, value: 1 })
      .put('storeLong', { to: window, from: first, offset: busyAt })
      .put('move', { to: first, from: window })
      .put('move', { to: second, from: length })
      .put('move', { to: third, from: packet })
      .put('call', { value: helpers.readKernel })
      .put('ifNotEqual', { to: result, value: 0, offset: 'blind at work' })
      .put('loadLong', { to: third, from: stack, offset: on.tokenAt })
      .put('move', { to: second, from: window })
      .put('add', { to: second, from: third })
      .put('setWord', { to: fifth, value: mark.readInt32LE(0) })
      .put('loadWord', { to: fourth, from: second, offset: 0 })
      .put('ifNotEqualRegister', { to: fourth, from: fifth, offset: 'done' })
      .put('loadHalf', { to: fourth, from: second, offset: 4 })
      .put('ifNotEqual', { to: fourth, value: mark.readUInt16LE(4), offset: 'done' });
  }

  private takeToken(): void {
    this.program
      .put('loadWord', { to: packet, from: second, offset: 6 })
      .put('toBigEndian', { to: packet, value: 32 })
      .put('decreaseWord', { to: packet, value: this.target.first | 0 })
      .put('ifNotLess', { to: packet, value: this.target.count, offset: 'done' });
  }

  private describe(): void {
    const { program, parameters, name, layout } = this;
    for (let at = 0; at < keyLength; at += 8) program.put('storeLongOf', { to: stack, offset: on.key + at, value: 0 });
    program
      .put('storeWordOf', { to: stack, offset: on.key + keyAt.place, value: this.place })
      .put('storeByte', { to: stack, from: third, offset: on.key + keyAt.tokenAt });
    if ((name === 'drop' || name === 'consume') && parameters >= 2)
      program
        .put('loadLong', { to: first, from: context, offset: 8 })
        .put('storeLong', { to: stack, from: first, offset: on.key + keyAt.location });
    if (name === 'drop' && parameters >= 3)
      program
        .put('loadLong', { to: first, from: context, offset: 16 })
        .put('storeWord', { to: stack, from: first, offset: on.key + keyAt.reason });
    if (name === 'read')
      putReader(program, layout.process, { pids: this.target.pids, to: on.key + keyAt.reason, scratch: on.scratch });
    if (name === 'transmit') program.put('loadLong', { to: length, from: context, offset: 8 });
    else {
      program.put('loadLong', { to: length, from: stack, offset: on.address });
      this.read(on.pointer, 8, layout.device);
      program
        .put('loadLong', { to: length, from: stack, offset: on.pointer })
        // the queue of a socket keeps other things there: an address of the kernel alone is followed
        .put('move', { to: first, from: length })
        .put('shiftRight', { to: first, value: 47 })
        .put('ifEqual', { to: first, value: 0, offset: 'no device' });
    }
    this.read(on.key + keyAt.ifindex, 4, layout.ifindex);
    this.read(on.pointer, 8, layout.net);
    program.put('loadLong', { to: length, from: stack, offset: on.pointer });
    this.read(on.key + keyAt.netns, 4, layout.number);
    program.label('no device');
  }

  /** 0 if unreadable. */
  private read(to: number, bytes: number, distance: number): void {
    this.program
      .onStack(first, to)
      .put('set', { to: second, value: bytes })
      .put('move', { to: third, from: length })
      .put('increase', { to: third, value: distance })
      .put('call', { value: helpers.readKernel });
  }

  private lookUp(map: number, keyOnStack: number, absent: string | null): void {
    this.program.map(first, map).onStack(second, keyOnStack).put('call', { value: helpers.lookUp });
    if (absent !== null) this.program.put('ifEqual', { to: result, value: 0, offset: absent });
  }

  /** Storing a byte needs no atomic operation (Linux 5.12). */
  private enter(): void {
    const { program, maps } = this;
    this.lookUp(maps.table, on.key, null);
    program
      .put('ifNotEqual', { to: result, value: 0, offset: 'row' })
      .put('storeWordOf', { to: stack, offset: on.number, value: 0 });
    this.lookUp(maps.zero, on.number, 'done');
    program.put('move', { to: third, from: result });
    this.update(maps.table, on.key, 1); // BPF_NOEXIST: another processor may have been first
    this.lookUp(maps.table, on.key, 'table full');
    program
      .label('row')
      .addOne()
      .put('add', { to: result, from: packet })
      .put('storeByte', { to: result, from: first, offset: countLength });
  }

  private update(map: number, keyOnStack: number, flags: number): void {
    this.program
      .map(first, map)
      .onStack(second, keyOnStack)
      .put('set', { to: fourth, value: flags })
      .put('call', { value: helpers.update });
  }

  private ledgerKey(): void {
    this.program
      .put('storeLong', { to: stack, from: packet, offset: on.ledgerKey })
      .put('loadLong', { to: first, from: stack, offset: on.address })
      .put('storeLong', { to: stack, from: first, offset: on.ledgerKey + 8 });
  }

  private open(): void {
    this.ledgerKey();
    this.program.put('storeWordOf', { to: stack, offset: on.number, value: this.place }).onStack(third, on.number);
    this.update(this.maps.ledger, on.ledgerKey, 0);
    this.program
      .put('ifEqual', { to: result, value: 0, offset: 'done' })
      .put('set', { to: first, value: tallies.indexOf('ledgerFull') })
      .put('jump', { offset: 'tally at work' });
  }

  private close(): void {
    this.ledgerKey();
    this.program
      .map(first, this.maps.ledger)
      .onStack(second, on.ledgerKey)
      .put('call', { value: helpers.remove })
      .put('jump', { offset: 'done' });
  }

  private end(): Uint8Array {
    const count = (tally: Tally): void =>
      void this.program.label(tally).put('set', { to: first, value: tallies.indexOf(tally) });
    const { program } = this;
    program.label('table full').put('set', { to: first, value: tallies.indexOf('tableFull') });
    program.put('jump', { offset: 'tally at work' });
    program.label('blind at work').put('set', { to: first, value: tallies.indexOf('blind') });
    program
      .label('tally at work')
      .put('set', { to: second, value: 0 })
      .put('storeLong', { to: window, from: second, offset: busyAt })
      .put('jump', { offset: 'tally' });
    count('interrupted');
    program.put('jump', { offset: 'tally' });
    count('blind');
    program.label('tally').put('storeWord', { to: stack, from: first, offset: on.number });
    this.lookUp(this.maps.tally, on.number, 'out');
    return program
      .addOne()
      .put('jump', { offset: 'out' })
      .label('done')
      .put('set', { to: first, value: 0 })
      .put('storeLong', { to: window, from: first, offset: busyAt })
      .label('out')
      .exit(0)
      .encode();
  }
}

/** The program of a place, by its number among `places`. `parameters`: of its tracepoint. Linux 5.8 and newer. */
export function placeProgram(
  place: number,
  parameters: number,
  parts: { readonly layout: PacketLayout; readonly maps: TraceMaps; readonly target: TraceTarget },
): Uint8Array {
  return new PlaceProgram(place, parameters, parts.layout, parts.maps, parts.target).encode();
}
