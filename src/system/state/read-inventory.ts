import { existsSync } from 'node:fs';
import { guestManagers, managers } from '../../core/discover/guests.js';
import { withSandboxPort } from '../../core/discover/guests/containers.js';
import { portsOfSandbox, withoutSharedMacs } from '../../core/discover/guests/sandbox.js';
import type { GuestRecord, Inventory, Manager } from '../../core/model/host-config.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { mustRun, readJson, showCommand } from '../process/programs.js';
import { type GuestParser, guestParser } from './ask-guests.js';
import { monitorRecords } from './read-monitors.js';

const timeoutMs = 10_000;
const maxOutput = 64 * 2 ** 20;
const bounds = { timeoutMs, maxOutput };
/** qm is a second of Perl, and libvirtd accepts twenty read-only clients. */
const sideBySide = 4;

type Bridged = Pick<HostState, 'links' | 'fdb'>;

interface Inquiry {
  readonly links: readonly LinkState[];
  readonly netns: string | null;
  readonly parser: GuestParser;
  readonly missed: (what: string, error: unknown) => void;
}

/** Skips missing programs, names failing ones in `unread`. `bridged`: of the bridges' namespace. */
export async function readInventory(bridged: Bridged, netns: string | null): Promise<Inventory> {
  const unread = new Map<string, string>();
  const parser = guestParser();
  const missed = (what: string, error: unknown): void => {
    assertKnown(error);
    // one manager's guests fail alike
    if (error.code !== 'program-missing' && !unread.has(what)) unread.set(what, error.message);
  };
  const inquiry = { links: bridged.links, netns, parser, missed };
  try {
    const monitors = monitorRecords(netns, parser).catch((error: unknown) => {
      missed('machine monitors', error);
      return [];
    });
    const guests = await Promise.all([...managers.map((by) => guestsBy(by, inquiry)), monitors]);
    return {
      guests: await withPorts(guests.flat(), bridged),
      unread: [...unread].map(([what, why]) => ({ what, why })),
    };
  } finally {
    parser.end();
  }
}

/** An unreadable guest does not hide the others. */
async function guestsBy(by: Manager, { links, netns, parser, missed }: Inquiry): Promise<readonly GuestRecord[]> {
  const manager = guestManagers[by];
  if (manager === null || manager.where?.some(existsSync) === false) return [];
  const { what, besideBridges, queries } = manager;
  const options = besideBridges === true ? { ...bounds, netns } : bounds;
  const ask = (argv: readonly string[]): Promise<string> => mustRun(argv, options);
  const none = (error: unknown): readonly [] => {
    missed(what, error);
    return [];
  };
  return inTurns(
    await queries(ask, links).catch(none),
    async ({ argv, about = {} }) => {
      const text = await ask(argv);
      return parser.ask({ by, command: showCommand(argv), text, about });
    },
    none,
  );
}

async function inTurns<Item, Read>(
  items: readonly Item[],
  read: (item: Item) => Promise<readonly Read[]>,
  failed: (error: unknown) => readonly Read[],
): Promise<readonly Read[]> {
  const results: (readonly Read[])[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) results[at] = await read(item).catch(failed);
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  return results.flat();
}

async function withPorts(guests: readonly GuestRecord[], bridged: Bridged): Promise<readonly GuestRecord[]> {
  const { links } = bridged;
  const incomplete = guests.filter(({ port, mac }) => port === null || mac === null);
  const inside = new Map(
    await inTurns(
      [...new Set(incomplete.flatMap(({ netns }) => netns ?? []))],
      async (netns) => [[netns, await linksIn(netns)] as const],
      (error) => {
        throw error;
      },
    ),
  );
  const known: GuestRecord[] = [];
  const readInside: GuestRecord[] = [];
  for (const guest of guests) {
    if (guest.netns === undefined) known.push(guest);
    else if (guest.mac === null) readInside.push(...portsOfSandbox(guest, inside.get(guest.netns), links));
    else known.push(guest.port === null ? withSandboxPort(guest, inside.get(guest.netns), links) : guest);
  }
  return [...known, ...withoutSharedMacs(readInside, known, bridged)];
}

/** None if the namespace ended or may not be entered: then MACs identify the guest. */
async function linksIn(netns: string): Promise<unknown> {
  try {
    return await readJson(['ip', '-j', '-d', 'address', 'show'], { netns, ...bounds });
  } catch (error) {
    assertKnown(error);
    return [];
  }
}
