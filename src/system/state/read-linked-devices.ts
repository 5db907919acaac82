import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Observer } from '../../core/model/plan.js';
import type { Beside, ForeignBridge, LinkedDevice } from '../../core/model/state.js';
import type { Account } from '../../core/model/timeline.js';
import { accountsOf } from '../../core/plan/accounts.js';
import type { CountedPort } from '../../core/protocol/host-messages.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type KernelLink, linksOf, spaceNumber } from '../kernel/ask/links.js';
import { openNetlinkAsker } from '../kernel/ask/netlink-dump.js';
import { inNamespace, inNamespaceFd } from '../kernel/namespaces.js';
import { NETLINK_ROUTE } from '../kernel/netlink-socket.js';
import { readOffloads } from './read-devices.js';

/** What distinguishes two namespaces. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null; // its process ended
  }
}

/** Where namespaces of the network are mounted: `ip netns`, Docker (mountinfo of proc(5): the mount point is the fifth). */
function mountedSpaces(): readonly string[] {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(' - nsfs '))
      .flatMap((line) => {
        const [, , , root = '', place] = line.split(' ');
        return root.startsWith('net:') && place !== undefined ? [place] : [];
      });
  } catch {
    return [];
  }
}

/** A path of each network namespace that is mounted or that a process lives in, but for those named. */
function otherSpaces(known: ReadonlySet<string>): readonly string[] {
  const found = new Set(known);
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return [...mountedSpaces(), ...processes.map((pid) => `/proc/${pid}/ns/net`)].filter((path) => {
    const identity = identityOf(path);
    if (identity === null || found.has(identity)) return false;
    found.add(identity);
    return true;
  });
}

/** The links of a namespace, and its number for the one that is open as `home`; null = nobody may look. */
function linksIn(
  fd: number,
  home: number,
): { readonly links: readonly KernelLink[]; readonly home: number | null } | null {
  try {
    return inNamespaceFd(fd, () => {
      const asker = openNetlinkAsker(NETLINK_ROUTE);
      if (asker === null) return null;
      try {
        const links = linksOf(asker);
        return links === null ? null : { links, home: spaceNumber(asker, home) };
      } finally {
        asker.close();
      }
    });
  } catch (error) {
    if (error instanceof VerifyError) return null;
    throw error;
  }
}

function deviceOf(link: KernelLink, space: string | null): LinkedDevice {
  const { name, ifindex, kind, mac, master, up, queue, mode } = link;
  return {
    space,
    name,
    ifindex,
    kind,
    mac,
    lower: link.link,
    master,
    up,
    ...(mode === null ? {} : { mode }),
    ...(queue === null ? {} : { queue }),
  };
}

/**
 * The devices of a namespace, and those of others that stand on one of them or are its other end. What is in a
 * namespace that no process lives in and that is mounted nowhere is not found.
 */
export function readLinkedDevices(netns: string | null): readonly LinkedDevice[] {
  return readAround(netns).devices;
}

/** Where ip-netns(8) keeps its names. */
const named = '/run/netns/';

/** `readLinkedDevices`, and the bridges with ports in other namespaces that are linked to this one or have a name. */
export function readAround(netns: string | null): Pick<Beside, 'devices' | 'bridges'> {
  const homePath = netns ?? '/proc/self/ns/net';
  const home = openSync(homePath, 'r');
  try {
    const here = inNamespace(netns, () => {
      const asker = openNetlinkAsker(NETLINK_ROUTE);
      try {
        return asker === null ? [] : (linksOf(asker) ?? []);
      } finally {
        asker?.close();
      }
    });
    // what stands in another namespace is none of this one's: a number there may be another device's here
    const devices = here.map((link) => deviceOf(link.linkSpace === null ? link : { ...link, link: null }, null));
    const bridges: ForeignBridge[] = [];
    for (const path of otherSpaces(new Set([identityOf(homePath) ?? '']))) {
      const found = lookInto(path, home);
      const linked = (found?.links ?? []).filter(({ linkSpace }) => linkSpace !== null && linkSpace === found?.home);
      devices.push(...linked.map((link) => deviceOf(link, path)));
      if (linked.length > 0 || path.startsWith(named))
        bridges.push(...bridgesAmong(found?.links ?? [], path, linked.length > 0));
    }
    return { devices, bridges };
  } finally {
    closeSync(home);
  }
}

function lookInto(path: string, home: number): ReturnType<typeof linksIn> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return linksIn(fd, home);
  } finally {
    closeSync(fd);
  }
}

function bridgesAmong(links: readonly KernelLink[], space: string, linked: boolean): readonly ForeignBridge[] {
  return links.flatMap(({ kind, name, ifindex }) => {
    const ports = kind === 'bridge' ? links.filter(({ master }) => master === ifindex).length : 0;
    return ports === 0 ? [] : [{ space, name, ports, linked }];
  });
}

/** Where the ports of an account are. */
export interface AccountPlace {
  readonly home: string | null;
  readonly devices: readonly LinkedDevice[];
  /** All veth ports in one account. */
  readonly pooled: boolean;
  /** Whether the far end of a veth that is in no namespace that was found may take frames by polling. */
  readonly lostEndPolls: boolean;
}

/** Does that end of a veth take frames by polling? One that cannot be asked may. */
function polls({ home, lostEndPolls }: AccountPlace, end: LinkedDevice | undefined): boolean {
  if (end === undefined) return lostEndPolls;
  const { space, name } = end;
  try {
    return readOffloads(space ?? home, [name])[name]?.includes('generic receive') !== false;
  } catch {
    return true; // its namespace ended
  }
}

/** The accounts of these observers' ports, as they can be counted in this machine. */
export function accountsAt(place: AccountPlace, observers: readonly Observer[]): Readonly<Record<string, Account>> {
  return accountsOf({ observers }, place.devices, {
    processors: cpus().length,
    polls: (end) => polls(place, end),
    pooled: place.pooled,
  });
}

/**
 * The accounts of ports of a namespace of this host, under the names that the plan has for them; `counted`: what a
 * capture here has to count for them.
 */
export function accountsOfPorts(
  netns: string | null,
  ports: readonly CountedPort[],
  pooled: boolean,
): {
  readonly accounts: Readonly<Record<string, Account>>;
  readonly counted: Readonly<
    Record<string, { readonly observers: readonly string[]; readonly devices: readonly string[] }>
  >;
} {
  const place = { home: netns, devices: readLinkedDevices(netns), pooled, lostEndPolls: true };
  const portOf = new Map(ports.map(({ device, port }) => [device, port]));
  const observers = ports.map(
    ({ observer, bridge, device }) =>
      ({ name: observer, interface: device, bridge, place: 'port', role: 'guest', macs: [], judged: true }) as const,
  );
  const found = Object.entries(accountsAt(place, observers)).map(([name, account]) => ({
    name: portOf.get(name) ?? name,
    account,
  }));
  return {
    accounts: Object.fromEntries(
      found.map(({ name, account }) => [
        name,
        { ...account, ports: account.ports.map((device) => portOf.get(device) ?? device) },
      ]),
    ),
    counted: Object.fromEntries(
      found.map(({ name, account }) => [name, { observers: account.observers, devices: account.ports }]),
    ),
  };
}
