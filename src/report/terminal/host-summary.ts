import { changeCommands } from '../../core/bridge/change-commands.js';
import { type Below, isIpvlanMode, isOnDevice, passingOf } from '../../core/model/attach.js';
import type { Plan, StepPlan } from '../../core/model/plan.js';
import type { PrecheckNote } from '../../core/model/run-record.js';
import type { Host } from '../../core/model/scenario.js';
import { framesByKind, framesOfStep } from '../../core/plan/flows/shortcuts.js';
import { escapeText, quoteForShell } from '../../core/text/escape.js';
import { setText } from '../answer/participants.js';
import { isGroupMacText } from '../../core/wire/ethernet.js';

/** Calibration, opening, judging and closing, as measured with 5 and with 100 guests. */
const overheadS = 3.5;
/** A step takes this long beside its frames and waits. */
const stepS = 0.9;
/** Frames a second on a host where the scenario names no rate. */
const usualRate = 1000;

/**
 * Frames of a step that its uplinks send out of the machine: those to who lives beyond, those that are flooded, and the
 * uplinks' ear controls.
 */
function leavingNic(step: StepPlan, plan: Plan): number {
  const uplinks = new Set(plan.endpoints.filter(({ role }) => role === 'uplink').map(({ name }) => name));
  const local = new Set(plan.endpoints.filter(({ role }) => role !== 'uplink').flatMap(({ macs }) => macs));
  const probes = step.flows
    .filter(({ sender, frame }) => uplinks.size > 0 && !uplinks.has(sender) && !local.has(frame.dstMac))
    .reduce((sum, { count }) => sum + count, 0);
  return (
    probes +
    leavingLowerDevice(step, plan) +
    step.controls.filter(({ kind, observer, sender }) => kind === 'ear' && sender === null && uplinks.has(observer))
      .length
  );
}

/**
 * Those that a guest on a lower device sends, but for unicast from one to another in mode bridge. An ipvlan also drops
 * what its flag keeps apart, and in mode l3 what is for a group.
 */
function leavingLowerDevice({ flows }: StepPlan, { endpoints }: Plan): number {
  const belowOf = new Map(
    endpoints.flatMap(({ name, below }) => (below !== undefined && isOnDevice(below) ? [[name, below] as const] : [])),
  );
  const macsInMode = (isInside: (below: Below) => boolean): ReadonlySet<string> =>
    new Set(
      endpoints.flatMap(({ below, macs }) => (below !== undefined && isOnDevice(below) && isInside(below) ? macs : [])),
    );
  const bridged = macsInMode((below) => passingOf(below) === 'bridge');
  const shared = macsInMode((below) => isIpvlanMode(below.mode) && passingOf(below) !== 'vepa');
  const stays = (below: Below, dstMac: string): boolean => {
    if (isIpvlanMode(below.mode)) return shared.has(dstMac) || (below.mode !== 'l2' && isGroupMacText(dstMac));
    return passingOf(below) === 'bridge' && bridged.has(dstMac);
  };
  return flows
    .filter(({ sender, frame }) => {
      const below = belowOf.get(sender);
      return below !== undefined && !stays(below, frame.dstMac);
    })
    .reduce((sum, { count }) => sum + count, 0);
}

function probingSeconds({ flows, rate, rates }: StepPlan): number {
  const usual = rate ?? usualRate;
  if (rates === undefined) return framesOfStep({ flows }) / usual;
  return framesByKind(flows).reduce((sum, { first, frames }) => sum + frames / (rates[first.probe] ?? usual), 0);
}

function seconds(step: StepPlan): number {
  const waitingS = (step.waitMs + step.drainMs + (step.listenMs ?? 0)) / 1000;
  return probingSeconds(step) + step.controls.length / usualRate + waitingS + stepS;
}

/**
 * The summary of a run on a host, for the person that has to approve it. `sinceStartMs`: what reading the
 * host has taken until now, which the time that is announced includes.
 */
