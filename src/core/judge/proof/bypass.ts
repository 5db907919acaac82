import { type Bypass, bypassEffect, bypassesIn, segmentOf } from '../../bridge/bypass/bypasses.js';
import { plannedFormOf, type PlannedForm, socketBypasses } from '../../bridge/bypass/packet-sockets.js';
import { hostOf, onHost } from '../../model/host-names.js';
import type { FrameSpec, StepPlan } from '../../model/plan.js';
import type { Reason } from '../../model/result.js';
import { isInForce, type Trusted } from '../../model/scenario.js';
import type { HostState, StepStates } from '../../model/state.js';
import { lostEvents, type SettingChange } from '../../model/timeline.js';
import { kindsOfFlows } from '../../plan/flows/shortcuts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { reason } from '../reasons.js';

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

function bypassesAt(step: StepPlan, state: HostState, forms: () => readonly PlannedForm[]): readonly Bypass[] {
  const segment = segmentOf(new Set(step.observers.map(({ bridge }) => bridge)), state);
  const heard = new Set(step.observers.map((observer) => observer.interface));
  return [...bypassesIn(state, { segment, heard }), ...socketBypasses(state, segment, forms)];
}

/**
 * What stood meanwhile that can carry frames of the bridges past every ear, and is not known to be harmless; each thing
 * once. States of versions that did not look for programs give none.
 */
function bypassesOf(step: StepPlan, { before, after, during = [] }: StepStates): readonly Bypass[] {
  let known: readonly PlannedForm[] | null = null;
  const forms = (): readonly PlannedForm[] => (known ??= plannedForms(step));
  const bypasses = new Map<string, Bypass>();
  for (const state of [before, ...during, after]) {
    if (state?.programs === undefined) continue;
    for (const bypass of bypassesAt(step, state, forms)) bypasses.set(`${bypass.what}|${bypass.where}`, bypass);
  }
  return [...bypasses.values()];
}

/** Who answers for it on that day; undefined = nobody. */
function trusterOf({ what, where }: Bypass, trust: readonly Trusted[], day: string): Trusted | undefined {
  return trust.find((one) => one.what === what && (one.where === null || one.where === where) && isInForce(one, day));
}

/**
 * The reasons that such things give, but for those for which somebody answers; these are reported with their places.
 */
export function bypassReasons(
  step: StepPlan,
  states: StepStates,
  day: string,
): { readonly reasons: readonly Reason[]; readonly trusted: readonly Trusted[] } {
  const all = bypassesOf(step, states).map((bypass) => ({
    bypass,
    truster: trusterOf(bypass, step.expect.trust ?? [], day),
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
