import { VerifyError } from '../../core/model/verify-error.js';
import { libc } from './libc.js';

const MFD_CLOEXEC = 1;

/**
 * A file in memory without a name (memfd_create(2)), which a helper may inherit: what is written here is read there.
 * The caller closes it. Throws VerifyError (69).
 */
export function openSharedFile(): number {
  const c = libc();
  const fd = c.memfd_create('verify-isolation', MFD_CLOEXEC);
  if (fd < 0)
    throw new VerifyError(
      'open-failed',
      69,
      `a file in memory cannot be made: ${c.errnoName(c.errno())}`,
      'free some memory, or raise the limit of open files (ulimit -n)',
    );
  return fd;
}
