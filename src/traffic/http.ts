import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { inNamespace } from '../system/kernel/namespaces.js';
import type { ExchangeOptions, ExchangeOutcome } from './exchange.js';
import { connectIn } from './socket-in.js';

const requestMs = 5000;
const port = 80;

/**
 * A real HTTP server in one endpoint's namespace and a client in another's: `requests` answers of `bytes` octets, each
 * on a connection of its own. Never takes longer than 5 s a request; what fails is told, not thrown.
 */
export async function exchangeHttp(options: ExchangeOptions): Promise<ExchangeOutcome> {
  const body = Buffer.alloc(options.bytes, 'v');
  const server = createServer((_request, response) => response.end(body));
  try {
    await listen(server, options.server.netns);
    for (let done = 0; done < options.requests; done += 1) {
      const octets = await ask(options);
      if (octets !== options.bytes)
        return { ok: false, detail: `answer ${done + 1} has ${octets} of ${options.bytes} octets` };
    }
    return { ok: true, detail: `${options.requests} answers of ${options.bytes} octets from ${options.address}` };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Without a host: with one Node looks it up first, and listens when the thread is at home again. */
async function listen(server: Server, netns: string | null): Promise<void> {
  const listening = once(server, 'listening');
  inNamespace(netns, () => server.listen(port));
  await listening;
}

function ask(options: ExchangeOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        // without any `agent`: with one, or with `false`, Node ignores createConnection
        host: options.address,
        port,
        path: '/',
        signal: AbortSignal.timeout(requestMs),
        createConnection: () => connectIn(options.client.netns, options.address, port),
      },
      (response) => {
        let octets = 0;
        response.on('data', (chunk: Buffer) => (octets += chunk.length));
        response.on('end', () => resolve(octets));
        response.on('error', reject);
      },
    );
    asked.on('error', (error) =>
      reject(new Error(`no answer from ${options.address} within ${requestMs} ms or refused: ${error.message}`)),
    );
    asked.end();
  });
}
