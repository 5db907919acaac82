import { changeCommands } from '../../core/bridge/change-commands.js';
import type { Change } from '../../core/model/fabric.js';
import type { Flow, Plan, StepPlan, TrafficPlan } from '../../core/model/plan.js';
import { buildFrame } from '../../core/probe/frames/frame.js';
import { escapeText, quoteForShell } from '../../core/text/escape.js';
import { tokenLength, writeToken } from '../../core/wire/token.js';
import { foldAfter } from './layout.js';

function names(list: readonly string[], nobody: string): string {
  return list.length === 0 ? nobody : list.map(escapeText).join(', ');
}

/** The claim of one flow or traffic entry as a sentence. */
function claim(
  what: string,
  from: string,
  to: string | null,
  must: readonly string[],
  may: readonly string[],
  judgedObservers: readonly string[],
  judged: boolean,
): string {
  const allowed = new Set([from, ...must, ...may]);
  const forbidden = judgedObservers.filter((name) => !allowed.has(name));
  const optional = may.filter((name) => !must.includes(name));
  const start = `${escapeText(from)} sends ${what}${to === null ? '' : ` to ${escapeText(to)}`}`;
  if (!judged) return `${start}; nobody is judged by it.`;
  return `${start}: ${names(must, 'nobody')} must see it, ${optional.length === 0 ? '' : `${names(optional, '')} may, `}${names(forbidden, 'nobody')} must not.`;
}

/** Four lines of 24 octets at most, and how many more there are: enough for every header. */
function hexLines(frame: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(frame.length, 96); at += 24) {
    const octets = [...frame.subarray(at, at + 24)].map((octet) => octet.toString(16).padStart(2, '0'));
    lines.push(`        ${at.toString(16).padStart(4, '0')}  ${octets.join(' ')}`);
  }
  return frame.length > 96 ? [...lines, `        … ${frame.length - 96} octets more`] : lines;
}

function flowLines(flow: Flow, plan: Plan, observers: readonly string[], width: number): readonly string[] {
  const tags = flow.vlan.length === 0 ? '' : `, VLAN tags ${flow.vlan.join(' in ')}`;
  const what = `${flow.count} frames of ${flow.class} (${flow.carrier}${tags}, ${flow.frame.size} octets)`;
  const token = new Uint8Array(tokenLength);
  writeToken(token, 0, { runTag: plan.runTag, index: flow.first, tag: new Uint8Array(8) });
  return [
    ...foldAfter('    - ', claim(what, flow.from, flow.to, flow.must, flow.may, observers, flow.judged), width),
    ...hexLines(buildFrame(flow.frame, token)),
  ];
}

function trafficLines(traffic: TrafficPlan, observers: readonly string[], width: number): readonly string[] {
  const what = `${traffic.requests} requests of ${traffic.kind}${traffic.kind === 'ping' ? '' : ` of ${traffic.bytes} octets`}`;
  return foldAfter('    - ', claim(what, traffic.from, traffic.to, traffic.must, traffic.may, observers, true), width);
}

function changeLine(change: Change, bridgeOf: (port: string) => string): readonly string[] {
  if (change.kind === 'start' || change.kind === 'stop') return [`    ${change.kind} ${escapeText(change.endpoint)}`];
  return changeCommands(change, bridgeOf).map(
    (argv) => `    ${argv.map((word) => quoteForShell(escapeText(word))).join(' ')}`,
  );
}

function expectation(step: StepPlan): string {
  switch (step.expect.expected) {
    case 'holds':
      return 'expected: it holds';
    case 'broken':
      return 'expected: it leaks';
    case null:
      return 'not judged';
  }
}

