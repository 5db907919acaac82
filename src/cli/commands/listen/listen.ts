import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ReaderOnHost, readersNotKnown, readersOn } from '../../../core/audit/audit.js';
import { chooseBridge } from '../../../core/discover/found-scenario.js';
import {
  learnedAnew,
  type ListeningPort,
  listeningPorts,
  macsOnRecord,
} from '../../../core/discover/listening-ports.js';
import { startForeign } from '../../../core/judge/foreign/foreign.js';
import { type ForeignReport, finishForeign, macOfNumber } from '../../../core/judge/foreign/report.js';
import { netnsPath } from '../../../core/model/fabric.js';
import { isReasonCode, reason, type Reason } from '../../../core/model/reasons.js';
import type { FdbState, HostState } from '../../../core/model/state.js';
import type { Fault } from '../../../core/model/timeline.js';
import { usageError } from '../../../core/model/verify-error.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { jsonText } from '../../../core/text/json-text.js';
import { milliseconds } from '../../../core/text/time.js';
import { macBytes, macNumber } from '../../../core/wire/ethernet.js';
import { type ListenEnd, listenText } from '../../../report/terminal/foreign.js';
import { kernelDevices } from '../../../run/devices.js';
import { listenQuietly } from '../../../run/listen-quietly.js';
import { namedIn, openOwnFolder, type OwnFolder } from '../../../system/evidence/folder/own-folder.js';
import { hearForeign } from '../../../system/evidence/hear-foreign.js';
import { type SplitCapture, splitByPort } from '../../../system/evidence/split-by-port.js';
import { statusOf, stopSignals } from '../../../system/fabric/lab/launch.js';
import { watchPlaces } from '../../../system/state/changes/place-changes.js';
import { readInventory } from '../../../system/state/read-inventory.js';
import { readSnapshot } from '../../../system/state/read-snapshot.js';
import { readState } from '../../../system/state/read.js';
import { combineExitStatuses } from '../../command.js';
import { columnsOf, wantsColor } from '../../screen.js';

export interface ListenCommandOptions {
  readonly for: string;
  readonly bridge: string | undefined;
  readonly port: readonly string[];
  readonly netns: string | undefined;
  readonly out: string | undefined;
  readonly payload: boolean;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly quiet: boolean;
  readonly json: boolean;
  readonly toolVersion: string;
}

const numberOf = (mac: string): number => macNumber(macBytes(mac) ?? new Uint8Array(6), 0);

interface Heard {
  readonly ports: readonly ListeningPort[];
  readonly macs: ReadonlyMap<string, readonly number[]>;
  readonly split: SplitCapture;
  readonly faults: readonly Fault[];
  readonly out: OwnFolder | null;
  readonly moved: readonly FdbState[];
  readonly titles: ReadonlyMap<string, string>;
}

function reasonsAt(port: ListeningPort, portMacs: ReadonlySet<number>, heard: Heard): readonly Reason[] {
  const faults = heard.faults
    .filter(({ observers }) => observers.length === 0 || observers.includes(port.name))
    .map(({ code, text }) => reason(isReasonCode(code) ? code : 'step-failed', port.name, text));
  const damages = heard.split.damages.map((text) => reason('capture-damaged', port.name, text));
  const unknown =
    portMacs.size > 0 || port.role === 'uplink'
      ? []
      : [
          reason(
            'evidence-incomplete',
            port.name,
            `no MAC is on record behind ${port.name}, and it said nothing: only what others with a known MAC say to each other could be distinguished from what is its own`,
          ),
        ];
  const talked = heard.ports.some(
    (neighbour, index) => neighbour.name !== port.name && heard.split.crossed(index, (mac) => !portMacs.has(mac)),
  );
  const moved = heard.moved
    .filter((entry) => entry.port === port.port)
    .map(({ mac }) =>
      reason(
        'mac-moved',
        port.name,
        `${mac} was at another port before and is at ${port.port} now: its guest moved, or this one took its address`,
      ),
    );
  return [
    ...faults,
    ...damages,
    ...unknown,
    ...moved,
    ...(talked
      ? []
      : [
          reason(
            'nothing-to-hear',
            port.name,
            `no unicast crossed the bridge between two others while ${port.name} listened`,
          ),
        ]),
  ];
}

