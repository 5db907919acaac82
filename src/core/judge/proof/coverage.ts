import { linkNamed, linkAt, portsOf } from '../../bridge/host.js';
import { copiesElsewhere } from '../../audit/copies-elsewhere.js';
import { copyRules } from '../../bridge/bypass/copy-rules.js';
import type { Speaker } from '../../bridge/bypass/drafts.js';
import { surveyRules, witnessLimits } from '../../bridge/bypass/witnesses.js';
import { statesByHost } from '../../bridge/states-by-host.js';
import { unheardPorts } from '../../bridge/ovs.js';
import { deafness, strangersBehind } from '../../bridge/view.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import { bridgesPassed } from '../../plan/observers.js';
import type { RuleRecord } from '../../model/run-record.js';
import type { Result, StepResult } from '../../model/result.js';
import { type HostState, pairKinds, type StepStates } from '../../model/state.js';
import { kindsOfFlows } from '../../plan/flows/shortcuts.js';
import { reason, type Reason } from '../../model/reasons.js';
import { bareName, onHost } from '../../model/host-names.js';
import { lostEvents, type SettingChange } from '../../model/timeline.js';
import type { StepFacts } from './step-facts.js';
import { addTo, given, namesIn } from '../../text/collections.js';

interface Ports {
  readonly listed: Set<string>;
  readonly observed: Set<string>;
  readonly unobserved: Map<string, string>;
}

interface Unobserved {
  readonly port: string;
  readonly reason: string;
}

/** A pair to another bridge may lead to any guest there. One further port leads to one guest, as firewalls' do. */
function portsBehind(plan: Plan, step: StepPlan, state: HostState): readonly Unobserved[] {
  const uplinks = new Set(step.observers.filter(({ role }) => role === 'uplink').map(({ interface: port }) => port));
  const reached = new Set(namesIn(plan.bridges));
  const found: Unobserved[] = [];
  const follow = (bridge: string, behind: string | null): void => {
    for (const { name, kind, lower } of portsOf(state, bridge)) {
      if (!pairKinds.includes(kind) || uplinks.has(name)) continue;
      const peer = linkNamed(state, lower);
      const next = peer?.master ?? null;
      if (next === null || reached.has(next)) continue;
      reached.add(next);
      const via = behind ?? name;
      const reason = `on ${next}, behind ${via}: list it too`;
      const beyond = portsOf(state, next).filter((link) => link !== peer);
      if (beyond.length > 1) found.push(...beyond.map((link) => ({ port: link.name, reason })));
      follow(next, via);
    }
  };
  for (const bridge of bridgesOf(step)) follow(bridge, null);
  return found;
}

function addPortsBefore(
  ports: Ports,
  plan: Plan,
  step: StepPlan,
  interfaces: ReadonlySet<string>,
  before: HostState,
): void {
  // What makes a bond is no port of a guest
  const lower = new Set(namesIn(plan.bridges.filter(({ kind }) => kind === 'lower')));
  const bridges = new Set([...bridgesOf(step)].filter((name) => !lower.has(name)));
  for (const { by, interface: device } of step.observers) {
    if (by?.device === undefined) continue;
    ports.listed.add(device);
    if (interfaces.has(device)) ports.observed.add(device);
    else ports.unobserved.set(device, `not observed in step ${step.index + 1}, ${step.name}`);
  }
  const routed = new Set(
    step.observers.filter((observer) => observer.routed === true).map((observer) => observer.interface),
  );
  const reasons = new Map((plan.unobservable ?? []).map(({ port, reason }) => [port, reason]));
  for (const { name, master } of before.links) {
    if (!bridges.has(master ?? '') && !routed.has(name)) continue;
    ports.listed.add(name);
    if (interfaces.has(name)) ports.observed.add(name);
    else ports.unobserved.set(name, reasons.get(name) ?? `not observed in step ${step.index + 1}, ${step.name}`);
  }
  const elsewhere = [...unheardPorts(before), ...copiesElsewhere(before)].filter(({ bridge }) => bridges.has(bridge));
  for (const { port, reason } of [...portsBehind(plan, step, before), ...elsewhere]) {
    if (interfaces.has(port)) continue;
    ports.listed.add(port);
    ports.unobserved.set(port, reason);
  }
}

/** A guest started by an event may hear unobserved. */
function addPortsMeanwhile(ports: Ports, step: StepPlan, states: StepStates | undefined): void {
  if (step.during.length === 0) return;
  const bridges = bridgesOf(step);
  for (const { name, master } of [...(states?.during ?? []), states?.after].flatMap((state) => state?.links ?? [])) {
    if (!bridges.has(master ?? '') || ports.listed.has(name)) continue;
    ports.listed.add(name);
    ports.unobserved.set(name, `joined ${master ?? ''} in the middle of step ${step.index + 1}, ${step.name}`);
  }
}

