import { spawnSync } from 'node:child_process';

const there = (program) =>
  spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${program}`], { stdio: 'ignore' }).status === 0;

/**
 * Installs Debian packages of peers that are not there, as root and without asking; gives the programs that are still
 * missing. `wanted`: program → package.
 */
export function install(wanted) {
  const missing = () => Object.keys(wanted).filter((program) => !there(program));
  const packages = [...new Set(missing().map((program) => wanted[program]))];
  if (packages.length > 0 && process.getuid() === 0) {
    console.error(`installing ${packages.join(', ')}`);
    spawnSync(
      'apt-get',
      ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-q', '--no-install-recommends', ...packages],
      { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } },
    );
  }
  return missing();
}
