import { type ChildProcess, spawn, type SpawnOptions, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { VerifyError } from '../../../core/model/verify-error.js';
import { mayLockMemory } from '../../kernel/bpf.js';
import { capabilitiesOf, keepOnly, type RunPaths } from '../../process/process-rights.js';
import { cannotStart, programEnv } from '../../process/programs.js';
import { refusalOf } from './refusal.js';

/** Environment from the launcher to the inside. */
export const insideVariables = {
  inside: 'VERIFY_ISOLATION_INSIDE',
  runsAs: 'VERIFY_ISOLATION_RUNS_AS',
  /** The launcher's network namespace, refused for building. */
  outside: 'VERIFY_ISOLATION_OUTSIDE',
} as const;

export type RunsAs = 'root' | 'user-namespace';

interface Variant {
  readonly runsAs: RunsAs;
  readonly words: readonly string[];
}

/** A signal, from the launcher. */
export interface StopMessage {
  readonly stop: NodeJS.Signals;
}

/** The launcher's first message: checked input, null = none. */
export interface HandedMessage {
  readonly handed: unknown;
}

export interface LaunchOptions {
  readonly onMessage?: (message: unknown) => void;
  readonly handed?: unknown;
  readonly program?: string;
  readonly cwd?: string;
  /** Paths outside the lab. Absent = none. */
  readonly paths?: RunPaths;
  /** Keeps the output, and ends the inside after these ms. */
  readonly keptFor?: number;
}

/** The inside's exit status, and its output if kept. */
export interface LaunchOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const stopSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** True inside: the launcher's variable counts only with its channel. */
export function insideLab(): boolean {
  return process.env[insideVariables.inside] === '1' && process.send !== undefined;
}

/** An inside that waits for its input. */
export interface Launch {
  /** Takes JSON. Rejects as `launchInside`. */
  hand(handed: unknown): Promise<LaunchOutcome>;
  abandon(): void;
}

/**
 * Starts the inside as `launchInside` does, before its input is known. Throws VerifyError (69) if the machine does not
 * allow it.
 */
export function beginLaunch(argv: readonly string[], options: Omit<LaunchOptions, 'handed'> = {}): Launch {
  const { program = process.argv[1] ?? '', keptFor, cwd, paths = null } = options;
  const variant = allowedVariant(paths);
  const words = [...variant.words, process.execPath, ...process.execArgv, program, ...argv];
  if (variant.runsAs === 'root') mayLockMemory(); // the inside has no CAP_SYS_RESOURCE
  const child = spawn(words[0] ?? '', words.slice(1), { ...streamsOf(keptFor), env: insideEnv(variant), cwd });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  failed.catch(() => undefined); // an abandoned inside has no reader of this
  return {
    hand: (handed) => Promise.race([failed, handOver(child, handed, options)]),
    abandon: () => void child.kill('SIGKILL'), // ends unshare, and the kernel ends the inside with it
  };
}

/**
 * Runs this program in new network, mount and process namespaces (and a user namespace unless root). It ends with this
 * process, by --pdeathsig and --kill-child. Signals use the channel, as `unshare --fork` ignores SIGINT and SIGTERM.
 * Call it from the main thread, which pdeathsig follows. Rejects with VerifyError (69) if the machine forbids it.
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

function insideEnv(variant: Variant): NodeJS.ProcessEnv {
  return {
    ...programEnv(),
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

/** Exit status of a program ended by a signal, as in shells. */
export function statusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** The kernel allows no fresh /proc if a container masks parts of it. */
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
 * A new user namespace has all capabilities, valid only in it (create_user_ns, kernel/user_namespace.c). Its root must
 * exist before the network namespace, to read root's files of /proc/net.
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
