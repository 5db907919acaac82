import { spawnSync } from 'node:child_process';

/**
 * Runs a program of the bench in network and process namespaces of its own, as root of this machine or of a user
 * namespace; what it prints is JSON. Everything it starts ends with it.
 */
export function inside(program, ...words) {
  return withMounts('true', program, ...words);
}

/** The same, where `mounts`, a line of the shell, has been carried out in a mount namespace of its own. */
export function withMounts(mounts, program, ...words) {
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const argv = [
    ...user,
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
    `${mounts} && exec "$0" "$@"`,
    process.execPath,
    program,
    ...words.map(String),
  ];
  const { stdout, status } = spawnSync('unshare', argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  if (status !== 0) throw new Error(`${[program, ...words].join(' ')}: exit status ${status}`);
  return JSON.parse(stdout);
}
