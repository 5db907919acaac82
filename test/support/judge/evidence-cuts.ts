import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder of an honest run in which step `step` (0-based) held; each cut takes away or changes something that the
 * verdict rests on.
 */
export interface Cut {
  readonly dir: string;
  readonly step: number;
}

interface Entry {
  step: number;
  event: string;
  [key: string]: unknown;
}
type Json = Record<string, unknown>;

function timeline({ dir, step }: Cut, change: (entry: Entry) => Entry | null): void {
  const path = join(dir, 'timeline.ndjson');
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const changed = lines.flatMap((line) => {
    const entry = JSON.parse(line) as Entry;
    const now = entry.step === step ? change(entry) : entry;
    return now === null ? [] : [JSON.stringify(now)];
  });
  writeFileSync(path, `${changed.join('\n')}\n`);
}

function json(path: string, change: (value: Json) => Json): void {
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Json)));
}

const run =
  (change: (value: Json) => Json) =>
  ({ dir }: Cut): void =>
    json(join(dir, 'run.json'), change);
const without =
  (event: string) =>
  (cut: Cut): void =>
    timeline(cut, (entry) => (entry.event === event ? null : entry));
const capture = ({ dir }: Cut): string => join(dir, 'evidence.pcapng');

interface Counted {
  received: number;
  dropped: number;
  delivered: number;
}
const counters =
  (change: (counted: Counted) => Counted) =>
  (cut: Cut): void =>
    timeline(cut, (entry) => {
      if (entry.event !== 'stopped') return entry;
      const [[name, counted] = ['', null]] = Object.entries(entry.counters as Record<string, Counted>);
      return counted === null
        ? entry
        : { ...entry, counters: { ...(entry.counters as object), [name]: change(counted) } };
    });

/**
 * Takes packet blocks out of the pcapng file: those for which `drop` says so, by number among the packets and by
 * interface.
 */
function dropPackets(path: string, drop: (number: number, interfaceId: number) => boolean): void {
  const bytes = readFileSync(path);
  const kept: Buffer[] = [];
  let number = 0;
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
    const block = bytes.subarray(at, at + bytes.readUInt32LE(at + 4));
    if (bytes.readUInt32LE(at) === 6 && drop(number++, bytes.readUInt32LE(at + 8))) continue;
    kept.push(block);
  }
  writeFileSync(path, Buffer.concat(kept));
}

/** One of the step's states: after the probes, where nothing else is said. */
function stateAfter(cut: Cut, change: (links: Json[]) => Json[], when = 'after'): void {
  json(join(cut.dir, 'state', `${cut.step + 1}-${when}.json`), (state) => ({
    ...state,
    links: change(state.links as Json[]),
  }));
}
/** A port to which the host routes, where there is no bridge. */
const isRoutedPort = (link: Json, links: readonly Json[]): boolean =>
  link.kind === 'veth' && links.every(({ bridge }) => bridge === null);
const isPort = (link: Json, links: readonly Json[]): boolean => link.port !== null || isRoutedPort(link, links);

const otherSetting = (links: Json[]): Json[] =>
  links.map((link) => {
    if (isRoutedPort(link, links)) return { ...link, mtu: 1234 };
    return link.bridge === null ? link : { ...link, bridge: { ...(link.bridge as Json), mcast_hash_max: 12_345 } };
  });

/** Those that concern every step of the run. */
export const captureCuts: Readonly<Record<string, (cut: Cut) => void>> = {
  'the capture is gone': (cut) => rmSync(capture(cut)),
  'the capture is empty': (cut) => truncateSync(capture(cut), 0),
  'the capture is cut in the middle': (cut) =>
    truncateSync(capture(cut), Math.floor(readFileSync(capture(cut)).length * 0.6)),
  'the capture lacks its last byte': (cut) => truncateSync(capture(cut), readFileSync(capture(cut)).length - 1),
  'the first record is removed': (cut) => dropPackets(capture(cut), (number) => number === 0),
  'a record in the middle is removed': (cut) => dropPackets(capture(cut), (number) => number === 40),
  'an byte of the capture is changed': (cut) => {
    const bytes = readFileSync(capture(cut));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(capture(cut), bytes);
  },
  'all that one observer heard is removed, and the count made to fit': (cut) => {
    const bytes = readFileSync(capture(cut));
    let packets = 0;
    const of = new Map<number, number>();
    for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
      if (bytes.readUInt32LE(at) !== 6) continue;
      const id = bytes.readUInt32LE(at + 8);
      packets += 1;
      of.set(id, (of.get(id) ?? 0) + 1);
    }
    const [[id, count] = [0, 0]] = [...of];
    dropPackets(capture(cut), (_, packetId) => packetId === id);
    run((value) => ({ ...value, capture: { ...(value.capture as Json), packets: packets - count } }))(cut);
  },
  'the number of packets is another': run((value) => ({
    ...value,
    capture: { ...(value.capture as Json), packets: 1 },
  })),
  'the capture was never closed': run((value) => ({ ...value, capture: null })),
  'the key is lost': run((value) => ({ ...value, key: null })),
  'the key is another': run((value) => ({ ...value, key: '5a'.repeat(32) })),
  'the key is no key': run((value) => ({ ...value, key: 'x' })),
  'no state is there': ({ dir }) => readdirSync(join(dir, 'state')).forEach((name) => rmSync(join(dir, 'state', name))),
};

