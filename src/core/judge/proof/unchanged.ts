import { linkNamed, entriesOf, portVlans } from '../../bridge/host.js';
import { isLearnedFlow } from '../../bridge/bypass/ovs-flows.js';
import { compareLinks, factOf } from '../../bridge/compare.js';
import { isOnPort } from '../../model/attach.js';
import { hostOf, onHost } from '../../model/host-names.js';
import type { StepPlan } from '../../model/plan.js';
import type { Endpoint } from '../../model/scenario.js';
import type { HostState, LinkState } from '../../model/state.js';
import {
  isSwitchChange,
  isOfRouting,
  ovsFlowOn,
  ovsTable,
  type RuleChange,
  type SettingChange,
  vlanList,
} from '../../model/timeline.js';
import { ingressMac } from '../../plan/ingress-controls.js';
import { bridgesPassed } from '../../plan/observers.js';
import { reason, type Reason } from '../../model/reasons.js';
import { changedRouting, changedRules, routingPutBack } from './changed-rules.js';
import type { Interval, ReadInterval } from './intervals.js';
import { changedKeys, namesIn } from '../../text/collections.js';

/** A topology change moves only the ageing time (__br_set_topology_change, net/bridge/br_stp.c). */
function selfChangeNote(key: string, before: LinkState, after: LinkState): string {
  const under = key === 'ageing_time' && [before, after].some(({ bridge }) => bridge?.['topology_change'] === 1);
  return under
    ? ': after a port starts to forward, learned entries age in forward_delay while a topology change lasts (max_age + forward_delay)'
    : '';
}

function linkDifferences(before: LinkState, after: LinkState, sideEffects: SideEffects): readonly string[] {
  return compareLinks(before, after, 'judge').flatMap(({ what, was, is }) =>
    sideEffects.setting(what, [before, after])
      ? []
      : `${what} was ${JSON.stringify(was)}, is ${JSON.stringify(is)}${selfChangeNote(what, before, after)}`,
  );
}

/** True of the step's bridges, their ports, and links that the host routes to. */
export function isStepLink(step: StepPlan): (link: LinkState) => boolean {
  const bridges = bridgesPassed(step);
  const routed = new Set(
    step.observers.filter((observer) => observer.routed === true).map((observer) => observer.interface),
  );
  return ({ name, master }) => bridges.has(name) || routed.has(name) || (master !== null && bridges.has(master));
}

function hasOtherVlans(before: HostState, after: HostState, name: string): boolean {
  return portVlans(before, name)?.text !== portVlans(after, name)?.text;
}

function changedVlans(step: StepPlan, before: HostState, after: HostState): readonly string[] {
  const isOfStep = isStepLink(step);
  return before.links.flatMap((link) => {
    const now = isOfStep(link) ? linkNamed(after, link.name) : undefined;
    return now !== undefined && isOfStep(now) && hasOtherVlans(before, after, link.name)
      ? [`${link.name}: its VLANs changed`]
      : [];
  });
}

function changedSysctls(before: HostState, after: HostState): readonly string[] {
  return changedKeys(before.sysctl, after.sysctl).map(
    ({ key, before: was, after: is }) => `${key} was ${was ?? 'not there'}, is ${is ?? 'not there'}`,
  );
}

function changedLinks(
  step: StepPlan,
  before: HostState,
  after: HostState,
  sideEffects: SideEffects,
): readonly Reason[] {
  const bridges = bridgesPassed(step);
  const watched = before.links.filter(isStepLink(step));
  const was = new Set(namesIn(watched));
  const observers = new Map(step.observers.map((observer) => [observer.interface, observer.name]));
  const reasons = watched.flatMap((link) => {
    const now = linkNamed(after, link.name);
    const observer = observers.get(link.name) ?? null;
    if (now === undefined) return [reason('settings-changed', observer, `${link.name} is gone`)];
    return linkDifferences(link, now, sideEffects).map((text) =>
      reason('settings-changed', observer, `${link.name}: ${text}`),
    );
  });
  // also links that existed and were no ports
  const joined = after.links.filter((link) => link.master !== null && bridges.has(link.master) && !was.has(link.name));
  return [
    ...reasons,
    ...joined.map((link) => reason('settings-changed', null, `${link.name} joined ${link.master ?? ''}`)),
  ];
}

function notForwarding(step: StepPlan, state: HostState, sideEffects: SideEffects): readonly Reason[] {
  return step.observers
    .filter((observer) => observer.place === 'port' && !sideEffects.closed(observer.interface))
    .flatMap((observer) =>
      [observer.interface, observer.hop?.near ?? []].flat().map((port) => [observer, port] as const),
    )
    .flatMap(([observer, port]) => {
      const link = linkNamed(state, port);
      if (link === undefined) return [reason('not-forwarding', observer.name, `${port} does not exist`)];
      const portState = observer.routed === true ? 'forwarding' : (link.port?.['state'] ?? 'not a bridge port');
      return portState === 'forwarding' && link.flags.includes('LOWER_UP')
        ? []
        : [
            reason(
              'not-forwarding',
              observer.name,
              `${port} is ${String(portState)}${link.flags.includes('LOWER_UP') ? '' : ', no carrier'}`,
            ),
          ];
    });
}

