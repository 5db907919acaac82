// Root file systems on which tests install the packages: a Debian hypervisor's and the smallest that there are. Kept
// outside the checkout.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The systems, by name: a hypervisor with what a run needs, and the smallest that Debian makes, which no package is
 * added to.
 */
const systems = {
  hypervisor: { suite: null, include: ['libpcap0.8t64', 'iproute2', 'nftables', 'procps', 'systemd'] },
  'bare-trixie': { suite: 'trixie', include: [] },
  'bare-bookworm': { suite: 'bookworm', include: [] },
};

/** Returns null, or the last line of what a command that failed said. */
function failureOf(argv) {
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

/** The archive server of this machine's own sources. */
export function mirror() {
  const text = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list']
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  return /^URIs: (\S+)$/m.exec(text)?.[1] ?? /^deb (?:\[.*\] )?(\S+) /m.exec(text)?.[1] ?? null;
}

/** Installs mmdebstrap where it is missing; returns why it cannot, or null. */
function needMmdebstrap() {
  if (failureOf(['mmdebstrap', '--version']) === null) return null;
  const install = 'apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends mmdebstrap'.split(' ');
  return failureOf(install) === null ? null : (failureOf(['apt-get', '-q', 'update']) ?? failureOf(install));
}

/** Makes the archive at `path`, whole or not at all; returns why it cannot, or null. */
function makeSystem(path, suite, include) {
  if (existsSync(path)) return null;
  const unfinished = `${path}.${process.pid}.tar`;
  const packages = include.length === 0 ? [] : [`--include=${include.join(',')}`];
  const server = mirror();
  const failure = failureOf([
    'mmdebstrap',
    '--variant=minbase',
    ...packages,
    suite,
    unfinished,
    ...(server === null ? [] : [`deb ${server} ${suite} main`]),
  ]);
  if (failure === null) renameSync(unfinished, path);
  else rmSync(unfinished, { force: true });
  return failure;
}

/**
 * Returns `{ root }`: a folder with an archive (.tar) of each system's files, or `{ skip }`: the reason why this machine
 * has none.
 */
export function prepareTarget() {
  const own = codename();
  if (process.getuid() !== 0) return { skip: 'a root file system is made and entered as root' };
  if (own === null) return { skip: 'a bare Debian is made on Debian only' };
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'targets');
  mkdirSync(root, { recursive: true });
  const isComplete = Object.keys(systems).every((name) => existsSync(join(root, `${name}.tar`)));
  let skip = isComplete ? null : needMmdebstrap();
  for (const [name, { suite, include }] of Object.entries(systems))
    skip ??= makeSystem(join(root, `${name}.tar`), suite ?? own, include);
  return skip === null ? { root } : { skip };
}
