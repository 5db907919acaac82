import { readFileSync, readdirSync } from 'node:fs';

/**
 * Seconds that all threads of a process have been on a processor, user and system (proc_pid_schedstat: time on the cpu
 * in ns).
 */
export function processorSeconds(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
    } catch {
      return sum; // the thread has ended
    }
  }, 0);
}