function movedMacs(
  step: StepPlan,
  state: HostState,
  endpoints: readonly Endpoint[],
  sideEffects: SideEffects,
): readonly Reason[] {
  const names = new Set(step.present);
  const present = endpoints.filter((endpoint) => isOnPort(endpoint.attach) && names.has(endpoint.name));
  return present.flatMap((endpoint) =>
    endpoint.macs
      .flatMap((mac) => entriesOf(state, mac))
      .filter(
        (entry) =>
          entry.master === endpoint.bridge &&
          entry.port !== endpoint.port &&
          entry.port !== endpoint.bridge &&
          !sideEffects.moved(entry.mac, entry.port),
      )
      .map((entry) =>
        reason('mac-moved', endpoint.name, `${entry.mac} is on ${entry.port}, not on ${endpoint.port ?? ''}`),
      ),
  );
}

/** Without flows that `learn` made of entry controls, answers, and connected programs. */
function settingsOfOvs({ ovs }: HostState): string {
  if (ovs === undefined) return '';
  const { daemon: _daemon, ...settings } = ovs;
  const changes = ovs.bridges.map(({ cookies: _cookies, controllers: _controllers, traces: _traces, ...bridge }) => ({
    ...bridge,
    flows: bridge.flows.filter((flow) => !flow.includes(ingressMac)),
  }));
  return JSON.stringify({ ...settings, bridges: changes });
}

/** Without flows that `learn` makes as MAC table entries or of entry controls. */
function ovsPutBack(
  step: StepPlan,
  { ovs, links }: HostState,
  intervals: readonly ReadInterval[],
  changed: readonly string[],
): readonly Reason[] {
  const switches = new Set(links.flatMap(({ kind, name }) => (kind === 'openvswitch' ? [name] : [])));
  const bridges = step.observers.map(({ bridge }) => bridge).filter((bridge) => switches.has(bridge));
  const isOther = ({ from, to, excused }: ReadInterval): boolean =>
    !excused.has('ovs') && settingsOfOvs(from) !== settingsOfOvs(to);
  if (bridges.length === 0 || intervals.some(isOther)) return [];
  const isLearned = (what: string): boolean =>
    (ovs?.bridges ?? []).some(({ name, flows }) => {
      const before = `${ovsFlowOn}${name}: `;
      return what.startsWith(before) && isLearnedFlow(what.slice(before.length), flows);
    });
  const isConcerned = (what: string): boolean =>
    what.startsWith(ovsTable) || bridges.some((bridge) => what.startsWith(`${ovsFlowOn}${bridge}:`));
  return [...new Set(changed)]
    .filter((what) => isConcerned(what) && !what.includes(ingressMac) && !isLearned(what))
    .map((what) => reason('settings-changed', null, `${what} changed while the step ran`));
}

function changedSettings(
  step: StepPlan,
  { from, to, excused, where }: ReadInterval,
  sideEffects: SideEffects,
): readonly Reason[] {
  const links = excused.has('links') ? [] : changedLinks(step, from, to, sideEffects);
  const vlans = excused.has('vlan') ? [] : changedVlans(step, from, to);
  const sysctls = excused.has('sysctl') ? [] : changedSysctls(from, to);
  const switched =
    excused.has('ovs') || settingsOfOvs(from) === settingsOfOvs(to)
      ? []
      : ['the configuration or the flows of Open vSwitch changed'];
  const reasons = [
    ...links,
    ...[...vlans, ...sysctls, ...switched].map((text) => reason('settings-changed', null, text)),
  ];
  return reasons.map(({ code, observer, text }) => ({ code, observer, text: `${text}${where}` }));
}

function isChangedIn({ from, to, excused }: ReadInterval, name: string, what: string): boolean {
  if (what === vlanList) return !excused.has('vlan') && hasOtherVlans(from, to, name);
  const value = (state: HostState): string => JSON.stringify(factOf(linkNamed(state, name), what));
  return !excused.has('links') && value(from) !== value(to);
}

/** Unread sysctls had unknown values. */
function sysctlPutBack(name: string, before: HostState, intervals: readonly ReadInterval[]): readonly Reason[] {
  const isOther = ({ from, to, excused }: ReadInterval): boolean =>
    !excused.has('sysctl') && from.sysctl[name] !== to.sysctl[name];
  return before.sysctl[name] === undefined || intervals.some(isOther)
    ? []
    : [reason('settings-changed', null, `${name} changed and was put back`)];
}

