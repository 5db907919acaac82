import { changeCommands } from '../../core/bridge/change-commands.js';
import type { Plan } from '../../core/model/plan.js';
import type { PrecheckNote } from '../../core/model/run-record.js';
import type { Host } from '../../core/model/scenario.js';
import { costOf } from '../../core/plan/cost.js';
import { escapeText, quoteForShell } from '../../core/text/escape.js';
import { setText } from '../../core/text/names.js';

/** For the person who approves it. `sinceStartMs` is part of the announced time. */
export function hostSummary(plan: Plan, sinceStartMs = 0): string {
  const bridgeOf = (port: string): string => plan.endpoints.find((endpoint) => endpoint.port === port)?.bridge ?? port;
  const changes = plan.steps.flatMap((step) =>
    step.changes.flatMap((change) =>
      change.kind === 'start' || change.kind === 'stop'
        ? [[change.kind, change.endpoint]]
        : changeCommands(change, bridgeOf),
    ),
  );
  const { probeFrames, controlFrames, outOfNic, rate, seconds, classes } = costOf(plan);
  const senders = [...new Set(plan.steps.flatMap(({ flows }) => flows.map(({ sender }) => sender)))];
  const announcing = [...new Set(plan.steps.flatMap(({ learn }) => learn))];
  const lastsS = seconds + sinceStartMs / 1000;
  const lines = [
    `On ${plan.bridges.map(({ name }) => escapeText(name)).join(', ')}: ${probeFrames} probe frames as ${senders.length === 0 ? 'nobody' : escapeText(setText(senders))}, at most ${rate} a second, and ${controlFrames} control frames.`,
    `Out of the NIC: ${outOfNic === 0 ? 'nothing' : `${outOfNic} of them`}. It takes about ${Math.ceil(lastsS)} s.`,
    ...(classes.length === 0 ? [] : [`Classes: ${classes.join(', ')}.`]),
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

/** One line each. */
export function precheckText(notes: readonly PrecheckNote[]): string {
  return notes
    .map(
      ({ code, place, value, text }) =>
        `Note ${code}: ${escapeText(place)} (${escapeText(value)}): ${escapeText(text)}.\n`,
    )
    .join('');
}

/** One line each. */
export function connectionsText(hosts: readonly Host[]): string {
  return hosts
    .map(
      ({ name, ssh, command }) =>
        `${escapeText(name)}: ssh ${quoteForShell(escapeText(ssh ?? ''))}, starts ${[...command, 'helper'].map((word) => quoteForShell(escapeText(word))).join(' ')}\n`,
    )
    .join('');
}