export function hostSummary(plan: Plan, sinceStartMs = 0): string {
  const bridgeOf = (port: string): string => plan.endpoints.find((endpoint) => endpoint.port === port)?.bridge ?? port;
  const changes = plan.steps.flatMap((step) =>
    step.changes.flatMap((change) =>
      change.kind === 'start' || change.kind === 'stop'
        ? [[change.kind, change.endpoint]]
        : changeCommands(change, bridgeOf),
    ),
  );
  const frames = plan.steps.reduce((sum, step) => sum + framesOfStep(step), 0);
  const controls = plan.steps.reduce((sum, step) => sum + step.controls.length, 0);
  const senders = [...new Set(plan.steps.flatMap(({ flows }) => flows.map(({ sender }) => sender)))];
  const announcing = [...new Set(plan.steps.flatMap(({ learn }) => learn))];
  const leaving = plan.steps.reduce((sum, step) => sum + leavingNic(step, plan), 0);
  const rate = Math.max(0, ...plan.steps.flatMap(({ rate, rates }) => rates ?? [rate ?? usualRate]));
  const classNames = [...new Set(plan.steps.flatMap(({ flows }) => flows.map((flow) => flow.class)))];
  const lastsS = plan.steps.reduce((sum, step) => sum + seconds(step), overheadS + sinceStartMs / 1000);
  const lines = [
    `On ${plan.bridges.map(({ name }) => escapeText(name)).join(', ')}: ${frames} probe frames as ${senders.length === 0 ? 'nobody' : escapeText(setText(senders))}, at most ${rate} a second, and ${controls} control frames.`,
    `Out of the NIC: ${leaving === 0 ? 'nothing' : `${leaving} of them`}. It takes about ${Math.ceil(lastsS)} s.`,
    ...(classNames.length === 0 ? [] : [`Classes: ${classNames.join(', ')}.`]),
    ...(announcing.length === 0
      ? []
      : [`Announced to everybody on the bridge (learn): ${announcing.map(escapeText).join(', ')}.`]),
    ...(changes.length === 0
      ? ['No setting is changed.']
      : [
          'Changed meanwhile, and put back at the end:',
          ...changes.map((argv) => `  ${argv.map((word) => quoteForShell(escapeText(word))).join(' ')}`),
        ]),
    ...plan.steps.flatMap(({ during }) =>
      during.flatMap(({ atMs, run }) =>
        run.map(
          (argv) =>
            `Happens ${atMs} ms after probing began, and is NOT put back: ${argv.map((word) => quoteForShell(escapeText(word))).join(' ')}`,
        ),
      ),
    ),
    `First, a leak is planted in a lab of namespaces, and has to be seen. ${plan.steps.some(({ during }) => during.length > 0) ? 'Guests are not watched for drops, since something is to happen.' : "During the run the ports' drop counters are watched, and the host's gateway, if it has one, is pinged 4 times a second."}`,
    ...(plan.unobservable ?? []).map(({ port, reason }) => `Not observed: ${escapeText(port)}: ${escapeText(reason)}.`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What acts on frames beside the bridges, or watches them, a line each; empty where nothing was found. */
export function precheckText(notes: readonly PrecheckNote[]): string {
  return notes
    .map(
      ({ code, place, value, text }) =>
        `Note ${code}: ${escapeText(place)} (${escapeText(value)}): ${escapeText(text)}.\n`,
    )
    .join('');
}

/** Where it would connect to through ssh, and what it would start there, a line each. */
export function connectionsText(hosts: readonly Host[]): string {
  return hosts
    .map(
      ({ name, ssh, command }) =>
        `${escapeText(name)}: ssh ${quoteForShell(escapeText(ssh ?? ''))}, starts ${[...command, 'helper'].map((word) => quoteForShell(escapeText(word))).join(' ')}\n`,
    )
    .join('');
}
