import { Assembler } from '../../../core/wire/search-program.js';
import { readFileSync, statSync } from 'node:fs';
import {
  type TracingProgram,
  attachToTracepoint,
  bpfKeys,
  BPF_F_RDONLY_PROG,
  callBpfProgram,
  createBpfArray,
  createBpfMap,
  freezeBpfMap,
  loadBpfProgram,
  missedCalls,
  readBpfValue,
  setBpfValue,
  withLockedMemory,
} from '../../kernel/bpf.js';
import { maxTraced } from '../../../core/model/timeline.js';
import { libc } from '../../kernel/libc.js';
import { type KernelTypes, type PacketLayout, packetLayout, parseBtf } from './btf.js';
import {
  placeProgram,
  countLength,
  keyAt,
  keyLength,
  ledgerKeyLength,
  type PlaceName,
  places,
  tallies,
  type Tally,
  type TraceMaps,
  type TraceTarget,
  windowLength,
} from './programs.js';

/** Packets with the step's tokens at one place, device and reason. */
export interface TracedRow {
  readonly place: PlaceName;
  /** Bytes before the token, from the MAC header or the data, whichever comes first. */
  readonly tokenAt: number;
  /** Inode of the network namespace, 0 = no device. */
  readonly netns: number;
  readonly ifindex: number;
  /** Of a drop: enum skb_drop_reason. */
  readonly reason: number;
  /** Of a read. 0 = outside this program's PID namespace. */
  readonly pid: number;
  /** Of the calling instruction, 0 = none. */
  readonly location: bigint;
  readonly count: number;
  /** 1 = the step's token was there. */
  readonly tokens: Uint8Array;
}

/** A step's trace. */
export interface TraceReading {
  readonly rows: readonly TracedRow[];
  /** Packets without a visible end, by their last place. */
  readonly open: Readonly<Partial<Record<PlaceName, number>>>;
  readonly tallies: Readonly<Record<Tally, number>>;
  /** Calls skipped because the program was at work. */
  readonly missed: number;
}

/** Programs at tracepoints, until `end` or this process's end. */
export interface Trace {
  /** Detaches and gives the rows. */
  end(): TraceReading;
  close(): void;
}

/** Types and offsets of the running kernel. */
export interface TracedKernel {
  readonly types: KernelTypes;
  readonly layout: PacketLayout;
}

const typesFile = '/sys/kernel/btf/vmlinux';

/** Reads the kernel's types; a text = why there is no trace on this kernel. Takes 15 ms of 5.5 MB of types. */
export function readTracedKernel(file = typesFile): TracedKernel | string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    return `the kernel has no description of its types (${file}, CONFIG_DEBUG_INFO_BTF)`;
  }
  const types = parseBtf(bytes);
  const layout = types === null ? null : packetLayout(types);
  return types === null || layout === null
    ? `${file} does not describe packets as this program knows them`
    : { types, layout };
}

/** XDP events give no frame data (include/trace/events/xdp.h). */
const xdpTracepoints = [
  'xdp_redirect',
  'xdp_redirect_err',
  'xdp_devmap_xmit',
  'xdp_cpumap_enqueue',
  'xdp_bulk_tx',
  'xdp_exception',
] as const;

function eventProgram(tally: number): Uint8Array {
  const [result, first, second, stack] = [0, 1, 2, 10] as const;
  const lookUp = 1;
  return new Assembler()
    .put('storeWordOf', { to: stack, offset: -8, value: tallies.indexOf('xdp') })
    .map(first, tally)
    .onStack(second, -8)
    .put('call', { value: lookUp })
    .put('ifEqual', { to: result, value: 0, offset: 'out' })
    .addOne()
    .label('out')
    .exit(0)
    .encode();
}

const tableBytes = 1 << 25;
const [minRows, maxRows] = [128, 512] as const;
const ledgerEntries = 16_384;

