import { sameSegment } from '../model/host-names.js';
import type { Flows, NotAsked } from '../model/plan.js';
import type { Bridge, Endpoint, Mac, MdbEntry, ProbeEntry, Rounds, Step } from '../model/scenario.js';
import { roundPairs } from '../scenario/steps/pairs.js';
import { VerifyError } from '../model/verify-error.js';
import { classes } from '../probe/classes.js';
import type { ProbeContext } from '../probe/probe-class.js';
import { flowCollector } from './flows/flow-collector.js';
import { checkLaidOut } from './size.js';
import { UnknownAddresses } from './unknown-addresses.js';

export interface Numbering {
  /** Id of the next flow, index of the next token, and number of the next probe entry of the run. */
  flow: number;
  token: number;
  entry: number;
}

export interface FlowContext {
  /** The scenario's, for messages. */
  readonly file: string;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly runTag: number;
  readonly mdb: readonly MdbEntry[];
  /** Stacks that get frames have routes out of the run. */
  readonly onHost: boolean;
  /** Bridges on which a rule may ask conntrack. */
  readonly tracking: readonly string[];
}

function* roundsOf(
  entry: ProbeEntry,
  to: readonly string[],
  rounds: Rounds,
  { endpoints }: FlowContext,
): Generator<readonly [Endpoint, Endpoint]> {
  for (const pair of roundPairs(entry.from, to, rounds)) {
    const [sender, addressee] = pair.flatMap((name) => endpoints.get(name) ?? []);
    if (sender === undefined || addressee === undefined) continue;
    if (entry.acrossBridges || sameSegment(addressee, sender)) yield [sender, addressee];
  }
}

function* pairsOf(entry: ProbeEntry, around: FlowContext): Generator<readonly [Endpoint, Endpoint | null]> {
  const resolve = (names: readonly string[]): readonly Endpoint[] =>
    names.flatMap((name) => around.endpoints.get(name) ?? []);
  const addressees = entry.to === null ? null : resolve(entry.to);
  if (entry.rounds !== undefined && entry.to !== null) {
    yield* roundsOf(entry, entry.to, entry.rounds, around);
    return;
  }
  const [senderNames, addresseeNames] = [new Set(entry.from), new Set(entry.to ?? [])];
  for (const from of resolve(entry.from)) {
    if (addressees === null) {
      yield [from, null];
      continue;
    }
    for (const to of addressees) {
      if (to.name === from.name || (!entry.acrossBridges && !sameSegment(to, from))) continue;
      yield [from, to];
      // Where both are senders anyway, the other way round comes by itself.
      if (entry.bothWays && !(senderNames.has(to.name) && addresseeNames.has(from.name))) yield [to, from];
    }
  }
}

/**
 * All flows of a step in the order of sending: by entry, pair, carrier, VLAN stack. Tokens are numbered through, so
 * that a token's index alone says which probe it stems from. `notAsked`: on a host, packets for the host or a router
 * that lack an address, and to guests where no
 * error stands for them. Throws VerifyError: 64 `plan-too-large`, 3 `address-unknown` if a step has no other packets.
 */
export function expandFlows(
  step: Step,
  index: number,
  around: FlowContext,
  numbering: Numbering,
): { readonly flows: Flows; readonly notAsked: readonly NotAsked[] } {
  const flows = flowCollector({ step: index, id: numbering.flow, first: numbering.token });
  const unknown = around.onHost ? new UnknownAddresses(around) : null;
  step.probes.forEach((entry, probe) => {
    const probeClass = classes[entry.class];
    const context: ProbeContext = { entry, ...around, ordinal: numbering.entry };
    numbering.entry += 1;
    for (const [from, to] of pairsOf(entry, around)) {
      for (const carrier of entry.carriers ?? probeClass.defaultCarriers(from, to, entry)) {
        for (const vlan of entry.vlanStacks) {
          const drafts = probeClass.flows({ from, to, carrier, vlan }, context);
          for (const draft of unknown?.sendable(drafts, entry) ?? drafts) {
            const count = draft.count ?? entry.count;
            flows.add(draft, {
              probe,
              class: entry.class,
              count,
              must: draft.judged ? (entry.mustSee ?? step.expect.mustSee ?? draft.must) : [],
              may: draft.judged ? (entry.maySee ?? step.expect.maySee ?? draft.may) : [],
            });
            numbering.flow += 1;
            numbering.token += count;
          }
        }
      }
      checkLaidOut(around.file, step, numbering);
    }
  });
  const [planned, notAsked] = [flows.finish(), unknown?.list() ?? []];
  if (planned.length === 0 && step.traffic.length === 0) refuseUnknown(step, notAsked, around.file);
  return { flows: planned, notAsked };
}

function refuseUnknown({ name, line }: Step, [first]: readonly NotAsked[], file: string): void {
  if (first === undefined) return;
  const { class: what, carrier, from, to, unknown } = first;
  throw new VerifyError(
    'address-unknown',
    3,
    `${file}:${line}: step ${JSON.stringify(name)} can send nothing: ${what} from ${from.join(', ')}${to === null ? '' : ` to ${to}`} as ${carrier} takes the addresses of both, and there is no address of ${unknown.join(', ') || 'nobody to send to'}`,
    'write `ip` into the file, ping from these guests once, or write `carriers: [raw]`. Nothing was sent',
  );
}
