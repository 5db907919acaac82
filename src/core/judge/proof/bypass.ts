import { copiesElsewhere } from '../../audit/copies-elsewhere.js';
import { answerBypasses } from '../../bridge/bypass/arp-answers.js';
import { type Bypass, bypassEffect, bypassesIn } from '../../bridge/bypass/bypasses.js';
import { type AsksForms, socketBypasses, unseenHolders } from '../../bridge/bypass/packet-sockets.js';
import { promptDisciplines } from '../../bridge/bypass/known-good.js';
import { mastersAbove, segmentOf, tunnelBypasses, waypoints } from '../../bridge/bypass/segment.js';
import { type Diversion, diversions, meets, prefixOf, type RoutedPlace } from '../../bridge/routing.js';
import { isRoutedTo } from '../../model/attach.js';
import { bareName, hostOf } from '../../model/host-names.js';
import type { Observer, Plan, StepPlan } from '../../model/plan.js';
import { isInForce, type Trusted } from '../../model/scenario.js';
import type { HostState, StepStates } from '../../model/state.js';
import { statesByHost } from '../../bridge/states-by-host.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { HostReader } from '../../model/packet-socket.js';
import type { StepResult } from '../../model/result.js';
import { asksPlannedForms } from './planned-forms.js';
import { filled, namesIn } from '../../text/collections.js';

/** Input to judge a step's copies and programs. */
export interface BypassInput {
  readonly step: StepPlan;
  readonly plan: Pick<Plan, 'endpoints' | 'hosts' | 'provider'>;
  readonly states: StepStates;
  readonly day: string;
  readonly traced?: readonly Bypass[];
  /** The trace followed every packet with a probe to its end, at intended devices only. */
  readonly isTracedWhole?: boolean;
  /** True of a port that may have any copy, or that an unaccepted leak decides. */
  readonly isDecided: (observer: Observer) => boolean;
  readonly passed?: readonly Bypass[];
}

/**
 * A rule may copy anything to ports that are allowed it, not judged, decided or unobserved, and to those whose own
 * rules are examined.
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
  const handedOn = new Set(namesIn(state.links.filter(({ kind }) => waypoints.includes(kind))));
  const isAllowed = (observer: Observer): boolean =>
    observer.place === 'port' && (!observer.judged || isDecided(observer));
  return (device) => {
    if (handedOn.has(device)) return segment.has(device);
    const onDevice = observers.filter((observer) => observer.interface === device);
    return onDevice.length === 0 ? reported.has(device) : onDevice.some(isAllowed);
  };
}

/**
 * Policy routing and IPsec policies for the step's guests. Those that take all packets take probes too, which observers
 * hear.
 */
function routeBypasses(input: BypassInput, state: HostState, routed: ReadonlySet<string>): readonly Bypass[] {
  const { plan, step } = input;
  const heardAt = new Set(step.observers.map((observer) => observer.interface));
  const places = plan.endpoints.flatMap(({ attach, port, ips }): readonly RoutedPlace[] =>
    isRoutedTo(attach) && port !== null && routed.has(bareName(port))
      ? [{ device: bareName(port), addresses: ips.map(({ address }) => address) }]
      : [],
  );
  const isHeard = ({ isConditional, encapsulation, elsewhere }: Diversion): boolean =>
    !isConditional && encapsulation === null && elsewhere.every((device) => heardAt.has(device));
  const unheard = diversions(state, places).filter((diversion) => !isHeard(diversion));
  const diverted = unheard.map(({ by, route, elsewhere, encapsulation, isConditional, address }) => {
    const where = by.text === route ? by.text : `${by.text}, ${route}`;
    const deletion = `delete it (${by.removal.join(' ')}), or answer for it with trust`;
    return encapsulation === null
      ? {
          what: `${by.what} to ${elsewhere.join(', ')}`,
          where,
          to: elsewhere,
          remedy: isConditional
            ? `it takes packets that no probe is like; ${deletion}`
            : `nobody listens there, and it takes all packets for ${address}; ${deletion}`,
        }
      : {
          what: `${by.what} with encap ${encapsulation}`,
          where,
          remedy: `its effect on packets is not known; ${deletion}`,
        };
  });
  return [...diverted, ...encryptions(input, state, places)];
}

