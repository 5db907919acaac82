import { linkNamed } from '../../../core/bridge/host.js';
import { randomInt } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOnPort } from '../../../core/model/attach.js';
import { type Place, netnsPath } from '../../../core/model/fabric.js';
import type { Endpoint } from '../../../core/model/scenario.js';
import type { HostState, LinkState } from '../../../core/model/state.js';
import { assertKnown, VerifyError } from '../../../core/model/verify-error.js';
import { type KernelLink, linksOf, spaceNumber } from '../../kernel/ask/links.js';
import { openNetlinkAsker } from '../../kernel/ask/netlink-dump.js';
import { disableIpv6, inNamespace, newNamespace } from '../../kernel/namespaces.js';
import { NETLINK_ROUTE } from '../../kernel/netlink-socket.js';
import { writeSysctl } from '../../kernel/sysctl.js';
import { runBatch } from '../../process/batch.js';
import { mustRun } from '../../process/programs.js';
import { type Journal, openJournal } from './journal.js';
import { takeRunLock } from './run-lock.js';
import { undoAll } from './undo.js';
import { namesIn } from '../../../core/text/collections.js';

/** The far end is never enslaved, and redirects frames into the port's ingress (tc-mirred(8)). */
interface PortPairs {
  of(port: string): Place;
  readonly names: readonly string[];
  close(): void;
}

export interface PortPairOptions {
  readonly ports: readonly LinkState[];
  /** null = the caller's. */
  readonly netns: string | null;
  readonly runId: string;
  readonly journal: Journal;
}

/** A journaled veth pair for each port. Throws VerifyError (69) without clsact or mirred. */
export async function makePortPairs(options: PortPairOptions): Promise<PortPairs> {
  const { ports, netns, runId, journal } = options;
  const fd = newNamespace(disableIpv6);
  const near = `/proc/${process.pid}/fd/${fd}`;
  // held open: /proc/PID/ns/net names the near namespace only while a program starts there
  const home = openSync(netns ?? '/proc/thread-self/ns/net', 'r');
  // Chosen, so that the journal has them before the interfaces exist; the kernel counts its own from 1.
  const firstIndex = randomInt(0x4000_0000, 0x7f00_0000);
  const pairsOfPorts = ports.map((port, index) => ({
    port,
    name: `vi${runId.slice(0, 8)}-${index}`,
    ifindex: firstIndex + index,
    nearName: `p${index}`,
    nearIndex: nearIndex + index,
  }));
  const pairs: PortPairs = {
    names: namesIn(pairsOfPorts),
    of(port) {
      const index = ports.findIndex(({ name }) => name === port);
      if (index < 0)
        throw new VerifyError(
          'fabric-unknown',
          70,
          `there is no injection port at ${JSON.stringify(port)}`,
          'report this as a fault of verify-isolation',
        );
      return { device: `p${index}`, netns: near };
    },
    close: () => closeSync(fd),
  };
  try {
    journal.add(...pairsOfPorts.map(({ name, ifindex }) => ({ kind: 'interface', name, ifindex }) as const));
    await makeAll(pairsOfPorts, { near, home: `/proc/${process.pid}/fd/${home}`, netns });
    return pairs;
  } catch (error) {
    pairs.close();
    throw error;
  } finally {
    closeSync(home);
  }
}

interface PortPair {
  readonly name: string;
  readonly ifindex: number;
  readonly nearName: string;
  readonly nearIndex: number;
  readonly port: LinkState;
}

/** The kernel takes the far end's index only if the near end has a chosen one too (veth_newlink). */
const nearIndex = 1000;

interface PairPlaces {
  readonly near: string;
  /** The far ends' namespace, as seen from the near one. */
  readonly home: string;
  readonly netns: string | null;
}

async function makeAll(pairs: readonly PortPair[], { near, home, netns }: PairPlaces): Promise<void> {
  const up = (device: string): readonly string[] => ['link', 'set', 'dev', device, 'arp', 'off', 'up'];
  await runBatch(
    'ip',
    pairs.map((pair) => ['link', 'add', ...pairWords(pair, home)]),
    { netns: near },
  );
  for (const { name } of pairs) disableIpv6At(netns, name);
  await runBatch(
    'ip',
    pairs.map(({ name }) => up(name)),
    { netns },
  );
  await runBatch(
    'ip',
    pairs.map(({ nearName }) => up(nearName)),
    { netns: near },
  );
  await runBatch(
    'tc',
    pairs.map(({ name }) => ['qdisc', 'add', 'dev', name, 'clsact']),
    { netns },
  );
  await redirectAll(pairs, netns);
}

