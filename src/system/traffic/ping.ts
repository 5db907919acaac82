import { spawn } from 'node:child_process';
import { inNamespace } from '../kernel/namespaces.js';
import { programEnv, runProgram } from '../process/programs.js';
import type { ExchangeOptions, ExchangeOutcome } from './http.js';

/** Without ICMP echo and IPv4 headers. */
const maxPayload = 65_507;

/**
 * Sends `requests` echo requests with `bytes` bytes from the client's namespace. Rejects with VerifyError (69) without
 * ping.
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
    String(Math.min(options.bytes, maxPayload)),
  ];
  const outcome = await runProgram(['ping', ...words, '--', address], {
    netns: options.client.netns,
    timeoutMs: requests * 20 + 10_000,
  });
  const received = Number(/(\d+) received/.exec(outcome.stdout)?.[1] ?? 0);
  const detail = `${received} of ${requests} answers from ${address}${outcome.stderr === '' ? '' : `: ${outcome.stderr.trim()}`}`;
  return { ok: outcome.status === 0 && received === requests, detail };
}

/** A ping until it is stopped. */
export interface PingStream {
  /** In ms, null = lost. */
  readonly answers: readonly (number | null)[];
  stop(): void;
}

/** From `ping -n -O` (iputils): ms, null = lost, undefined = another line. */
export function parsePing(line: string): number | null | undefined {
  if (/^no answer yet|Destination .* Unreachable/i.test(line)) return null;
  const time = /\btime[=<]([\d.]+) ms/.exec(line)?.[1];
  return time === undefined ? undefined : Number(time);
}

/** Pings an address from a namespace. Without a working ping there are no answers and no losses. */
export function startPing(address: string, netns: string | null, perSecond: number): PingStream {
  const answers: (number | null)[] = [];
  const child = inNamespace(netns, () =>
    spawn('ping', ['-n', '-O', '-i', String(1 / perSecond), '--', address], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: programEnv(),
      detached: true,
    }),
  );
  let rest = '';
  child.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const answer = parsePing(line);
      if (answer !== undefined) answers.push(answer);
    }
  });
  return { answers, stop: () => void child.kill('SIGKILL') };
}
