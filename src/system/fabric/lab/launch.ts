import { type ChildProcess, spawn, type SpawnOptions, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { VerifyError } from '../../../core/model/verify-error.js';
import { handedVariable } from '../../process/handed.js';
import { capabilitiesOf, keepOnly, type RunPaths } from '../../process/process-rights.js';
import { cannotStart, programEnv } from '../../process/programs.js';
import { refusalOf } from './refusal.js';

/** Environment by which the launcher reports the inside what it is. */
export const insideVariables = {
  inside: 'VERIFY_ISOLATION_INSIDE',
  runsAs: 'VERIFY_ISOLATION_RUNS_AS',
  /** The launcher's network namespace: the inside refuses to build anything in it. */
  outside: 'VERIFY_ISOLATION_OUTSIDE',
  /** `channel`: what the inside is to do comes over the channel, and its command line is not read again. */
  handed: handedVariable,
} as const;

export type RunsAs = 'root' | 'user-namespace';

/** A way to start the inside that this machine allows. */
interface Variant {
  readonly runsAs: RunsAs;
  readonly words: readonly string[];
}

/** The message by which the launcher hands a signal to the inside. */
export interface StopMessage {
  readonly stop: NodeJS.Signals;
}

/**
 * The launcher's first message: what it has read and checked, so that the inside need not do it again; null = nothing.
 */
export interface HandedMessage {
  readonly handed: unknown;
}

export interface LaunchOptions {
  /** Hears what the inside sends back. */
  readonly onMessage?: (message: unknown) => void;
  /** What JSON can carry; the inside has it from `enterLab`. */
  readonly handed?: unknown;
  /** It is all that the inside needs, instead of the command line. */
  readonly isWhole?: boolean;
  /** The program; this process's where absent. */
  readonly program?: string;
  /** Its folder; this process's where absent. */
  readonly cwd?: string;
  /** What it writes and reads beyond the lab; nothing where absent. */
  readonly paths?: RunPaths;
  /** What it prints is kept, and nothing of it shown; it is ended after this time. */
  readonly keptFor?: number;
}

/** How the inside ended, and what it printed where that is kept. */
export interface LaunchOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const stopSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Is this the program inside the lab's namespaces? Said by the launcher and true only where its channel is there too.
 */
export function insideLab(): boolean {
  return process.env[insideVariables.inside] === '1' && process.send !== undefined;
}

/** An inside that is started, or about to be, and waits for what it is handed. */
export interface Launch {
  /** Hands over what JSON can carry, and resolves with how it ended. Rejects as `launchInside` does. */
  hand(handed: unknown): Promise<LaunchOutcome>;
  /** Ends it: nothing is handed over. */
  abandon(): void;
}

/**
 * Starts the inside as `launchInside` does, before it is known what it is handed. Throws VerifyError (69) where the
 * machine does not allow it.
 */
export function beginLaunch(argv: readonly string[], options: Omit<LaunchOptions, 'handed'> = {}): Launch {
  const { program = process.argv[1] ?? '', keptFor, isWhole = false, cwd, paths = null } = options;
  const variant = allowedVariant(paths);
  const words = [...variant.words, process.execPath, ...process.execArgv, program, ...argv];
  const child = spawn(words[0] ?? '', words.slice(1), { ...streamsOf(keptFor), env: insideEnv(variant, isWhole), cwd });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  failed.catch(() => undefined); // of an inside that is abandoned nobody hears it
  return {
    hand: (handed) => Promise.race([failed, handOver(child, handed, options)]),
    abandon: () => void child.kill('SIGKILL'), // unshare, and the kernel the inside with it
  };
}

/**
 * Starts this program again, with arguments `argv`, inside new network, mount and process namespaces (and, where not
 * root, a user namespace) and resolves with its exit status. Nothing of it survives: the kernel kills unshare with this
 * process (setpriv --pdeathsig), the inside with unshare (--kill-child), and everything else with the inside, which is
 * process 1 of its namespace. SIGINT, SIGTERM and SIGHUP go inside over the channel, because `unshare --fork` ignores
 * the first two. Call it from the main thread: pdeathsig follows the thread. Rejects with VerifyError (69) where the
 * machine does not allow it.
 */
export async function launchInside(argv: readonly string[], options: LaunchOptions = {}): Promise<LaunchOutcome> {
  return beginLaunch(argv, options).hand(options.handed ?? null);
}

async function handOver(
  child: ChildProcess,
  handed: unknown,
  { onMessage, keptFor }: LaunchOptions,
): Promise<LaunchOutcome> {
  const printed = { stdout: '', stderr: '' };
  let stopped: NodeJS.Signals | undefined;
  const send = (message: StopMessage | HandedMessage): void => {
    if (child.connected) child.send(message, () => undefined); // it may end meanwhile: its status shows it
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    stopped = signal;
    send({ stop: signal });
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  try {
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.setEncoding('utf8').on('data', (chunk: string) => (printed[stream] += chunk));
    if (onMessage !== undefined) child.on('message', onMessage);
    send({ handed });
    return await new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void =>
        // `killed`: it took longer than `keptFor`
        resolve({ status: child.killed ? 70 : statusOfChild(code, signal, stopped), ...printed });
      if (child.exitCode !== null || child.signalCode !== null) end(child.exitCode, child.signalCode);
      child.once(keptFor === undefined ? 'exit' : 'close', end);
    });
  } finally {
    for (const signal of stopSignals) process.off(signal, onSignal);
  }
}