function pairWords({ name, ifindex, nearName, nearIndex: index, port }: PortPair, home: string): readonly string[] {
  const end = (number: number): readonly string[] => ['index', String(number), 'mtu', String(port.mtu)];
  // The host's stack accepts frames for its own MAC at the port: the far end needs that MAC, or they count as others'.
  const address = port.master === null ? ['address', port.mac] : [];
  const peer = ['peer', 'name', name, ...address, ...end(ifindex), 'netns', home];
  return ['dev', nearName, ...end(index), 'type', 'veth', ...peer];
}

/** Router solicitations would enter as the guest and teach the bridge its MAC. */
function disableIpv6At(netns: string | null, name: string): void {
  unlessUnsupported(() => writeSysctl(netns, `net.ipv6.conf.${name}.disable_ipv6`, '1'));
}

/** Ignores only VerifyError `unsupported`. */
export function unlessUnsupported(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof VerifyError) || error.code !== 'unsupported') throw error;
  }
}

async function redirectAll(pairs: readonly PortPair[], netns: string | null): Promise<void> {
  const [first, ...others] = pairs;
  if (first === undefined) return;
  const words = ({ name, port }: PortPair, match: readonly string[]): readonly string[] => [
    ...['filter', 'add', 'dev', name, 'ingress', 'protocol', 'all', 'prio', '1', ...match],
    ...['action', 'mirred', 'ingress', 'redirect', 'dev', port.name],
  ];
  let match = ['matchall'];
  try {
    await mustRun(['tc', ...words(first, match)], { netns });
  } catch (error) {
    assertKnown(error);
    match = ['u32', 'match', 'u32', '0', '0'];
    await mustRun(['tc', ...words(first, match)], { netns });
  }
  await runBatch(
    'tc',
    others.map((pair) => words(pair, match)),
    { netns },
  );
}

function insidePlaces(
  endpoints: readonly Pick<Endpoint, 'name' | 'attach' | 'port' | 'netns'>[],
  links: readonly LinkState[],
  bridgeNetns: string | null,
): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const { name, port, netns, attach } of endpoints) {
    const path = netnsPath(netns);
    if (!isOnPort(attach) || path === null || path === bridgeNetns) continue;
    const link = links.find((portLink) => portLink.name === port);
    const device = link === undefined ? null : findOtherEnd(path, bridgeNetns, link);
    if (device === null)
      throw new VerifyError(
        'interface-gone',
        69,
        `${name}: the other end of ${JSON.stringify(port)} is not in the namespace ${netns ?? ''}`,
        'name the namespace in which the guest lives, or leave `netns` out: then it is sent through the port',
      );
    places.set(name, { device, netns: path });
  }
  return places;
}

function findOtherEnd(path: string, bridgeNetns: string | null, port: LinkState): string | null {
  const home = openSync(bridgeNetns ?? '/proc/thread-self/ns/net', 'r');
  try {
    return inNamespace(path, () => {
      const asker = openNetlinkAsker(NETLINK_ROUTE);
      try {
        // the kernel numbers the bridges' namespace at the latest on a question about a link that leads there
        const links = asker === null ? null : linksOf(asker);
        if (asker === null || links === null) return null;
        const number = spaceNumber(asker, home);
        return typeof number === 'number' ? otherEndOf(port, links, number) : null;
      } finally {
        asker?.close();
      }
    });
  } finally {
    closeSync(home);
  }
}

/**
 * Name of the other end of a port's veth pair. Indexes repeat across namespaces: link and port must name each other.
 * `home`: the number that the links' namespace has for the port's.
 */
export function otherEndOf(
  { ifindex, peer }: Pick<LinkState, 'ifindex' | 'peer'>,
  links: readonly Pick<KernelLink, 'name' | 'ifindex' | 'kind' | 'link' | 'linkSpace'>[],
  home: number,
): string | null {
  const end = links.find(
    (link) => link.kind === 'veth' && link.ifindex === peer && link.link === ifindex && link.linkSpace === home,
  );
  return end?.name ?? null;
}

const goneMs = 1000;
const lookMs = 5;

