import type { GuestRecord, Manager } from '../../model/host-config.js';
import type { Mac } from '../../model/scenario.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { normalizeMac } from './guest-manager.js';
import { guestInSandbox } from './sandbox.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly firecracker: true;
    readonly 'cloud-hypervisor': true;
    readonly qemu: true;
  }
}

/** A process that runs a machine, by /proc. */
export interface MonitorProcess {
  readonly pid: number;
  /** Up to 15 bytes. */
  readonly comm: string;
  readonly argv: readonly string[];
  /** Its taps in the bridges' namespace. */
  readonly taps: readonly string[];
  /** Root's, or of an account that runs machines. */
  readonly isTrusted: boolean;
  /** It is in the bridges' namespace. */
  readonly here: boolean;
}

function valueOf(argv: readonly string[], option: string): string | null {
  const at = argv.findIndex((word) => word === option || word.startsWith(`${option}=`));
  const word = argv[at];
  if (word === undefined) return null;
  return word === option ? (argv[at + 1] ?? null) : word.slice(option.length + 1);
}

const stem = (path: string): string => (path.split('/').at(-1) ?? '').replace(/\.[^.]+$/, '');

interface Card {
  /** null = the tap is passed as a descriptor. */
  readonly tap: string | null;
  readonly mac: Mac | null;
}

interface Monitor {
  readonly manager: Manager;
  readonly nameOf: (argv: readonly string[]) => string | null;
  /** Absent: its command line has no MACs. */
  readonly cardsOf?: (argv: readonly string[]) => readonly Card[];
}

const firecracker: Monitor = {
  manager: 'firecracker',
  // every machine of a jailer has an id; one started by hand may have none
  nameOf: (argv) => valueOf(argv, '--id') ?? stem(valueOf(argv, '--api-sock') ?? ''),
};
const cloudHypervisor: Monitor = {
  manager: 'cloud-hypervisor',
  // it knows no names: several are known by their sockets
  nameOf: (argv) => stem((valueOf(argv, '--api-socket') ?? '').replace(/^path=/, '')),
  // `--net tap=TAP,mac=MAC`
  cardsOf: (argv) =>
    valuesOf(argv, '-net').map((value) => {
      const { tap = null, mac } = propertiesOf(value, 'tap');
      return { tap, mac: normalizeMac(mac) };
    }),
};
const qemu: Monitor = {
  manager: 'qemu',
  nameOf(argv) {
    return propertiesOf(valuesOf(argv, '-name')[0] ?? '', 'guest')['guest'] ?? null;
  },
  cardsOf: qemuCards,
};

/** By the kernel's process name: 15 bytes. */
const monitors: ReadonlyMap<string, Monitor> = new Map([
  ['firecracker', firecracker],
  ['cloud-hyperviso', cloudHypervisor],
  ...[
    'qemu-system-x86',
    'qemu-system-aar',
    'qemu-system-ris',
    'qemu-system-ppc',
    'qemu-system-s39',
    'qemu-kvm',
    'kvm',
  ].map((comm): [string, Monitor] => [comm, qemu]),
]);

type Properties = Readonly<Record<string, string | undefined>>;

/**
 * An option of QEMU: `driver,key=value`, or libvirt's JSON (qemu(1), -device). `first`: the key of a first word without
 * one.
 */
function propertiesOf(option: string, first: string): Properties {
  if (option.startsWith('{')) return textsIn(option);
  return Object.fromEntries(
    option.split(/(?<!,),(?!,)/).map((part, at) => {
      const equals = part.indexOf('=');
      if (equals < 0) return [at === 0 ? first : part, part];
      return [part.slice(0, equals), part.slice(equals + 1).replaceAll(',,', ',')];
    }),
  );
}

function textsIn(json: string): Properties {
  try {
    const fields = Object.entries(fieldsOf(JSON.parse(json)) ?? {});
    return Object.fromEntries(fields.map(([key, value]) => [key, textOf(value) ?? undefined]));
  } catch {
    return {};
  }
}

function valuesOf(argv: readonly string[], option: string): readonly string[] {
  return argv.flatMap((word, at) => (word === option || word === `-${option}` ? [argv[at + 1] ?? ''] : []));
}

/** `-netdev tap,id=ID,ifname=TAP` with `-device CARD,netdev=ID,mac=MAC`, or both in `-nic tap,ifname=TAP,mac=MAC`. */
function qemuCards(argv: readonly string[]): readonly Card[] {
  const tapsOf = (option: string): readonly Properties[] =>
    valuesOf(argv, option)
      .map((value) => propertiesOf(value, 'type'))
      .filter(({ type }) => type === 'tap');
  const devices = valuesOf(argv, '-device').map((value) => propertiesOf(value, 'driver'));
  const cardOf = ({ ifname }: Properties, card: Properties | undefined): Card => ({
    tap: ifname ?? null,
    mac: normalizeMac(card?.['mac']),
  });
  return [
    ...tapsOf('-netdev').map((tap) =>
      cardOf(
        tap,
        devices.find(({ netdev }) => netdev === tap['id']),
      ),
    ),
    ...tapsOf('-nic').map((nic) => cardOf(nic, nic)),
  ];
}

/** null = not known. A card with its tap as a descriptor counts only if it is the only one. */
function macBehind(tap: string, taps: readonly string[], cards: readonly Card[]): Mac | null {
  const named = cards.find((card) => card.tap === tap);
  if (named !== undefined) return named.mac;
  return taps.length === 1 && cards.length === 1 && cards[0]?.tap === null ? cards[0].mac : null;
}

/** True if a process of that kernel name runs a machine. */
export function isMonitor(comm: string): boolean {
  return monitors.has(comm);
}

/**
 * Interfaces of machines that QEMU, Firecracker and Cloud Hypervisor run without a manager, named by the command line.
 * Their taps are their ports; without taps here, their namespace leads to these. A process of another user only claims
 * a name: without id, so that interfaces get no common owner, and without MAC.
 */
export function monitorGuests(processes: readonly MonitorProcess[]): readonly GuestRecord[] {
  return processes.flatMap(({ pid, comm, argv, taps, isTrusted, here }): readonly GuestRecord[] => {
    const monitor = monitors.get(comm);
    if (monitor === undefined) return [];
    const name = monitor.nameOf(argv) || `${monitor.manager}-${pid}`;
    const record = guestInSandbox(monitor.manager, name, `/proc/${pid}/ns/net`, { id: String(pid) });
    const { id: _id, ...unnumbered } = record;
    const known = isTrusted ? record : { ...unnumbered, isClaimed: true as const };
    if (!here && taps.length === 0) return [known];
    // its own namespace is that of the bridges, which leads nowhere
    const { netns: _netns, ...named } = known;
    const cards = isTrusted ? (monitor.cardsOf?.(argv) ?? []) : [];
    // qemu(1): it waits for a machine that runs elsewhere
    const arriving = argv.includes('-incoming') ? { isArriving: true } : {};
    return taps.map((port) => ({ ...named, port, mac: macBehind(port, taps, cards), ...arriving }));
  });
}

/** The same processes from JSON, without other values. */
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
            isTrusted: record['isTrusted'] === true,
            here: record['here'] === true,
          },
        ];
  });
}
