import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cli, type Outcome, outcomeOf } from '../lab/throw-away-host.js';

/**
 * A machine within this one, for programs that run guests: network, processes and mounts of its own, the programs of
 * `folder`, if any, laid over /usr and /etc. What they write is in memory and goes with it.
 */
export interface Cage {
  /** Runs a shell script in it to its end, and gives what it prints. Throws Error where it fails. */
  run(script: string): string;
  /** Starts a program that goes on; what it prints goes to /run/NAME.log. */
  start(name: string, command: string): void;
  /** The program under test. */
  cli(args: readonly string[]): Promise<Outcome>;
  /** Resolves when the script succeeds; throws Error with the log of `name` where it does not within 20 s. */
  until(script: string, name: string): Promise<void>;
  /** Ends every process in it, and takes away what these left in the tree of control groups. */
  end(): Promise<void>;
}

/** What a guest runs: busybox under these names. */
const applets = ['sh', 'sleep', 'ping', 'ip', 'cat', 'httpd', 'wget', 'arping'];

const overlay = (folder: string): string => `for top in usr etc var; do
  mkdir -p /run/over/$top/upper /run/over/$top/work
  mount -t overlay o -o lowerdir=${folder}/$top:/$top,upperdir=/run/over/$top/upper,workdir=/run/over/$top/work /$top
done
# daemons take no overlay as the place of another one
for dir in lib/docker lib/containers lib/containerd lib/incus lib/libvirt cache/libvirt log/libvirt log/incus; do
  mkdir -p /var/$dir; mount -t tmpfs t /var/$dir
done`;

const construct = (folder: string | null): string => `set -e
mount -t tmpfs t /run
mkdir -p /run/netns /run/lock /run/home /run/old
${folder === null ? '' : overlay(folder)}
mount --rbind /sys/fs/cgroup /run/old
umount -R -l /sys
mount -t sysfs s /sys
if grep -q '^memory.[1-9]' /proc/cgroups
then mount --rbind /run/old /sys/fs/cgroup; umount /sys/fs/cgroup/unified 2>/dev/null || true
else mount -t cgroup2 none /sys/fs/cgroup
fi
umount -R -l /run/old
ip link set dev lo up
mkdir -p /run/guest/bin /run/guest/sbin /run/guest/dev /run/guest/proc /run/guest/sys /run/guest/etc /run/guest/tmp /run/guest/run /run/guest/root
[ ! -e /usr/bin/busybox ] || cp /usr/bin/busybox /run/guest/bin/
for name in ${applets.join(' ')}; do ln -s busybox /run/guest/bin/$name; done
ln -s ../bin/busybox /run/guest/sbin/init
echo ready
# the first process has to reap
trap : CHLD
while :; do sleep 3600 & wait $!; done`;

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Starts it. `groups`: the names of what its programs make in the tree of control groups, which outlives them; `env`:
 * of all that is started in it.
 */
export async function startCage(
  folder: string | null,
  groups: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<Cage> {
  const before = new Set(controlGroups(groups));
  const environment = { PATH: path, HOME: '/run/home', LC_ALL: 'C', ...env };
  const child = spawn(
    'unshare',
    [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--propagation',
      'private',
      'bash',
      '-c',
      construct(folder),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: environment },
  );
  await ready(child);
  const first = readFileSync(`/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`, 'utf8').trim();
  const enter = ['--target', first, '--mount', '--net', '--pid', '--wd=/', '--'];
  const run = (script: string): string =>
    execFileSync('nsenter', [...enter, 'bash', '-euc', script], {
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const start = (name: string, command: string): void => {
    run(`(exec ${command}) >/run/${name}.log 2>&1 </dev/null &`);
  };
  return {
    run,
    start,
    cli: (args) =>
      outcomeOf(
        spawn('nsenter', [...enter, process.execPath, cli, ...args], {
          env: environment,
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      ),
    async until(script, name) {
      const script20 = `for n in $(seq 200); do if ${script} >/dev/null 2>&1; then exit 0; fi; sleep 0.1; done; tail -n 20 /run/${name}.log >&2; exit 1`;
      await new Promise<void>((resolve, reject) => {
        const waiting = spawn('nsenter', [...enter, 'bash', '-c', script20], {
          env: environment,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        void outcomeOf(waiting).then(({ status, stderr }) => (status === 0 ? resolve() : reject(new Error(stderr))));
      });
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) {
        const closed = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        await closed;
      }
      for (let tries = 0; tries < 50 && !removed(controlGroups(groups).filter((dir) => !before.has(dir))); tries += 1)
        await sleep(100);
    },
  };
}

async function ready(child: ChildProcess): Promise<void> {
  let reported = '';
  child.stderr?.on('data', (data) => (reported += String(data)));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (data) => (String(data).includes('ready') ? resolve() : undefined));
    child.once('close', () => reject(new Error(`the cage did not start: ${reported}`)));
  });
}

function controlGroups(groups: RegExp): readonly string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts
    .flatMap((line) => {
      const [, at = '', type = ''] = line.split(' ');
      return type === 'cgroup' || type === 'cgroup2' ? [at] : [];
    })
    .filter((at) => existsSync(at))
    .flatMap((at) =>
      readdirSync(at, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() && groups.test(entry.name) ? [join(at, entry.name)] : [],
      ),
    );
}

/** Whether all of them are gone: a group that has a process yet stays. */
function removed(dirs: readonly string[]): boolean {
  const gone = (dir: string): boolean => {
    try {
      const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      const emptied = below.map((entry) => gone(join(dir, entry.name))).every(Boolean);
      if (emptied) rmdirSync(dir);
      return emptied;
    } catch {
      return !existsSync(dir);
    }
  };
  return dirs.map(gone).every(Boolean);
}
