import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { VerifyError } from '../../../core/model/verify-error.js';
import { fieldsOf } from '../../../core/text/json-text.js';
import { libc } from '../../kernel/libc.js';
import { enterNewNamespace } from '../../kernel/namespaces.js';
import { insideVariables, type RunsAs, statusOf, stopSignals } from './launch.js';

/** The lab as seen from inside. */
export interface Inside {
  readonly runsAs: RunsAs;
  /** False = /sys shows the host's devices, not to be read. */
  readonly sysfs: boolean;
}

export interface Entered extends Inside {
  readonly handed: Promise<unknown>;
}

/** A second signal within this time is the terminal's copy. */
const sameSignalMs = 1000;

/**
 * First call inside. A second signal, or the launcher's end, ends the process. Remounts /sys. Throws VerifyError (70)
 * outside an own namespace.
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

/** A new network namespace and /sys. Close everything of the last one before. Throws VerifyError (69). */
export function renewLab(inside: Inside): Inside {
  enterNewNamespace();
  return { ...inside, sysfs: mountSysfs() };
}

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
  if (!process.connected) launcherGone(); // the launcher ended before the listener existed
  void handed.then(() => process.channel?.unref()); // then the channel alone does not keep the process alive
  return handed;
}

/** MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, and the host's MS_NOATIME: the kernel allows no fewer flags. */
const mountFlags = 0xf;
const noAtime = 0x400;

function mountSysfs(): boolean {
  const c = libc();
  const mounted = [mountFlags, mountFlags | noAtime].some(
    (flags) => c.mount('sysfs', '/sys', 'sysfs', flags, null) === 0,
  );
  return mounted && sameNames(devicesInSys(), devicesOfThisNamespace());
}

/** Devices are symbolic links. `bonding_masters` is a file. */
function devicesInSys(): readonly string[] {
  return readdirSync('/sys/class/net', { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => entry.name);
}

/** /proc follows the thread's namespace. Some kernels add fallback tunnels (sit0, tunl0, …). */
function devicesOfThisNamespace(): readonly string[] {
  const lines = readFileSync('/proc/thread-self/net/dev', 'utf8').split('\n').slice(2);
  return lines.map((line) => line.slice(0, line.lastIndexOf(':')).trim()).filter((name) => name !== '');
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const names = new Set(right);
  return left.length === names.size && left.every((name) => names.has(name));
}
