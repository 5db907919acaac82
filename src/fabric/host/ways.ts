import type { Endpoint } from '../../core/model/scenario.js';
import type { Place } from '../../model/fabric.js';
import type { HostState } from '../../model/state.js';
import { type Journal, namespaceInode, openJournal, startOf } from '../../system/fabric/host/journal.js';
import { takeLock } from '../../system/process/run-lock.js';
import { type Entries, makeEntries } from './entries.js';
import { insidePlaces } from './inside.js';
import { undoAll } from './undo.js';

export interface WaysInput {
  readonly runId: string;
  readonly journalFolder: string;
  /** Namespace of the bridges; null = the caller's. */
  readonly netns: string | null;
  /** As it was found. */
  readonly state: HostState;
  readonly readState: () => Promise<HostState>;
  /** Bridges that nobody else may run on meanwhile. */
  readonly bridges: readonly string[];
  /** Endpoints that send or are named by a namespace of their own. */
  readonly endpoints: readonly Pick<Endpoint, 'name' | 'attach' | 'port' | 'netns'>[];
  /** Of them, those that send. */
  readonly senders: ReadonlySet<string>;
}

/** A host's bridges locked for a run, with a journal and a way in for every endpoint that sends. */
export interface Ways {
  readonly journal: Journal;
  /** Where to send so that frames enter the bridge from that port. */
  of(port: string): Place;
  /** Where endpoints send that are named by a namespace of their own. */
  readonly inside: ReadonlyMap<string, Place>;
  /** Undoes everything, latest first, and looks whether it is gone; what was left behind, by name. */
  close(): Promise<readonly string[]>;
}

/** Rejects with VerifyError: `locked` (69), `unsupported` (69), `interface-gone` (69); then nothing is left. */
export async function openWays({
  runId,
  journalFolder,
  netns,
  state,
  readState,
  bridges,
  endpoints,
  senders,
}: WaysInput): Promise<Ways> {
  const inside = await insidePlaces(endpoints, state.links, netns);
  const locks: (() => void)[] = [];
  let journal: Journal | null = null;
  let entries: Entries | null = null;
  const leftOver = async (names: readonly string[]): Promise<readonly string[]> => {
    const { links } = await readState();
    return links.filter(({ name }) => names.includes(name)).map(({ name }) => `the interface ${name}`);
  };
  const close = async (): Promise<readonly string[]> => {
    const undos = journal?.undos() ?? [];
    const failed = await undoAll(undos, netns);
    entries?.close();
    const left = await leftOver(entries?.names ?? []);
    if (failed.length + left.length === 0) journal?.remove();
    for (const release of locks) release();
    return [...failed, ...left];
  };
  try {
    for (const bridge of bridges) {
      const link = state.links.find(({ name }) => name === bridge);
      locks.push(takeLock(netns, `verify-isolation/${link?.ifindex ?? 0}`, `bridge ${bridge}`));
    }
    journal = openJournal(journalFolder, {
      runId,
      pid: process.pid,
      started: startOf(process.pid) ?? '',
      netns,
      inode: namespaceInode(netns),
    });
    const sending = new Set(
      endpoints
        .filter(({ name, attach }) => attach === 'port' && senders.has(name) && !inside.has(name))
        .map(({ port }) => port),
    );
    entries = await makeEntries({ ports: state.links.filter(({ name }) => sending.has(name)), netns, runId, journal });
  } catch (error) {
    await close();
    throw error;
  }
  const made = entries;
  return { journal, inside, of: (port) => made.of(port), close };
}
