import { existsSync } from 'node:fs';
import { guestManagers, managers } from '../../core/discover/guests.js';
import { withSandboxPort } from '../../core/discover/guests/containers.js';
import { portsOfSandbox } from '../../core/discover/guests/sandbox.js';
import type { GuestRecord, Inventory, Manager } from '../../core/model/host-config.js';
import type { LinkState } from '../../core/model/state.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { mustRun, readJson, showCommand } from '../process/programs.js';
import { type GuestParser, guestParser } from './ask-guests.js';
import { monitorRecords } from './read-monitors.js';

const timeoutMs = 10_000;
const maxOutput = 64 * 2 ** 20;
const bounds = { timeoutMs, maxOutput };
/**
 * Programs for one guest each run in parallel: qm is a second of Perl, and libvirtd accepts twenty read-only clients.
 */
const sideBySide = 4;

interface Inquiry {
  readonly links: readonly LinkState[];
  readonly netns: string | null;
  readonly parser: GuestParser;
  readonly missed: (what: string, error: unknown) => void;
}

/**
 * This host's guests by their managers; reads only. Skips missing programs, names failing ones in `unread`. `links`: of
 * the bridges' namespace.
 */
export async function readInventory(links: readonly LinkState[], netns: string | null): Promise<Inventory> {
  const unread = new Map<string, string>();
  const parser = guestParser();
  const missed = (what: string, error: unknown): void => {
    assertKnown(error);
    // one manager's guests fail alike
    if (error.code !== 'program-missing' && !unread.has(what)) unread.set(what, error.message);
  };
  const inquiry = { links, netns, parser, missed };
  try {
    const monitors = monitorRecords(netns, parser).catch((error: unknown) => {
      missed('machine monitors', error);
      return [];
    });
    const guests = await Promise.all([...managers.map((by) => guestsBy(by, inquiry)), monitors]);
    return {
      guests: await withPorts(guests.flat(), links),
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

async function withPorts(guests: readonly GuestRecord[], links: readonly LinkState[]): Promise<readonly GuestRecord[]> {
  const inside = new Map<string, unknown>();
  const portless = guests.filter(({ port }) => port === null);
  for (const netns of new Set(portless.flatMap((guest) => guest.netns ?? []))) inside.set(netns, await linksIn(netns));
  return guests.flatMap((guest) => {
    if (guest.netns === undefined || guest.port !== null) return [guest];
    const devices = inside.get(guest.netns);
    return guest.mac === null ? portsOfSandbox(guest, devices, links) : [withSandboxPort(guest, devices, links)];
  });
}

/** None if the namespace ended or may not be entered: then MACs identify the guest. */
async function linksIn(netns: string): Promise<unknown> {
  try {
    return await readJson(['ip', '-j', 'link', 'show'], { netns, ...bounds });
  } catch (error) {
    assertKnown(error);
    return [];
  }
}