/** Notes a step's tokens on all devices. A text = no right, or the kernel refuses. */
export function openTrace(kernel: TracedKernel, wanted: Omit<TraceTarget, 'pids'>): Trace | string {
  if (wanted.count > maxTraced) return `the step has more than ${maxTraced} frames`;
  const opened = new OpenTrace({ ...wanted, pids: ownPids() });
  const refusal = withLockedMemory(() => opened.attach(kernel));
  if (refusal !== null) opened.close();
  return refusal ?? opened;
}

/** The first PID namespace (PROC_PID_INIT_INO of linux/proc_ns.h). */
const firstProcesses = 4_026_531_836;

function ownPids(): TraceTarget['pids'] {
  try {
    const { ino } = statSync('/proc/self/ns/pid');
    return ino === firstProcesses ? 'first' : ino;
  } catch {
    return null;
  }
}

class OpenTrace implements Trace {
  private readonly fds: number[] = [];
  private readonly programs: TracingProgram[] = [];
  private maps: TraceMaps | null = null;

  constructor(private readonly target: TraceTarget) {}

  private get valueLength(): number {
    return countLength + Math.ceil(this.target.count / 8) * 8;
  }

  attach({ types, layout }: TracedKernel): string | null {
    const maps = this.makeMaps();
    if (maps === null) return `bpf(2) refuses a map: ${libc().errnoName(libc().errno())}`;
    for (const [place, { tracepoint }] of places.entries()) {
      const found = types.tracepoint(tracepoint);
      if (found === null) return `the kernel has no tracepoint ${tracepoint}`;
      const code = placeProgram(place, found.parameters, { layout, maps, target: this.target });
      const refusal = this.attachOne(code, found.id);
      if (refusal !== null) return `${tracepoint}: ${refusal}`;
    }
    for (const tracepoint of xdpTracepoints) {
      const found = types.tracepoint(tracepoint);
      if (found === null) continue; // a kernel that has no such event
      const refusal = this.attachOne(eventProgram(maps.tally), found.id);
      if (refusal !== null) return `${tracepoint}: ${refusal}`;
    }
    return null;
  }

  private attachOne(code: Uint8Array, tracepoint: number): string | null {
    const attached = attachToTracepoint(code, tracepoint);
    if (typeof attached === 'string') return attached;
    this.programs.push(attached);
    return null;
  }

  private makeMaps(): TraceMaps | null {
    const value = this.valueLength;
    const entries = Math.max(minRows, Math.min(maxRows, Math.floor(tableBytes / value)));
    const made = [
      createBpfArray('array for each processor', windowLength, places.length),
      createBpfMap('hash', { key: keyLength, value, entries }),
      createBpfArray('array', value, 1),
      createBpfMap('hash', { key: ledgerKeyLength, value: 4, entries: ledgerEntries }),
      createBpfArray('array', 8, tallies.length),
    ];
    this.fds.push(...made.filter((fd) => fd !== null));
    const [windows, table, zero, ledger, tally] = this.fds;
    if (windows === undefined || table === undefined || zero === undefined) return null;
    if (ledger === undefined || tally === undefined) return null; // one of them was refused
    this.maps = { windows, table, zero, ledger, tally };
    return this.maps;
  }

  end(): TraceReading {
    const missed = this.programs.reduce((sum, { program }) => sum + missedCalls(program), 0);
    this.detach();
    const { maps } = this;
    try {
      return {
        rows: maps === null ? [] : this.readTable(maps.table),
        open: maps === null ? {} : readLedger(maps.ledger),
        tallies: readTallies(maps?.tally ?? null),
        missed,
      };
    } finally {
      this.close();
    }
  }

  private readTable(table: number): readonly TracedRow[] {
    const value = new Uint8Array(this.valueLength);
    return bpfKeys(table, keyLength).flatMap((key) => {
      if (!readBpfValue(table, key, value)) return [];
      const view = new DataView(key.buffer);
      const place = places[view.getUint8(keyAt.place)]?.name;
      const detail = view.getUint32(keyAt.reason, true);
      return place === undefined
        ? []
        : [
            {
              place,
              tokenAt: view.getUint8(keyAt.tokenAt),
              netns: view.getUint32(keyAt.netns, true),
              ifindex: view.getUint32(keyAt.ifindex, true),
              reason: place === 'drop' ? detail : 0,
              pid: place === 'read' ? detail : 0,
              location: view.getBigUint64(keyAt.location, true),
              count: Number(new DataView(value.buffer).getBigUint64(0, true)),
              tokens: value.slice(countLength, countLength + this.target.count),
            },
          ];
    });
  }

