import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { type Place, netnsFolder } from '../../core/model/fabric.js';
import type { Beside, ForeignBridge, LinkedDevice } from '../../core/model/state.js';
import type { Account, AccountWindow } from '../../core/model/timeline.js';
import { accountsOf, insideAccounts } from '../../core/plan/accounts.js';
import { restReadings, withReading } from '../../core/protocol/account-window.js';
import type { CountedPort } from '../../core/protocol/host-messages.js';
import { assertKnown, messageOf, systemCode } from '../../core/model/verify-error.js';
import { addressesOf, type KernelLink, linksOf, spaceNumber } from '../kernel/ask/links.js';
import { openNetlinkAsker } from '../kernel/ask/netlink-dump.js';
import { inNamespace, inNamespaceFd } from '../kernel/namespaces.js';
import { NETLINK_ROUTE } from '../kernel/netlink-socket.js';
import { isFirstUserSpace, procLink, procNames, procText } from '../kernel/proc-files.js';
import { type Passed, readOffloads, readPassed } from './read-devices.js';
import { addTo, given } from '../../core/text/collections.js';

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null; // its process ended
  }
}

/** Mount points of `ip netns`, Docker (mountinfo's fifth column, proc(5), octal escapes). */
function mountedSpaces(pid: string): readonly string[] {
  const text = procText(`/proc/${pid}/mountinfo`);
  if (!text.includes(' - nsfs ')) return [];
  return text
    .split('\n')
    .filter((line) => line.includes(' - nsfs '))
    .flatMap((line) => {
      const [, , , root = '', place] = line.split(' ');
      if (!root.startsWith('net:') || place === undefined) return [];
      return [place.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))];
    });
}

function mountViews(processes: readonly string[]): readonly string[] {
  const views = new Map<string, string>();
  for (const pid of processes) {
    const view = `${identityOf(`/proc/${pid}/ns/mnt`) ?? ''} ${procLink(`/proc/${pid}/root`)}`;
    if (!views.has(view)) views.set(view, pid);
  }
  return [...views.values()];
}

/** A thread may have its own namespace (unshare(2)). */
function threadsOf(pid: string): readonly string[] {
  const folder = `/proc/${pid}/task`;
  // a link for the folder, one for itself, and one a thread (proc_task_getattr, fs/proc/base.c)
  const links = statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0;
  return links <= 3 ? [] : procNames(folder).filter((thread) => thread !== pid);
}

/** Mounts come first: a process may end. */
function otherSpaces(home: string): ReadonlyMap<string, readonly string[]> {
  const processes = procNames('/proc').filter((name) => /^\d+$/.test(name));
  const paths = new Map<string, string[]>();
  const add = (path: string): void => {
    const identity = identityOf(path);
    if (identity !== null && identity !== home) addTo(paths, identity, path);
  };
  mountedSpaces('self').forEach(add);
  for (const pid of processes) add(`/proc/${pid}/ns/net`);
  for (const pid of processes) for (const thread of threadsOf(pid)) add(`/proc/${pid}/task/${thread}/ns/net`);
  for (const pid of mountViews(processes)) for (const place of mountedSpaces(pid)) add(`/proc/${pid}/root${place}`);
  return paths;
}

/** A namespace's links. */
export interface SpaceLinks {
  readonly path: string;
  readonly links: readonly KernelLink[];
  readonly home: number | 'none';
  readonly addresses: ReadonlyMap<number, readonly string[]>;
}

function isByAddress({ kind }: KernelLink): boolean {
  return kind === 'ipvlan' || kind === 'ipvtap';
}

function linksHere(path: string, home: number): SpaceLinks | string {
  const asker = openNetlinkAsker(NETLINK_ROUTE);
  if (asker === null) return 'no netlink socket can be opened there';
  try {
    const links = linksOf(asker);
    const number = spaceNumber(asker, home);
    const addresses = links?.some(isByAddress) === true ? addressesOf(asker) : new Map<number, readonly string[]>();
    if (links === null || number === null || addresses === null) return 'the kernel does not list its devices';
    return { path, links, home: number, addresses };
  } finally {
    asker.close();
  }
}

function deviceOf(link: KernelLink, space: string | null, addresses?: SpaceLinks['addresses']): LinkedDevice {
  const { name, ifindex, kind, mac, master, up, queue, mode, flag, received, xdpId } = link;
  return {
    space,
    name,
    ifindex,
    kind,
    mac,
    lower: link.link,
    master,
    up,
    ...given({ mode, flag }),
    ...(addresses !== undefined && isByAddress(link) ? { ips: addresses.get(ifindex) ?? [] } : {}),
    ...given({ queue, received, xdpId }),
  };
}

/**
 * Devices of a namespace, and those of others that stand on one or are its other end. A namespace without threads and
 * mounts is not found.
 */
