import { spawnSync } from 'node:child_process';

/**
 * Runs a program of the bench in network and process namespaces of its own, as root of this machine or of a user
 * namespace; what it prints is JSON. Everything it starts ends with it.
 */
export function inside(program, ...words) {
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const argv = [
    ...user,
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    process.execPath,
    program,
    ...words.map(String),
  ];
  const { stdout, status } = spawnSync('unshare', argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  if (status !== 0) throw new Error(`${program}: exit status ${status}`);
  return JSON.parse(stdout);
}
