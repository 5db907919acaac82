import { isMonitor, type MonitorProcess } from '../../core/discover/guests/machine-monitors.js';
import type { GuestRecord } from '../../core/model/host-config.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { libc } from '../kernel/libc.js';
import {
  devicesOf,
  inodeOf,
  tapDevice,
  procNames,
  procText,
  type TapDescriptor,
  tapDescriptorsOf,
  tapDescriptorsOfThreads,
  usersOf,
} from '../kernel/proc-files.js';
import { spaceOfTap, tapsHeldBy } from '../process/socket-holders.js';
import type { GuestParser } from './ask-guests.js';

/** QEMU, Firecracker and Cloud Hypervisor in /proc. `netns`: null = the caller's. */
export async function monitorRecords(netns: string | null, parser: GuestParser): Promise<readonly GuestRecord[]> {
  const processes = monitorProcesses(netns);
  return processes.length === 0
    ? []
    : parser.ask({ by: null, command: '/proc', text: JSON.stringify(processes), about: {} });
}

/** libvirt's and distributions' accounts (qemu.conf, `user`). */
const machinesAccounts: readonly string[] = ['libvirt-qemu', 'libvirt', 'qemu', 'kvm'];

/** The host's uids (passwd(5)): a container's file has others. */
function machinesUsers(): ReadonlySet<number> {
  const accounts = (procText('/proc/1/root/etc/passwd') || procText('/etc/passwd'))
    .split('\n')
    .map((line) => line.split(':'));
  return new Set([
    0,
    ...accounts.flatMap(([name = '', , uid]) => (machinesAccounts.includes(name) ? [Number(uid)] : [])),
  ]);
}

function monitorProcesses(netns: string | null): readonly MonitorProcess[] {
  const bridges = inodeOf(netns ?? '/proc/self/ns/net');
  const spaces = new Set(bridges === null ? [] : [bridges]);
  const trusted = machinesUsers();
  return processIds().flatMap((pid): readonly MonitorProcess[] => {
    const comm = procText(`/proc/${pid}/comm`).trim();
    if (!isMonitor(comm)) return [];
    return [
      {
        pid: Number(pid),
        comm,
        argv: procText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
        taps: tapsHeldBy(Number(pid), spaces),
        // a program may change its name, even one that changes its user
        isTrusted: usersOf(pid).every((user) => trusted.has(user)),
        here: bridges !== null && inodeOf(`/proc/${pid}/ns/net`) === bridges,
      },
    ];
  });
}

/** A link's facts about queues. */
export type TapLink = Pick<LinkState, 'name' | 'kind' | 'ifindex' | 'queues' | 'queuesOff'>;

/** Queues in several processes. Macvtaps and ipvtaps only in the caller's namespace, which /sys shows. */
export function readSharedTaps(netns: string | null, links: readonly TapLink[]): NonNullable<HostState['sharedTaps']> {
  return { ...sharedTuns(netns, links), ...(netns === null ? sharedDevices(links) : {}) };
}

/** Each open file of a macvtap's or ipvtap's device is a queue (drivers/net/tap.c, tap_open). */
function sharedDevices(links: readonly TapLink[]): NonNullable<HostState['sharedTaps']> {
  const taps = links.flatMap(({ name, kind, ifindex }) => {
    const number = tapDevice({ name, kind, ifindex });
    return number === null ? [] : [{ name, number }];
  });
  if (taps.length === 0) return {};
  const found = processIds().map((pid) => ({ pid, devices: new Set(devicesOf(pid)) }));
  return Object.fromEntries(
    taps.flatMap(({ name, number }) => {
      const holders = found.filter(({ devices }) => devices.has(number));
      return holders.length < 2 ? [] : [[name, holders.map(({ pid }) => holderOf(pid))] as const];
    }),
  );
}

function processIds(): readonly string[] {
  return procNames('/proc').filter((name) => /^\d+$/.test(name));
}

interface Holding extends TapDescriptor {
  readonly pid: string;
  /** False = of a process in another namespace, and the tap's is unknown. */
  readonly isHere: boolean;
}

/**
 * A namesake in another namespace is another tap. If its namespace is unknown, another namespace's process counts only
 * if queues are missing.
 */
function sharedTuns(netns: string | null, links: readonly TapLink[]): NonNullable<HostState['sharedTaps']> {
  const taps = links.filter(({ kind }) => kind === 'tun');
  if (taps.length === 0) return {};
  const names = new Set(taps.map(({ name }) => name));
  const bridges = inodeOf(netns ?? '/proc/self/ns/net');
  const holdingsBy = (read: (pid: string) => readonly TapDescriptor[]): readonly Holding[] =>
    processIds().flatMap((pid) => {
      const holdings = read(pid).filter(({ tap }) => names.has(tap));
      const isInside = holdings.length > 0 && inodeOf(`/proc/${pid}/ns/net`) === bridges;
      return holdings.flatMap((descriptor): readonly Holding[] => {
        const space = spaceOfTap(descriptor);
        if (space !== null && space !== bridges) return [];
        return [{ ...descriptor, pid, isHere: space !== null || isInside }];
      });
    });
  const quick = holdingsBy(tapDescriptorsOf);
  let thorough: readonly Holding[] | null = null;
  const shared = taps.flatMap(({ name, queues = 1, queuesOff = 0 }) => {
    const open = queues + queuesOff;
    const of = (found: readonly Holding[]): readonly Holding[] => found.filter(({ tap }) => tap === name);
    let holdings: readonly Holding[] = of(quick).filter(({ isHere }) => isHere);
    if (filesOf(holdings, open) < open) holdings = of(quick);
    const isCounted = queues > 1 || queuesOff > 0;
    if (isCounted && filesOf(holdings, open) < open) holdings = of((thorough ??= holdingsBy(tapDescriptorsOfThreads)));
    const readers = [...new Set(holdings.map(({ pid }) => pid))].map(holderOf);
    const isUnknown = isCounted && filesOf(holdings, open) < open;
    const withUnknown = isUnknown ? [...readers, { pid: 0, name: 'a process that was not found' }] : readers;
    return withUnknown.length < 2 && !isUnknown ? [] : [[name, withUnknown] as const];
  });
  return Object.fromEntries(shared);
}

/** Copied or inherited descriptors are one queue. A user can have many thousands. */
function filesOf(holdings: readonly Holding[], most: number): number {
  const files: Holding[] = [];
  for (const holding of holdings) {
    if (files.length >= most) break;
    if (!files.some(({ task, fd }) => libc().kcmp(task, holding.task, 0, fd, holding.fd) === 0)) files.push(holding);
  }
  return files.length;
}

function holderOf(pid: string): { readonly pid: number; readonly name: string } {
  return { pid: Number(pid), name: procText(`/proc/${pid}/comm`).trim() };
}
