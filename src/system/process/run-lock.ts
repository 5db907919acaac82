import { readFileSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import { libc } from '../kernel/libc.js';
import { inNamespace } from '../kernel/namespaces.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/socket-constants.js';
import { socketHolders } from './socket-holders.js';

const EADDRINUSE = 98;

/**
 * Takes a lock that vanishes with its holder, however that ends: an abstract unix socket (unix(7)), whose names belong
 * to a network namespace. Returns the function that gives it back. Throws VerifyError (69) `locked` where somebody
 * holds it, and says who.
 */
export function takeRunLock(netns: string | null, name: string, what: string): () => void {
  const c = libc();
  const path = new TextEncoder().encode(name);
  const address = new Uint8Array(new ArrayBuffer(3 + path.length)); // family, then NUL and the name
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(path, 3);
  const [fd, result, errno] = inNamespace(netns, () => {
    const socket = c.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bound = c.bind(socket, address, address.length);
    return [socket, bound, c.errno()] as const;
  });
  if (result >= 0) return () => void c.close(fd);
  c.close(fd);
  if (errno === EADDRINUSE)
    throw new VerifyError(
      'locked',
      69,
      `another run is on ${what}: ${holderOf(netns, name)}`,
      'wait for it to end: one run at a time on a bridge',
    );
  throw new VerifyError(
    'locked',
    69,
    `${what} cannot be locked: ${c.errnoName(errno)}`,
    'report this as a fault of verify-isolation',
  );
}

/**
 * Of /proc/net/unix (unix_seq_show, net/unix/af_unix.c) the inode is the 7th column and an abstract name, the NUL shown
 * as @, the 8th.
 */
function holderOf(netns: string | null, name: string): string {
  const table = inNamespace(netns, () => readFileSync('/proc/thread-self/net/unix', 'latin1'));
  const inode = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((columns) => columns[7] === `@${name}`)?.[6];
  const holders = inode === undefined ? [] : (socketHolders(new Set([inode])).get(inode) ?? []);
  const [holder] = holders;
  return holder === undefined
    ? 'a process that is not visible from here'
    : `process ${holder.pid} (${holder.argv.join(' ')})`;
}