async function reportAt(port: ListeningPort, heard: Heard): Promise<ForeignReport> {
  const { ports, macs, split, titles } = heard;
  const titleOf = (name: string): string => titles.get(name) ?? name;
  const names = new Map([...macs].flatMap(([name, list]) => list.map((mac) => [mac, titleOf(name)] as const)));
  const portMacs = macs.get(port.name) ?? [];
  // Behind an uplink live MACs that no port has on record; at a port without any, nothing is known to be its own.
  const elsewhere =
    port.role === 'guest' && portMacs.length > 0
      ? null
      : ports
          .filter(({ name, role }) => name !== port.name && (role === 'guest' || port.role === 'guest'))
          .flatMap(({ name }) => macs.get(name) ?? []);
  const fold = startForeign({ name: titleOf(port.name), macs: portMacs, elsewhere });
  const file = split.files[ports.indexOf(port)] ?? '';
  await hearForeign(
    fold,
    file,
    heard.out === null ? `${port.name} (not kept; --out keeps it)` : namedIn(heard.out, file),
  );
  return finishForeign(fold, (mac) => names.get(mac) ?? macOfNumber(mac), reasonsAt(port, new Set(portMacs), heard));
}

/** Reports foreign frames of each port. Gives the status of `replay --mac`, or of the signal that ended it. */
export async function listenCommand(options: ListenCommandOptions): Promise<number> {
  const ms = milliseconds(options.for);
  if (ms === null || ms === 0)
    throw usageError(`--for ${options.for}: not a time`, 'give it with a unit, as in --for 60s');
  const netns = netnsPath(options.netns ?? null);
  const before = await look(netns);
  const bridge = chooseBridge(before, options.bridge ?? null);
  const { ports, reported } = listeningPorts(before, bridge, options.port);
  const out = options.out === undefined ? null : openOwnFolder(options.out);
  const scratch = await mkdtemp(join(tmpdir(), 'verify-isolation-'));
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  for (const signal of stopSignals)
    process.once(signal, () => {
      stoppedBy = signal;
      stop.abort();
    });
  try {
    const from = new Date().toISOString();
    const snapshots = [await readSnapshot({ netns, complete: true })];
    const listening = { options, ms, netns, before, bridge, ports, out, scratch, signal: stop.signal };
    const heard = await listenAt(listening);
    const reports: ForeignReport[] = [];
    for (const port of reported) reports.push(await reportAt(port, heard));
    snapshots.push(await readSnapshot({ netns, complete: true }));
    const leftOut = new Set(ports.filter((port) => !reported.includes(port)).map(({ port }) => port));
    const readers = readersOn(bridge, snapshots).filter(
      ({ place }) => !place.split(' ').some((word) => leftOut.has(word)),
    );
    const notKnown = readersNotKnown(snapshots);
    const statuses = [
      ...reports.map(({ exitCode }) => exitCode),
      ...(readers.some(({ isCertain }) => isCertain) ? [2] : []),
      ...(notKnown.length > 0 ? [3] : []),
    ];
    const status = stoppedBy === undefined ? combineExitStatuses(statuses) : statusOf(stoppedBy);
    printReports(reports, { bridge, from, json: options.json, readers, notKnown, status });
    return status;
  } finally {
    out?.handOver();
    await rm(scratch, { recursive: true, force: true });
  }
}

function look(netns: string | null): Promise<HostState> {
  return readState({ netns, sysfs: netns === null, sysctl: [], ovs: true });
}

