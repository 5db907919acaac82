import { statSync } from 'node:fs';
import { isMonitor, type MonitorProcess } from '../../core/discover/guests/machine-monitors.js';
import type { GuestRecord } from '../../core/model/host-config.js';
import { descriptorsOf, procNames, procText } from '../kernel/proc-files.js';
import type { GuestParser } from './ask-guests.js';
import type { Printed } from './parse-guests.js';

/** Runs a program to its end, and gives what it printed. Rejects with VerifyError. */
export type Ask = (argv: readonly string[]) => Promise<Printed>;

const idForm = /^[\w.-]{1,128}$/;
/** The first words of the lines of a table, whose first line names the columns. */
const rowsOf = ({ text }: Printed): readonly (readonly string[])[] =>
  text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([id = '']) => idForm.test(id));
const wordsOf = ({ text }: Printed): readonly string[] => text.split(/\s+/).filter((word) => idForm.test(word));

/** Containers that run under containerd, but Docker's, which reports them itself. */
export async function containerdRecords(ask: Ask, parser: GuestParser): Promise<readonly GuestRecord[]> {
  const found: GuestRecord[] = [];
  for (const space of wordsOf(await ask(['ctr', 'namespaces', 'list', '--quiet']))) {
    if (space === 'moby') continue;
    const ctr = ['ctr', '--namespace', space];
    for (const [id = '', pid, status] of rowsOf(await ask([...ctr, 'tasks', 'list'])))
      if (status === 'RUNNING' && Number(pid) > 0)
        found.push(
          ...(await parser.ask({
            manager: 'containerd',
            space,
            pid: Number(pid),
            container: await ask([...ctr, 'containers', 'info', id]),
          })),
        );
  }
  return found;
}

/** Pods that are ready, of containerd or CRI-O, whichever crictl is set up for. */
export async function criRecords(ask: Ask, parser: GuestParser): Promise<readonly GuestRecord[]> {
  const found: GuestRecord[] = [];
  for (const id of wordsOf(await ask(['crictl', 'pods', '--state', 'ready', '--quiet'])))
    found.push(
      ...(await parser.ask({ manager: 'cri', pod: await ask(['crictl', 'inspectp', '--output', 'json', id]) })),
    );
  return found;
}

/** Containers of systemd-nspawn that systemd-machined knows. */
export async function nspawnRecords(ask: Ask, parser: GuestParser): Promise<readonly GuestRecord[]> {
  const listed = await ask(['machinectl', 'list', '--no-legend', '--no-pager']);
  const found: GuestRecord[] = [];
  for (const line of listed.text.split('\n')) {
    const [name = '', , service] = line.trim().split(/\s+/);
    if (!idForm.test(name) || service !== 'systemd-nspawn') continue;
    const machine = await ask(['machinectl', 'show', '--property=Name,Leader,Service', name]);
    found.push(...(await parser.ask({ manager: 'nspawn', machine })));
  }
  return found;
}

/**
 * Machines that Firecracker and Cloud Hypervisor run, from /proc. `netns`: the namespace of the bridges, null = the
 * caller's.
 */
export async function monitorRecords(netns: string | null, parser: GuestParser): Promise<readonly GuestRecord[]> {
  const processes = monitorProcesses(netns);
  return processes.length === 0
    ? []
    : parser.ask({ manager: 'monitors', processes: { command: '/proc', text: JSON.stringify(processes) } });
}

function monitorProcesses(netns: string | null): readonly MonitorProcess[] {
  const bridges = inodeOf(netns ?? '/proc/self/ns/net');
  return procNames('/proc').flatMap((pid): readonly MonitorProcess[] => {
    if (!/^\d+$/.test(pid)) return [];
    const comm = procText(`/proc/${pid}/comm`).trim();
    if (!isMonitor(comm)) return [];
    return [
      {
        pid: Number(pid),
        comm,
        argv: procText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
        taps: tapsOf(pid),
        here: bridges !== null && inodeOf(`/proc/${pid}/ns/net`) === bridges,
      },
    ];
  });
}

/** The taps that a process holds: the driver reports their names in fdinfo (drivers/net/tun.c, tun_chr_show_fdinfo). */
function tapsOf(pid: string): readonly string[] {
  if (!descriptorsOf(pid).includes('/dev/net/tun')) return [];
  const names = procNames(`/proc/${pid}/fdinfo`).flatMap(
    (fd) => /^iff:\t(\S+)$/m.exec(procText(`/proc/${pid}/fdinfo/${fd}`))?.[1] ?? [],
  );
  return [...new Set(names)];
}

/** Network namespaces are distinguished by it; null = there is none, or it may not be looked at. */
function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}
