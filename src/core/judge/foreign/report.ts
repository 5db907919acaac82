import { nsOf } from '../../pcap/time-words.js';
import { timeText } from '../../text/time.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { ForeignFold, Heard, HeardFile } from './foreign.js';

/** Foreign frames of one direction of a pair. */
export interface ForeignDirection {
  readonly from: string;
  readonly to: string;
  readonly frames: number;
  readonly octets: number;
  readonly payloadOctets: number;
  readonly protocols: readonly { readonly name: string; readonly frames: number }[];
  readonly first: string;
  readonly last: string;
  readonly firstSighting: { readonly file: string; readonly frame: number };
}

/** An overheard pair in one or both directions. */
export interface ForeignPair {
  readonly a: string;
  readonly b: string;
  readonly ways: 'both' | 'one';
  /** Answers in the heard direction prove the other, unheard one. */
  readonly otherWayExists: boolean;
  readonly heard: readonly ForeignDirection[];
  readonly reading: string;
}

export interface ForeignFile
  extends Readonly<Pick<HeardFile, 'path' | 'frames' | 'own' | 'group' | 'foreign' | 'passing' | 'unread'>> {
  /** This tool's frames that prove a hearing port. Absent = none. */
  readonly controls?: number;
  readonly first: string | null;
  readonly last: string | null;
}

/** `replay --mac --json`: one listener's foreign frames. */
export interface ForeignReport {
  readonly listener: string | null;
  readonly macs: readonly string[];
  readonly found: boolean;
  /** 2 = foreign unicast, 3 = none but no proof, 0 = none. */
  readonly exitCode: 0 | 2 | 3;
  readonly reasons: readonly Reason[];
  readonly pairs: readonly ForeignPair[];
  readonly notKept: number;
  readonly files: readonly ForeignFile[];
  readonly limits: readonly string[];
}

/** The MAC itself if its owner is unknown. */
export type NameOf = (mac: number) => string;

/** Lower case with colons. */
export function macOfNumber(mac: number): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:');
}

function direction(rows: readonly Heard[], nameOf: NameOf): ForeignDirection | null {
  const [head] = rows;
  if (head === undefined) return null;
  const sum = (value: (row: Heard) => number): number => rows.reduce((total, row) => total + value(row), 0);
  const first = rows.reduce((earliest, row) => (nsOf(row.first) < nsOf(earliest.first) ? row : earliest), head);
  const last = rows.reduce((latest, row) => (nsOf(row.last) > nsOf(latest.last) ? row : latest), head);
  return {
    from: nameOf(head.from),
    to: nameOf(head.to),
    frames: sum((row) => row.frames),
    octets: sum((row) => row.bytes),
    payloadOctets: sum((row) => row.payloadBytes),
    protocols: [...rows]
      .sort((x, y) => y.frames - x.frames || (x.protocol < y.protocol ? -1 : 1))
      .map(({ protocol, frames }) => ({ name: protocol, frames })),
    first: timeText(nsOf(first.first)),
    last: timeText(nsOf(last.last)),
    firstSighting: { file: first.firstFile, frame: first.firstFrame },
  };
}

function readingOf(a: string, b: string, ways: 'both' | 'one', otherWayExists: boolean): string {
  if (a === b)
    return `${a} sends to its own address, as LAN chips and loop detection do to test a link: the bridge has not learned it where it is sent from, or hands the frames on`;
  if (ways === 'both')
    return `both directions were heard: the bridge floods what ${a} and ${b} say to each other, or sends a copy of it here`;
  return otherWayExists
    ? `only ${a} → ${b} was heard, and it answers frames of ${b} that were not: frames to ${a} go to its port alone, frames to ${b} are flooded. So the MAC of ${b} is probably on no port: it is behind the bridge device, or its entry has expired`
    : `only ${a} → ${b} was heard, and nothing shows that ${b} ever answered: frames to a MAC that the bridge has not learned are flooded`;
}

