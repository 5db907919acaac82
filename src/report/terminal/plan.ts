import { changeCommands } from '../../core/bridge/change-commands.js';
import { isOnPort, isRoutedTo } from '../../core/model/attach.js';
import type { Change } from '../../core/model/fabric.js';
import type { Flow, Plan, StepPlan, TrafficPlan } from '../../core/model/plan.js';
import type { SelectedFields } from '../../core/model/scenario.js';
import { buildFrame } from '../../core/probe/frames/frame.js';
import { groupBy } from '../../core/text/collections.js';
import { counted, escapeText, nounFor, quoteForShell } from '../../core/text/escape.js';
import { tokenLength, writeToken } from '../../core/wire/token.js';
import { countText, setText } from '../../core/text/names.js';
import { settingText } from '../setting-text.js';
import { foldAfter } from './layout.js';

function names(list: readonly string[], nobody: string): string {
  return list.length === 0 ? nobody : escapeText(setText(list));
}

/** Empty parts are left out. */
function receivers(must: string, may: readonly string[], others: string): string {
  const [first, ...more] = [
    ...(must === '' ? [] : [`${must} must`]),
    ...(may.length === 0 ? [] : [`${names(may, '')} may`]),
    ...(others === '' ? [] : [others]),
  ];
  return first === undefined ? 'no observer is judged by it' : [`${first} see it`, ...more].join(', ');
}

function claim(
  what: string,
  { from, to, must, may }: Pick<Flow, 'from' | 'to' | 'must' | 'may'>,
  judgedObservers: readonly string[],
  judged: boolean,
): string {
  const allowed = new Set([from, ...must, ...may]);
  const forbidden = judgedObservers.filter((name) => !allowed.has(name));
  const optional = may.filter((name) => !must.includes(name));
  const start = `${escapeText(from)} sends ${what}${to === null ? '' : ` to ${escapeText(to)}`}`;
  if (!judged) return `${start}; no observer is judged by it.`;
  const others = forbidden.length === 0 ? '' : `${names(forbidden, '')} must not`;
  return `${start}: ${receivers(names(must, ''), optional, others)}.`;
}

/** Four lines hold every header. */
function hexLines(frame: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(frame.length, 96); at += 24) {
    const bytes = [...frame.subarray(at, at + 24)].map((byte) => byte.toString(16).padStart(2, '0'));
    lines.push(`        ${at.toString(16).padStart(4, '0')}  ${bytes.join(' ')}`);
  }
  return frame.length > 96 ? [...lines, `        … ${frame.length - 96} bytes more`] : lines;
}

function firstFrame(flow: Flow, plan: Plan): Uint8Array {
  const token = new Uint8Array(tokenLength);
  writeToken(token, 0, { runTag: plan.runTag, index: flow.first, tag: new Uint8Array(8) });
  return buildFrame(flow.frame, token);
}

function fieldsText(fields: SelectedFields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function whatOf(flow: Flow): string {
  const tags = flow.vlan.length === 0 ? '' : `, VLAN tags ${flow.vlan.join(' in ')}`;
  const { fields, size } = flow.frame;
  const asks = fields === undefined ? '' : `, which ${escapeText(flow.variant ?? '')} by ${fieldsText(fields)}`;
  return `${counted(flow.count, 'frame')} of ${flow.class} (${flow.carrier}${tags}, ${size} bytes${asks})`;
}

const maxFlows = 4;

/** Looks at no observer twice: a mesh has a million flows. */
function forbiddenBy(flows: readonly Flow[], observers: readonly string[]): readonly string[] {
  const allowed = new Set(observers);
  for (const { from, must, may } of flows) {
    if (allowed.size === 0) break;
    for (const name of allowed) if (name !== from && !must.includes(name) && !may.includes(name)) allowed.delete(name);
  }
  return observers.filter((name) => !allowed.has(name));
}

function groupClaim(flows: readonly Flow[], observers: readonly string[]): string {
  const [first] = flows;
  if (first === undefined) return '';
  const [from, to] = [new Set(flows.map((flow) => flow.from)), new Set(flows.flatMap((flow) => flow.to ?? []))];
  const isMesh = from.size === to.size && [...from].every((name) => to.has(name));
  const addressees = to.size === 0 ? '' : ` to ${names([...to], '')}`;
  const towards = isMesh ? ' to each other' : addressees;
  const start = `${names([...from], '')} ${nounFor(from.size, 'sends', 'send')} ${whatOf(first)}${towards}, ${countText(flows.length)} times`;
  if (!flows.some(({ judged }) => judged)) return `${start}; no observer is judged by it.`;
  const isAddressee = flows.every((flow) => flow.must.length === 1 && flow.must[0] === flow.to);
  const must = isAddressee ? 'the addressee' : names([...new Set(flows.flatMap((flow) => flow.must))], '');
  const may = new Set(flows.flatMap((flow) => flow.may.filter((name) => !flow.must.includes(name))));
  const mustNot = forbiddenBy(flows, observers);
  const forbidden = mustNot.length === 0 ? '' : `${names(mustNot, '')} must not`;
  const others = isAddressee && mustNot.length > 0 ? 'nobody else may' : forbidden;
  return `${start}: ${receivers(must, [...may], others)}.`;
}

function flowLines(
  flows: readonly Flow[],
  plan: Plan,
  observers: readonly string[],
  view: PlanView,
): readonly string[] {
  const groups = groupBy(flows, (flow) =>
    JSON.stringify([flow.probe, flow.class, flow.carrier, flow.vlan, flow.count, flow.variant ?? null]),
  );
  const hexOf = (flow: Flow): readonly string[] => (view.hex ? hexLines(firstFrame(flow, plan)) : []);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first !== undefined && group.length > maxFlows)
      return [...foldAfter('    - ', groupClaim(group, observers), view.width), ...hexOf(first)];
    return group.flatMap((flow) => [
      ...foldAfter('    - ', claim(whatOf(flow), flow, observers, flow.judged), view.width),
      ...hexOf(flow),
    ]);
  });
}

