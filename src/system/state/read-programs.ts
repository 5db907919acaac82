import { closeSync, openSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { callsOf, keepsNothing, mayOutputPackets, onlyPassesOrDrops } from '../../core/bridge/bypass/known-good.js';
import type { AttachedProgram, PacketHandler } from '../../core/model/state.js';
import { systemCode, VerifyError } from '../../core/model/verify-error.js';
import { fieldsOf } from '../../core/text/json-text.js';
import { isSearchProgram } from '../../core/wire/search-program.js';
import type { KernelLink } from '../kernel/ask/links.js';
import { isOwnProgram } from '../kernel/bpf.js';
import {
  calledFunctions,
  type FolderPlace,
  loadedProgram,
  type LoadedProgram,
  programIds,
  programPlaces,
  programsAt,
  programsOf,
} from '../kernel/bpf-programs.js';
import { inNamespace } from '../kernel/namespaces.js';
import { isFirstPidSpace, isFirstUserSpace, procNames, procText } from '../kernel/proc-files.js';
import { readFilters } from './read-filters.js';
import { readSpaces, type SpaceLinks } from './read-linked-devices.js';
import { addTo } from '../../core/text/collections.js';

/** Programs at devices. */
export interface Programs {
  readonly programs: readonly AttachedProgram[] | null;
  readonly unread?: string;
}

/** Programs at a namespace's devices where no command shows them. */
export function readPrograms(
  netns: string | null,
  links: readonly { readonly name: string; readonly ifindex: number; readonly kind: string | null }[],
): Programs {
  return inNamespace(netns, () => {
    const programs: AttachedProgram[] = [];
    for (const { name, ifindex, kind } of links)
      for (const place of programPlaces) {
        if (place.startsWith('netkit') && kind !== 'netkit') continue;
        const ids = programsAt(ifindex, place);
        if (ids === 'denied') return { programs: null, ...refused() };
        if ('unknown' in ids)
          return {
            programs: null,
            unread: `the kernel does not list BPF programs at ${name} (${place}): ${ids.unknown}`,
          };
        for (const id of ids) programs.push({ device: name, place, id, ...codeFacts(id) });
      }
    return { programs };
  });
}

type CodeFacts = Omit<AttachedProgram, 'device' | 'place' | 'id'>;

/** Programs do not change, and ids go up (idr_alloc_cyclic, kernel/bpf/syscall.c): each is examined once. */
const knownFacts = new Map<number, CodeFacts>();

function codeFacts(id: number): CodeFacts {
  const known = knownFacts.get(id);
  if (known !== undefined) return known;
  const program = loadedProgram(id);
  if (program === null || 'unknown' in program) return {};
  const { name, tag, code } = program;
  const factOf = (): Pick<CodeFacts, 'onlyPasses' | 'keepsNothing'> => {
    if (onlyPassesOrDrops(code)) return { onlyPasses: true };
    return keepsNothing(code, functionsOf(code)) ? { keepsNothing: true } : {};
  };
  const facts: CodeFacts = { name, tag, ...factOf() };
  knownFacts.set(id, facts);
  return facts;
}

/** Only the maker of an own user namespace has its network namespaces. */
function refused(): Pick<Programs, 'unread'> {
  return isFirstUserSpace()
    ? { unread: 'bpf(2) is refused: run as root, with CAP_SYS_ADMIN and no filter of system calls' }
    : {};
}

/** Types of programs that receive packets (enum bpf_prog_type of linux/bpf.h). */
const packetTypes: ReadonlyMap<number, string> = new Map([
  [1, 'socket_filter'],
  [3, 'sched_cls'],
  [4, 'sched_act'],
  [6, 'xdp'],
  [8, 'cgroup_skb'],
  [10, 'lwt_in'],
  [11, 'lwt_out'],
  [12, 'lwt_xmit'],
  [14, 'sk_skb'],
  [16, 'sk_msg'],
  [19, 'lwt_seg6local'],
  [21, 'sk_reuseport'],
  [22, 'flow_dissector'],
  [28, 'ext'],
  [30, 'sk_lookup'],
]);
const sendingTypes: ReadonlySet<string> = new Set([
  'sched_cls',
  'sched_act',
  'xdp',
  'ext',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
]);
/**
 * They see packets if they ask: kprobe, tracepoint, perf_event, raw_tracepoint, its writable one, tracing, LSM. The
 * last has tracing's functions (bpf_lsm_func_proto, kernel/bpf/bpf_lsm.c).
 */
const tracingTypes: readonly number[] = [2, 5, 7, 17, 24, 26, 29];

interface StrayProgram extends LoadedProgram {
  readonly id: number;
  readonly kind: string;
}

/** /proc/kallsyms has five megabytes: read once a program, only if names decide. */
function functionsOf(code: Uint8Array): (call: number) => readonly string[] {
  const calls = callsOf(code);
  return (call) => calledFunctions([call, ...calls]).get(call) ?? [];
}

type Look = StrayProgram | { readonly unread: string; readonly isTracing: boolean } | null;

const looked = new Map<number, Look>();

function lookAt(id: number): Look {
  const known = looked.get(id);
  if (known !== undefined) return known;
  const program = loadedProgram(id);
  if (program === null) return null; // it is gone
  if ('unknown' in program)
    return { unread: `the kernel does not show BPF program ${id}: ${program.unknown}`, isTracing: false };
  const look = lookAtCode(id, program);
  looked.set(id, look);
  return look;
}

function lookAtCode(id: number, program: LoadedProgram): Look {
  const kind = packetTypes.get(program.type);
  if (kind === undefined) return tracingTypes.includes(program.type) ? lookAtTracing(id, program) : null;
  if (kind === 'socket_filter' && isSearchProgram(program.tag, program.code)) return null;
  const isHarmless = sendingTypes.has(kind)
    ? onlyPassesOrDrops(program.code)
    : keepsNothing(program.code, functionsOf(program.code));
  return isHarmless ? null : { ...program, id, kind };
}

function lookAtTracing(id: number, program: LoadedProgram): Look {
  const outputs = mayOutputPackets(program.code, functionsOf(program.code));
  if (outputs !== null) return outputs ? { ...program, id, kind: 'tracing' } : null;
  const why = 'without CAP_SYSLOG, or with kernel.kptr_restrict 2, functions have no names';
  return { unread: `BPF program ${id} (tracing) calls functions that are not known: ${why}`, isTracing: true };
}

function programsInTc(value: unknown, depth = 0): readonly number[] {
  if (depth > 16 || typeof value !== 'object' || value === null) return [];
  const id = fieldsOf(fieldsOf(value)?.['prog'])?.['id'];
  const within = Object.values(value).flatMap((part: unknown) => programsInTc(part, depth + 1));
  return typeof id === 'number' ? [id, ...within] : within;
}

interface FoundPlace {
  readonly text: string;
  readonly isRelated: boolean;
}

const firstNetwork = '/proc/1/ns/net';

function folderPrograms(path: string, place: FolderPlace): readonly number[] {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return []; // it is gone
  }
  try {
    return programsOf(fd, place);
  } finally {
    closeSync(fd);
  }
}

