import { closeSync, readFileSync } from 'node:fs';
import { tokenWord } from '../../core/wire/token-filter.js';
import {
  countedInterfaces,
  everyFrameProgram,
  isSearchable,
  type SearchKind,
  searchProgram,
  searchTable,
} from '../../core/wire/search-program.js';
import { createBpfArray, loadSocketProgram, setBpfValue } from '../kernel/bpf.js';
import { receiveFd } from '../kernel/fd-passing.js';
import { libc } from '../kernel/libc.js';
import { attachProgram } from '../kernel/packet-socket.js';

/** Descriptors of filter programs and their count map. */
export interface LoadedSearch {
  readonly out: number;
  readonly every: number;
  readonly counts: number;
}

const bytesOfCount = 8;

function sysfsText(path: string): string {
  try {
    return readFileSync(`/sys/${path}`, 'utf8');
  } catch {
    return '';
  }
}

/** A per-CPU array has a value for each possible processor. */
function possibleProcessors(): number | null {
  const last = /(\d+)\s*$/.exec(sysfsText('devices/system/cpu/possible'))?.[1];
  return last === undefined ? null : Number(last) + 1;
}

/** On a fully preemptible kernel, one search may interrupt another on its processor. */
function isRealtime(): boolean {
  return sysfsText('kernel/realtime').startsWith('1');
}

function tableOf(runTag: number): number | null {
  const table = searchTable(runTag);
  const processors = possibleProcessors();
  const fd = processors === null ? null : createBpfArray('array for each processor', table.length, 1);
  if (processors === null || fd === null) return null;
  const values = new Uint8Array(table.length * processors);
  for (let at = 0; at < processors; at += 1) values.set(table, at * table.length);
  if (setBpfValue(fd, values)) return fd;
  closeSync(fd);
  return null;
}

type Load = (kind: SearchKind) => number | null;

function searching(runTag: number, counts: number, table: number | null): Load {
  return (kind) => (table === null ? null : loadSocketProgram(searchProgram(runTag, kind, { counts, table })));
}

/**
 * Loads the programs for a helper, which takes CAP_BPF or CAP_SYS_ADMIN and some 15 ms; the caller closes them.
 * `runTag`: the tokens that they search for; null = they take every frame. null = they cannot be had (no such right,
 * Linux before 5.11, a kernel preemptible throughout, bytes of the tag that are the same): then sockets have classic
 * BPF, and frames are counted by sockets of their own.
 */
export function loadSearch(runTag: number | null): LoadedSearch | null {
  if (runTag !== null && (!isSearchable(runTag) || isRealtime())) return null;
  const opened: number[] = [];
  const keep = (fd: number | null): number | null => {
    if (fd !== null) opened.push(fd);
    return fd;
  };
  const counts = keep(createBpfArray('array', bytesOfCount, countedInterfaces));
  if (counts === null) return null;
  const table = runTag === null ? null : tableOf(runTag);
  const load: Load =
    runTag === null ? (kind) => loadSocketProgram(everyFrameProgram(kind, counts)) : searching(runTag, counts, table);
  const out = keep(load('out'));
  const every = out === null ? null : keep(load('every'));
  if (table !== null) closeSync(table); // the programs hold it
  if (out !== null && every !== null) return { out, every, counts };
  opened.forEach((fd) => closeSync(fd));
  return null;
}

/** In the order of their transfer. */
export function searchDescriptors({ out, every, counts }: LoadedSearch): readonly number[] {
  return [out, every, counts];
}

/** Filter programs of a helper's sockets, with counts. */
export class KernelSearch {
  private readonly filter: string;
  private readonly programs: Readonly<Record<SearchKind, number>>;
  private readonly counts: BigUint64Array;
  /** 0 = all of the namespace. */
  private readonly counted = new Set<number>();

  /** `counts`: the map's memory. */
  constructor(runTag: number | null, programs: Readonly<Record<SearchKind, number>>, counts: ArrayBuffer) {
    this.filter = runTag === null ? '' : tokenWord(runTag);
    this.programs = programs;
    this.counts = new BigUint64Array(counts);
  }

  /**
   * All sockets share one snap length. `counts`: the interface whose outgoing frames the socket counts, 0 = all, null =
   * none. False = another filter, or the kernel refuses.
   */
  attach(
    fd: number,
    { filter, snaplen }: { readonly filter: string; readonly snaplen: number },
    kind: SearchKind,
    counts: number | null,
  ): boolean {
    this.counts[0] = BigInt(snaplen);
    if (filter !== this.filter || !attachProgram(fd, this.programs[kind])) return false;
    if (counts !== null) this.counted.add(counts);
    return true;
  }

  detach(counts: number): void {
    this.counted.delete(counts);
  }

  /** null = not all interfaces are counted. */
  count(interfaces: readonly number[]): number | null {
    let sum = 0n;
    for (const index of interfaces) {
      if (index >= countedInterfaces || !(this.counted.has(index) || this.counted.has(0))) return null;
      sum += this.counts[index] ?? 0n;
    }
    return Number(sum);
  }
}

/** Programs received at `socket`, null = no memory for counts. Throws VerifyError (69). */
export function receiveSearch(socket: number, runTag: number | null): KernelSearch | null {
  const [out, every, counts] = [receiveFd(socket), receiveFd(socket), receiveFd(socket)];
  const memory = libc().mapShared(counts, countedInterfaces * bytesOfCount);
  return memory === null ? null : new KernelSearch(runTag, { out, every }, memory);
}
