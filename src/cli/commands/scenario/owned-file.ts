import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { messageOf, usageError, type VerifyError } from '../../../core/model/verify-error.js';
import { insideLab } from '../../../system/fabric/lab/launch.js';

const othersWrite = 0o022;
const longest = 1 << 16;

/**
 * A file up to 64 KiB that only root or this user may write. VerifyError (64) names `option`. A lab's user namespace
 * does not show root as the owner: its launcher has looked.
 */
export function readOwnedFile(option: string, path: string, hint: string): Buffer {
  const refused = (why: string): VerifyError => usageError(`${option}: ${why}`, hint);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw refused(messageOf(error));
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > longest) throw refused('it is no file of 64 KiB at most');
    const isOwned = insideLab() || [0, process.geteuid?.()].includes(stats.uid);
    if (!isOwned || (stats.mode & othersWrite) !== 0) throw refused('others than its user and root may write it');
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