/** Those that concern one step. */
export const stepCuts: Readonly<Record<string, (cut: Cut) => void>> = {
  'nobody listened': without('listening'),
  'one observer did not listen': (cut) => {
    let first = true;
    timeline(cut, (entry) => {
      const drop = entry.event === 'listening' && first;
      if (drop) first = false;
      return drop ? null : entry;
    });
  },
  'listening began after the probes': (cut) => {
    const path = join(cut.dir, 'timeline.ndjson');
    const lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const late = lines.filter((line) => line.includes('"listening"'));
    writeFileSync(path, `${[...lines.filter((line) => !late.includes(line)), ...late].join('\n')}\n`);
  },
  'the probing was never begun': without('probing'),
  'no controls were sent': without('controls-sent'),
  'the last controls were not sent': (cut) =>
    timeline(cut, (entry) => (entry.event === 'controls-sent' && entry.phase === 'after' ? null : entry)),
  'the wait after the probes was not kept': without('drained'),
  'the wait after the probes was shorter': (cut) =>
    timeline(cut, (entry) => (entry.event === 'drained' ? { ...entry, drainMs: 0 } : entry)),
  'the capture was never stopped': without('stopped'),
  'the step was never ended': without('step-ended'),
  'the step ended with a fault': (cut) =>
    timeline(cut, (entry) => (entry.event === 'step-ended' ? { ...entry, outcome: 'fault' } : entry)),
  'a frame was dropped': counters((counted) => ({ ...counted, dropped: 1, received: counted.received + 1 })),
  'a frame was received and not delivered': counters((counted) => ({ ...counted, received: counted.received + 1 })),
  'a frame was delivered twice': counters((counted) => ({ ...counted, delivered: counted.delivered + 1 })),
  'more was written than is there': (cut) =>
    timeline(cut, (entry) =>
      entry.event === 'stopped'
        ? {
            ...entry,
            written: Object.fromEntries(
              Object.entries(entry.written as Record<string, number>).map(([name, count]) => [name, count + 1]),
            ),
          }
        : entry,
    ),
  'the wall clock was set back': (cut) =>
    timeline(cut, (entry) =>
      entry.event === 'stopped' ? { ...entry, atNs: String(BigInt(entry.atNs as string) - 3_600_000_000_000n) } : entry,
    ),
  'a fault was told': (cut) =>
    timeline(cut, (entry) =>
      entry.event === 'drained'
        ? { ...entry, event: 'fault', fault: { code: 'helper-silent', observers: [], text: 'said nothing' } }
        : entry,
    ),
  'the state before is not there': (cut) => rmSync(join(cut.dir, 'state', `${cut.step + 1}-before.json`)),
  'the state after is not there': (cut) => rmSync(join(cut.dir, 'state', `${cut.step + 1}-after.json`)),
  'a setting of a bridge is another': (cut) => stateAfter(cut, otherSetting),
  'a port does not forward': (cut) =>
    stateAfter(cut, (links) =>
      links.map((link) => {
        if (isRoutedPort(link, links)) return { ...link, flags: ['UP'] };
        return link.port === null ? link : { ...link, port: { ...(link.port as Json), state: 'blocking' } };
      }),
    ),
  'a port has another index': (cut) =>
    stateAfter(cut, (links) => links.map((link) => (isPort(link, links) ? { ...link, ifindex: 4711 } : link))),
  'a port is gone': (cut) => stateAfter(cut, (links) => links.filter((link) => !isPort(link, links))),
  'something could not be read': (cut) =>
    json(join(cut.dir, 'state', `${cut.step + 1}-after.json`), (state) => ({
      ...state,
      unread: [{ what: 'nft', why: 'not permitted' }],
    })),
};

/** Those that concern one step in which probes were sent. */
export const probeCuts: Readonly<Record<string, (cut: Cut) => void>> = {
  'no probe was sent': without('sent'),
  'one probe less was sent': (cut) =>
    timeline(cut, (entry) => (entry.event === 'sent' ? { ...entry, accepted: (entry.accepted as number) - 1 } : entry)),
  'half of the probes were sent': (cut) =>
    timeline(cut, (entry) =>
      entry.event === 'sent' ? { ...entry, accepted: (entry.accepted as number) >> 1 } : entry,
    ),
};

/** Those that concern one step with events. */
export const eventCuts: Readonly<Record<string, (cut: Cut) => void>> = {
  'the state before the first event is not there': (cut) =>
    rmSync(join(cut.dir, 'state', `${cut.step + 1}-during-1.json`)),
  'the state after the first event is not there': (cut) =>
    rmSync(join(cut.dir, 'state', `${cut.step + 1}-during-2.json`)),
  'nothing says that the state before the first event was read': (cut) =>
    timeline(cut, (entry) => (entry.event === 'state-read' && entry.reading === 1 ? null : entry)),
  'nothing says that the state after the last event was read': (cut) => {
    const last = readdirSync(join(cut.dir, 'state')).filter((name) =>
      name.startsWith(`${cut.step + 1}-during-`),
    ).length;
    timeline(cut, (entry) => (entry.event === 'state-read' && entry.reading === last ? null : entry));
  },
  'a setting was another before the first event': (cut) => stateAfter(cut, otherSetting, 'during-1'),
  'no event began': without('event-started'),
  'no event ended': without('event-ended'),
};

/** After these a file of the folder is none that a run writes: the folder is refused, with what is wrong and where. */
export const refusedCuts: readonly string[] = ['the key is no key'];

/** Those that no scenario's evidence is spared, even where scenarios share the others among them. */
export const cutsOfEvery: readonly string[] = [
  'the capture is cut in the middle',
  'the first record is removed',
  'one observer did not listen',
];