  private detach(): void {
    for (const { link, program } of this.programs.splice(0)) for (const fd of [link, program]) libc().close(fd);
  }

  close(): void {
    this.detach();
    for (const fd of this.fds.splice(0)) libc().close(fd);
  }
}

function readLedger(ledger: number): TraceReading['open'] {
  const open: Partial<Record<PlaceName, number>> = {};
  const value = new Uint8Array(4);
  for (const key of bpfKeys(ledger, ledgerKeyLength)) {
    const place = readBpfValue(ledger, key, value) ? places[value[0] ?? 0]?.name : undefined;
    if (place !== undefined) open[place] = (open[place] ?? 0) + 1;
  }
  return open;
}

function readTallies(tally: number | null): TraceReading['tallies'] {
  const value = new Uint8Array(8);
  const key = new Uint8Array(4);
  const read = (name: Tally): number => {
    key[0] = tallies.indexOf(name);
    return tally !== null && readBpfValue(tally, key, value)
      ? Number(new DataView(value.buffer).getBigUint64(0, true))
      : 0;
  };
  return {
    tableFull: read('tableFull'),
    ledgerFull: read('ledgerFull'),
    blind: read('blind'),
    interrupted: read('interrupted'),
    xdp: read('xdp'),
  };
}

const symbolLength = 64;

/** bpf_snprintf (Linux 5.13) names functions even if /proc/kallsyms requires CAP_SYSLOG. */
function symbolProgram(format: number, names: number): Uint8Array {
  const [snprintf, lookUp] = [165, 1] as const;
  const [result, first, second, third, fourth, fifth, stack] = [0, 1, 2, 3, 4, 5, 10] as const;
  const program = new Assembler()
    .put('loadLong', { to: first, from: first, offset: 0 })
    .put('storeLong', { to: stack, from: first, offset: -16 })
    .put('storeWordOf', { to: stack, offset: -4, value: 0 });
  return program
    .map(first, names)
    .onStack(second, -4)
    .put('call', { value: lookUp })
    .put('ifEqual', { to: result, value: 0, offset: 'out' })
    .put('move', { to: first, from: result })
    .put('set', { to: second, value: symbolLength })
    .mapValue(third, format)
    .onStack(fourth, -16)
    .put('set', { to: fifth, value: 8 })
    .put('call', { value: snprintf })
    .label('out')
    .exit(0)
    .encode();
}

/** Names of the kernel's functions at these addresses; none on a kernel that cannot name them. */
export function kernelFunctions(addresses: readonly bigint[]): ReadonlyMap<bigint, string> {
  const c = libc();
  const found = new Map<bigint, string>();
  const shape = { key: 4, value: symbolLength, entries: 1 };
  const format = createBpfMap('array', { ...shape, value: 8 }, BPF_F_RDONLY_PROG);
  const names = createBpfMap('array', shape);
  const fds = [format, names].filter((fd) => fd !== null);
  try {
    if (format === null || names === null || !setBpfValue(format, Buffer.from('%ps\0\0\0\0\0', 'latin1'))) return found;
    if (!freezeBpfMap(format)) return found;
    const program = loadBpfProgram('raw tracepoint', symbolProgram(format, names));
    if (program < 0) return found;
    fds.push(program);
    for (const address of addresses) {
      const name = new Uint8Array(symbolLength);
      if (!callBpfProgram(program, address) || !readBpfValue(names, new Uint8Array(4), name)) return found;
      found.set(address, Buffer.from(name.subarray(0, name.indexOf(0))).toString('latin1'));
    }
    return found;
  } finally {
    for (const fd of fds) c.close(fd);
  }
}
