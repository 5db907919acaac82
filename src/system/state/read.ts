import { someText } from '../../core/text/names.js';
import { readFileSync } from 'node:fs';
import { answersNeighbours } from '../../core/bridge/bypass/arp-answers.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { listingOf, nftCopyRules } from '../../core/bridge/bypass/copy-rules.js';
import { assertKnown, VerifyError } from '../../core/model/verify-error.js';
import { objectsOf, textOf, textsOf } from '../../core/text/json-text.js';
import { legacyTables, nfTables, rulesGeneration } from '../kernel/ask/netfilter-tables.js';
import { waitingFrames, type WaitingFrames } from '../kernel/ask/traffic-control.js';
import { inNamespace } from '../kernel/namespaces.js';
import { readSysctl } from '../kernel/sysctl.js';
import { readJson } from '../process/programs.js';
import { isDescendant } from '../process/socket-holders.js';
import { withOvs } from './ovs/parse.js';
import { readOvsTexts, withTraces } from './ovs/read.js';
import { parseFdb, parseLinks, parseNeighbourTable } from './parse-links.js';
import { readAllDrops, readHardware } from './read-devices.js';
import { readFilters, readPolicies, readRouting, routingAmong } from './read-filters.js';
import { readSharedTaps } from './read-monitors.js';
import { programsShown, readPrograms, readStrayPrograms } from './read-programs.js';
import { readLogGroups, readPacketHandlers, readPacketSockets, unreadSockets } from './read-packet-sockets.js';
import { filled, given } from '../../core/text/collections.js';
import { nftRules } from '../../core/bridge/rules.js';

export interface ReadOptions {
  readonly ovs?: boolean;
  /** null = the caller's. */
  readonly netns: string | null;
  /** /sys shows that namespace's devices. */
  readonly sysfs: boolean;
  readonly sysctl: readonly string[];
  readonly packetSockets?: boolean;
  readonly routing?: boolean;
}

/** Sysctls that can forward, or filter, beside the bridge, and by which conntrack takes frames. */
export const alwaysRead: readonly string[] = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.bridge.bridge-nf-call-iptables',
  'net.bridge.bridge-nf-call-ip6tables',
  'net.bridge.bridge-nf-call-arptables',
  'net.bridge.bridge-nf-filter-vlan-tagged',
  'net.bridge.bridge-nf-pass-vlan-input-dev',
  'net.netfilter.nf_conntrack_checksum',
];

/** Conntrack's value once loaded (nf_conntrack_standalone.c). */
const usualValues: Readonly<Record<string, string>> = { 'net.netfilter.nf_conntrack_checksum': '1' };

/** Leaves out sysctls with their usual value unless `wanted`. */
export function withoutUsual(sysctl: HostState['sysctl'], wanted: readonly string[]): HostState['sysctl'] {
  return Object.fromEntries(
    Object.entries(sysctl).filter(([name, value]) => wanted.includes(name) || usualValues[name] !== value),
  );
}

/** Sysctls whose change raises no event. */
export const forwardingSysctls = [
  'net.ipv4.ip_forward',
  'net.ipv4.conf.all.proxy_arp',
  'net.ipv6.conf.all.forwarding',
  'net.ipv6.conf.all.proxy_ndp',
] as const;

