import type { z } from 'zod';
import type { Accepted, Expectation, ProbeEntry, Step, TrafficEntry, Trusted, Vouched } from '../../model/scenario.js';
import { scenarioClasses } from '../../probe/classes.js';
import { quote } from '../../text/escape.js';
import { stepShell } from '../schema/step.js';
import { readPlainKeys, readTime } from '../schema/plain-step-keys.js';
import { where } from '../yaml/explain-issue.js';
import type { Locate, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import { salvage } from '../yaml/salvage.js';
import { readChanges } from './read-changes.js';
import { readExpectation } from './read-expectation.js';
import { checkGroups } from './read-frame.js';
import { readProbe } from './read-probe.js';
import { readRun } from './read-run.js';
import { readTraffic } from './read-traffic.js';
import { select } from './select.js';
import { type StepContext, selectPresent } from './step-context.js';
import { listenForbidsNobody, probeForbidsNobody, trafficForbidsNobody } from './unbreakable.js';

type RawStep = z.output<typeof stepShell>;

/** Rows beyond probe classes for which a leak may be accepted. */
const otherClasses = ['http', 'ping', 'tcp', 'udp', 'foreign-unicast'];

interface Placed<Entry> {
  readonly path: Path;
  readonly entry: Entry | null;
}

/** Reads a step in the context of the steps before; null = unreadable. */
export function readStep(context: StepContext, input: unknown, path: Path, locate: Locate): Step | null {
  const { faults } = context;
  const read = salvage(faults, stepShell, input, path);
  if (read === null) {
    context.presenceKnown = false;
    return null;
  }
  const { value: raw, dropped } = read;
  const before = faults.faults.length;
  const at = (key: string): Path => [...path, key];
  const changes = readChanges(context, raw, path);
  const { start, stop } = readPresence(context, raw, path);
  if (dropped.has('start') || dropped.has('stop')) context.presenceKnown = false;
  const run = readRun(faults, raw.run ?? [], at('run'));
  const during = readDuring(context, raw.during ?? [], at('during'));
  const plain = readPlainKeys(faults, raw, path);
  const probes = entriesOf(context, raw.probe, at('probe')).map((probe) => ({
    path: probe.path,
    entry: readProbe(context, probe.input, probe.path, dropped.has('wait') ? null : plain.waitMs),
  }));
  const traffic = entriesOf(context, raw.traffic, at('traffic')).map((talk) => ({
    path: talk.path,
    entry: readTraffic(context, talk.input, talk.path),
  }));
  checkTunnels(context, probes);
  const listenMs = readListen(context, raw.listen, [...at('listen'), 'for']);
  checkParts(context, raw, dropped, path);
  const sends = ['probe', 'traffic', 'listen'].some((key) => Object.hasOwn(raw, key) || dropped.has(key));
  const expect = readExpectation(context, raw.expect, at('expect'), sends ? 'holds' : null);
  checkGroups(context, probes, expect);
  const step: Step = {
    name: raw.name,
    line: locate(path, 'value').line,
    ...changes,
    start,
    stop,
    run,
    during,
    learn: readLearn(context, raw.learn, at('learn')),
    ...plain,
    probes: probes.flatMap(({ entry }) => entry ?? []),
    traffic: traffic.flatMap(({ entry }) => entry ?? []),
    listenMs,
    expect,
    accept: readAccepted(context, raw, at('accept')),
    ...readTrusted(context, raw, at('trust')),
  };
  const sound =
    faults.faults.length === before && context.reading.complete && context.presenceKnown && dropped.size === 0;
  if (sound && expect.expected !== null) checkBreakable(context, expect, { probes, traffic, listenMs }, at('listen'));
  return step;
}

function entriesOf(
  { faults }: StepContext,
  raw: unknown,
  path: Path,
): readonly { readonly input: unknown; readonly path: Path }[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) return [{ input: raw, path }];
  if (raw.length === 0) faults.add(path, `${where(path)}: expected at least one entry, got an empty list`);
  return raw.map((input: unknown, index) => ({ input, path: [...path, index] }));
}

function readDuring(context: StepContext, raw: NonNullable<RawStep['during']>, path: Path): Step['during'] {
  return raw.map((event, index) => ({
    atMs: readTime(context.faults, event.at, [...path, index, 'at']),
    run: readRun(context.faults, event.run, [...path, index, 'run']),
    settleMs: readTime(context.faults, event.settle ?? 0, [...path, index, 'settle']),
  }));
}

function readListen(context: StepContext, raw: RawStep['listen'], path: Path): number | null {
  if (raw === undefined) return null;
  const ms = readTime(context.faults, raw.for, path);
  if (ms === 0) context.faults.add(path, `${where(path)}: expected a time longer than 0`);
  return ms;
}

/** A tunnel sends nothing of its own. */
function checkTunnels({ faults, reading }: StepContext, probes: readonly Placed<ProbeEntry>[]): void {
  const tunnels = new Set(
    reading.topology.endpoints.flatMap(({ name, tunnel }) => (tunnel === undefined ? [] : [name])),
  );
  for (const { entry, path } of probes) {
    const sender = [...(entry?.from ?? []), ...(entry?.via ?? [])].find((name) => tunnels.has(name));
    const at = [...path, 'from'];
    if (sender !== undefined)
      faults.add(at, `${where(at)}: ${quote(sender)} is a tunnel, which sends nothing of its own; expected guests`);
  }
}