function revertedSettings(
  step: StepPlan,
  before: HostState,
  intervals: readonly ReadInterval[],
  settings: readonly SettingChange[],
  sideEffects: SideEffects,
): readonly Reason[] {
  const numbered = (host: string | null, ifindex: number): string => onHost(host, String(ifindex));
  const watched = new Map(
    before.links.filter(isStepLink(step)).map((link) => [numbered(hostOf(link.name), link.ifindex), link]),
  );
  const observers = new Map(step.observers.map((observer) => [observer.interface, observer.name]));
  return settings.flatMap(({ ifindex, what, host = null }) => {
    if (ifindex === null) return sysctlPutBack(onHost(host, what), before, intervals);
    const link = watched.get(numbered(host, ifindex));
    const ofBridge = [before, ...intervals.map(({ to }) => to)].flatMap((state) => linkNamed(state, link?.name) ?? []);
    // A running guest may change its carrier; a port that was down is not observed
    const isOwn = what === 'carrier' && link?.flags.includes('LOWER_UP') === true;
    if (
      link === undefined ||
      isOwn ||
      sideEffects.setting(what, ofBridge) ||
      intervals.some((interval) => isChangedIn(interval, link.name, what))
    )
      return [];
    return [
      reason('settings-changed', observers.get(link.name) ?? null, `${link.name}: ${what} changed and was put back`),
    ];
  });
}

/**
 * Compares the kernel's state before the first probe and after the last, without timers, counters, FDB and MDB, except
 * a MAC on a wrong port. Intended effects of probes and events do not count. `changes`: rule changes heard outside
 * events. `settings`: also reverted ones.
 */
export function unchangedReasons(
  step: StepPlan,
  intervals: readonly Interval[],
  endpoints: readonly Endpoint[],
  changes: readonly RuleChange[] = [],
  settings: readonly SettingChange[] = [],
): readonly Reason[] {
  const [before, after] = [intervals[0]?.from ?? null, intervals.at(-1)?.to ?? null];
  if (before === null || after === null)
    return [reason('state-unread', null, `the state ${before === null ? 'before' : 'after'} the probes was not read`)];
  const read = intervals.flatMap(({ from, to, ...rest }): readonly ReadInterval[] =>
    from === null || to === null ? [] : [{ ...rest, from, to }],
  );
  const unread = [before, ...read.map(({ to }) => to)]
    .flatMap((state) => state.unread)
    .map(({ what, why }) => reason('state-unread', null, `${what}: ${why}`));
  const sideEffects = sideEffectsOf(step, endpoints);
  const reasons = [
    ...unread,
    ...read.flatMap((interval) => changedSettings(step, interval, sideEffects)),
    ...routingPutBack(step, read, endpoints, settings.map(({ what }) => what).filter(isOfRouting)),
    ...revertedSettings(
      step,
      before,
      read,
      settings.filter(({ what }) => !isOfRouting(what) && !isSwitchChange(what)),
      sideEffects,
    ),
    ...ovsPutBack(step, before, read, settings.map(({ what }) => what).filter(isSwitchChange)),
    ...changedRules(read, changes),
    ...changedRouting(step, read),
    ...[before, after].flatMap((state) => notForwarding(step, state, sideEffects)),
    ...[before, after].flatMap((state) => movedMacs(step, state, endpoints, sideEffects)),
  ];
  return reasons.filter(
    (candidate, index) =>
      reasons.findIndex(
        (earlier) =>
          earlier.code === candidate.code && earlier.observer === candidate.observer && earlier.text === candidate.text,
      ) === index,
  );
}

interface SideEffects {
  /**
   * True if a new root or its topology change steers it (br_config_bpdu, __br_set_topology_change,
   * net/bridge/br_stp.c). `ofBridge`: one state a snapshot.
   */
  setting(key: string, ofBridge: readonly LinkState[]): boolean;
  closed(port: string): boolean;
  moved(mac: string, port: string): boolean;
}

export const rootTimers = ['forward_delay', 'hello_time', 'max_age'];

/**
 * During a topology change a bridge ages in twice the forward delay. Without one another program set that
 * (__br_set_topology_change).
 */
export function agesByTopology({ bridge }: LinkState): boolean {
  return bridge?.['topology_change'] === 1 && bridge['ageing_time'] === 2 * Number(bridge['forward_delay']);
}

export function sideEffectsOf(step: StepPlan, endpoints: readonly Endpoint[]): SideEffects {
  const provokes = (code: string): boolean => step.provokes?.includes(code) === true;
  const portOf = (name: string): string | null => endpoints.find((endpoint) => endpoint.name === name)?.port ?? null;
  return {
    setting: (key, ofBridge) =>
      provokes('settings-changed') &&
      (rootTimers.includes(key) || (key === 'ageing_time' && ofBridge.some(agesByTopology))),
    closed: (port) => provokes('not-forwarding') && step.flows.some((flow) => portOf(flow.sender) === port),
    moved: (mac, port) =>
      provokes('mac-moved') && step.flows.some((flow) => flow.frame.srcMac === mac && portOf(flow.sender) === port),
  };
}