/**
 * Mount point of the cgroup hierarchy (fifth column of mountinfo, proc(5)), here or as process 1 sees it: `ip netns
 * exec` hides it. null = none.
 */
function cgroupRoot(): string | null {
  for (const pid of ['self', '1']) {
    const lines = procText(`/proc/${pid}/mountinfo`).split('\n');
    const point = lines.find((text) => text.includes(' - cgroup2 '))?.split(' ')[4];
    if (point !== undefined) return `/proc/${pid}/root${point}`;
  }
  return null;
}

function foldersBelow(folder: string): readonly string[] {
  const below = procNames(folder).filter((name) => procNames(`${folder}/${name}`).includes('cgroup.procs'));
  return [folder, ...below.flatMap((name) => foldersBelow(`${folder}/${name}`))];
}

/** Only the link's text has the number, for mounts and processes alike. */
function spaceAt(path: string): number | 'gone' | 'refused' {
  try {
    return statSync(path).ino;
  } catch (error) {
    const code = systemCode(error);
    return code === 'ENOENT' || code === 'ESRCH' ? 'gone' : 'refused';
  }
}

/** systemd's units, each in its own cgroup. */
const unit = /\.(service|scope|slice|socket|mount|swap)$/;

function deviceWith(id: number, { path, links }: Pick<SpaceLinks, 'path' | 'links'>): KernelLink | undefined {
  const hasIt = ({ ifindex }: KernelLink): boolean =>
    programPlaces.some((place) => {
      const ids = programsAt(ifindex, place);
      return Array.isArray(ids) && ids.includes(id);
    });
  try {
    return inNamespace(path, () => links.find(hasIt));
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'namespace-missing') return undefined;
    throw error;
  }
}

class PlaceFinder {
  private spaces: readonly SpaceLinks[] | null = null;
  private readonly folders = new Map<number, string[]>();

  constructor(private readonly netns: string | null) {}

  async find(program: StrayProgram): Promise<FoundPlace | null> {
    switch (program.kind) {
      case 'cgroup_skb':
        return this.atCgroup(program);
      case 'flow_dissector':
        return this.atNamespace(program, 'flow dissector');
      case 'sk_lookup':
        return this.atNamespace(program, 'socket lookup');
      case 'xdp':
      case 'sched_cls':
      case 'sched_act':
        return this.atDevice(program);
      default:
        return null;
    }
  }

  private others(): readonly SpaceLinks[] {
    this.spaces ??= [...readSpaces(this.netns, null).values()];
    return this.spaces;
  }

