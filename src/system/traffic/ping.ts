import { runProgram } from '../process/programs.js';
import type { ExchangeOptions, ExchangeOutcome } from './http.js';

/** ICMP echo header and IPv4 header leave this much of the largest packet. */
const mostPayload = 65_507;

/**
 * `requests` echo requests with `bytes` octets, from the client's namespace. Rejects with VerifyError (69) where ping
 * is missing.
 */
export async function exchangePing(options: ExchangeOptions): Promise<ExchangeOutcome> {
  const { requests, address } = options;
  const words = [
    '-n',
    '-q',
    '-c',
    String(requests),
    '-i',
    '0.01',
    '-W',
    '1',
    '-w',
    String(Math.ceil(requests * 0.02) + 5),
    '-s',
    String(Math.min(options.bytes, mostPayload)),
  ];
  const outcome = await runProgram(['ping', ...words, '--', address], {
    netns: options.client.netns,
    timeoutMs: requests * 20 + 10_000,
  });
  const received = Number(/(\d+) received/.exec(outcome.stdout)?.[1] ?? 0);
  const detail = `${received} of ${requests} answers from ${address}${outcome.stderr === '' ? '' : `: ${outcome.stderr.trim()}`}`;
  return { ok: outcome.status === 0 && received === requests, detail };
}