/** Unreadable parts are in `unread`. Rejects (VerifyError, 69) only without `ip`. */
export async function readState(options: ReadOptions): Promise<HostState> {
  // first: later frames of the caller wait there too
  const waiting = inNamespace(options.netns, waitingFrames);
  const unread: { what: string; why: string }[] = [];
  if (waiting === null) unread.push({ what: 'waiting frames', why: 'the kernel does not list queueing disciplines' });
  const where = { netns: options.netns };
  const part = <T>(what: string, read: Promise<T>): Promise<T | null> =>
    read.catch((error: unknown) => {
      assertKnown(error);
      unread.push({ what, why: `${error.message} (${error.hint})` });
      return null;
    });
  const [links, fdb, vlan, mdb, tc, nft, routing, policies] = await Promise.all([
    readJson(['ip', '-j', '-d', 'link', 'show'], where),
    part('fdb', readJson(['bridge', '-j', '-s', 'fdb', 'show'], where)),
    part('vlan', readJson(['bridge', '-j', 'vlan', 'show'], where)),
    part('mdb', readJson(['bridge', '-j', 'mdb', 'show'], where)),
    part('tc', readFilters(options.netns)),
    part('nft', readRules(options.netns)),
    options.routing === true ? part('routing', readRouting(options.netns)) : null,
    options.routing === true ? part('xfrm policies', readPolicies(options.netns)) : null,
  ]);
  const ovs = options.ovs === true ? await part('ovs', readOvsTexts()) : null;
  const sockets: Pick<HostState, 'packetSockets'> =
    options.packetSockets === true
      ? { packetSockets: readPacketSockets(options.netns, isDescendant)?.filter(({ own: isOwn }) => !isOwn) ?? null }
      : {};
  if (sockets.packetSockets === null) unread.push(unreadSockets);
  const drops = readAllDrops(options.netns);
  const sysctl = withoutUsual(readSysctl(options.netns, [...alwaysRead, ...options.sysctl]), options.sysctl);
  const parsed = await linksOf(links, options);
  const neighbours = parsed.some(answersNeighbours)
    ? await part('neighbours', readJson(['ip', '-j', 'neigh', 'show', 'nud', 'all'], where))
    : null;
  const carriers = await readCarriers(options.netns, parsed, tc);
  unread.push(...carriers.unread);
  const state: HostState = {
    links: parsed,
    fdb: parseFdb(fdb),
    vlan,
    mdb,
    tc,
    nft,
    sysctl,
    drops,
    ...sockets,
    ...carriers.found,
    ...filled({ waiting: waitingAt(parsed, waiting ?? []) }),
    ...given({
      neighbours: neighbours === null ? null : parseNeighbourTable(neighbours),
      routing: routing === null ? null : routingAmong(routing, links, policies),
    }),
    unread: unread.sort((a, b) => (a.what < b.what ? -1 : 1)),
  };
  return ovs === null ? state : withTraces(withOvs(state, ovs));
}

interface Ruleset {
  readonly generation: string;
  readonly rules: unknown;
}

const rulesets = new Map<string | null, Ruleset>();

/** nft takes a second for ten thousand rules. Counters keep the first values. */
async function readRuleset(netns: string | null): Promise<unknown> {
  const generation = inNamespace(netns, rulesGeneration);
  const known = rulesets.get(netns);
  if (generation !== null && known?.generation === generation) return known.rules;
  const rules = await readJson(['nft', '-j', 'list', 'ruleset'], { netns });
  const isSame = generation !== null && inNamespace(netns, rulesGeneration) === generation;
  if (isSame && !hasMovingSets(rules) && !hasCountedCopies(rules)) rulesets.set(netns, { generation, rules });
  else rulesets.delete(netns);
  return rules;
}

/** A copying rule's counter is read before a step and after. */
function hasCountedCopies(rules: unknown): boolean {
  return nftCopyRules(listingOf({ nft: rules })).some(({ counter }) => counter !== null);
}

/** Packets add elements (flag dynamic), or time removes some. */
function hasMovingSets(rules: unknown): boolean {
  const { listed } = nftRules({ nft: rules });
  return ['set', 'map', 'meter']
    .flatMap(listed)
    .some(({ flags, timeout }) => timeout !== undefined || textsOf([flags].flat()).some((flag) => moving.has(flag)));
}

const moving: ReadonlySet<string> = new Set(['dynamic', 'timeout']);