  private atNamespace({ id }: StrayProgram, place: FolderPlace): FoundPlace | null {
    const home = this.netns ?? '/proc/self/ns/net';
    // the first namespace's dissector serves all (skb_flow_dissect, net/core/flow_dissector.c)
    for (const path of [home, firstNetwork])
      if (folderPrograms(path, place).includes(id))
        return { text: 'the network namespace of the bridges', isRelated: true };
    for (const { path, home: number } of this.others())
      if (folderPrograms(path, place).includes(id)) return { text: path, isRelated: number !== 'none' };
    return null;
  }

  private async atDevice({ id }: StrayProgram): Promise<FoundPlace | null> {
    for (const { path, links, home } of this.others()) {
      const isRelated = home !== 'none';
      const device = links.find(({ xdpId }) => xdpId === id) ?? deviceWith(id, { path, links });
      if (device !== undefined) return { text: `${device.name} in ${path}`, isRelated };
      if (programsInTc(await readFilters(path).catch(() => null)).includes(id)) return { text: path, isRelated };
    }
    return null;
  }

  private atCgroup({ id, code }: StrayProgram): FoundPlace | null {
    const root = cgroupRoot();
    if (root === null) return null;
    if (this.folders.size === 0)
      for (const folder of foldersBelow(root))
        for (const place of ['cgroup ingress', 'cgroup egress'] as const)
          for (const found of folderPrograms(folder, place)) addTo(this.folders, found, folder);
    const folders = this.folders.get(id);
    if (folders === undefined) return null;
    const isCounting = folders.every((folder) => unit.test(folder)) && keepsNothing(code, functionsOf(code), true);
    const text = `cgroup ${folders.map((folder) => folder.slice(root.length) || '/').join(', ')}`;
    return { text, isRelated: !isCounting && folders.some((folder) => this.hasGuests(folder)) };
  }

  /** A cgroup's program receives its processes' packets: a guest's namespace, or only the host's own. */
  private hasGuests(folder: string): boolean {
    const linked = new Set(this.others().flatMap(({ path, home }) => (home === 'none' ? [] : [spaceAt(path)])));
    return foldersBelow(folder)
      .flatMap((below) => procText(`${below}/cgroup.procs`).split('\n'))
      .some((pid) => {
        const space = pid === '' ? 'gone' : spaceAt(`/proc/${pid}/ns/net`);
        return space !== 'gone' && (space === 'refused' || linked.has(space));
      });
  }
}

const [maxLooks, lookAgainMs] = [4, 100] as const;
const reported = new Set<number>();

/**
 * BPF programs that receive packets, beside `known`. Searches again for one being attached or removed. In an own pid
 * namespace only programs in the bridges' path count. `among`: only these.
 */
export async function readStrayPrograms(
  netns: string | null,
  known: ReadonlySet<number>,
  among: ReadonlySet<number> | null = null,
): Promise<{ readonly handlers: readonly PacketHandler[] } & Pick<Programs, 'unread'>> {
  const isWhole = isFirstPidSpace();
  for (let look = 1; ; look += 1) {
    const ids = programIds();
    if (ids === 'denied') return { handlers: [], ...refused() };
    if ('unknown' in ids) return { handlers: [], unread: `the kernel does not list BPF programs: ${ids.unknown}` };
    const looks = ids.flatMap((id) =>
      isOwnProgram(id) || known.has(id) || among?.has(id) === false ? [] : (lookAt(id) ?? []),
    );
    const strays = looks.flatMap((seen) => ('unread' in seen ? [] : [seen]));
    // where places count, one that has none costs nothing
    const [unread] = looks.flatMap((seen) => ('unread' in seen && (isWhole || !seen.isTracing) ? [seen.unread] : []));
    const finder = new PlaceFinder(netns);
    const handlers: PacketHandler[] = [];
    for (const program of strays) {
      const place = await finder.find(program);
      // an extension is where its program is
      if (place === null ? isWhole || program.kind === 'ext' : place.isRelated)
        handlers.push(handlerOf(program, place));
    }
    const isNews = handlers.some(({ program }) => program !== undefined && !reported.has(program.id));
    if (!isNews || look === maxLooks) {
      for (const { program } of handlers) if (program !== undefined) reported.add(program.id);
      return { handlers, ...(unread === undefined ? {} : { unread }) };
    }
    await sleep(lookAgainMs);
  }
}

function handlerOf({ id, kind, name, tag }: StrayProgram, place: FoundPlace | null): PacketHandler {
  return {
    type: 'ALL',
    device: null,
    function: `BPF program ${id} (${kind})`,
    program: { id, name, tag, place: place?.text ?? 'a place that is not known' },
  };
}

/** Ids of programs that a state shows. */
export function programsShown(
  programs: readonly AttachedProgram[],
  links: readonly { readonly xdp?: string }[],
  tc: unknown,
): ReadonlySet<number> {
  const atLinks = links.flatMap(({ xdp }) => /\bid (\d+)/.exec(xdp ?? '')?.[1] ?? []).map(Number);
  return new Set([...programs.map(({ id }) => id), ...atLinks, ...programsInTc(tc)]);
}
