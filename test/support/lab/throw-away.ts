import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inNamespaceFd } from '../../../src/system/kernel/namespaces.js';

export const top = fileURLToPath(new URL('../../..', import.meta.url));
const isRoot = process.getuid?.() === 0;

/** Three guests on br0, in a namespace of their own. */
export const threeGuests = `
  ip link set dev lo up
  for scope in all default; do echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6; done
  ip link add name br0 address 02:76:69:fe:00:00 type bridge ageing_time 30000 forward_delay 0
  ip link set dev br0 up
  for n in 0 1 2; do
    ip link add name vnet$n type veth peer name g$n address 02:76:69:00:00:0$n
    ip link set dev vnet$n master br0 up; ip link set dev g$n up
    # refused until the port forwards, which the kernel comes to a moment after the carrier
    until bridge fdb add 02:76:69:00:00:0$n dev vnet$n master dynamic 2> /dev/null; do sleep 0.02; done
  done
`;

/**
 * Starts a shell script in new network, mount and pid namespaces with a /sys of their own; all of it ends with the
 * shell.
 */
export function inThrowAway(script: string): ChildProcess {
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  const child = spawn(
    'unshare',
    [
      ...user,
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      `set -e\nmount -t sysfs sysfs /sys\n${script}`,
    ],
    {
      cwd: top,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    },
  );
  child.stdout?.setEncoding('utf8');
  child.stderr?.setEncoding('utf8');
  return child;
}

/** Runs a script to its end. */
export function runThrowAway(
  script: string,
): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = inThrowAway(script);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: string) => (stdout += chunk));
  child.stderr?.on('data', (chunk: string) => (stderr += chunk));
  child.stdin?.end();
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, stdout, stderr })));
}

/** A command: its words, or a text of them if no word has a space of its own. */
export type Command = string | readonly string[];

/** The words of a command, for those that start one. */
export function wordsOf(command: Command): readonly string[] {
  const [line = '', ...more] = [command].flat();
  return more.length === 0 ? line.trim().split(/\s+/) : [line, ...more];
}

/** Runs a command in a network namespace, as a line or word by word, and gives its process id; it must succeed. */
export function runIn(namespace: number, ...command: readonly string[]): number {
  const [program = '', ...words] = wordsOf(command);
  const { pid, status, stderr } = inNamespaceFd(namespace, () => spawnSync(program, words, { encoding: 'utf8' }));
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return pid;
}