function shutPorts(states: readonly StepStates[]): ReadonlySet<string> {
  const links = states.flatMap(({ before, after, during = [] }) =>
    [before, ...during, after].flatMap((state) => state?.links ?? []),
  );
  const ports = links.filter(({ master }) => master !== null);
  const open = new Set(namesIn(ports.filter((link) => deafness(link) === null)));
  return new Set(namesIn(ports).filter((name) => !open.has(name)));
}

function bridgesOf({ observers }: StepPlan): ReadonlySet<string> {
  return new Set(observers.map(({ bridge }) => bridge));
}

/** Observed ports over all listening steps, by the kernel's lists before the probes and around events. */
export function coverageOf(plan: Plan, facts: readonly StepFacts[], states: readonly StepStates[]): Result['coverage'] {
  const ports: Ports = { listed: new Set(), observed: new Set(), unobserved: new Map() };
  for (const step of plan.steps) {
    const listening = facts[step.index]?.listening;
    const interfaces = new Set(
      step.observers.filter(({ name }) => listening?.has(name) === true).map((observer) => observer.interface),
    );
    const before = states[step.index]?.before ?? null;
    if (before !== null) addPortsBefore(ports, plan, step, interfaces, before);
    addPortsMeanwhile(ports, step, states[step.index]);
  }
  const listened = new Set(plan.steps.flatMap((step) => [...bridgesOf(step)]));
  for (const { bridge, port, reason } of plan.unobservable ?? []) {
    if (!listened.has(bridge)) continue;
    ports.listed.add(port);
    ports.unobserved.set(port, reason);
  }
  // A port that is down or without carrier is disabled and gets nothing; that it came up is settings-changed
  const shut = shutPorts(states);
  for (const name of shut) [ports.listed, ports.unobserved].forEach((known) => known.delete(name));
  const { listed, observed, unobserved } = ports;
  return {
    complete: unobserved.size === 0 && listed.size > 0,
    observed: [...observed].filter((port) => !unobserved.has(port)).length,
    ports: listed.size,
    unobserved: [...unobserved].map(([port, text]) => ({ port, reason: text })),
  };
}

/** Observed-only guests and tested rules. */
export function scopeOf(
  plan: Plan,
  states: readonly StepStates[],
  steps: readonly { readonly result: StepResult }[],
): Pick<Result, 'observedOnly' | 'rules'> {
  return { ...observedOnly(plan), ...askedRules(plan, states, steps) };
}

function speakersOf({ endpoints, bridges }: Plan): readonly Speaker[] {
  const kinds = new Map(bridges.map(({ name, kind }) => [name, kind]));
  return endpoints.flatMap(({ name, macs: [mac], ips, port, bridge, role, observedOnly: how }): readonly Speaker[] =>
    mac === undefined || port === null || role !== 'guest' || how !== undefined || kinds.get(bridge) === 'ovs'
      ? []
      : [
          {
            ...{ name, mac, port: bareName(port), bridge: bareName(bridge), segment: bridge },
            ips: ips.map(({ address }) => address),
            isRouted: kinds.get(bridge) === 'routed',
          },
        ],
  );
}

function witnessesByRule(
  plan: Plan,
  steps: readonly { readonly result: StepResult }[],
): ReadonlyMap<string, { readonly step: number; readonly sent: RuleRecord['witnesses'][number] }[]> {
  const byRule = new Map<string, { readonly step: number; readonly sent: RuleRecord['witnesses'][number] }[]>();
  for (const { index, flows } of plan.steps)
    for (const { from, to, probe, carrier, variant = '', frame } of kindsOfFlows(flows)) {
      if (frame.fields === undefined) continue;
      const rows = steps[index]?.result.findings.filter((row) => row.probe === probe && row.variant === variant) ?? [];
      const seenAt = rows.filter(({ seen }) => seen > 0).map(({ observer }) => observer);
      const name = variant.replace(/^asks /, '');
      addTo(byRule, name, { step: index, sent: { from, to, carrier, fields: frame.fields, seenAt } });
    }
  return byRule;
}