async function untilGone(names: readonly string[], netns: string | null): Promise<void> {
  const isThere = (): boolean => {
    try {
      const table = inNamespace(netns, () => readFileSync('/proc/thread-self/net/dev', 'utf8'));
      return names.some((name) => table.includes(`${name}:`));
    } catch {
      return false; // the namespace ended, with all interfaces in it
    }
  };
  for (const end = performance.now() + goneMs; isThere() && performance.now() < end; ) await sleep(lookMs);
}

export interface InjectionPortsInput {
  readonly runId: string;
  readonly journalFolder: string;
  /** null = the caller's. */
  readonly netns: string | null;
  readonly state: HostState;
  readonly readState: () => Promise<HostState>;
  readonly bridges: readonly string[];
  /** Bridges below guests, where frames must arrive as from outside. Absent = none. */
  readonly lower?: readonly string[];
  readonly endpoints: readonly Pick<Endpoint, 'name' | 'attach' | 'port' | 'netns'>[];
  readonly senders: ReadonlySet<string>;
}

/** Locked bridges, a journal, and an injection port for each sending endpoint. */
export interface InjectionPorts {
  readonly journal: Journal;
  /** Frames sent there enter the bridge from that port. */
  of(port: string): Place;
  readonly inside: ReadonlyMap<string, Place>;
  /** Undoes everything, latest first. Gives the names of what remains. */
  close(): Promise<readonly string[]>;
}

async function leftOver(names: readonly string[], readState: () => Promise<HostState>): Promise<readonly string[]> {
  if (names.length === 0) return [];
  try {
    const { links } = await readState();
    return links.filter(({ name }) => names.includes(name)).map(({ name }) => `the interface ${name}`);
  } catch (error) {
    assertKnown(error);
    return [`perhaps the interfaces ${names.join(', ')}: the list of interfaces cannot be read (${error.message})`];
  }
}

async function goneError(
  ports: readonly LinkState[],
  readState: () => Promise<HostState>,
): Promise<VerifyError | null> {
  const links = await readState().then(
    (state) => state.links,
    () => null,
  );
  const gone = ports.find((port) =>
    links?.every(({ name, ifindex }) => name !== port.name || ifindex !== port.ifindex),
  );
  return gone === undefined
    ? null
    : new VerifyError(
        'interface-gone',
        69,
        `${JSON.stringify(gone.name)} went while the run began`,
        'see that its guest runs, and repeat',
      );
}

/**
 * Locks the bridges and opens the ports. Rejects with VerifyError `locked`, `unsupported` or `interface-gone` (69), and
 * then leaves nothing behind.
 */
export async function openInjectionPorts({
  runId,
  journalFolder,
  netns,
  state,
  readState,
  bridges,
  lower = [],
  endpoints,
  senders,
}: InjectionPortsInput): Promise<InjectionPorts> {
  const inside = insidePlaces(endpoints, state.links, netns);
  const locks: (() => void)[] = [];
  let journal: Journal | null = null;
  let pairs: PortPairs | null = null;
  const close = async (): Promise<readonly string[]> => {
    const { unrestored, failed } = await undoAll(journal?.entries() ?? [], netns, async () => {
      pairs?.close();
      await untilGone(pairs?.names ?? [], netns);
    });
    const remaining = await leftOver(pairs?.names ?? [], readState);
    if (failed.length + remaining.length === 0) journal?.remove();
    else journal?.release();
    for (const release of locks) release();
    return [...failed, ...unrestored, ...remaining];
  };
  const sending = new Set([
    ...lower,
    ...endpoints
      .filter(({ name, attach }) => isOnPort(attach) && senders.has(name) && !inside.has(name))
      .map(({ port }) => port),
  ]);
  const ports = state.links.filter(({ name }) => sending.has(name));
  try {
    for (const bridge of bridges) {
      const ifindex = linkNamed(state, bridge)?.ifindex ?? 0;
      locks.push(takeRunLock({ folder: journalFolder, netns, ifindex, what: `bridge ${bridge}` }));
    }
    journal = openJournal(journalFolder, { runId, netns });
    pairs = await makePortPairs({ ports, netns, runId, journal });
  } catch (error) {
    await close();
    const mayBeGone = error instanceof VerifyError && error.code !== 'locked';
    throw (mayBeGone ? await goneError(ports, readState) : null) ?? error;
  }
  const portPairs = pairs;
  return { journal, inside, of: (port) => portPairs.of(port), close };
}
