import { spawn } from 'node:child_process';
import { VerifyError } from '../../core/model/verify-error.js';
import { inMountSpace, type MountSpace } from '../kernel/mounts.js';
import { inNamespace } from '../kernel/namespaces.js';
import { absoluteFolders } from './package-path.js';

const packages: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  ethtool: 'ethtool',
  ping: 'iputils-ping',
  sysctl: 'procps',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  'ovs-vsctl': 'openvswitch-switch',
  'ovs-ofctl': 'openvswitch-switch',
  'ovs-appctl': 'openvswitch-switch',
  'ovsdb-tool': 'openvswitch-switch',
  'ovsdb-server': 'openvswitch-switch',
  'ovs-vswitchd': 'openvswitch-switch',
  'ssh-keygen': 'openssh-client',
};

export interface ProgramOptions {
  /** Network namespace. null or absent = the caller's. */
  readonly netns?: string | null;
  /** Absent = the caller's. */
  readonly mounts?: MountSpace;
  readonly input?: string;
  /** Then kills it and its children. Absent = 30 s. */
  readonly timeoutMs?: number;
  /** Kills it above this many bytes. Absent = 256 MiB. */
  readonly maxOutput?: number;
  readonly cwd?: string;
  /** Inherited descriptors, from 3 on. */
  readonly handed?: readonly number[];
}

export interface ProgramOutcome {
  /** null = killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let env: NodeJS.ProcessEnv | null = null;

/**
 * Taken once: English messages, and system folders that users' PATH often lacks. Reading NODE_EXTRA_CA_CERTS would take
 * longer than starting.
 */
export function programEnv(): NodeJS.ProcessEnv {
  if (env !== null) return env; // reading process.env takes a fifth of a millisecond
  const { NODE_EXTRA_CA_CERTS: _unread, ...inherited } = process.env;
  env = { ...inherited, LC_ALL: 'C', PATH: `${absoluteFolders(inherited.PATH)}:/usr/sbin:/sbin` };
  return env;
}

/** For this process and later children. null = removes it. */
export function setVariable(name: string, value: string | null): void {
  if (value === null) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
  env = null;
}

/** Ten times the firewall rules of ten thousand guests. */
const usualOutput = 256 * 2 ** 20;

/** Children hold the output open. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the group has just ended
  }
}

/**
 * No shell, and an own session: Ctrl-C interrupts no change. Resolves with any exit status. Rejects with VerifyError
 * (69) if missing.
 */
export function runProgram(argv: readonly string[], options: ProgramOptions = {}): Promise<ProgramOutcome> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = inMountSpace(options.mounts ?? null, () =>
      inNamespace(options.netns ?? null, () =>
        spawn(program, args, {
          stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(options.handed ?? [])],
          detached: true,
          env: programEnv(),
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        }),
      ),
    );
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let isGivenUp = false;
    const giveUp = (why: string): void => {
      if (isGivenUp) return;
      isGivenUp = true;
      stderr.push(Buffer.from(`\n${why}\n`));
      killGroup(child.pid);
      // A process outside the group may hold them open
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const timeoutMs = options.timeoutMs ?? 30_000;
    const timer = setTimeout(() => giveUp(`it took longer than ${timeoutMs / 1000} s and was killed`), timeoutMs);
    let remaining = options.maxOutput ?? usualOutput;
    const taking =
      (into: Buffer[]) =>
      (chunk: Buffer): void => {
        remaining -= chunk.length;
        if (remaining >= 0) into.push(chunk);
        else giveUp(`it printed more than ${(options.maxOutput ?? usualOutput) / 2 ** 20} MiB and was killed`);
      };
    child.stdout?.on('data', taking(stdout));
    child.stderr?.on('data', taking(stderr));
    child.stdin?.on('error', () => undefined); // it ended without reading: its status shows that
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(cannotStart(program, error));
    });
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({
        status,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    child.stdin?.end(options.input);
  });
}

/** Any status but 0 rejects with VerifyError: `unsupported` (69) or `command-failed` (3). */
export async function mustRun(argv: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const outcome = await runProgram(argv, options);
  if (outcome.status !== 0) throw commandFailed(argv, outcome);
  return outcome.stdout;
}

/** A program's JSON. Nothing is an empty list, as iproute2 means it. */
export async function readJson(argv: readonly string[], options: ProgramOptions = {}): Promise<unknown> {
  return parsePrinted(showCommand(argv), await mustRun(argv, options));
}

/** As `readJson`, for one document a line. */
export async function readJsonLines(
  argv: readonly string[],
  options: ProgramOptions = {},
): Promise<readonly unknown[]> {
  const text = await mustRun(argv, options);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => parsePrinted(showCommand(argv), line));
}

/** Parses JSON, nothing as an empty list. Throws VerifyError (3). */
export function parsePrinted(command: string, text: string): unknown {
  try {
    return text.trim() === '' ? [] : JSON.parse(withAllMatches(escapeControls(text)));
  } catch {
    throw new VerifyError(
      'command-failed',
      3,
      `${command} printed something that is not JSON`,
      'a newer iproute2 or nftables may be needed',
    );
  }
}

/**
 * iproute2 leaves control characters in names (jsonw_puts, lib/json_writer.c), which JSON forbids and the kernel mostly
 * allows.
 */
function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * tc prints a u32 filter's matches under one key (tc/f_u32.c, u32_print_opt), of which parsers keep the last: `matches`
 * lists several.
 */
function withAllMatches(text: string): string {
  return text.replace(
    /"match":\{"value":[^{}]*\}(,"match":\{"value":[^{}]*\})+/g,
    (several) => `${several},"matches":[${several.replaceAll('"match":', '')}]`,
  );
}

/** Quotes unusual words and escapes control characters. */
export function showCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

/** A failed command's error: unsupported, without a right, or refused. */
export function commandFailed(argv: readonly string[], outcome: ProgramOutcome): VerifyError {
  const output =
    outcome.stderr.trim().replaceAll(/\s*\n\s*/g, ' · ') ||
    (outcome.status === null ? 'it was killed or took too long' : `exit status ${outcome.status}`);
  const text = `${showCommand(argv)}: ${output}`;
  if (
    /operation not supported|unknown device type|protocol not supported|rtnetlink answers: no such device type/i.test(
      output,
    )
  ) {
    return new VerifyError(
      'unsupported',
      69,
      `this kernel does not support it: ${text}`,
      'load the module or use a kernel that is built with this feature',
    );
  }
  return new VerifyError('command-failed', 3, text, 'correct the scenario, or what stands in its way on this machine');
}

/** The command that installs a distribution's package. */
export function installHint(name: string): string {
  return `install the package ${name}: \`sudo apt-get install ${name}\` on Debian and Ubuntu`;
}

/** The error of a program that does not start (69). */
export function cannotStart(program: string, error: NodeJS.ErrnoException): VerifyError {
  const name = packages[program];
  // EACCES also results if the program is missing and one folder of PATH is closed.
  if (error.code !== 'ENOENT' && error.code !== 'EACCES')
    return new VerifyError(
      'program-refused',
      69,
      `cannot start ${program}: ${error.message}`,
      'see the message of the system',
    );
  return new VerifyError(
    'program-missing',
    69,
    `the program ${program} is not installed${error.code === 'EACCES' ? ', or may not be started' : ''}`,
    name === undefined ? 'install it and see that it is in PATH' : installHint(name),
  );
}
