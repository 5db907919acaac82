import { fieldsOf } from '../../text/json-text.js';
import { listingOf, type Listing, ownSelector } from '../bypass/copy-rules.js';
import { barriersTo, forwardHooks, type Forwarded, packetBetween, rulesTaking } from '../bypass/forward-rules.js';
import { holds } from '../bypass/selector.js';
import { advice, ruleDeletion } from '../changes.js';
import { isRouted } from '../row-context.js';
import { prefixOf } from '../routing.js';
import type { Beside, HostState } from '../../model/state.js';
import type { NftRule } from '../rules.js';
import type { CauseFinder, Explained, FoundCause, LeakContext } from '../weakness.js';
import { devicesBetween } from './routes.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'docker-isolation': 'cause';
    readonly 'networks-joined': 'cause';
    readonly 'accepted-before': 'cause';
  }
}

/** A manager that keeps its networks apart by rules of IP. */
interface RuleMaker {
  readonly who: string;
  /** Bridges as it names them, unless asked for another name. */
  readonly bridges: RegExp;
  /** Its chains and tables. */
  readonly owns: RegExp;
  /** The first chain that decides between networks, by version and backend. */
  readonly starts: readonly string[];
  /** The command that makes its rules anew. */
  readonly remake: string;
}

/** libnetwork/drivers/bridge/setup_ip_tables.go; daemon/libnetwork/drivers/bridge/internal (Docker 28, 29). */
const docker: RuleMaker = {
  who: 'Docker',
  bridges: /^(docker0|br-[0-9a-f]{12})$/,
  owns: / (DOCKER($|-)|docker-bridges )/,
  starts: ['filter DOCKER-ISOLATION-STAGE-1', 'filter DOCKER-FORWARD', 'docker-bridges filter-FORWARD'],
  remake: 'systemctl restart docker',
};
/** netavark, src/firewall. */
const podman: RuleMaker = {
  who: 'Podman',
  bridges: /^podman\d+$/,
  owns: / (netavark |NETAVARK)/,
  starts: ['netavark NETAVARK-ISOLATION-1', 'filter NETAVARK_ISOLATION_2'],
  remake: 'podman network reload --all',
};
/** src/network/network_iptables.c, network_nftables.c. */
const libvirt: RuleMaker = {
  who: 'libvirt',
  bridges: /^virbr\d+$/,
  owns: / (LIBVIRT_|libvirt_network )/,
  starts: ['filter LIBVIRT_FWI', 'libvirt_network guest_input'],
  remake: 'systemctl restart virtnetworkd, or libvirtd if that one runs the networks',
};

/** Devices of networks whose addresses libvirt translates: these take no connection from another network. */
export function libvirtTranslated(state: Pick<HostState, 'nft'>, routes: Beside['routes']): ReadonlySet<string> {
  const listing = listingOf(state);
  const sources = listing.rules
    .filter(({ place }) => / (LIBVIRT_PRT|libvirt_network guest_nat)$/.test(place))
    .flatMap((rule) => ownSelector(rule, listing).constraints.filter(({ field }) => field.startsWith('source')));
  return new Set(
    routes.flatMap(({ device, destination }) => {
      const prefix = prefixOf(destination, destination.includes(':') ? 6 : 4);
      if (prefix === null || prefix.length === 0) return [];
      const isTranslated = sources.some(
        (source) => source.field === `source${prefix.family}` && holds(source, prefix.value),
      );
      return isTranslated ? [device] : [];
    }),
  );
}

/** A routed leak between two devices, as the hook `forward` saw it. */
interface Crossing {
  readonly inward: string;
  readonly outward: string;
  readonly packet: Forwarded;
  readonly listing: Listing;
}

function isOpenByDesign({ finding, step }: LeakContext): boolean {
  const open = step.expect.open?.find(({ probe }) => probe === finding.probe);
  return open?.observers.includes(finding.observer) === true;
}

function crossingOf(leak: LeakContext): Crossing | null {
  const { finding, flow, to, observer, before } = leak;
  if (!isRouted(leak) || isOpenByDesign(leak) || observer?.name !== to?.name) return null;
  const [inward, outward] = devicesBetween(leak) ?? [];
  const { srcIp, dstIp } = flow?.frame ?? {};
  if (inward === undefined || outward === undefined || !srcIp || !dstIp) return null;
  const protocol = finding.carrier.endsWith('tcp') ? 'tcp' : 'udp';
  const packet = packetBetween([srcIp, dstIp], { in: inward, out: outward }, protocol);
  return { inward, outward, packet, listing: listingOf(before) };
}

function isTo({ statements, table }: NftRule, owns: RegExp): boolean {
  return statements.some(
    ([name, value]) =>
      (name === 'jump' || name === 'goto') && owns.test(`${table} ${String(fieldsOf(value)?.['target'])}`),
  );
}

const isAddress = /^(source|destination)[46]$/;

/** True if the network has the manager's name, or a rule of it by device or address. */
function isKept({ bridges, owns }: RuleMaker, [device, address]: readonly [string, bigint], listing: Listing): boolean {
  if (bridges.test(device)) return true;
  return listing.rules.some((rule) => {
    if (!owns.test(rule.place) && !isTo(rule, owns)) return false;
    const { constraints, devices } = ownSelector(rule, listing);
    return (
      devices.some(({ names }) => names.includes(device)) ||
      constraints.some(
        (constraint) => isAddress.test(constraint.field) && holds({ ...constraint, isNegated: false }, address),
      )
    );
  });
}

interface Visit {
  readonly chains: readonly string[];
  /** Chains from which no rule leads on. */
  readonly ends: readonly string[];
  readonly drops: boolean;
}

