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

/** A process that runs a machine, as /proc reports it. */
export interface MonitorProcess {
  readonly pid: number;
  /** What the kernel calls it: 15 bytes at most. */
  readonly comm: string;
  readonly argv: readonly string[];
  /** Names of the taps in the network namespace of the bridges that it holds. */
  readonly taps: readonly string[];
  /** It is root's, or of an account that runs machines. */
  readonly isTrusted: boolean;
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

/** A card of a machine, as its command line has it. */
interface Card {
  /** Null = the tap is handed over as a descriptor. */
  readonly tap: string | null;
  readonly mac: Mac | null;
}

/** A program that runs one machine. */
interface Monitor {
  readonly manager: Manager;
  /** What it calls the machine; null or empty = nothing. */
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
};
const qemu: Monitor = {
  manager: 'qemu',
  nameOf(argv) {
    return propertiesOf(valuesOf(argv, '-name')[0] ?? '', 'guest')['guest'] ?? null;
  },
  cardsOf: qemuCards,
};

/** By what the kernel calls their process: 15 bytes of the program's name. */
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
 * An option of QEMU: `driver,key=value`, or JSON, as libvirt writes it (qemu(1), -device). `first`: the key of a first
 * word that has none.
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

/** The properties of a JSON object that are text; none where it is not JSON. */
function textsIn(json: string): Properties {
  try {
    const fields = Object.entries(fieldsOf(JSON.parse(json)) ?? {});
    return Object.fromEntries(fields.map(([key, value]) => [key, textOf(value) ?? undefined]));
  } catch {
    return {};
  }
}

/** Each value of an option that may come several times. */
function valuesOf(argv: readonly string[], option: string): readonly string[] {
  return argv.flatMap((word, at) => (word === option || word === `-${option}` ? [argv[at + 1] ?? ''] : []));
}

/**
 * `-netdev tap,id=ID,ifname=TAP` with `-device CARD,netdev=ID,mac=MAC`, and both in one: `-nic tap,ifname=TAP,mac=MAC`.
 */
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

/** The MAC behind a tap; null = not known. A card whose tap came as a descriptor is the only one, or no one's. */
function macBehind(tap: string, taps: readonly string[], cards: readonly Card[]): Mac | null {
  const named = cards.find((card) => card.tap === tap);
  if (named !== undefined) return named.mac;
  return taps.length === 1 && cards.length === 1 && cards[0]?.tap === null ? cards[0].mac : null;
}

/** True if a process runs a machine, by what the kernel calls it. */
export function isMonitor(comm: string): boolean {
  return monitors.has(comm);
}

/**
 * The interfaces of machines that QEMU, Firecracker and Cloud Hypervisor run without a manager. Their command line
 * names them. The taps that they hold are their ports; without taps here, their namespace leads to them. A process of
 * another user only claims a name: it has no id, by which interfaces come to one owner, and no MAC.
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

/** The same processes from JSON; what is not a process is left out. */
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
