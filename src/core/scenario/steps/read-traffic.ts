import { placeOf } from '../../model/attach.js';
import type { Endpoint, TrafficEntry, TrafficKind } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { traffic } from '../schema/step.js';
import { where } from '../yaml/explain-issue.js';
import type { Path } from '../yaml/fault.js';
import { salvage } from '../yaml/salvage.js';
import { checkName, readAllowance } from './read-expectation.js';
import { endpointOf, type StepContext } from './step-context.js';

/** Default payload: a download of some hundred frames, ping's usual 56, a short datagram. */
const defaultBytes: Readonly<Record<TrafficKind, number>> = { http: 100_000, tcp: 100_000, ping: 56, udp: 1000 };

/** Reads an entry of `traffic`; null = unreadable. */
export function readTraffic(context: StepContext, input: unknown, path: Path): TrafficEntry | null {
  const { faults, reading } = context;
  const read = salvage(faults, traffic, input, path);
  if (read === null) return null;
  const { kind, from, to, requests, bytes } = read.value;
  const known = [checkName(context, from, [...path, 'from']), checkName(context, to, [...path, 'to'])];
  if (from === to)
    faults.add(
      [...path, 'to'],
      `${where([...path, 'to'])}: ${quote(to)} would talk to itself, expected another endpoint`,
    );
  if (known.every((each) => each) && reading.complete) checkEnds(context, from, to, path);
  return {
    kind,
    from,
    to,
    requests: requests ?? 5,
    bytes: bytes ?? defaultBytes[kind],
    ...readAllowance(context, read.value, path),
  };
}

function checkEnds(context: StepContext, from: string, to: string, path: Path): void {
  const ends = [endpointOf(context, from), endpointOf(context, to)];
  checkEnd(context, ends[0], [...path, 'from']);
  checkEnd(context, ends[1], [...path, 'to']);
  const [families = [], others = []] = ends.map((end) => end?.ips.map(({ family }) => family) ?? []);
  if (families.length > 0 && others.length > 0 && !families.some((family) => others.includes(family)))
    context.faults.add(path, `${where(path)}: ${quote(from)} and ${quote(to)} have no IP version in common`);
}

function checkEnd({ faults, presenceKnown, present }: StepContext, end: Endpoint | undefined, at: Path): void {
  if (end === undefined) return;
  if (presenceKnown && !present.has(end.name))
    faults.add(
      at,
      `${where(at)}: ${quote(end.name)} is not started in this step, expected it in "start" here or before`,
    );
  if (end.ips.length === 0 && placeOf(end.attach) !== 'host')
    faults.add(at, `${where(at)}: ${quote(end.name)} has no network stack, expected \`ip\` on it`);
}
