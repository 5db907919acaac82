import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { Socket } from 'node:net';
import { VerifyError, messageOf } from '../../core/model/verify-error.js';
import { libc } from '../kernel/libc.js';
import { inNamespace } from '../kernel/namespaces.js';

const requestMs = 5000;
const port = 80;

/** An exchange between two endpoints; `netns`: paths for setns, null = the caller's. */
export interface ExchangeOptions {
  readonly client: { readonly netns: string | null };
  readonly server: { readonly netns: string | null };
  readonly address: string;
  readonly requests: number;
  readonly bytes: number;
}

/** `detail`: the amount exchanged, or the failure. */
export interface ExchangeOutcome {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * An HTTP server in one endpoint's namespace and a client in another's: `requests` answers of `bytes` bytes, a
 * connection each. At most 5 s a request; reports failures.
 */
export async function exchangeHttp(options: ExchangeOptions): Promise<ExchangeOutcome> {
  const body = Buffer.alloc(options.bytes, 'v');
  const server = createServer((_request, response) => response.end(body));
  try {
    await listen(server, options.server.netns);
    for (let done = 0; done < options.requests; done += 1) {
      const bytes = await ask(options);
      if (bytes !== options.bytes)
        return { ok: false, detail: `answer ${done + 1} has ${bytes} of ${options.bytes} bytes` };
    }
    return { ok: true, detail: `${options.requests} answers of ${options.bytes} bytes from ${options.address}` };
  } catch (error) {
    return { ok: false, detail: messageOf(error) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** With a host, Node listens only after a lookup, when the thread has left the namespace. */
async function listen(server: Server, netns: string | null): Promise<void> {
  const listening = once(server, 'listening');
  inNamespace(netns, () => server.listen(port));
  await listening;
}

function ask(options: ExchangeOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        // without any `agent`: with one, or `false`, Node ignores createConnection
        host: options.address,
        port,
        path: '/',
        signal: AbortSignal.timeout(requestMs),
        createConnection: () => connectIn(options.client.netns, options.address, port),
      },
      (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => (bytes += chunk.length));
        response.on('end', () => resolve(bytes));
        response.on('error', reject);
      },
    );
    outgoing.on('error', (error) =>
      reject(new Error(`no answer from ${options.address} within ${requestMs} ms or refused: ${error.message}`)),
    );
    outgoing.end();
  });
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;

/** Node's connect would create the socket after the thread has left the namespace. */
function connectIn(netns: string | null, address: string, port: number): Socket {
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
