import { koffi } from '../kernel/libc.js';
import { sealProcess } from '../kernel/seccomp.js';
import { becomeNobody, hideProcess, type SealedRights } from './seal-helper.js';
import { keepToOneThread, processRights } from './threads.js';

/** Effective limits of a process. */
export interface Confinement extends SealedRights {
  /** False = Landlock alone prevents writing outside its folder. */
  readonly enclosed: boolean;
}

/**
 * Confines this process to `folder` (a descriptor, null = nothing): no sockets, programs or signals. Code has to be
 * loaded before. Node lacks two of the C calls; a root applies to all threads (clone(2), CLONE_FS).
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
