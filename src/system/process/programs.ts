import { spawn } from 'node:child_process';
import { VerifyError } from '../../core/model/verify-error.js';
import { inMountSpace, type MountSpace } from '../kernel/mounts.js';
import { inNamespace } from '../kernel/namespaces.js';
import { absoluteFolders } from './package-path.js';

/** Debian's package of each program that the tool runs. */
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
  /** Network namespace that the program is born in; null or absent = the caller's. */
  readonly netns?: string | null;
  /** Mount namespace that it is born in; absent = the caller's. */
  readonly mounts?: MountSpace;
  /** Text for its stdin. */
  readonly input?: string;
  /** Killed when it takes longer, with what it started; 30 s where not given. */
  readonly timeoutMs?: number;
  /** Killed when it prints more bytes: 256 MiB where not given. */
  readonly maxOutput?: number;
  readonly cwd?: string;
  /** Descriptors that it inherits, from 3 on. */
  readonly handed?: readonly number[];
}

export interface ProgramOutcome {
  /** null = it was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let env: NodeJS.ProcessEnv | null = null;

/**
 * Environment of every program, as this process's was at the first: messages in English, and the folders of system
 * programs, which a user's PATH often lacks, without the current one. Without NODE_EXTRA_CA_CERTS: where it is set,
 * each process of this program, which speaks no TLS, would read certificates for longer than it takes to start.
 */
export function programEnv(): NodeJS.ProcessEnv {
  if (env !== null) return env; // reading process.env takes a fifth of a millisecond
  const { NODE_EXTRA_CA_CERTS: _unread, ...inherited } = process.env;
  env = { ...inherited, LC_ALL: 'C', PATH: `${absoluteFolders(inherited.PATH)}:/usr/sbin:/sbin` };
  return env;
}

/** Sets a variable of this process and of the programs that it starts from now on; null = takes it away. */
export function setVariable(name: string, value: string | null): void {
  if (value === null) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
  env = null;
}

/** The rules of a firewall of ten thousand guests have a tenth of it. */
const usualOutput = 256 * 2 ** 20;

/** A program leads a group of its own; what it started holds its output open, so that it goes as well. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // all of it has ended just now
  }
}

/**
 * Runs a program by its argument vector, without a shell, in a session of its own so that Ctrl-C does not reach it
 * half-way through a change. Resolves whatever its exit status is; rejects with VerifyError (69) where the program is
 * missing.
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
      // What has left the group may hold them open
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
    child.stdin?.on('error', () => undefined); // it ended without reading: its status shows it
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

/**
 * As runProgram, but rejects with VerifyError when the status is not 0: `unsupported` (69) where the kernel does not
 * know the thing, else `command-failed` (3).
 */
export async function mustRun(argv: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const outcome = await runProgram(argv, options);
  if (outcome.status !== 0) throw commandFailed(argv, outcome);
  return outcome.stdout;
}

/** The JSON that a program prints; nothing printed counts as an empty list, as iproute2 means it. */
export async function readJson(argv: readonly string[], options: ProgramOptions = {}): Promise<unknown> {
  return parsePrinted(showCommand(argv), await mustRun(argv, options));
}

/** As readJson, of a program that prints several documents, each in a line. */
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

/** JSON that a program printed; nothing is an empty list. Throws VerifyError (3), which names the command. */
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
 * iproute2 leaves control characters in names as they are (jsonw_puts, lib/json_writer.c), which JSON forbids; the
 * kernel allows most of them.
 */
function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * tc prints each match of a filter u32 under one key (iproute2 tc/f_u32.c, u32_print_opt), of which a parser keeps the
 * last: several of them are listed under `matches` too.
 */
function withAllMatches(text: string): string {
  return text.replace(
    /"match":\{"value":[^{}]*\}(,"match":\{"value":[^{}]*\})+/g,
    (several) => `${several},"matches":[${several.replaceAll('"match":', '')}]`,
  );
}

/** A command as a person would read it: words with anything unusual in them are quoted, control characters escaped. */
export function showCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

/** What a failed command means: a kernel that lacks something, a right that is missing, or a plain refusal. */
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

/** The command that installs a package of the distribution. */
export function installHint(name: string): string {
  return `install the package ${name}: \`sudo apt-get install ${name}\` on Debian and Ubuntu`;
}

/** Why a program cannot be started (69). */
export function cannotStart(program: string, error: NodeJS.ErrnoException): VerifyError {
  const name = packages[program];
  // EACCES is also what a missing program gives where one folder of PATH may not be searched.
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