function trafficLines(traffic: TrafficPlan, observers: readonly string[], width: number): readonly string[] {
  const what = `${traffic.requests} requests of ${traffic.kind}${traffic.kind === 'ping' ? '' : ` of ${traffic.bytes} bytes`}`;
  return foldAfter('    - ', claim(what, traffic, observers, true), width);
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

function stepLines(step: StepPlan, plan: Plan, bridgeOf: (port: string) => string, view: PlanView): readonly string[] {
  const { width } = view;
  const observers = step.observers.filter((observer) => observer.judged).map((observer) => observer.name);
  const ears = step.observers.map((observer) => `${observer.name} at ${observer.interface}`);
  const changes = step.changes.flatMap((change) => changeLine(change, bridgeOf));
  const claims = [
    ...flowLines([...step.flows], plan, observers, view),
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
    ...step.during.flatMap(({ atMs, run, settleMs }) => [
      ...run.map(
        (argv) =>
          `  ${atMs / 1000} s after probing began: ${argv.map((word) => quoteForShell(escapeText(word))).join(' ')}`,
      ),
      ...(settleMs === 0 ? [] : [`    its work may go on for ${settleMs / 1000} s`]),
    ]),
    ...(claims.length === 0 ? [] : [...foldAfter('  listen: ', names(ears, 'nobody'), width), '  claims:', ...claims]),
    ...seen.map(
      (claim) =>
        `    - ${escapeText(claim.observer)} sees ${claim.seen}${claim.from === null ? '' : ` of ${escapeText(claim.from)}`}${claim.to === null ? '' : ` to ${escapeText(claim.to)}`}${claim.carrier === null ? '' : ` (${claim.carrier})`}.`,
    ),
  ];
}

type Endpoint = Plan['endpoints'][number];

function endpointLine(endpoint: Endpoint): string {
  const { attach, below, port } = endpoint;
  const above =
    below === undefined ? '' : ` ${below.mode}${below.flag === undefined ? '' : ` ${below.flag}`} on ${below.lower}`;
  const way = isOnPort(attach) ? `${isRoutedTo(attach) ? 'routed by' : 'port'} ${port ?? ''}` : `${attach}${above}`;
  const ips = endpoint.ips.map((ip) => ` ${ip.address}/${ip.prefix}`).join('');
  const vni = endpoint.tunnel?.vni;
  const floods = endpoint.tunnel?.to.join(', ') ?? '';
  const tunnel =
    endpoint.tunnel === undefined
      ? ''
      : `, a tunnel${vni === null ? '' : ` with VNI ${vni ?? ''}`}${floods === '' ? '' : ` that floods to ${floods}`}`;
  return `  ${endpoint.name}: ${endpoint.role} on ${endpoint.bridge}, ${way}, ${endpoint.macs.join(' ')}${ips}${tunnel}${endpoint.started ? '' : ', absent at first'}`;
}

const maxListed = 8;

function endpointLines(endpoints: readonly Endpoint[]): readonly string[] {
  const kindOf = ({ role, bridge, attach, started, tunnel }: Endpoint): string =>
    JSON.stringify([role, bridge, attach, started, tunnel ?? null]);
  const kinds = [...new Set(endpoints.map(kindOf))];
  return kinds
    .flatMap((kind) => {
      const alike = endpoints.filter((endpoint) => kindOf(endpoint) === kind);
      const [first] = alike;
      if (first === undefined || alike.length <= maxListed) return alike.map(endpointLine);
      const ports = alike.flatMap(({ port }) => port ?? []);
      return [
        `  ${setText(alike.map(({ name }) => name))}: ${first.role}s on ${first.bridge}${ports.length === 0 ? '' : `, ports ${setText(ports)}`}${first.started ? '' : ', absent at first'}`,
      ];
    })
    .map(escapeText);
}

export interface PlanView {
  readonly width: number;
  readonly hex: boolean;
}

/**
 * A plan for people: the topology, and each step's commands and claims in sentences; with `hex` the first frame of
 * each, with zeros for tags, which need the run's key.
 */
export function planText(plan: Plan, view: PlanView): string {
  const ports = new Map(
    plan.endpoints.flatMap((endpoint) => (endpoint.port === null ? [] : [[endpoint.port, endpoint.bridge] as const])),
  );
  const bridgeOf = (port: string): string => ports.get(port) ?? port;
  const lines = [
    `${escapeText(plan.name)}: ${counted(plan.steps.length, 'step')}, provider ${plan.provider}`,
    '',
    ...(plan.hosts ?? []).map(
      ({ name, ssh }) => `  host ${escapeText(name)}${ssh === null ? '' : `, through ssh ${escapeText(ssh)}`}`,
    ),
    ...plan.bridges.map(
      (bridge) =>
        `  bridge ${escapeText(bridge.name)} (${bridge.kind})${Object.entries(bridge.settings)
          .map(([key, value]) => `, ${key} ${settingText(key, String(value))}`)
          .join('')}`,
    ),
    ...endpointLines(plan.endpoints),
    ...plan.steps.flatMap((step) => stepLines(step, plan, bridgeOf, view)),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
