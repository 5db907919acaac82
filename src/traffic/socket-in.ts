import { Socket } from 'node:net';
import { VerifyError } from '../core/model/verify-error.js';
import { libc } from '../system/kernel/libc.js';
import { inNamespace } from '../system/kernel/namespaces.js';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;

/**
 * A TCP socket that belongs to the namespace and connects from there. Node's own connect makes its socket in a later
 * turn, when the thread is at home again; a socket keeps the namespace that it was made in.
 */
export function connectIn(netns: string | null, address: string, port: number): Socket {
  const c = libc();
  const fd = inNamespace(netns, () =>
    c.socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0),
  );
  if (fd < 0)
    throw new VerifyError(
      'traffic-failed',
      3,
      `no TCP socket can be made: ${c.errnoName(c.errno())}`,
      'are there too many open files?',
    );
  // reading before it is connected would end it, and Node would make another one at home
  const options = { fd, manualStart: true };
  const socket = new Socket(options);
  socket.connect(port, address);
  return socket;
}
