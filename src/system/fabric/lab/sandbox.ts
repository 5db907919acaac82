import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { type MountSpace, mountFlag, mountOrRefuse, mountsHere, newMountSpace } from '../../kernel/mounts.js';

/** What nobody can reach is not to be mounted again: it went, is hidden by another mount, or is another user's. */
const unreachable = ['ENOENT', 'ENOTDIR', 'EACCES', 'ESTALE', 'EINVAL'];
const run = '/run';
const ownSysctls = '/proc/sys/net';

/** Sockets and names of the machine's daemons and namespaces are not there; `folder` stays where it lies below. */
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
 * The mount tree in which commands of a scenario run where the lab is root's: all is read-only, /proc/sys but the
 * sysctls of the network namespace too, and /run is empty. The run itself stays outside and writes its evidence.
 * `folder`: where the commands run. Throws VerifyError (69) where the kernel refuses it.
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
