import { closeSync, constants, openSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { VerifyError, messageOf } from '../../core/model/verify-error.js';
import type { OpenMessage } from '../../core/protocol/messages.js';
import { type HelperProcess, startHelper } from '../process/helper-process.js';
import { searchDescriptors, type LoadedSearch, loadSearch } from './kernel-search.js';

/** An observer to open. */
export type ObserverRequest = Omit<OpenMessage, 'type'>;

export interface CaptureOptions {
  /** A pcapng file, which must not exist. */
  readonly file: string;
  readonly netns?: string | null;
  /** Tagged frames stay in memory once the file fails. */
  readonly runTag?: number | null;
  /** `run`: only frames with the run's tag. */
  readonly only?: 'run' | 'all';
  /** Bytes of frames in the file, absent = no bound. */
  readonly most?: number | null;
  readonly silentMs?: number | null;
  /** To be opened, if known. */
  readonly observers?: readonly ObserverRequest[];
}

/** A helper process that captures into one file after another. */
export interface CaptureHelper {
  readonly process: HelperProcess<'capture'>;
  /** `over`: empties another helper's file. Throws VerifyError `file-failed` (69). */
  begin(file: string, over: boolean): Promise<void>;
  /** True if it has their handles, with any filter. */
  knows(observers: readonly ObserverRequest[]): boolean;
  /** False after a fault or a change of an interface. */
  canServe(observers: readonly ObserverRequest[]): Promise<boolean>;
  /** True without faults and with an engine that can listen again. */
  canRest(): boolean;
  listensTo(observers: readonly ObserverRequest[]): void;
}

const againMs = 5000;

/** Starts a helper without a file. `starting`: one already started. Throws VerifyError (69). */
export async function startCaptureHelper(
  {
    netns = null,
    silentMs,
    runTag = null,
    only = 'all',
    most = null,
    observers: wanted = [],
  }: Omit<CaptureOptions, 'file'>,
  starting = startHelper('capture', { netns, ...(silentMs === undefined ? {} : { silentMs }) }),
): Promise<CaptureHelper> {
  const searched = only === 'run' ? runTag : null;
  const isOfUse = searched !== null || wanted.some(({ engine, filter }) => engine === 'ring' && filter === '');
  const search = isOfUse ? loadSearch(searched) : null; // while it starts
  const helper = await handSearch(starting, search);
  let sound = true;
  helper.subscribe(({ type }) => (sound &&= type !== 'fault'));
  void helper.ended.then(() => (sound = false));
  if (search !== null) await helper.send({ type: 'search', runTag: searched });
  const observers = new Map<string, ObserverRequest>();
  const knows = (wanted: readonly ObserverRequest[]): boolean =>
    isDeepStrictEqual([...observers.values()].map(identityOf), wanted.map(identityOf));
  return {
    process: helper,
    canRest: () => sound && [...observers.values()].every(({ engine }) => engine === 'libpcap'),
    listensTo(requests) {
      for (const request of requests) observers.set(request.observer, request);
    },
    async begin(file, over) {
      const fd = openFile(file, over);
      try {
        helper.hand(fd);
      } finally {
        closeSync(fd);
      }
      await helper.send({ type: 'file', path: file, runTag, only, most });
    },
    knows,
    async canServe(wanted) {
      if (!sound || !knows(wanted)) return false;
      const answer = helper.next('again', () => true, againMs);
      void helper.send({ type: 'again' });
      const { unchanged } = await answer.catch(() => ({ unchanged: false }));
      return unchanged && sound;
    },
  };
}

async function handSearch(
  starting: Promise<HelperProcess<'capture'>>,
  search: LoadedSearch | null,
): Promise<HelperProcess<'capture'>> {
  const descriptors = search === null ? [] : searchDescriptors(search);
  try {
    const helper = await starting;
    for (const fd of descriptors) helper.hand(fd);
    return helper;
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

function identityOf(request: ObserverRequest): ObserverRequest {
  return { ...request, filter: '', description: '' };
}

/** The helper may not create files in other users' folders. */
function openFile(path: string, over: boolean): number {
  try {
    return openSync(
      path,
      constants.O_WRONLY |
        constants.O_APPEND |
        constants.O_NOFOLLOW |
        (over ? constants.O_TRUNC : constants.O_CREAT | constants.O_EXCL),
      0o600,
    );
  } catch (error) {
    throw new VerifyError(
      'file-failed',
      69,
      `the capture file cannot be made: ${messageOf(error)}`,
      'choose another folder with --out',
    );
  }
}