function stepLines(step: StepPlan, plan: Plan, bridgeOf: (port: string) => string, width: number): readonly string[] {
  const observers = step.observers.filter((observer) => observer.judged).map((observer) => observer.name);
  const ears = step.observers.map((observer) => `${observer.name} at ${observer.interface}`);
  const changes = step.changes.flatMap((change) => changeLine(change, bridgeOf));
  const claims = [
    ...step.flows.flatMap((flow) => flowLines(flow, plan, observers, width)),
    ...step.traffic.flatMap((traffic) => trafficLines(traffic, observers, width)),
    ...(step.listenMs === null
      ? []
      : [`    - nothing is sent for ${step.listenMs / 1000} s: no one must be handed unicast that is for others.`]),
  ];
  const { seen } = step.expect;
  return [
    '',
    ...foldAfter(`Step ${step.index + 1}: `, `${escapeText(step.name)} (${expectation(step)})`, width),
    ...(changes.length === 0 ? [] : ['  commands:', ...changes]),
    ...(step.learn.length === 0 ? [] : foldAfter('  announce themselves: ', names(step.learn, ''), width)),
    ...(step.waitMs === 0 ? [] : [`  then wait ${step.waitMs / 1000} s`]),
    ...step.during.flatMap(({ atMs, run, settleMs = 0 }) => [
      ...run.map(
        (argv) => `  ${atMs} ms after probing began: ${argv.map((word) => quoteForShell(escapeText(word))).join(' ')}`,
      ),
      ...(settleMs === 0 ? [] : [`    its work may go on for ${settleMs} ms`]),
    ]),
    ...(claims.length === 0 ? [] : [...foldAfter('  listen: ', names(ears, 'nobody'), width), '  claims:', ...claims]),
    ...seen.map(
      (one) =>
        `    - ${escapeText(one.observer)} sees ${one.seen}${one.from === null ? '' : ` of ${escapeText(one.from)}`}${one.to === null ? '' : ` to ${escapeText(one.to)}`}${one.carrier === null ? '' : ` (${one.carrier})`}.`,
    ),
  ];
}

/**
 * A plan for people: the topology, and for each step the commands, the claims in sentences and the first frame of each
 * in hex. The tags are zeros: they come with the run's key.
 */
export function planText(plan: Plan, width: number): string {
  const ports = new Map(
    plan.endpoints.flatMap((endpoint) => (endpoint.port === null ? [] : [[endpoint.port, endpoint.bridge] as const])),
  );
  const bridgeOf = (port: string): string => ports.get(port) ?? port;
  const lines = [
    `${escapeText(plan.name)}: ${plan.steps.length} ${plan.steps.length === 1 ? 'step' : 'steps'}, provider ${plan.provider}`,
    '',
    ...(plan.hosts ?? []).map(
      ({ name, ssh }) => `  host ${escapeText(name)}${ssh === null ? '' : `, through ssh ${escapeText(ssh)}`}`,
    ),
    ...plan.bridges.map(
      (bridge) =>
        `  bridge ${escapeText(bridge.name)} (${bridge.kind})${Object.entries(bridge.settings)
          .map(([key, value]) => `, ${key} ${String(value)}`)
          .join('')}`,
    ),
    ...plan.endpoints.map(
      (endpoint) =>
        `  ${escapeText(endpoint.name)}: ${endpoint.role} on ${escapeText(endpoint.bridge)}, ${endpoint.attach === 'port' ? `port ${escapeText(endpoint.port ?? '')}` : endpoint.attach}, ${endpoint.macs.join(' ')}${endpoint.ips.map((ip) => ` ${ip.address}/${ip.prefix}`).join('')}${endpoint.tunnel === undefined ? '' : `, a tunnel${endpoint.tunnel.vni === null ? '' : ` with VNI ${endpoint.tunnel.vni}`}${endpoint.tunnel.to.length === 0 ? '' : ` that floods to ${endpoint.tunnel.to.join(', ')}`}`}${endpoint.started ? '' : ', absent at first'}`,
    ),
    ...plan.steps.flatMap((step) => stepLines(step, plan, bridgeOf, width)),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
