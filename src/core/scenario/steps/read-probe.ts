import type { z } from 'zod';
import type { ProbeClassName, ProbeEntry } from '../../model/scenario.js';
import { classes, disruptiveClasses, hostDisruptiveClasses } from '../../probe/classes.js';
import type { ProbeClass } from '../../probe/probe-class.js';
import { probe, selectedFields } from '../schema/step.js';
import { formatIp, parseIp } from '../../text/ip-address.js';
import { readSwitch } from '../topology/read-setting.js';
import { describe, where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { salvage } from '../yaml/salvage.js';
import { countPairs } from './pairs.js';
import { readAllowance } from './read-expectation.js';
import { frameKeys, readFrame } from './read-frame.js';
import { select } from './select.js';
import { endpointOf, type StepContext, selectPresent } from './step-context.js';
import { isGroupMacText } from '../../wire/ethernet.js';

const maxUnwritten = 2_000_000;

type RawProbe = z.output<typeof probe>;

/** Reads an entry of `probe`; null = unreadable. `waitMs`: the step's wait, null = not known. */
export function readProbe(context: StepContext, input: unknown, path: Path, waitMs: number | null): ProbeEntry | null {
  const { faults, reading } = context;
  const read = salvage(faults, probe, input, path);
  if (read === null) {
    checkNames(context, input, path);
    return null;
  }
  const raw = read.value;
  const before = faults.faults.length;
  const probeClass: ProbeClassName = raw.class === 'gateway-bounce' ? 'routed-bounce' : raw.class;
  const at = (key: string): Path => [...path, key];
  checkKeys(context, raw, classes[probeClass], path, read.dropped);
  const from = selectPresent(context, raw.from, at('from'));
  const to = raw.to === undefined ? null : selectPresent(context, raw.to, at('to'), from);
  const entry: ProbeEntry = {
    class: probeClass,
    from,
    to,
    via: raw.via === undefined ? null : selectPresent(context, raw.via, at('via')),
    bothWays: readSwitch(raw.both_ways) ?? false,
    acrossBridges: isAcrossBridges(raw.to),
    count: raw.count ?? 100,
    rate: raw.rate ?? null,
    ...readFrameKeys(context, raw, path),
    ...readFrame(context, raw, path),
    ...readRounds(context, raw, path),
    ...readFields(raw),
    ...(raw.open_by_design === undefined
      ? {}
      : { openByDesign: select(faults, reading, raw.open_by_design, at('open_by_design'), { among: null }) }),
    ...readAllowance(context, raw, path),
  };
  if (probeClass === 'aged-unicast' && waitMs !== null) checkAgeing(context, from, path, waitMs);
  const sound = faults.faults.length === before && reading.complete && !read.dropped.has('to');
  if (sound) checkFrames(context, entry, path, raw.count === undefined && !read.dropped.has('count'));
  return entry;
}

function readFrameKeys(
  context: StepContext,
  raw: RawProbe,
  path: Path,
): Pick<ProbeEntry, 'carriers' | 'vlanStacks' | 'srcMac' | 'dstMac' | 'srcIp' | 'dstIp' | 'group' | 'size'> {
  const at = (key: string): Path => [...path, key];
  const { carriers = null, vlan = [[]] } = raw;
  return {
    carriers: carriers === null ? null : [...new Set([carriers].flat())],
    vlanStacks: vlan.map((stack) => (typeof stack === 'number' ? [stack] : stack)),
    srcMac: raw.src_mac?.toLowerCase() ?? null,
    dstMac: raw.dst_mac?.toLowerCase() ?? null,
    srcIp: readAddress(context, raw.src_ip, at('src_ip')),
    dstIp: readAddress(context, raw.dst_ip, at('dst_ip')),
    group: raw.group === undefined ? null : readGroup(context.faults, raw.group, at('group')),
    size: raw.size ?? null,
  };
}

function readFields({ fields, rule }: RawProbe): Pick<ProbeEntry, 'fields' | 'rule'> {
  return {
    ...(fields === undefined ? {} : { fields: selectedFields(fields) }),
    ...(rule === undefined ? {} : { rule }),
  };
}

/** `*` means all on the sender's bridge; a name means the guest wherever it is. */
function isAcrossBridges(to: RawProbe['to']): boolean {
  const positives = [to ?? []].flat().filter((text) => !text.startsWith('!'));
  return positives.length === 0 || !positives.every((text) => text === '*');
}

function readRounds({ faults }: StepContext, raw: RawProbe, path: Path): Pick<ProbeEntry, 'rounds'> {
  if (raw.rounds === undefined) return {};
  const [first = 1, last = null] =
    typeof raw.rounds === 'number'
      ? [raw.rounds, raw.rounds]
      : raw.rounds.split('-').map((text) => (text === '' ? null : Number(text)));
  const at = [...path, 'rounds'];
  if (raw.to === undefined || readSwitch(raw.both_ways) === true)
    faults.addKey(at, `${where(at)}: expected "to" beside it, and no "both_ways"`);
  if (last !== null && first !== null && last < first)
    faults.add(at, `${where(at)}: expected the last round not before the first, got ${describe(raw.rounds)}`);
  return { rounds: { first: first ?? 1, last } };
}

/** A misspelt class must not hide a misspelt guest. */
function checkNames(context: StepContext, input: unknown, path: Path): void {
  if (typeof input !== 'object' || input === null) return;
  const values = new Map(Object.entries(input));
  for (const key of ['from', 'to', 'via']) {
    const names = probe.shape.from.safeParse(values.get(key));
    if (names.success) selectPresent(context, names.data, [...path, key]);
  }
}

function foreignKeys(raw: RawProbe, { name, takesVia, takesGroup, takesFields }: ProbeClass): readonly string[] {
  const foreign = [
    ...(takesVia === true ? [] : (['via'] as const)),
    ...(takesGroup === true ? [] : (['group'] as const)),
    ...(takesFields === true ? [] : (['fields', 'rule'] as const)),
    ...(name === 'frame' ? [] : frameKeys),
  ];
  return foreign.filter((key) => raw[key] !== undefined);
}

function checkKeys(
  { faults, allowDisruptive, reading }: StepContext,
  raw: RawProbe,
  probeClass: ProbeClass,
  path: Path,
  dropped: ReadonlySet<string>,
): void {
  const refuse = (key: string): void =>
    faults.addKey(
      [...path, key],
      `${where([...path, key])}: the class ${raw.class} takes no "${key}", expected no such key`,
    );
  if (probeClass.addressee === 'required' && raw.to === undefined && !dropped.has('to')) {
    faults.add(path, `${where([...path, 'to'])} is missing, expected the addressee of the class ${raw.class}`);
  }
  if (probeClass.addressee === 'none' && raw.to !== undefined) refuse('to');
  if (raw.both_ways !== undefined && raw.to === undefined && probeClass.addressee === 'none') refuse('both_ways');
  for (const key of foreignKeys(raw, probeClass)) refuse(key);
  const disruptive = reading.topology.provider === 'host' ? hostDisruptiveClasses : disruptiveClasses;
  if (!allowDisruptive && disruptive.includes(probeClass.name)) {
    faults.add(
      [...path, 'class'],
      `${where([...path, 'class'])}: ${raw.class} is disruptive, expected "allow_disruptive: true" in the file`,
    );
  }
}

function checkAgeing(context: StepContext, from: readonly string[], path: Path, waitMs: number): void {
  for (const bridge of new Set(from.flatMap((name) => endpointOf(context, name)?.bridge ?? []))) {
    const ageing = context.ageing.get(bridge);
    if (ageing !== undefined && waitMs <= ageing * 10) {
      context.faults.add(
        [...path, 'class'],
        `${where([...path, 'class'])}: nothing ages within this step: "wait" is ${waitMs / 1000}s, expected more than the ageing_time of ${bridge}, ${ageing / 100}s`,
      );
    }
  }
}

function checkFrames({ faults, reading }: StepContext, entry: ProbeEntry, path: Path, unwritten: boolean): void {
  const pairs = countPairs(entry, reading.topology);
  if (pairs === 0) {
    faults.add([...path, 'to'], `${where(path)}: sends to nobody: no endpoint of "to" is another than the sender`);
    return;
  }
  // Where no carriers are written a class sends two: raw, and UDP over IP.
  const frames = pairs * (entry.carriers?.length ?? 2) * entry.vlanStacks.length * entry.count;
  if (unwritten && frames > maxUnwritten) {
    faults.add(
      path,
      `${where(path)}: ${frames} frames in all (${pairs} pairs), expected "count" written out where it is more than ${maxUnwritten}`,
    );
  }
}

function readAddress({ faults }: StepContext, raw: string | undefined, path: Path): string | null {
  if (raw === undefined) return null;
  const ip = parseIp(raw);
  if (ip === null) faults.add(path, `${where(path)}: expected an IP address such as 192.168.0.1, got ${describe(raw)}`);
  return ip === null ? null : formatIp(ip);
}

/** Reads a multicast group: 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291 2.7) or a group MAC address. */
export function readGroup(faults: FaultList, raw: string, path: Path): string {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(raw) && isGroupMacText(raw)) return raw.toLowerCase();
  const ip = parseIp(raw);
  if (ip !== null && (ip.family === 4 ? ip.value >> 28n === 0xen : ip.value >> 120n === 0xffn)) return formatIp(ip);
  faults.add(
    path,
    `${where(path)}: expected a multicast group such as 239.1.1.1, ff0e::1 or 01:00:5e:01:01:01, got ${describe(raw)}`,
  );
  return raw;
}
