import { copiesElsewhere } from '../../audit/copies-elsewhere.js';
import { type Bypass, bypassEffect, bypassesIn } from '../../bridge/bypass/bypasses.js';
import { plannedFormOf, type PlannedForm, socketBypasses } from '../../bridge/bypass/packet-sockets.js';
import { segmentOf, waypoints } from '../../bridge/bypass/segment.js';
import { hostOf, onHost } from '../../model/host-names.js';
import type { FrameSpec, Observer, StepPlan } from '../../model/plan.js';

import { isInForce, type Trusted } from '../../model/scenario.js';
import type { HostState, StepStates } from '../../model/state.js';
import { lostEvents, type SettingChange } from '../../model/timeline.js';
import { kindsOfFlows } from '../../plan/flows/shortcuts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { reason, type Reason } from '../../model/reasons.js';

const etherTypeAt = 12;

function formOfFrame(frame: FrameSpec): readonly PlannedForm[] {
  try {
    const { bytes } = frameTemplate(frame);
    return [plannedFormOf(bytes)];
  } catch {
    return []; // a plan from elsewhere may ask for a frame that cannot be built
  }
}

/** One frame of each form that is sent; of traffic and of what guests say to each other the kinds alone are known. */
function plannedForms({ flows, traffic, listenMs }: StepPlan): readonly PlannedForm[] {
  const others = traffic.length > 0 || listenMs !== null ? [0x0800, 0x0806, 0x86dd] : [];
  const bytes = (etherType: number): Uint8Array => {
    const frame = new Uint8Array(60);
    frame.set([etherType >> 8, etherType & 0xff], etherTypeAt);
    return frame;
  };
  return [
    ...[...kindsOfFlows(flows)].flatMap(({ frame }) => formOfFrame(frame)),
    ...others.map((etherType) => ({ bytes: bytes(etherType), etherType })),
  ];
}

/** What a step's copies and programs are judged by. */
export interface BypassInput {
  readonly step: StepPlan;
  readonly states: StepStates;
  /** Day of the run, `YYYY-MM-DD`. */
  readonly day: string;
  /** Of a port: who is there may have whatever is copied, or was heard to get what nobody accepts, which decides. */
  readonly isDecided: (observer: Observer) => boolean;
}

/**
 * Devices to which a rule may copy whatever it takes: ports whose guests may have it or are not judged, those where a
 * leak was heard (which decides), those that are reported because nobody listens there, and those on whose rules the
 * same is asked.
 */
function copiesAllowedTo(
  { step: { observers }, isDecided }: BypassInput,
  state: HostState,
  segment: ReadonlySet<string>,
): (device: string) => boolean {
  const bridges = new Set(observers.map(({ bridge }) => bridge));
  const reported = new Set(
    copiesElsewhere(state)
      .filter(({ bridge }) => bridges.has(bridge))
      .map(({ port }) => port),
  );
  const handedOn = new Set(state.links.filter(({ kind }) => waypoints.includes(kind)).map(({ name }) => name));
  const isAllowed = (observer: Observer): boolean =>
    observer.place === 'port' && (!observer.judged || isDecided(observer));
  return (device) => {
    if (handedOn.has(device)) return segment.has(device);
    const there = observers.filter((observer) => observer.interface === device);
    return there.length === 0 ? reported.has(device) : there.some(isAllowed);
  };
}

function bypassesAt(input: BypassInput, state: HostState, forms: () => readonly PlannedForm[]): readonly Bypass[] {
  const segment = segmentOf(new Set(input.step.observers.map(({ bridge }) => bridge)), state);
  const found = bypassesIn(state, segment);
  const isAllowed = found.some(({ to }) => to !== undefined) ? copiesAllowedTo(input, state, segment) : () => false;
  return [
    ...found.filter(({ to }) => to === undefined || !to.every(isAllowed)),
    ...socketBypasses(state, segment, forms),
  ];
}

/**
 * What stood meanwhile that can carry frames of the bridges past every ear, and is not known to be harmless; each thing
 * once. States of versions that did not look for programs give none.
 */
function bypassesOf(input: BypassInput): readonly Bypass[] {
  const { before, after, during = [] } = input.states;
  let known: readonly PlannedForm[] | null = null;
  const forms = (): readonly PlannedForm[] => (known ??= plannedForms(input.step));
  const bypasses = new Map<string, Bypass>();
  for (const state of [before, ...during, after]) {
    if (state?.programs === undefined) continue;
    for (const bypass of bypassesAt(input, state, forms)) bypasses.set(`${bypass.what}|${bypass.where}`, bypass);
  }
  return [...bypasses.values()];
}

/** Who answers for it on that day; undefined = nobody. `nft dup` answers for `nft dup to vnet3` too. */
function trusterOf({ what, where }: Bypass, trust: readonly Trusted[], day: string): Trusted | undefined {
  return trust.find(
    (trusted) =>
      (what === trusted.what || what.startsWith(`${trusted.what} to `)) &&
      (trusted.where === null || trusted.where === where) &&
      isInForce(trusted, day),
  );
}

/**
 * The reasons that such things give, but for those for which somebody answers; these are reported with their places.
 */
export function bypassReasons(input: BypassInput): {
  readonly reasons: readonly Reason[];
  readonly trusted: readonly Trusted[];
} {
  const all = bypassesOf(input).map((bypass) => ({
    bypass,
    truster: trusterOf(bypass, input.step.expect.trust ?? [], input.day),
  }));
  return {
    reasons: all.flatMap(({ bypass: { what, where, remedy }, truster }) =>
      truster === undefined ? [reason('bypass-possible', null, `${what} at ${where} ${bypassEffect}: ${remedy}`)] : [],
    ),
    trusted: all.flatMap(({ bypass: { where }, truster }) => (truster === undefined ? [] : [{ ...truster, where }])),
  };
}

/**
 * Links that were instructed to be ports of the step's bridges while it ran and are none at its readings: what is
 * behind one got what was flooded meanwhile. Where the kernel had more events than it kept there may have been some.
 */
export function passingPorts(
  step: StepPlan,
  { before, after }: StepStates,
  settings: readonly SettingChange[],
): readonly Reason[] {
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const readings = [before, after].flatMap((state) => state?.links ?? []);
  const nameOf = (host: string | null, ifindex: number): string | undefined =>
    readings.find((link) => link.ifindex === ifindex && hostOf(link.name) === host)?.name;
  const isPort = (host: string | null, ifindex: number, bridge: string): boolean =>
    readings.some((link) => link.ifindex === ifindex && link.master === bridge && hostOf(link.name) === host);
  return settings.flatMap(({ ifindex, what, host = null, name, masters = [] }): readonly Reason[] => {
    if (what === lostEvents)
      return [
        reason(
          'state-unread',
          null,
          `${host === null ? 'the kernel' : `the kernel of ${host}`} reported more of links than it could keep: what came and went meanwhile is not known`,
        ),
      ];
    if (ifindex === null) return [];
    return masters
      .flatMap((master) => nameOf(host, master) ?? [])
      .filter((bridge) => bridges.has(bridge) && !isPort(host, ifindex, bridge))
      .map((bridge) =>
        reason(
          'settings-changed',
          null,
          `${name === undefined ? `interface ${ifindex}` : onHost(host, name)} joined ${bridge} while probes were under way, and left it`,
        ),
      );
  });
}
