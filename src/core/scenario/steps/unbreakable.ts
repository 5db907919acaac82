import { sameSegment } from '../../model/host-names.js';
import type { Endpoint, Expectation, ProbeEntry, TrafficEntry } from '../../model/scenario.js';
import { classes } from '../../probe/classes.js';
import type { ProbeClass } from '../../probe/probe-class.js';
import { pairsOf } from './pairs.js';
import { endpointOf, type StepContext } from './step-context.js';

function judged(context: StepContext, expect: Expectation): readonly Endpoint[] {
  return context.reading.topology.endpoints.filter(({ name, tunnel }) =>
    expect.observers === null ? context.present.has(name) && tunnel === undefined : expect.observers.includes(name),
  );
}

function areOneParty(first: Endpoint, second: Endpoint): boolean {
  return first.name === second.name || (first.owner !== undefined && first.owner === second.owner);
}

/** A host's unlisted ports are judged too, unless `observers` says otherwise. */
function hasUnlisted(context: StepContext, expect: Expectation): boolean {
  return context.reading.topology.provider === 'host' && expect.observers === null;
}

function waysOf(from: string, to: string | null, bothWays: boolean): readonly (readonly [string, string | null])[] {
  return bothWays && to !== null
    ? [
        [from, to],
        [to, from],
      ]
    : [[from, to]];
}

/** True if a probe forbids no observer and claims nothing: it can only hold. */
export function probeForbidsNobody(context: StepContext, entry: ProbeEntry, expect: Expectation): boolean {
  if (entry.seen.length > 0 || expect.seen.length > 0) return false;
  const probeClass = classes[entry.class];
  const may = entry.maySee ?? expect.maySee;
  if (may === null && probeClass.maySee === 'unforeseeable') return false;
  if (hasUnlisted(context, expect) && (may !== null || probeClass.maySee !== 'bridge')) return false;
  const must = new Set(entry.mustSee ?? expect.mustSee ?? []);
  const observers = judged(context, expect).filter(({ name }) => !must.has(name) && may?.includes(name) !== true);
  return pairsForbidNobody(context, entry, observers, may === null);
}

function pairsForbidNobody(
  context: StepContext,
  entry: ProbeEntry,
  observers: readonly Endpoint[],
  byClass: boolean,
): boolean {
  const probeClass = classes[entry.class];
  const forbids = (observer: Endpoint, from: Endpoint): boolean =>
    !byClass || probeClass.maySee === 'addressee' || !maySeeByDefault(probeClass, observer, from, null);
  const cached = new Map<string, readonly Endpoint[]>();
  for (const [from, to] of pairsOf(entry, context.reading.topology)) {
    for (const [sender, addressee] of waysOf(from, to, entry.bothWays)) {
      const end = endpointOf(context, sender);
      if (end === undefined) continue;
      const key = `${end.owner ?? ''} ${end.bridge}`;
      const remaining =
        cached.get(key) ??
        observers.filter((each) => forbids(each, end) && (end.owner === undefined || !areOneParty(each, end)));
      cached.set(key, remaining);
      const exempt = [sender, byClass && probeClass.maySee === 'addressee' ? addressee : null];
      // Sender and addressee are two at most, so that three are enough.
      if (remaining.slice(0, 3).some(({ name }) => !exempt.includes(name))) return false;
    }
  }
  return true;
}

/** The same for traffic, which its two ends may see. */
export function trafficForbidsNobody(context: StepContext, entry: TrafficEntry, expect: Expectation): boolean {
  if (entry.seen.length > 0 || expect.seen.length > 0 || hasUnlisted(context, expect)) return false;
  const allowed = new Set([
    ...(entry.maySee ?? expect.maySee ?? [entry.from, entry.to]),
    ...(entry.mustSee ?? expect.mustSee ?? []),
  ]);
  const both = entry.maySee === null && expect.maySee === null;
  return !judged(context, expect).some(
    ({ name }) => !allowed.has(name) && (!both || (name !== entry.from && name !== entry.to)),
  );
}

/** The same for listening: foreign unicast needs two senders and one observer. */
export function listenForbidsNobody(context: StepContext, expect: Expectation): boolean {
  if (expect.seen.length > 0 || hasUnlisted(context, expect)) return false;
  const may = expect.maySee ?? [];
  return context.present.size < 3 || judged(context, expect).every(({ name }) => may.includes(name));
}

function maySeeByDefault({ maySee }: ProbeClass, observer: Endpoint, from: Endpoint, to: string | null): boolean {
  switch (maySee) {
    case 'addressee':
      return observer.name === to;
    case 'uplink-and-host':
      return sameSegment(observer, from) && observer.role !== 'guest';
    case 'host':
      return observer.role === 'host';
    case 'bridge':
      return sameSegment(observer, from);
    case 'nobody':
    case 'unforeseeable':
      return false;
  }
}