function encryptions({ plan }: BypassInput, state: HostState, places: readonly RoutedPlace[]): readonly Bypass[] {
  const sources = plan.endpoints.flatMap(({ ips }) => ips.map(({ address }) => address));
  const takes = (text: string, addresses: readonly string[]): boolean => {
    const family = text.includes(':') ? 6 : 4;
    const prefix = prefixOf(text, family);
    return addresses
      .flatMap((address) => prefixOf(address, family) ?? [])
      .some((address) => meets(prefix, address) !== 'no');
  };
  return (state.routing?.policies ?? []).flatMap(({ src, dst, more }): readonly Bypass[] => {
    if (!takes(src, sources) || !places.some(({ addresses }) => takes(dst, addresses))) return [];
    const where = `dir out src ${src} dst ${dst} ${more}`.trim();
    const remedy = `it encrypts packets for guests, which no ear reads then; delete it (ip xfrm policy delete ${where}), or answer for it with trust`;
    return [{ what: 'xfrm policy', where, remedy }];
  });
}

/** A later leak may be among frames still held after the step. */
function delayedFrames({ waiting = [] }: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  return waiting
    .filter(({ device, discipline }) => segment.has(device) && !promptDisciplines.has(discipline))
    .map(({ device, discipline, frames }) => ({
      what: `queueing discipline ${discipline}`,
      where: device,
      remedy: `${frames} frames still waited in it at the end: repeat when it is empty or with a longer --linger, remove it for the run, or list it under trust`,
    }));
}

function guestPortsOf(observers: readonly Observer[]): ReadonlySet<string> {
  return new Set(
    observers.flatMap(({ place, role, interface: port }) => (place === 'port' && role === 'guest' ? [port] : [])),
  );
}

function bypassesAt(input: BypassInput, state: HostState, someForm: AsksForms): readonly Bypass[] {
  const { observers } = input.step;
  const routed = observers.flatMap((observer) => (observer.routed === true ? [observer.interface] : []));
  const bridges = new Set(observers.map(({ bridge }) => bridge));
  const segment = segmentOf(bridges, state, routed);
  const bypasses = [...bypassesIn(state, segment), ...routeBypasses(input, state, new Set(routed))];
  const isAllowed = bypasses.some(({ to }) => to !== undefined) ? copiesAllowedTo(input, state, segment) : () => false;
  const isOwner = (device: string, mac: string): boolean =>
    input.plan.endpoints.some((endpoint) => endpoint.macs.includes(mac) && bareName(endpoint.port ?? '') === device);
  return [
    ...bypasses.filter(
      ({ to, for: mac = '' }) => to === undefined || !to.every((device) => isAllowed(device) || isOwner(device, mac)),
    ),
    ...socketBypasses(state, { bridges, segment, guestPorts: guestPortsOf(observers) }, someForm),
    ...delayedFrames(state, segment),
    ...answerBypasses(state, bridges, input.plan.endpoints),
    ...unseenHolders(input.step.observers, state),
    ...mastersAbove(bridges, state),
  ];
}

function bypassesOnHosts(input: BypassInput, merged: HostState, someForm: AsksForms): readonly Bypass[] {
  const states = statesByHost(merged);
  if (states.length === 1) return states.flatMap(({ state }) => bypassesAt(input, state, someForm));
  return states.flatMap(({ host, state }) => {
    const observers = input.step.observers
      .filter(({ bridge }) => hostOf(bridge) === host)
      .map((observer) => ({ ...observer, bridge: bareName(observer.bridge), interface: bareName(observer.interface) }));
    if (observers.length === 0) return [];
    const found = bypassesAt({ ...input, step: { ...input.step, observers } }, state, someForm);
    return host === null ? found : found.map((bypass) => ({ ...bypass, where: `${host}: ${bypass.where}` }));
  });
}

function withoutWaiting(state: HostState | null): HostState | null {
  if (state === null) return null;
  const { waiting: _waiting, apart, ...rest } = state;
  if (apart === undefined) return rest;
  const hosts = Object.entries(apart).map(([host, { waiting: _there, ...others }]) => [host, others] as const);
  return { ...rest, apart: Object.fromEntries(hosts) };
}

/** Observers in other namespaces hear only frames that pass their programs. */
function earBypasses({ earPrograms = [] }: HostState): readonly Bypass[] {
  return earPrograms.map(({ device, space, id }) => ({
    what: `XDP program ${id}`,
    where: `${device} in ${space}`,
    remedy:
      'it takes incoming frames there before any observer can capture them; detach it for the run, or list it under trust',
  }));
}

