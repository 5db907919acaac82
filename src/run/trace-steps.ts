import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tokensText } from '../core/judge/count/token-ranges.js';
import type { SocketProcess } from '../core/model/packet-socket.js';
import { injectionDevice, type TracedDevice, type TracedReader, type TraceLine } from '../core/model/timeline.js';
import type { StepPlan } from '../core/model/plan.js';
import { messageOf } from '../core/model/verify-error.js';
import { partiesBehind } from '../core/plan/ears.js';
import { framesByKind, framesOfStep } from '../core/plan/flows/shortcuts.js';
import { maySample } from '../core/plan/traced-sample.js';
import { jsonText } from '../core/text/json-text.js';
import {
  kernelFunctions,
  openTrace,
  readTracedKernel,
  type Trace,
  type TracedKernel,
  type TracedRow,
} from '../system/capture/trace/trace.js';
import { files } from '../system/evidence/folder/folder.js';
import { openAtEnd } from '../system/evidence/folder/named-file.js';
import {
  devicesOf as charDevicesOf,
  inodeOf,
  procLink,
  procNames,
  procText,
  tapDevice,
} from '../system/kernel/proc-files.js';
import {
  isDescendant,
  isHostsOwn,
  readerBehind,
  runningProgram,
  tapsHeldBy,
} from '../system/process/socket-holders.js';
import { readSpaces, type SpaceLinks } from '../system/state/read-linked-devices.js';
import type { RunContext, StepTraces, TraceMode } from './context.js';
import { lossFreeRate } from './send/pace.js';
import { given } from '../core/text/collections.js';

type Segments = Parameters<StepTraces['start']>[2];

/** VXLAN adds 50 bytes, messages to NFLOG some 100. */
const maxAdded = 128;

/** Traces the steps of a run on this machine. null = not requested. */
export function stepTraces(dir: string, mode: TraceMode): StepTraces | null {
  if (mode === 'off') return null;
  let kernel: TracedKernel | string | null = null;
  let log: TraceFile | null = null;
  const written: TraceLine[] = [];
  return {
    lines: written,
    start(context, step, segments) {
      kernel ??= readTracedKernel();
      const trace = typeof kernel === 'string' ? kernel : startOne(kernel, context, step);
      if (typeof trace === 'string') {
        context.timeline.log(step.index, { event: 'trace', state: 'absent', why: trace });
        return { isSample: false, end: () => undefined };
      }
      context.timeline.log(step.index, { event: 'trace', state: 'attached' });
      const types = typeof kernel === 'string' ? null : kernel.types;
      const isSample = isSampled(context, step);
      let hasEnded = false;
      return {
        isSample,
        end() {
          if (hasEnded) return;
          hasEnded = true;
          const reading = trace.end();
          const reasons = types?.valuesOf('skb_drop_reason') ?? new Map<number, string>();
          try {
            const lines = linesOf(context, step, segments, { reading, reasons });
            log ??= new TraceFile(dir);
            log.write(lines);
            written.push(...lines);
            const sampled = isSample ? { sampled: true as const } : {};
            context.timeline.log(step.index, { event: 'trace', state: 'read', lines: lines.length, ...sampled });
          } catch (error) {
            // the step is judged without it
            context.timeline.log(step.index, { event: 'trace', state: 'absent', why: messageOf(error) });
          }
        },
      };
    },
    close: () => log?.close(),
  };
}

/** Acquitting a program needs a trace of each probe. */
function isSampled(context: RunContext, step: StepPlan): boolean {
  const programs = context.states[step.index]?.before?.programs ?? [];
  return (
    programs.every(({ keepsNothing }) => keepsNothing !== true) && maySample(step, step.rate ?? lossFreeRate(context))
  );
}

function startOne(kernel: TracedKernel, { plan }: RunContext, step: StepPlan): Trace | string {
  const count = framesOfStep(step);
  if (plan.hosts !== undefined) return 'the bridges are on several hosts';
  if (count === 0) return 'the step sends no probes';
  const longest = Math.max(...framesByKind(step.flows).map(({ first }) => first.frame.size)) + maxAdded;
  return openTrace(kernel, { runTag: plan.runTag, first: step.flows.at(0)?.first ?? 0, count, longest });
}

