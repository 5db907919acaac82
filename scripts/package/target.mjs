// A hypervisor's root file system as the installed package's test needs it: Debian's smallest, with what the package
// depends on. Kept outside the checkout.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Depends of the package that no bare system has. */
const packages = ['libpcap0.8t64', 'iproute2', 'procps'];

function run(argv) {
  const { status, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0 ? null : `${argv.slice(0, 4).join(' ')}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
}

/** Of /etc/os-release; null = this is no Debian. */
function codename() {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^ID=debian$/m.test(text) ? (/^VERSION_CODENAME=(\S+)$/m.exec(text)?.[1] ?? null) : null;
}

/**
 * Returns `{ root }`: an archive of the file system, or `{ skip }`: the reason why this machine has none.
 */
export function prepareTarget() {
  const suite = codename();
  if (process.getuid() !== 0) return { skip: 'a root file system is made and entered as root' };
  if (suite === null) return { skip: 'a bare Debian is made on Debian only' };
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'target');
  const root = join(folder, `${suite}.tar`);
  if (existsSync(root)) return { root };
  const install = [
    'apt-get',
    '-q',
    '-y',
    '-o',
    'DPkg::Lock::Timeout=120',
    'install',
    '--no-install-recommends',
    'mmdebstrap',
  ];
  if (run(['mmdebstrap', '--version']) !== null && run(install) !== null) {
    const skip = run(['apt-get', '-q', 'update']) ?? run(install);
    if (skip !== null) return { skip };
  }
  mkdirSync(folder, { recursive: true });
  const unfinished = `${root}.${process.pid}.tar`;
  const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']
    .filter((file) => existsSync(file))
    .slice(0, 1);
  const skip = run([
    'mmdebstrap',
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    suite,
    unfinished,
    ...sources,
  ]);
  if (skip !== null) {
    rmSync(unfinished, { force: true });
    return { skip };
  }
  renameSync(unfinished, root); // whole or not at all
  return { root };
}