function streamsOf(keptFor: number | undefined): SpawnOptions {
  return keptFor === undefined
    ? { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] }
    : { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], timeout: keptFor, killSignal: 'SIGKILL' };
}

function insideEnv(variant: Variant, isWhole: boolean): NodeJS.ProcessEnv {
  return {
    ...programEnv(),
    ...(isWhole ? { [insideVariables.handed]: 'channel' } : {}),
    [insideVariables.inside]: '1',
    [insideVariables.runsAs]: variant.runsAs,
    [insideVariables.outside]: readlinkSync('/proc/thread-self/ns/net'),
  };
}

function statusOfChild(
  code: number | null,
  signal: NodeJS.Signals | null,
  stopped: NodeJS.Signals | undefined,
): number {
  if (code !== null) return code;
  if (stopped !== undefined) return statusOf(stopped);
  process.stderr.write(
    `the lab was killed from outside by ${signal ?? 'a signal'}; nothing of it is left, and what it had seen is not judged\n`,
  );
  return 70;
}

/** Exit status of a program that a signal ended, as shells count it. */
export function statusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/**
 * The first way that works, found by doing: a bridge is made and thrown away. Root's own namespaces before a user
 * namespace, an own /proc before the one that is there (a container may have masked parts of it, and then the kernel
 * allows no fresh one).
 */
function allowedVariant(paths: RunPaths | null): Variant {
  const users: readonly RunsAs[] = process.geteuid?.() === 0 ? ['root', 'user-namespace'] : ['user-namespace'];
  let refused: VerifyError | undefined;
  for (const runsAs of users) {
    for (const ownProc of [true, false]) {
      const words = prefix(runsAs, ownProc, paths);
      const [program = '', ...parameters] = [...words, 'ip', 'link', 'add', 'dev', 'br0', 'type', 'bridge'];
      const { status, stderr, error } = spawnSync(program, parameters, {
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
        env: programEnv(),
        timeout: 10_000,
        killSignal: 'SIGKILL',
      });
      if (error !== undefined && status === null) throw cannotStart(program, error);
      if (status === 0) return { runsAs, words };
      refused = refusalOf(stderr, runsAs);
      if (!/mount.*\/proc/.test(stderr)) break;
    }
  }
  throw refused ?? refusalOf('', 'user-namespace');
}

/**
 * Root's lab has the capabilities of a run, and one by which its guests serve HTTP; a new user namespace has all, and
 * they count in it alone (create_user_ns, kernel/user_namespace.c). An ordinary user's network namespace is made when
 * its user namespace has its root: else that root may not read what /proc/net shows to root alone.
 */
function prefix(runsAs: RunsAs, ownProc: boolean, paths: RunPaths | null): readonly string[] {
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...(runsAs === 'root' ? keepOnly([...capabilitiesOf(paths), 'net_bind_service']) : ['--no-new-privs']),
    'unshare',
    ...(runsAs === 'root' ? ['--net'] : ['--user', '--map-root-user']),
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    ...(ownProc ? ['--mount-proc'] : []),
    '--',
    ...(runsAs === 'root' ? [] : ['unshare', '--net', '--']),
  ];
}
