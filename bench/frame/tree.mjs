import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';

const everyMs = 100;

/** Process → its children, as /proc has them now. */
function children() {
  const byParent = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      byParent.set(parent, [...(byParent.get(parent) ?? []), Number(pid)]);
    } catch {
      // it has ended
    }
  }
  return byParent;
}

/** Memory of a process in KiB, what it shares with others by its part (PSS); 0 where it has ended. */
function memoryOf(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function treeMemory(root) {
  const byParent = children();
  let sum = 0;
  for (const queue = [root]; queue.length > 0; ) {
    const pid = queue.pop();
    sum += memoryOf(pid);
    queue.push(...(byParent.get(pid) ?? []));
  }
  return sum;
}

/**
 * Runs a program to its end. Gives its seconds, its processor seconds with those of all that it started and waited for,
 * the most memory (MB) that its whole tree of processes had at once, and its exit status. `output`: a file for what it
 * prints.
 */
export function runTree(argv, { output, env = {} }) {
  const out = openSync(output, 'w');
  const script = 'TIMEFORMAT="@@ %R %U %S"; time "$@"';
  const child = spawn('bash', ['-c', script, 'bash', ...argv], {
    stdio: ['ignore', out, 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...env },
  });
  closeSync(out);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, treeMemory(child.pid));
  }, everyMs);
  return new Promise((resolve) =>
    child.once('close', (status) => {
      clearInterval(timer);
      const [, real, user, system] = /@@ (\S+) (\S+) (\S+)/.exec(stderr) ?? [];
      resolve({
        status,
        seconds: Number(real),
        processor: Number(user) + Number(system),
        megabytes: peak / 1024,
        stderr,
      });
    }),
  );
}