export function readLinkedDevices(netns: string | null): LinkedDevices {
  const { devices, unread } = lookAround(netns);
  return { devices, unread };
}

/** Devices, and unreadable namespaces with reasons. */
export interface LinkedDevices {
  readonly devices: readonly LinkedDevice[];
  readonly unread: readonly string[];
}

/**
 * `readLinkedDevices` without momentary values, and bridges whose ports are in other namespaces that are linked to this
 * one or named.
 */
export function readAround(netns: string | null): Pick<Beside, 'devices' | 'bridges'> {
  const { devices, bridges } = lookAround(netns);
  return { devices: devices.map(({ spaceId: _id, received: _count, xdpId: _program, ...device }) => device), bridges };
}

function lookAround(netns: string | null): Pick<Beside, 'devices' | 'bridges'> & LinkedDevices {
  const homePath = netns ?? '/proc/self/ns/net';
  const home = openSync(homePath, 'r');
  try {
    const here = inNamespace(netns, () => linksHere(homePath, home));
    if (typeof here === 'string')
      return { devices: [], bridges: [], unread: [`the namespace of the bridges: ${here}`] };
    // a lower device in another namespace has a number of that one
    const devices = here.links.map((link) => deviceOf(link.linkSpace === null ? link : { ...link, link: null }, null));
    const bridges: ForeignBridge[] = [];
    const unread: string[] = [];
    for (const [spaceId, paths] of otherSpaces(identityOf(homePath) ?? '')) {
      const space = lookInto(spaceId, paths, { netns, fd: home });
      if (typeof space === 'string') unread.push(space);
      if (space === null || typeof space === 'string') continue;
      const { path, links, addresses } = space;
      const linked = links.filter(({ linkSpace }) => linkSpace !== null && linkSpace === space.home);
      devices.push(...linked.map((link) => ({ ...deviceOf(link, path, addresses), spaceId })));
      if (linked.length > 0 || path.startsWith(netnsFolder))
        bridges.push(...bridgesAmong(links, path, linked.length > 0));
    }
    return { devices, bridges, unread };
  } finally {
    closeSync(home);
  }
}

interface Home {
  readonly netns: string | null;
  readonly fd: number;
}

/**
 * Contents of a namespace by the first path that still leads there; null = gone, or another user's without links to
 * home. A text = why it cannot be entered.
 */