/** Firewalls and container engines make rules without nft. */
async function readRules(netns: string | null): Promise<unknown> {
  try {
    return await readRuleset(netns);
  } catch (error) {
    if (!(error instanceof VerifyError) || error.code !== 'program-missing') throw error;
    const tables = inNamespace(netns, nfTables);
    if (tables?.length === 0) return null;
    const found =
      tables === null ? 'the kernel does not say whether nf_tables has rules' : `nf_tables has ${someText(tables, 3)}`;
    throw new VerifyError('program-missing', 69, `${found}, and ${error.message}`, error.hint);
  }
}

/** A VXLAN device without an address has its host's. */
async function linksOf(json: unknown, { netns, sysfs }: ReadOptions): Promise<readonly LinkState[]> {
  const links = inNamespace(netns, () => parseLinks(json, sysfs ? sysFlags : () => null));
  const isOpen = ({ kind, vteps }: LinkState): boolean => kind === 'vxlan' && vteps === undefined;
  if (!links.some(isOpen)) return links;
  const vteps = objectsOf(await readJson(['ip', '-j', 'addr', 'show'], { netns }))
    .flatMap((link) => objectsOf(link['addr_info']))
    .flatMap((address) => textOf(address['local']) ?? []);
  return links.map((link) => (isOpen(link) ? { ...link, vteps } : link));
}

function waitingAt(links: readonly LinkState[], waiting: readonly WaitingFrames[]): HostState['waiting'] {
  return waiting.flatMap(({ ifindex, ...frames }) => {
    const device = links.find((link) => link.ifindex === ifindex)?.name;
    return device === undefined ? [] : [{ device, ...frames }];
  });
}

interface Carriers {
  readonly found: Pick<
    HostState,
    'programs' | 'packetHandlers' | 'sharedTaps' | 'logGroups' | 'hardware' | 'legacyTables'
  >;
  readonly unread: HostState['unread'];
}

async function readCarriers(netns: string | null, links: readonly LinkState[], tc: unknown): Promise<Carriers> {
  const logGroups = readLogGroups(netns);
  const sharedTaps = readSharedTaps(netns, links);
  const hardware = readHardware(netns, links);
  const legacy = inNamespace(netns, legacyTables);
  const { programs, unread: unreadPrograms } = readPrograms(netns, links);
  const { handlers, unread: unreadHandlers } = readPacketHandlers(netns);
  const strays = await readStrayPrograms(netns, programsShown(programs ?? [], links, tc));
  const unreadProgram = unreadPrograms ?? strays.unread;
  return {
    found: {
      programs,
      packetHandlers: [...handlers, ...strays.handlers],
      ...filled({ sharedTaps }),
      ...given({ logGroups: 'refused' in logGroups ? null : logGroups.groups }),
      ...filled({ hardware, legacyTables: legacy.tables }),
    },
    unread: [
      ...(unreadProgram === undefined ? [] : [{ what: 'programs', why: unreadProgram }]),
      ...unreadHandlers.map((why) => ({ what: 'packet handlers', why })),
      ...legacy.unread.map((why) => ({ what: 'legacy tables', why: `${why} (run as root)` })),
      ...('refused' in logGroups
        ? [
            {
              what: 'log groups',
              why: `the readers of the rules’ logs cannot be read: ${logGroups.refused} (run as root)`,
            },
          ]
        : []),
    ],
  };
}

/** The links of `readState`. Rejects with VerifyError if unreadable. */
export async function readLinks({ netns, sysfs }: Pick<ReadOptions, 'netns' | 'sysfs'>): Promise<readonly LinkState[]> {
  const links = await readJson(['ip', '-j', '-d', 'link', 'show'], { netns });
  return inNamespace(netns, () => parseLinks(links, sysfs ? sysFlags : () => null));
}

/** A link may go between the two readings. */
function sysFlags(name: string): number | null {
  try {
    return Number.parseInt(readFileSync(`/sys/class/net/${name}/flags`, 'utf8'), 16);
  } catch {
    return null;
  }
}