interface Listening {
  readonly options: ListenCommandOptions;
  readonly ms: number;
  readonly netns: string | null;
  readonly before: HostState;
  readonly bridge: string;
  readonly ports: readonly ListeningPort[];
  readonly out: OwnFolder | null;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

async function listenAt({
  options,
  ms,
  netns,
  before,
  bridge,
  ports,
  out,
  scratch,
  signal,
}: Listening): Promise<Heard> {
  const { engine, payload, quiet } = options;
  const file = join(scratch, 'all.pcapng');
  const until = async (): Promise<void> => {
    if (!quiet)
      process.stderr.write(
        `listening at ${counted(ports.length, 'port')} of "${escapeText(bridge)}" for ${options.for}; nothing is sent\n`,
      );
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  };
  const learning = hearLearning(before, bridge, netns);
  const { faults } = await listenQuietly({ ports, bridge, netns, file, engine, payload, until }, kernelDevices).finally(
    () => learning.close(),
  );
  const split = await splitByPort(
    file,
    out?.path ?? scratch,
    ports.map(({ name }) => name),
    `verify-isolation ${options.toolVersion}`,
  );
  const { guests } = await readInventory(before, netns);
  const spoke = new Map(ports.map(({ name }, index) => [name, split.spoke(index).map(macOfNumber)] as const));
  const learned = { ...before, fdb: learnedAnew(learning.entries(), before, guests) };
  const after = await look(netns);
  const states = [before, learned, after];
  const kept = new Set(learnedAnew(after.fdb, before, guests));
  const moved = after.fdb.filter((entry) => entry.master === bridge && entry.state === 'dynamic' && !kept.has(entry));
  const record = macsOnRecord(ports, bridge, states, { guests, spoke });
  // A bridge that learns nothing (ageing time 0) has nobody on record: then what spoke behind a port lives there.
  const macs = new Map(
    ports.map(({ name }, index) => {
      const known = (record.get(name) ?? []).map(numberOf);
      return [name, known.length > 0 ? known : split.spoke(index)] as const;
    }),
  );
  const titles = new Map(
    ports.flatMap(({ name, port }) => {
      const guest = guests.find((known) => known.port === port);
      return guest === undefined || guest.name === name ? [] : [[name, `${guest.name} (${name})`] as const];
    }),
  );
  return { ports, macs, split, faults, out, titles, moved };
}

/** A guest may invent any number of MACs. */
const everyMs = 200;
const maxLearned = 4096;

function hearLearning(
  before: HostState,
  bridge: string,
  netns: string | null,
): { entries(): readonly FdbState[]; close(): void } {
  const watch = watchPlaces(netns);
  const names = new Map(before.links.map(({ ifindex, name }) => [ifindex, name]));
  const learned = new Map<string, FdbState>();
  const look = (): void => {
    for (const change of watch.take()) {
      const port = names.get(change.ifindex);
      if (change.kind !== 'moved' || port === undefined || names.get(change.bridge) !== bridge) continue;
      const entry = { ...{ mac: change.mac, port, master: bridge, vlan: null }, state: 'dynamic', flags: [] };
      if (learned.size < maxLearned) learned.set(`${port} ${change.mac}`, { ...entry, usedS: null, updatedS: null });
    }
  };
  const timer = setInterval(look, everyMs);
  return {
    entries: () => [...learned.values()],
    close() {
      clearInterval(timer);
      look();
      watch.close();
    },
  };
}

interface Listened extends ListenEnd {
  readonly bridge: string;
  readonly from: string;
  readonly json: boolean;
  readonly readers: readonly ReaderOnHost[];
}

function printReports(
  reports: readonly ForeignReport[],
  { bridge, from, json, readers, notKnown, status }: Listened,
): void {
  process.stdout.write(
    json
      ? `${jsonText({ schemaVersion: 1, bridge, from, until: new Date().toISOString(), readers, unread: notKnown, listeners: reports }, 2)}\n`
      : listenText(reports, readers, {
          width: columnsOf(process.stdout, 100),
          color: wantsColor(process.stdout),
          notKnown,
          status,
        }),
  );
}