function pairsOf(fold: ForeignFold, nameOf: NameOf): readonly ForeignPair[] {
  const pairs: { readonly pair: ForeignPair; readonly firstNs: bigint }[] = [];
  for (const [from, targets] of fold.conversations) {
    for (const [to, protocols] of targets) {
      const back = from === to ? undefined : fold.conversations.get(to)?.get(from);
      if (back !== undefined && to < from) continue; // reported where the lower MAC is the source
      const rows = [...protocols.values()];
      const backRows = [...(back?.values() ?? [])];
      const directions = [direction(rows, nameOf), direction(backRows, nameOf)].filter((way) => way !== null);
      const a = nameOf(from);
      const b = nameOf(to);
      const ways = backRows.length > 0 ? 'both' : 'one';
      const otherWayExists = ways === 'one' && rows.some(({ answers }) => answers > 0);
      const firstNs = [...rows, ...backRows]
        .map(({ first }) => nsOf(first))
        .reduce((least, time) => (time < least ? time : least));
      pairs.push({
        pair: { a, b, ways, otherWayExists, heard: directions, reading: readingOf(a, b, ways, otherWayExists) },
        firstNs,
      });
    }
  }
  const frames = ({ heard }: ForeignPair): number => heard.reduce((sum, way) => sum + way.frames, 0);
  return pairs
    .sort((x, y) => frames(y.pair) - frames(x.pair) || Number(x.firstNs - y.firstNs) || (x.pair.a < y.pair.a ? -1 : 1))
    .map(({ pair }) => pair);
}

function reasonsOf(fold: ForeignFold): readonly Reason[] {
  const { name } = fold.listener;
  const reported = fold.files.flatMap(({ path, damages }) =>
    damages.map((text) => reason('capture-damaged', name, `${path}, ${text}`)),
  );
  for (const { path, frames, unread } of fold.files) {
    if (unread > 0)
      reported.push(
        reason(
          'evidence-incomplete',
          name,
          `${path}: ${unread} of ${frames} frames are not Ethernet or end before their addresses do`,
        ),
      );
  }
  for (const { path, dropped } of fold.files)
    if (dropped > 0)
      reported.push(
        reason('frames-dropped', name, `${path}: the kernel dropped ${dropped} frames before they were captured`),
      );
  const total = fold.files.reduce((sum, file) => sum + file.own + file.group + file.foreign + file.passing, 0);
  if (total === 0)
    reported.push(
      reason('nothing-to-hear', name, 'not one frame was captured: this ear may be deaf, and a deaf ear hears no leak'),
    );
  if (isStranger(fold))
    reported.push(
      reason(
        'nothing-to-hear',
        name,
        `no frame is from or to ${fold.listener.macs.map(macOfNumber).join(' or ')}: check the MAC. These MACs sent most: ${talkersOf(fold).join(', ')}`,
      ),
    );
  return reported;
}

const maxTalkers = 8;

function talkersOf(fold: ForeignFold): readonly string[] {
  const frames = (targets: ReadonlyMap<number, ReadonlyMap<string, Heard>>): number =>
    [...targets.values()].flatMap((rows) => [...rows.values()]).reduce((sum, row) => sum + row.frames, 0);
  const talkers = [...fold.conversations].map(([mac, targets]) => ({ mac, frames: frames(targets) }));
  return talkers
    .sort((a, b) => b.frames - a.frames || a.mac - b.mac)
    .slice(0, maxTalkers)
    .map(({ mac }) => macOfNumber(mac));
}

/** If no frame has a typed MAC, others' unicast says nothing about its port. */
function isStranger({ listener, files }: ForeignFold): boolean {
  return (
    listener.name === null &&
    listener.elsewhere === null &&
    files.every(({ own: ownFrames, isOfTool }) => ownFrames === 0 && !isOfTool) &&
    files.some(({ foreign }) => foreign > 0)
  );
}

const silent =
  'hearing nothing foreign proves no isolation: nothing shows that any guest talked meanwhile, and no probe was sent';
const ways = 'a capture that was taken inside a guest shows foreign unicast only if its interface was promiscuous';

function exitOf(isForeign: boolean, reasons: readonly Reason[]): ForeignReport['exitCode'] {
  if (isForeign) return 2;
  return reasons.length > 0 ? 3 : 0;
}

/** Ends the fold. `nameOf` names talkers, `more` adds reasons. Pure. */
export function finishForeign(fold: ForeignFold, nameOf: NameOf, more: readonly Reason[] = []): ForeignReport {
  const isForeign = fold.files.some(({ foreign }) => foreign > 0) && !isStranger(fold);
  const reasons = [...reasonsOf(fold), ...more];
  return {
    listener: fold.listener.name,
    macs: fold.listener.macs.map(macOfNumber),
    found: isForeign,
    exitCode: exitOf(isForeign, reasons),
    reasons,
    pairs: isForeign ? pairsOf(fold, nameOf) : [],
    notKept: fold.notKept,
    files: fold.files.map(
      ({ path, frames, own: ownFrames, controls, group, foreign, passing, unread, first, last }) => ({
        path,
        frames,
        own: ownFrames,
        ...(controls === 0 ? {} : { controls }),
        group,
        foreign,
        passing,
        unread,
        first: first === null ? null : timeText(nsOf(first)),
        last: last === null ? null : timeText(nsOf(last)),
      }),
    ),
    limits: isForeign ? [ways] : [silent, ways],
  };
}