/** Chains that may take the packet, from one on. */
function visit(place: string, packet: Forwarded, listing: Listing, known: readonly string[] = []): Visit {
  if (known.includes(place)) return { chains: [], ends: [], drops: false };
  const taking = rulesTaking(place, packet, listing);
  const targets = [...new Set(taking.flatMap(({ target }) => (target === '' ? [] : [target])))];
  const visits = targets.map((target) => visit(target, packet, listing, [...known, place]));
  return {
    chains: [place, ...visits.flatMap(({ chains }) => chains)],
    ends: targets.length === 0 ? [place] : visits.flatMap(({ ends }) => ends),
    drops: taking.some(({ verb, isSure }) => verb === 'drop' && isSure) || visits.some(({ drops }) => drops),
  };
}

function isEmptied(place: string, { rules }: Listing): boolean {
  return rules.every((rule) => rule.place !== place || rule.statements.some(([name]) => name === 'return'));
}

interface Fault {
  /** The chain that should drop the packet. */
  readonly place: string;
  readonly value: 'missing' | 'not reached' | 'drops nothing';
}

function faultOf({ starts }: RuleMaker, packet: Forwarded, listing: Listing): Fault | null {
  const family = packet.fields.source6 === undefined ? 'ip' : 'ip6';
  const places = starts.flatMap((start) => [`${family} ${start}`, `inet ${start}`]);
  const start = places.find((place) => listing.chains.has(place));
  if (start === undefined) return { place: places[0] ?? '', value: 'missing' };
  if (!forwardHooks(listing).some((hook) => visit(hook, packet, listing).chains.includes(start)))
    return { place: start, value: 'not reached' };
  const { ends, drops } = visit(start, packet, listing);
  const place = ends.filter((end) => isEmptied(end, listing)).at(-1) ?? ends.at(-1) ?? start;
  return drops ? null : { place, value: 'drops nothing' };
}

/** True if libvirt's own rule, which keeps its networks apart, is missing for this packet. */
export function lacksLibvirtsRule(state: Pick<HostState, 'nft'>, packet: Forwarded): boolean {
  const fault = faultOf(libvirt, packet, listingOf(state));
  // Before 5.1 it has no chains of its own
  return fault !== null && (fault.value !== 'missing' || barriersTo(state, packet).length === 0);
}

const whys: Readonly<Record<Fault['value'], (crossing: Crossing) => string>> = {
  missing: () => 'it is missing',
  'not reached': () => 'no rule leads to it',
  'drops nothing': ({ inward, outward }) => `it does not drop what goes from ${inward} to ${outward}`,
};

function joinedBy(maker: RuleMaker, crossing: Crossing): FoundCause | null {
  const { inward, outward, packet, listing } = crossing;
  const { source4, source6 = 0n, destination4, destination6 = 0n } = packet.fields;
  const areKept =
    inward !== outward &&
    isKept(maker, [inward, source4 ?? source6], listing) &&
    isKept(maker, [outward, destination4 ?? destination6], listing);
  const fault = areKept ? faultOf(maker, packet, listing) : null;
  if (fault === null) return null;
  const { place, value } = fault;
  return {
    place: `nft ${place}`,
    value,
    text: `${maker.who} keeps its networks apart by the chain ${place.split(' ').at(-1) ?? ''}, and ${whys[value](crossing)}`,
    fix: advice(maker.remake),
  };
}

function finderFor(makers: readonly RuleMaker[]): CauseFinder {
  return (leak) => {
    const crossing = crossingOf(leak);
    if (crossing === null) return null;
    const [found] = makers.flatMap((maker) => joinedBy(maker, crossing) ?? []);
    return found ?? null;
  };
}

const findDockerIsolation = finderFor([docker]);
const findNetworksJoined = finderFor([podman, libvirt]);

export const dockerIsolation: Explained = {
  meaning: 'The chains by which Docker keeps its networks apart drop nothing, as after a reload of a firewall.',
  cause: {
    phrase: ({ place, value }) => `Docker's chain between its networks ${stateText(value)} (${place})`,
    cost: { price: 'host', text: 'containers restart, unless live-restore is on' },
    find: findDockerIsolation,
  },
};

export const networksJoined: Explained = {
  meaning: 'A chain by which Podman or libvirt keeps its networks apart drops nothing.',
  cause: {
    phrase: ({ place, value }) => `the chain that keeps networks apart ${stateText(value)} (${place})`,
    cost: { price: 'host', text: 'guests of one network no longer reach those of another' },
    find: findNetworksJoined,
  },
};

function stateText(value: string): string {
  return value === 'drops nothing' ? 'is empty' : `is ${value}`;
}

const findAcceptedBefore: CauseFinder = (leak) => {
  const crossing = crossingOf(leak);
  if (crossing === null || [docker, podman, libvirt].some((maker) => joinedBy(maker, crossing) !== null)) return null;
  const { inward, outward, packet } = crossing;
  const found = barriersTo(leak.before, packet).find(({ accepts }) => accepts.length > 0);
  const [first] = found?.accepts ?? [];
  if (found === undefined || first === undefined) return null;
  return {
    place: first.name,
    value: 'accept',
    text: `${first.name} accepts what goes from ${inward} to ${outward} before ${found.drop.name} would drop it`,
    fix: { changes: found.accepts.map(ruleDeletion) },
  };
};

export const acceptedBefore: Explained = {
  meaning: 'A rule of the firewall accepts what a later one would drop.',
  cause: {
    phrase: ({ place }) => `a rule accepts what a later one would drop (${place})`,
    cost: { price: 'apart', text: 'other traffic that only this rule accepts no longer passes' },
    find: findAcceptedBefore,
  },
};
