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

/** A daemon that does not answer is not waited for. */
const timeoutMs = 10_000;
const maxOutput = 64 * 2 ** 20;
const bounds = { timeoutMs, maxOutput };
/**
 * Programs that look at one guest each run this many side by side: qm is a second of Perl, and libvirtd takes twenty
 * clients who may only read.
 */
const sideBySide = 4;

interface Inquiry {
  readonly links: readonly LinkState[];
  readonly netns: string | null;
  readonly parser: GuestParser;
  /** Takes what could not be read; a program that is not installed is no fault. */
  readonly missed: (what: string, error: unknown) => void;
}

/**
 * What the programs that manage guests on this host say about them; read only. A program that is not installed says
 * nothing, one that fails is named in `unread`. `links`: those of the namespace of the bridges.
 */
export async function readInventory(links: readonly LinkState[], netns: string | null): Promise<Inventory> {
  const unread = new Map<string, string>();
  const parser = guestParser();
  const missed = (what: string, error: unknown): void => {
    assertKnown(error);
    // guests of one manager fail alike
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

/** The guests of one manager; what cannot be read of one does not hide the others. */
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

/**
 * What is read of each, in their order, some side by side; `failed` gives what stands for one that could not be read.
 */
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

/** Guests that are known by their namespace, with the ports that lead there. */
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

/** Links of a container's namespace; none where it has just ended, or may not be entered: then MACs have to do. */
async function linksIn(netns: string): Promise<unknown> {
  try {
    return await readJson(['ip', '-j', 'link', 'show'], { netns, ...bounds });
  } catch (error) {
    assertKnown(error);
    return [];
  }
}
