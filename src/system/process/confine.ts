import { koffi } from '../kernel/libc.js';
import { sealProcess } from '../kernel/seccomp.js';
import { becomeNobody, hideProcess, type SealedRights } from './seal-helper.js';
import { keepToOneThread, processRights } from './threads.js';

/** What a process has confined itself to. */
export interface Confinement extends SealedRights {
  /**
   * The folder that it was given is all that it finds by a name; else Landlock alone keeps it from writing elsewhere.
   */
  readonly enclosed: boolean;
}

/**
 * Shuts this process in: `folder`, an open one, is all that it can come to (null = nothing), and it opens no socket,
 * starts nothing and signals nobody. What it is going to run has to be loaded before. Two calls of the C library do
 * what no function of Node's does; the root of a process is that of all its threads (clone(2), CLONE_FS).
 */
export function confine(folder: number | null): Confinement {
  keepToOneThread();
  const library = koffi().load(null);
  const fchdir: (fd: number) => number = library.func('int fchdir(int)');
  const chroot: (path: string) => number = library.func('int chroot(const char *)');
  hideProcess();
  becomeNobody(false);
  const rights = processRights(); // /proc cannot be read afterwards
  const enclosed = folder !== null && fchdir(folder) === 0 && chroot('.') === 0;
  return { ...rights, enclosed, filtered: sealProcess(folder === null ? 'parse' : 'judge') };
}