function askedRules(
  plan: Plan,
  states: readonly StepStates[],
  steps: readonly { readonly result: StepResult }[],
): Pick<Result, 'rules'> {
  const first = states.find(({ before }) => before !== null)?.before ?? null;
  if (plan.provider !== 'host' || first === null) return {};
  const uplinks = plan.endpoints.flatMap(({ role, port }) =>
    role === 'uplink' && port !== null ? [bareName(port)] : [],
  );
  const perRule = plan.asksRules === false ? 0 : witnessLimits.perRule;
  const surveys = statesByHost(first).map(({ host, state }) => ({
    host,
    ...surveyRules({ state, speakers: speakersOf(plan), uplinks, perRule }),
  }));
  if (surveys.every(({ rules }) => rules.length === 0)) return {};
  const byRule = witnessesByRule(plan, steps);
  const rules = surveys.flatMap(({ host, rules: found }) =>
    found.map(({ rule, notAsked }): RuleRecord => {
      const tested = byRule.get(rule.name) ?? [];
      const at = states[tested[0]?.step ?? 0];
      const counter = counterAround(rule.name, at);
      return {
        name: onHost(host, rule.name),
        witnesses: tested.map(({ sent }) => sent),
        ...(tested.length > 0 ? {} : { notAsked: notAsked ?? 'the scenario has no frame for it' }),
        ...given({ counter }),
      };
    }),
  );
  return { rules: { read: surveys.reduce((sum, { read }) => sum + read, 0), rules } };
}

function counterAround(name: string, states: StepStates | undefined): NonNullable<RuleRecord['counter']> | null {
  const [before, after] = [states?.before, states?.after].map((state) => {
    if (state === null || state === undefined) return null;
    return copyRules(state).find((rule) => rule.name === name)?.counter ?? null;
  });
  return before === null || before === undefined || after === null || after === undefined ? null : { before, after };
}

function observedOnly({ endpoints, steps }: Plan): Pick<Result, 'observedOnly'> {
  const names = namesIn(endpoints.filter((endpoint) => endpoint.observedOnly !== undefined));
  if (names.length === 0) return {};
  const guests = new Set(namesIn(endpoints.filter(({ role }) => role === 'guest')));
  const examined = new Set(names);
  for (const { flows } of steps)
    flows.forEach(({ from, to }) => {
      for (const name of [from, to]) if (name !== null && guests.has(name)) examined.add(name);
    });
  return { observedOnly: { guests: names, of: examined.size } };
}

/** Reasons if no guest may be left out (`run --strict`). */
export function observedOnlyReasons({ endpoints }: Plan, { observers }: StepPlan): readonly Reason[] {
  return endpoints
    .filter(({ name, observedOnly: how }) => how === 'missing' && observers.some((observer) => observer.name === name))
    .map(({ name }) =>
      reason('observed-only', name, 'its bridge does not know its MAC: nothing was sent to it or in its name'),
    );
}

/** Unplanned guests behind the bridge device that sent meanwhile. */
export function strangerReasons(plan: Plan, step: StepPlan, { after }: StepStates): readonly Reason[] {
  if (after?.behind === undefined || plan.partialScope !== null) return [];
  const bridges = bridgesOf(step);
  const planned = [...kindsOfFlows(step.flows)].map(({ frame }) => frame.srcMac);
  const known = [...plan.endpoints.flatMap(({ macs }) => macs), ...planned];
  return strangersBehind(after, after.behind, known)
    .filter(({ bridge }) => bridges.has(bridge))
    .map(({ bridge, mac }) =>
      reason(
        'coverage-partial',
        null,
        `${mac} sends out of ${bridge} itself, as a guest behind it: frames for it may flood, and none was sent. List it with \`attach: promiscuous\`, or run without a file`,
      ),
    );
}

/** Links that were ports only between snapshots got floods. Lost kernel events may hide some. */
export function passingPorts(
  step: StepPlan,
  { before, after }: StepStates,
  settings: readonly SettingChange[],
): readonly Reason[] {
  const bridges = bridgesPassed(step);
  const states = [before, after].filter((state) => state !== null);
  const nameOf = (host: string | null, ifindex: number): string | undefined =>
    states.map((state) => linkAt(state, ifindex, host)).find((link) => link !== undefined)?.name;
  const isPort = (host: string | null, ifindex: number, bridge: string): boolean =>
    states.some((state) => linkAt(state, ifindex, host)?.master === bridge);
  return settings.flatMap(({ ifindex, what, host = null, name, masters = [] }): readonly Reason[] => {
    if (what === lostEvents)
      return [
        reason(
          'state-unread',
          null,
          `${host === null ? 'the kernel' : `the kernel of ${host}`} reported more changes than it could keep. Rules that came and went meanwhile are not known`,
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