/** trace.ndjson, 0600: it names processes of other tenants. */
class TraceFile {
  private readonly fd: number;

  constructor(dir: string) {
    this.fd = openAtEnd(join(dir, files.trace.name));
  }

  /** On a full disk lines are lost, which costs a *holds*. The timeline has their number. */
  write(lines: readonly TraceLine[]): void {
    try {
      const bytes = Buffer.from(lines.map((line) => `${jsonText(line)}\n`).join(''));
      for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done);
    } catch {
      // as many as the file took
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

interface Read {
  readonly reading: ReturnType<Trace['end']>;
  readonly reasons: ReadonlyMap<number, string>;
}

function linesOf(
  context: RunContext,
  step: StepPlan,
  segments: Segments,
  { reading: { rows, open, tallies, missed }, reasons }: Read,
): readonly TraceLine[] {
  const functions = kernelFunctions([...new Set(rows.flatMap(({ location }) => (location === 0n ? [] : [location])))]);
  const deviceOf = devicesOf(context, step, segments, rows);
  const readerOf = readersOf(context, step, segments);
  const first = step.flows.at(0)?.first ?? 0;
  const seen = rows.map((row): TraceLine => {
    const named = functions.get(row.location);
    return {
      step: step.index,
      place: row.place,
      tokenAt: row.tokenAt,
      device: row.ifindex === 0 ? null : deviceOf(row),
      packets: row.count,
      tokens: tokensText(row.tokens, first),
      ...(row.place === 'drop' && row.reason !== 0 ? { reason: reasons.get(row.reason) ?? String(row.reason) } : {}),
      ...given({ function: named }),
      ...(row.pid === 0 ? {} : { reader: readerOf(row.pid) }),
    };
  });
  return [...seen, { step: step.index, place: 'end', open, counts: { ...tallies, missed } }];
}

function numberOf(netns: string | null): number | null {
  return inodeOf(netns ?? '/proc/thread-self/ns/net');
}

/** By namespace number: a guest may have several ports. */
function partiesOf(
  { plan, fabric }: RunContext,
  step: StepPlan,
  segments: Segments,
): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  const add = (number: number | null, name: string): void => {
    if (number === null) return;
    const names = found.get(number) ?? [];
    found.set(number, names);
    if (!names.includes(name)) names.push(name);
  };
  if (plan.provider === 'lab')
    for (const { name } of plan.endpoints.filter((endpoint) => step.present.includes(endpoint.name)))
      add(numberOf(fabric.sendingPlace(name).netns), name);
  for (const { devices } of segments) {
    const behind = partiesBehind(step, devices);
    for (const { space, spaceId } of devices) {
      if (spaceId !== undefined) for (const name of behind(space)) add(Number(spaceId.split(':')[1]), name);
    }
  }
  return found;
}

/** Looked at once each: an ended process has no name. */
function readersOf(context: RunContext, step: StepPlan, segments: Segments): (pid: number) => TracedReader {
  const parties = partiesOf(context, step, segments);
  const ports = new Map(context.plan.endpoints.flatMap(({ name, port }) => (port === null ? [] : [[port, name]])));
  const byDevice = new Map(
    segments.flatMap(({ devices }) =>
      devices.flatMap((device) =>
        device.space === null ? [[tapDevice(device) ?? '', ports.get(device.name)] as const] : [],
      ),
    ),
  );
  const homes = new Set(segments.flatMap(({ home }) => numberOf(home) ?? []));
  const known = new Map<number, TracedReader>();
  const make = (read: number): TracedReader => {
    const pid = readerBehind(read);
    if (isOfRun(pid)) return { pid, name: '', own: true, parties: [] };
    const found = [
      ...(parties.get(numberOf(`/proc/${pid}/ns/net`) ?? 0) ?? []),
      ...tapsHeldBy(pid, homes).map((name) => ports.get(name)),
      ...charDevicesOf(String(pid)).map((number) => byDevice.get(number)),
    ];
    return { ...processOf(pid), parties: [...new Set(found.filter((name) => name !== undefined))] };
  };
  return (pid) => {
    const reader = known.get(pid) ?? make(pid);
    known.set(pid, reader);
    return reader;
  };
}

function elsewhere(
  there: SpaceLinks | undefined,
  ifindex: number,
  parties: readonly string[] | undefined,
): Omit<TracedDevice, 'space' | 'ifindex'> {
  const link = there?.links.find((at) => at.ifindex === ifindex);
  const owner = there === undefined || parties !== undefined ? null : processIn(there.path);
  const isLinked = link !== undefined && link.linkSpace !== null && link.linkSpace === there?.home;
  return {
    name: link?.name ?? null,
    home: false,
    ...given({ path: there?.path }),
    ...(isLinked && link.link !== null ? { lower: link.link } : {}),
    ...given({ parties, owner }),
  };
}

/** Process 1 of a lab adopts what commands of the scenario started, which is none of the run's. */
function isOfRun(pid: number): boolean {
  const isLab = procLink('/proc/self') === '1';
  return isLab ? runningProgram(pid)?.inode === runningProgram(process.pid)?.inode : isDescendant(pid);
}

function processIn(path: string): SocketProcess | null {
  const space = numberOf(path);
  const pid = procNames('/proc').find(
    (name) => /^\d+$/.test(name) && numberOf(`/proc/${name}/ns/net`) === space && !isOfRun(Number(name)),
  );
  return pid === undefined ? null : processOf(Number(pid));
}

function processOf(pid: number): SocketProcess {
  const program = runningProgram(pid);
  return {
    pid,
    name: procText(`/proc/${pid}/comm`).trim(),
    ...given({ program }),
    ...(program !== null && isHostsOwn(pid, program) ? { hostsOwn: true } : {}),
  };
}

function devicesOf(
  context: RunContext,
  step: StepPlan,
  segments: Segments,
  rows: readonly TracedRow[],
): (row: TracedRow) => TracedDevice {
  const { fabric, plan } = context;
  const sendingSpaces =
    plan.provider === 'lab' ? step.present.flatMap((name) => fabric.sendingPlace(name).netns ?? []) : [];
  const netns = segments[0]?.home ?? null;
  const home = numberOf(netns);
  const here = new Map(
    segments.flatMap(({ devices }) =>
      devices.flatMap(({ space, ifindex, name }) => (space === null ? [[ifindex, name] as const] : [])),
    ),
  );
  const spaces: ReadonlyMap<number, SpaceLinks> = readSpaces(
    netns,
    new Set(rows.map((row) => row.netns)),
    sendingSpaces,
  );
  const parties = partiesOf(context, step, segments);
  // namespaces that the run has made to send from, which nobody else has
  const sending = plan.provider === 'lab' ? [] : [...new Set(step.flows.map(({ sender }) => sender))];
  const ownSpaces = new Set(sending.map((name) => numberOf(fabric.sendingPlace(name).netns)));
  const isOwn = (space: number, name: string | null): boolean =>
    injectionDevice.test(name ?? '') || (space !== home && ownSpaces.has(space) && !spaces.has(space));
  const known = new Map<string, TracedDevice>();
  const make = ({ netns: space, ifindex }: TracedRow): TracedDevice => {
    const name = space === home ? (here.get(ifindex) ?? null) : null;
    const made = { space, ifindex, ...(isOwn(space, name) ? { own: true as const } : {}) };
    return space === home
      ? { ...made, name, home: true }
      : { ...made, ...elsewhere(spaces.get(space), ifindex, parties.get(space)) };
  };
  return (row) => {
    const key = `${row.netns} ${row.ifindex}`;
    const device = known.get(key) ?? make(row);
    known.set(key, device);
    return device;
  };
}