function bypassesOf(input: BypassInput): readonly Bypass[] {
  const { before, after, during = [] } = input.states;
  const known = [before, ...during, after].filter((state) => state !== null);
  const hosts = known.flatMap((state) => statesByHost(state).map(({ state: ofHost }) => ofHost));
  const someForm = asksPlannedForms(input.plan, input.step, hosts);
  const bypasses = new Map<string, Bypass>();
  for (const state of [...[before, ...during].map(withoutWaiting), after]) {
    if (state === null) continue;
    for (const bypass of [
      ...bypassesOnHosts(input, state, someForm),
      ...earBypasses(state),
      ...tunnelBypasses(input.plan, state),
    ])
      bypasses.set(`${bypass.what}|${bypass.where}`, bypass);
  }
  return [...bypasses.values(), ...(input.passed ?? [])];
}

/** Processes with a socket are known already, by the device they read from. */
function withTraced(found: readonly Bypass[], traced: readonly Bypass[]): readonly Bypass[] {
  const known = new Set(found.flatMap(({ holders = [] }) => holders.map(({ pid }) => pid)));
  const isKnown = ({ holders = [] }: Bypass): boolean => holders.some(({ pid }) => known.has(pid));
  return [...found, ...traced.filter((bypass) => !isKnown(bypass))];
}

function matches(pattern: string, name: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return name === pattern;
  let at = head.length;
  if (!name.startsWith(head) || name.length < head.length + tail.length || !name.endsWith(tail)) return false;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - tail.length;
}

/** `nft dup` covers `nft dup to vnet3` too. */
function trusterOf({ what, persistent, where }: Bypass, trust: readonly Trusted[], day: string): Trusted | undefined {
  const names = [what, ...(persistent === undefined ? [] : [persistent])];
  return trust.find(
    (trusted) =>
      (names.some((name) => matches(trusted.what, name)) || what.startsWith(`${trusted.what} to `)) &&
      (trusted.where === null || matches(trusted.where, where)) &&
      isInForce(trusted, day),
  );
}

function isHostsOwn({ holders = [] }: Bypass): boolean {
  return holders.length > 0 && holders.every(({ hostsOwn }) => hostsOwn === true);
}

function programsOf({ holders = [] }: Bypass): readonly Omit<HostReader, 'where'>[] {
  return holders.map(({ hostsOwn: _, ...process }) => process);
}

/**
 * Reasons by bypasses, without accepted ones and the host's own programs (unless none are accepted). Both are reported
 * with places.
 */
export function bypassReasons(input: BypassInput): {
  readonly reasons: readonly Reason[];
  readonly trusted: NonNullable<StepResult['trusted']>;
  readonly readers?: readonly HostReader[];
  readonly untrusted?: NonNullable<StepResult['untrusted']>;
} {
  const { expect } = input.step;
  const found = bypassesOf(input).filter(({ isAlike }) => !(isAlike === true && input.isTracedWhole === true));
  const bypasses = withTraced(found, input.traced ?? []).map((bypass) => ({
    bypass,
    truster: trusterOf(bypass, expect.trust ?? [], input.day),
  }));
  const open = bypasses.flatMap(({ bypass, truster }) => (truster === undefined ? [bypass] : []));
  const isNoted = (bypass: Bypass): boolean => expect.noReaders !== true && isHostsOwn(bypass);
  const readers = open
    .filter(isNoted)
    .flatMap((noted) => programsOf(noted).map((reader) => ({ ...reader, where: noted.where })));
  const untrusted = open.filter((bypass) => !isNoted(bypass));
  return {
    ...filled({
      readers,
      untrusted: untrusted.map(({ what, persistent, where }) => ({ what, where, trust: persistent ?? what })),
    }),
    reasons: untrusted.map(({ what, where, remedy }) =>
      reason('bypass-possible', null, `${what} at ${where} ${bypassEffect}: ${remedy}`),
    ),
    trusted: bypasses.flatMap(({ bypass, truster }) => {
      if (truster === undefined) return [];
      const programs = programsOf(bypass).filter(({ program }) => program !== undefined);
      return [{ ...truster, where: bypass.where, ...filled({ holders: programs }) }];
    }),
  };
}
