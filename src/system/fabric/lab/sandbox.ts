import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { type MountSpace, mountFlag, mountOrRefuse, mountsHere, newMountSpace } from '../../kernel/mounts.js';

/** Such a mount is gone, hidden, or another user's, and stays. */
const unreachable = ['ENOENT', 'ENOTDIR', 'EACCES', 'ESTALE', 'EINVAL'];
const run = '/run';
const ownSysctls = '/proc/sys/net';

function hideRun(folder: string): void {
  if (!existsSync(run)) return;
  const fd = folder.startsWith(`${run}/`) ? openSync(folder, 'r') : null;
  const { noSuid, noDev, noExec, bind, recursive } = mountFlag;
  mountOrRefuse(['tmpfs', run, 'tmpfs', noSuid | noDev | noExec, 'mode=0755,size=4m']);
  if (fd === null) return;
  mkdirSync(folder, { recursive: true });
  mountOrRefuse([`/proc/thread-self/fd/${fd}`, folder, null, bind | recursive]);
  closeSync(fd);
}

/**
 * Read-only mount tree for commands in root's lab, except the namespace's network sysctls, with an empty /run.
 * `folder`: the commands'. Throws VerifyError (69).
 */
export function makeSandbox(folder: string): MountSpace {
  const { readOnly, bind, remount, recursive, private: privately } = mountFlag;
  return newMountSpace(() => {
    mountOrRefuse([null, '/', null, recursive | privately]);
    hideRun(realpathSync(folder));
    for (const { path, flags } of mountsHere())
      if (path !== run) mountOrRefuse([null, path, null, remount | bind | readOnly | flags], unreachable);
    const proc = mountsHere().findLast(({ path }) => path === '/proc')?.flags ?? 0;
    mountOrRefuse([ownSysctls, ownSysctls, null, bind]);
    mountOrRefuse([null, ownSysctls, null, remount | bind | proc]);
  });
}