/** A claim that nothing can break proves nothing. */
function checkBreakable(
  context: StepContext,
  expect: Expectation,
  parts: {
    readonly probes: readonly Placed<ProbeEntry>[];
    readonly traffic: readonly Placed<TrafficEntry>[];
    readonly listenMs: number | null;
  },
  listenPath: Path,
): void {
  const { probes, traffic, listenMs } = parts;
  const refuse = (path: Path): void =>
    context.faults.add(
      path,
      `${where(path)}: it forbids no observer and claims nothing, so that it can only hold; expected "may_see", "seen" or "expect: unjudged"`,
    );
  for (const { path, entry } of probes) if (entry !== null && probeForbidsNobody(context, entry, expect)) refuse(path);
  for (const { path, entry } of traffic)
    if (entry !== null && trafficForbidsNobody(context, entry, expect)) refuse(path);
  if (listenMs !== null && listenForbidsNobody(context, expect)) refuse(listenPath);
}

function readPresence(
  context: StepContext,
  raw: RawStep,
  path: Path,
): { readonly start: readonly string[]; readonly stop: readonly string[] } {
  const { faults, reading } = context;
  const named = (key: 'start' | 'stop'): readonly string[] =>
    raw[key] === undefined ? [] : select(faults, reading, raw[key], [...path, key], { among: null });
  const [start, stop] = [named('start'), named('stop')];
  const both = start.find((name) => stop.includes(name));
  if (both !== undefined)
    faults.add(
      [...path, 'stop'],
      `${where([...path, 'stop'])}: ${quote(both)} is in "start" too, expected it in one of them`,
    );
  const were = context.present;
  context.present = new Set([...were, ...start].filter((name) => !stop.includes(name)));
  return { start: start.filter((name) => !were.has(name)), stop: stop.filter((name) => were.has(name)) };
}

function readLearn(context: StepContext, raw: RawStep['learn'], path: Path): readonly string[] {
  const everybody = context.reading.topology.endpoints
    .filter(({ name, tunnel }) => context.present.has(name) && tunnel === undefined)
    .map(({ name }) => name);
  if (raw === undefined) return context.reading.topology.provider === 'lab' ? everybody : [];
  if (raw === 'all') return everybody;
  return raw === 'none' ? [] : selectPresent(context, raw, path);
}

function checkParts(
  { faults, reading, allowChanges }: StepContext,
  raw: RawStep,
  dropped: ReadonlySet<string>,
  path: Path,
): void {
  const at = (key: string): Path => [...path, key];
  const sends = (['probe', 'traffic', 'listen'] as const).filter((key) => raw[key] !== undefined || dropped.has(key));
  if (sends[0] === 'probe' && sends[1] !== undefined) {
    faults.addKey(at(sends[1]), `${where(at(sends[1]))}: a step has "probe" or "${sends[1]}", expected two steps`);
  }
  if (sends.length === 0) {
    for (const key of ['expect', 'accept', 'trust', 'during'] as const) {
      if (raw[key] !== undefined)
        faults.addKey(
          at(key),
          `${where(at(key))}: the step sends nothing and listens to nothing, expected "probe", "traffic" or "listen" beside it`,
        );
    }
  }
  if (reading.topology.provider !== 'host') return;
  for (const key of ['traffic', 'run'] as const) {
    if (raw[key] !== undefined)
      faults.addKey(at(key), `${where(at(key))} is of the lab only, expected no such key with "provider: host"`);
  }
  if (allowChanges) return;
  for (const key of ['set', 'vlan', 'fdb', 'mdb', 'start', 'stop'] as const) {
    if (raw[key] !== undefined)
      faults.addKey(at(key), `${where(at(key))} changes the host, expected "allow_changes: true" in the file`);
  }
}

function readAccepted(context: StepContext, raw: RawStep, path: Path): readonly Accepted[] {
  const { faults, reading } = context;
  const known: readonly string[] = [...scenarioClasses, 'gateway-bounce', ...otherClasses];
  return (raw.accept ?? []).flatMap((each, index): readonly Accepted[] => {
    const at = (key: string): Path => [...path, index, key];
    if (!known.includes(each.class))
      faults.add(
        at('class'),
        `${where(at('class'))}: there is no class ${quote(each.class)}${didYouMean(each.class, known)}`,
      );
    const vouched = readVouched(context, each, [...path, index]);
    const rowClass = each.class === 'gateway-bounce' ? 'routed-bounce' : each.class;
    return select(faults, reading, each.observer, at('observer'), { among: null }).map((observer) => ({
      observer,
      class: rowClass,
      ...vouched,
    }));
  });
}

function readTrusted(context: StepContext, raw: RawStep, path: Path): Pick<Step, 'trust'> {
  if (raw.trust === undefined || raw.trust.length === 0) return {};
  return {
    trust: raw.trust.map(
      (each, index): Trusted => ({
        what: each.what,
        where: each.where ?? null,
        ...readVouched(context, each, [...path, index]),
      }),
    ),
  };
}

type RawVouched = Pick<NonNullable<RawStep['trust']>[number], 'reason' | 'owner' | 'ticket' | 'until'>;

function readVouched({ faults }: StepContext, { reason, owner, ticket, until }: RawVouched, path: Path): Vouched {
  const at = [...path, 'until'];
  if (until !== undefined && !isDate(until))
    faults.add(at, `${where(at)}: expected a date such as 2027-01-31, got ${quote(until)}`);
  return { reason, owner: owner ?? null, ticket: ticket ?? null, until: until ?? null };
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
