import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { VerifyError } from '../../../core/model/verify-error.js';
import { fieldsOf } from '../../../core/text/json-text.js';
import { libc } from '../../kernel/libc.js';
import { enterNewNamespace } from '../../kernel/namespaces.js';
import { insideVariables, type RunsAs, statusOf, stopSignals } from './launch.js';

/** What the inside knows of where it is. */
export interface Inside {
  readonly runsAs: RunsAs;
  /** /sys shows this namespace's devices; where false it shows the host's and must not be read. */
  readonly sysfs: boolean;
}

/** The inside when it has just been entered. */
export interface Entered extends Inside {
  /** What the launcher handed over; null = nothing. */
  readonly handed: Promise<unknown>;
}

/** A second signal within this time is the terminal's copy of the first; a later one is impatience. */
const sameSignalMs = 1000;

/**
 * The first thing inside: signals, from the terminal or from the launcher, call `onStop` once (again later: the process
 * ends at once); a launcher that is gone ends the process; /sys is mounted again. Throws VerifyError (70) when this is
 * not a namespace of its own.
 */
export function enterLab(onStop: (signal: NodeJS.Signals) => void): Entered {
  if (
    process.env[insideVariables.outside] === readlinkSync('/proc/thread-self/ns/net') ||
    process.env[insideVariables.outside] === undefined
  ) {
    throw new VerifyError(
      'not-inside',
      70,
      'the program was started as inside the lab but is in the caller’s network namespace',
      `unset ${insideVariables.inside}`,
    );
  }
  const handed = obeyLauncher(onStop);
  const runsAs: RunsAs = process.env[insideVariables.runsAs] === 'root' ? 'root' : 'user-namespace';
  return { runsAs, sysfs: mountSysfs(), handed };
}

/**
 * Another empty network namespace for the next scenario, with /sys to match: what an earlier one built or set (rules,
 * sysctls) is gone with its own. Call it when nothing of the earlier one is open any more. Throws VerifyError (69)
 * where the kernel refuses.
 */
export function renewLab(inside: Inside): Inside {
  enterNewNamespace();
  return { ...inside, sysfs: mountSysfs() };
}

/** Obeys signals and the launcher's messages; resolves with what it hands over. */
function obeyLauncher(onStop: (signal: NodeJS.Signals) => void): Promise<unknown> {
  let firstAt: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      onStop(signal);
    } else if (now - firstAt > sameSignalMs) {
      process.exit(statusOf(signal));
    }
  };
  // process 1 ignores signals without a handler
  for (const signal of stopSignals) process.on(signal, () => stop(signal));
  const handed = new Promise<unknown>((resolve) =>
    process.on('message', (message) => {
      const fields = fieldsOf(message);
      const signal = stopSignals.find((stopSignal) => fields?.['stop'] === stopSignal);
      if (signal !== undefined) stop(signal);
      else if (fields !== null && 'handed' in fields) resolve(fields['handed']);
    }),
  );
  const launcherGone = (): never => process.exit(70);
  process.on('disconnect', launcherGone);
  if (!process.connected) launcherGone(); // it went before the listener was there
  void handed.then(() => process.channel?.unref()); // from then on the channel alone keeps nobody alive
  return handed;
}

/**
 * MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC; MS_NOATIME where the host's own /sys has it: the kernel allows no fewer
 * flags than those.
 */
const mountFlags = 0xf;
const noAtime = 0x400;

/** Mounts this namespace's sysfs over the host's. False = /sys must not be trusted. */
function mountSysfs(): boolean {
  const c = libc();
  const mounted = [mountFlags, mountFlags | noAtime].some(
    (flags) => c.mount('sysfs', '/sys', 'sysfs', flags, null) === 0,
  );
  return mounted && sameNames(devicesInSys(), devicesOfThisNamespace());
}

/** Devices are symbolic links; `bonding_masters`, where it is, is a file. */
function devicesInSys(): readonly string[] {
  return readdirSync('/sys/class/net', { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => entry.name);
}

/**
 * From /proc, which follows the thread's namespace whatever is mounted: `lo`, and the fallback tunnels (sit0, tunl0, …)
 * that some kernels make in each.
 */
function devicesOfThisNamespace(): readonly string[] {
  const lines = readFileSync('/proc/thread-self/net/dev', 'utf8').split('\n').slice(2);
  return lines.map((line) => line.slice(0, line.lastIndexOf(':')).trim()).filter((name) => name !== '');
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const names = new Set(right);
  return left.length === names.size && left.every((name) => names.has(name));
}
