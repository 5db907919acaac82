import type { StepPlan } from '../model/plan.js';
import type { Reason } from '../model/result.js';
import type { Endpoint } from '../model/scenario.js';
import { bridgeSettings, portSettings } from '../model/settings.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import type { RuleChange } from '../model/timeline.js';
import { type Provoked, provokedBy } from './provoked.js';
import { reason } from './reasons.js';

/** Counters move on an idle machine; what else the rules say must not. */
function withoutCounters(rules: unknown): string {
  return JSON.stringify(rules, (key, value: unknown) => (['packets', 'bytes', 'used', 'expires', 'last'].includes(key) ? undefined : value)) ?? '';
}

function linkDifferences(before: LinkState, after: LinkState, provoked: Provoked): readonly string[] {
  const told: string[] = [];
  const compare = (what: string, first: unknown, second: unknown): void => {
    if (first !== second && JSON.stringify(first) !== JSON.stringify(second)) told.push(`${what} was ${JSON.stringify(first)}, is ${JSON.stringify(second)}`);
  };
  compare('ifindex', before.ifindex, after.ifindex);
  compare('master', before.master, after.master);
  compare('MAC', before.mac, after.mac);
  compare('MTU', before.mtu, after.mtu);
  compare('VNI', before.vni ?? null, after.vni ?? null);
  compare('UP', before.flags.includes('UP'), after.flags.includes('UP'));
  compare('carrier', before.flags.includes('LOWER_UP'), after.flags.includes('LOWER_UP'));
  compare('promiscuity', before.promiscuity, after.promiscuity);
  for (const { key } of bridgeSettings) if (!provoked.setting(key)) compare(key, before.bridge?.[key] ?? null, after.bridge?.[key] ?? null);
  for (const { key } of portSettings) compare(key, before.port?.[key] ?? null, after.port?.[key] ?? null);
  return told;
}

function byName(links: readonly LinkState[]): ReadonlyMap<string, LinkState> {
  return new Map(links.map((link) => [link.name, link]));
}

function changedLinks(step: StepPlan, before: HostState, after: HostState, provoked: Provoked): readonly Reason[] {
  const bridges = new Set(step.observers.map((observer) => observer.bridge));
  const watched = before.links.filter((link) => bridges.has(link.name) || (link.master !== null && bridges.has(link.master)));
  const [was, is] = [byName(before.links), byName(after.links)];
  const observers = new Map(step.observers.map((one) => [one.interface, one.name]));
  const reasons = watched.flatMap((link) => {
    const now = is.get(link.name);
    const observer = observers.get(link.name) ?? null;
    if (now === undefined) return [reason('settings-changed', observer, `${link.name} is gone`)];
    return linkDifferences(link, now, provoked).map((text) => reason('settings-changed', observer, `${link.name}: ${text}`));
  });
  const joined = after.links.filter((link) => link.master !== null && bridges.has(link.master) && !was.has(link.name));
  return [...reasons, ...joined.map((link) => reason('settings-changed', null, `${link.name} joined ${link.master ?? ''}`))];
}

function notForwarding(step: StepPlan, state: HostState, provoked: Provoked): readonly Reason[] {
  const links = byName(state.links);
  return step.observers.filter((observer) => observer.place === 'port' && !provoked.closed(observer.interface)).flatMap((observer) => {
    const link = links.get(observer.interface);
    if (link === undefined) return [reason('not-forwarding', observer.name, `${observer.interface} does not exist`)];
    const portState = link.port?.['state'] ?? 'not a bridge port';
    return portState === 'forwarding' && link.flags.includes('LOWER_UP')
      ? []
      : [reason('not-forwarding', observer.name, `${observer.interface} is ${String(portState)}${link.flags.includes('LOWER_UP') ? '' : ', no carrier'}`)];
  });
}

function movedMacs(step: StepPlan, state: HostState, endpoints: readonly Endpoint[], provoked: Provoked): readonly Reason[] {
  const names = new Set(step.present);
  const entries = new Map<string, FdbState[]>();
  for (const entry of state.fdb) {
    const known = entries.get(entry.mac);
    if (known === undefined) entries.set(entry.mac, [entry]);
    else known.push(entry);
  }
  const present = endpoints.filter((endpoint) => endpoint.attach === 'port' && names.has(endpoint.name));
  return present.flatMap((endpoint) => endpoint.macs.flatMap((mac) => entries.get(mac) ?? [])
    .filter((entry) => entry.master === endpoint.bridge && entry.port !== endpoint.port && entry.port !== endpoint.bridge && !provoked.moved(entry.mac, entry.port))
    .map((entry) => reason('mac-moved', endpoint.name, `${entry.mac} is on ${entry.port}, not on ${endpoint.port ?? ''}`)));
}

/** At most so many of those who changed rules are named. */
const mostNamed = 3;

function changer({ kind, pid, program }: RuleChange): string {
  if (pid === null) return 'somebody whom the kernel did not name';
  return kind === 'tc' ? `who asked from netlink port ${pid}, as a rule its process id` : `process ${pid}${program === null ? '' : ` (${program})`}`;
}

/** Rules that are other than before, or that somebody changed and put back. */
function changedRules(before: HostState, after: HostState, changes: readonly RuleChange[]): readonly Reason[] {
  return (['tc', 'nft'] as const).flatMap((kind) => {
    const differ = withoutCounters(before[kind]) !== withoutCounters(after[kind]);
    const by = changes.filter((change) => change.kind === kind).map(changer);
    if (!differ && by.length === 0) return [];
    const named = by.length === 0 ? '' : `, by ${by.slice(0, mostNamed).join(', ')}${by.length > mostNamed ? ` and ${by.length - mostNamed} more` : ''}`;
    return [reason('settings-changed', null, `the ${kind} rules changed${differ ? '' : ' and were put back'}${named}`)];
  });
}

/**
 * Whether the kernel said the same before the first probe and after the last: identity and settings of the bridges and
 * their ports, tc and nft rules; timers and counters aside, FDB and MDB left to causes, except a MAC on a wrong port. What the
 * step's probes bring about on purpose is no change. `changes`: who was heard changing rules meanwhile.
 */
export function unchangedReasons(step: StepPlan, before: HostState | null, after: HostState | null, endpoints: readonly Endpoint[], changes: readonly RuleChange[] = []): readonly Reason[] {
  if (before === null || after === null) return [reason('state-unread', null, `the state ${before === null ? 'before' : 'after'} the probes was not read`)];
  const unread = [...before.unread, ...after.unread].map(({ what, why }) => reason('state-unread', null, `${what}: ${why}`));
  const rules = changedRules(before, after, changes);
  const switched = JSON.stringify(before.ovs) === JSON.stringify(after.ovs) ? [] : [reason('settings-changed', null, 'the configuration or the flows of Open vSwitch changed')];
  const provoked = provokedBy(step, endpoints);
  const all = [
    ...unread, ...changedLinks(step, before, after, provoked), ...rules, ...switched,
    ...[before, after].flatMap((state) => notForwarding(step, state, provoked)),
    ...[before, after].flatMap((state) => movedMacs(step, state, endpoints, provoked)),
  ];
  return all.filter((one, index) => all.findIndex((other) => other.code === one.code && other.observer === one.observer && other.text === one.text) === index);
}
