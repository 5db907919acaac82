import { VerifyError } from '../core/model/verify-error.js';
import { procText } from '../system/kernel/proc-files.js';

/**
 * What a process has done so far, as a text that changes while it gets on: its processor time (proc_pid_stat(5), utime
 * and stime). Null: it is gone.
 */
export function workOf(pid: number): { readonly done: string; readonly waits: boolean } | null {
  const stat = procText(`/proc/${pid}/stat`);
  // The command stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Runnable, it waits for a processor that others have.
  return stat === '' ? null : { done: `${fields[11] ?? ''} ${fields[12] ?? ''}`, waits: fields[0] === 'R' };
}

/**
 * Waits for a process that was started as long as it gets on: a slow processor, or one that others use, is no reason to
 * give up. Rejects as `ready` does, or with VerifyError (69) when it has done nothing for `idleMs`, or after `mostMs`
 * whatever it does.
 */
export async function whileStarting<T>(
  ready: Promise<T>,
  { pid, idleMs, mostMs }: { readonly pid: number; readonly idleMs: number; readonly mostMs: number },
): Promise<T> {
  const began = performance.now();
  let last = workOf(pid)?.done;
  let watch: NodeJS.Timeout | undefined;
  const idle = new Promise<never>((_, reject) => {
    watch = setInterval(() => {
      const work = workOf(pid);
      const passedMs = Math.round(performance.now() - began);
      if (work === null) return; // gone: `ready` tells
      if ((work.done !== last || work.waits) && passedMs < mostMs) last = work.done;
      else
        reject(
          new VerifyError(
            'helper-died',
            69,
            `it has not said "ready" within ${passedMs} ms${passedMs < mostMs ? `, and has done nothing for ${idleMs} ms` : ''}`,
            'run it where the machine has time for it',
          ),
        );
    }, idleMs);
  });
  try {
    return await Promise.race([ready, idle]);
  } finally {
    clearInterval(watch);
  }
}
