import type { GuestRecord, Manager } from '../../model/host-config.js';
import { objectsOf, textOf } from '../../text/json-text.js';
import { guestInSandbox } from './sandbox.js';

/** A process that runs a machine, as /proc reports it. */
export interface MonitorProcess {
  readonly pid: number;
  /** What the kernel calls it: 15 bytes at most. */
  readonly comm: string;
  readonly argv: readonly string[];
  /** Names of the taps that it holds, in its own network namespace. */
  readonly taps: readonly string[];
  /** It is in the network namespace of the bridges. */
  readonly here: boolean;
}

/** The value of `--option VALUE` or `--option=VALUE`. */
function valueOf(argv: readonly string[], option: string): string | null {
  const at = argv.findIndex((word) => word === option || word.startsWith(`${option}=`));
  const word = argv[at];
  if (word === undefined) return null;
  return word === option ? (argv[at + 1] ?? null) : word.slice(option.length + 1);
}

/** The name of a file without folders and its last ending. */
const stem = (path: string): string => (path.split('/').at(-1) ?? '').replace(/\.[^.]+$/, '');

/** Programs that run one machine each, by what the kernel calls their process, and what they call the machine. */
const monitors: ReadonlyMap<
  string,
  { readonly manager: Manager; readonly nameOf: (argv: readonly string[]) => string | null }
> = new Map([
  [
    'firecracker',
    {
      manager: 'firecracker' as const,
      // every machine of a jailer has an id; one started by hand may have none
      nameOf: (argv: readonly string[]) => valueOf(argv, '--id') ?? stem(valueOf(argv, '--api-sock') ?? ''),
    },
  ],
  [
    'cloud-hyperviso',
    {
      manager: 'cloud-hypervisor' as const,
      // it knows no names: several are known by their sockets
      nameOf: (argv: readonly string[]) => stem((valueOf(argv, '--api-socket') ?? '').replace(/^path=/, '')),
    },
  ],
]);

/** Whether a process runs a machine, by what the kernel calls it. */
export function isMonitor(comm: string): boolean {
  return monitors.has(comm);
}

/**
 * The interfaces of machines that Firecracker and Cloud Hypervisor run, which have no manager to ask: named by their
 * command line, found by the taps that they hold, else by the namespace that they are in.
 */
export function monitorGuests(processes: readonly MonitorProcess[]): readonly GuestRecord[] {
  return processes.flatMap(({ pid, comm, argv, taps, here }): readonly GuestRecord[] => {
    const monitor = monitors.get(comm);
    if (monitor === undefined) return [];
    const name = monitor.nameOf(argv) || `${monitor.manager}-${pid}`;
    const record = guestInSandbox(monitor.manager, name, `/proc/${pid}/ns/net`, { id: String(pid) });
    // its own namespace is that of the bridges, which leads nowhere
    const { netns: _, ...named } = record;
    return here ? taps.map((port) => ({ ...named, port })) : [record];
  });
}

/** The same processes from JSON; what is none is left out. */
export function monitorProcesses(json: unknown): readonly MonitorProcess[] {
  return objectsOf(json).flatMap((record) => {
    const words = (value: unknown): readonly string[] =>
      Array.isArray(value) ? value.flatMap((word) => textOf(word) ?? []) : [];
    return typeof record['pid'] !== 'number'
      ? []
      : [
          {
            pid: record['pid'],
            comm: textOf(record['comm']) ?? '',
            argv: words(record['argv']),
            taps: words(record['taps']),
            here: record['here'] === true,
          },
        ];
  });
}