export function lookInto(identity: string, paths: readonly string[], home: Home): SpaceLinks | string | null {
  let refusal: string | null = null;
  for (const path of paths) {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      // a process that ended: another one may live there
      if (!['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '')) refusal ??= `${path}: ${messageOf(error)}`;
      continue;
    }
    try {
      const { dev, ino } = fstatSync(fd);
      if (`${dev}:${ino}` !== identity) continue;
      const found = inNamespaceFd(fd, () => linksHere(path, home.fd));
      return typeof found === 'string' ? `${path}: ${found}` : found;
    } catch (error) {
      assertKnown(error);
      return isBeyond(fd, home) ? null : `${path}: ${error.message}`;
    } finally {
      closeSync(fd);
    }
  }
  return refusal;
}

/** Links in namespaces by inode (null = all others). `ownPaths`: paths unknown to other processes. */
export function readSpaces(
  netns: string | null,
  numbers: ReadonlySet<number> | null,
  ownPaths: readonly string[] = [],
): ReadonlyMap<number, SpaceLinks> {
  const found = new Map<number, SpaceLinks>();
  const homePath = netns ?? '/proc/self/ns/net';
  const home = openSync(homePath, 'r');
  try {
    const ofHeld = ownPaths.map((path) => [identityOf(path) ?? '', [path]] as const);
    for (const [identity, paths] of [...ofHeld, ...otherSpaces(identityOf(homePath) ?? '')]) {
      const number = Number(identity.split(':')[1]);
      const space = (numbers?.has(number) ?? true) ? lookInto(identity, paths, { netns, fd: home }) : null;
      if (space !== null && typeof space !== 'string') found.set(number, space);
    }
    return found;
  } finally {
    closeSync(home);
  }
}

/** A user namespace never enters outside ones. One without a number for home has no device of home either. */
function isBeyond(fd: number, { netns }: Home): boolean {
  if (isFirstUserSpace()) return false;
  return inNamespace(netns, () => {
    const asker = openNetlinkAsker(NETLINK_ROUTE);
    try {
      return asker !== null && spaceNumber(asker, fd) === 'none';
    } finally {
      asker?.close();
    }
  });
}

function bridgesAmong(links: readonly KernelLink[], space: string, linked: boolean): readonly ForeignBridge[] {
  return links.flatMap(({ kind, name, ifindex }) => {
    const ports = kind === 'bridge' ? links.filter(({ master }) => master === ifindex).length : 0;
    return ports === 0 ? [] : [{ space, name, ports, linked }];
  });
}

/** Place of an account's ports. */
export interface AccountPlace {
  readonly home: string | null;
  readonly devices: readonly LinkedDevice[];
  readonly pooled: boolean;
  /** True if a veth's unknown far end may poll. */
  readonly lostEndPolls: boolean;
  /** undefined = in no readable namespace. */
  readonly endOf?: (observer: string) => Place | undefined;
}

/** Reads accounts that captures cannot see, until the ports rest. */
export type InsideReader = () => Readonly<Record<string, AccountWindow>>;

/** Accounts of ports, under the plan's names. */
export interface PortAccounts {
  readonly accounts: Readonly<Record<string, Account>>;
  readonly counted: Readonly<
    Record<string, { readonly observers: readonly string[]; readonly devices: readonly string[] }>
  >;
  readonly readInside: InsideReader;
}

function polls({ home, lostEndPolls }: AccountPlace, end: LinkedDevice | undefined): boolean {
  if (end === undefined) return lostEndPolls;
  const { space, name } = end;
  try {
    return readOffloads(space ?? home, [name])[name]?.includes('generic receive') !== false;
  } catch {
    return true; // its namespace ended
  }
}

interface VethEnds {
  readonly device: string;
  readonly end: Place;
}

function endsOf({ devices, endOf }: AccountPlace, ports: readonly CountedPort[]): ReadonlyMap<string, VethEnds> {
  const here = new Map(devices.flatMap((device) => (device.space === null ? [[device.name, device] as const] : [])));
  const findEnd = (port: LinkedDevice): Place | undefined => {
    const end = devices.find(({ kind, space, lower }) => kind === 'veth' && space !== null && lower === port.ifindex);
    return end === undefined ? undefined : { device: end.name, netns: end.space };
  };
  return new Map(
    ports.flatMap(({ observer, port, device }): readonly (readonly [string, VethEnds])[] => {
      const link = here.get(device);
      if (link?.kind !== 'veth') return [];
      const end = endOf === undefined ? findEnd(link) : endOf(observer);
      return end === undefined ? [] : [[port, { device, end }]];
    }),
  );
}

function passedAt({ device, netns }: Place): Passed | null {
  try {
    return readPassed(netns).get(device) ?? null;
  } catch {
    return null; // its namespace ended
  }
}

const maxInsideReadings = 25;

function insideReader(ends: ReadonlyMap<string, VethEnds>, home: string | null): InsideReader {
  if (ends.size === 0) return () => ({});
  return () => {
    const windows = new Map<string, AccountWindow>();
    const broken = new Set<string>();
    const isEachAtRest = (): boolean => [...windows.values()].every((window) => window.rest >= restReadings);
    for (let reading = 0; reading < maxInsideReadings && (reading === 0 || !isEachAtRest()); reading += 1) {
      const first = new Map([...ends].map(([port, { end }]) => [port, passedAt(end)]));
      const linked = readPassed(home);
      for (const [port, { device, end }] of ends) {
        const [before, sent, after] = [first.get(port)?.received, linked.get(device)?.sent, passedAt(end)?.received];
        if (before === undefined || sent === undefined || after === undefined) broken.add(port);
        else
          windows.set(
            port,
            withReading(windows.get(port) ?? null, {
              before: { sent: before, dropped: 0 },
              heard: sent,
              after: { sent: after, dropped: 0 },
            }),
          );
      }
    }
    return Object.fromEntries(
      [...windows].flatMap(([port, window]) => (broken.has(port) ? [] : [[`${port} inside`, window]])),
    );
  };
}

/** Accounts of ports in one namespace. */
export function accountsOfPorts(place: AccountPlace, ports: readonly CountedPort[]): PortAccounts {
  const portOf = new Map(ports.map(({ device, port }) => [device, port]));
  const observers = ports.map(
    ({ observer, bridge, device }) =>
      ({ name: observer, interface: device, bridge, place: 'port', role: 'guest', macs: [], judged: true }) as const,
  );
  const atPorts = accountsOf({ observers }, place.devices, {
    processors: cpus().length,
    polls: (end) => polls(place, end),
    pooled: place.pooled,
  });
  const named = Object.entries(atPorts).map(([name, account]) => ({ name: portOf.get(name) ?? name, account }));
  const accounts = Object.fromEntries(
    named.map(({ name, account }) => [
      name,
      { ...account, ports: account.ports.map((device) => portOf.get(device) ?? device) },
    ]),
  );
  const ends = endsOf(place, ports);
  const inside = insideAccounts(accounts, (port) => ends.has(port));
  const insidePorts = new Set(Object.values(inside).flatMap((account) => account.ports));
  return {
    accounts: { ...accounts, ...inside },
    counted: Object.fromEntries(
      named.map(({ name, account }) => [name, { observers: account.observers, devices: account.ports }]),
    ),
    readInside: insideReader(new Map([...ends].filter(([port]) => insidePorts.has(port))), place.home),
  };
}
