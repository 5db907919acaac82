// Programs that manage bridges, from Debian's archive: unpacked, never installed, since they would take the place of
// what this machine uses.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Each with a file of its own: where that lies, the package was unpacked. */
const packages = {
  ifupdown2: 'usr/share/ifupdown2/__main__.py',
  'netplan-generator': 'usr/libexec/netplan/generate',
  libnetplan1: 'usr/share/doc/libnetplan1',
  'network-manager': 'usr/sbin/NetworkManager',
  libnm0: 'usr/share/doc/libnm0',
  libndp0: 'usr/share/doc/libndp0',
};

function run(argv, options = {}) {
  const { status, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    ...options,
  });
  return status === 0
    ? null
    : `${argv.slice(0, 2).join(' ')}: ${error?.message ?? (stderr.trim().split('\n').at(-1) || `exit ${status}`)}`;
}

/**
 * `{ folder }` with their files below it, as `/usr` and `/etc` would have them; or `{ skip }`: why they cannot be had
 * here. Downloads them once, 3.1 MB.
 */
export function prepareManagers() {
  if (spawnSync('sh', ['-c', 'command -v apt-get']).status !== 0)
    return { skip: 'they come from Debian’s archive, and there is no apt-get here' };
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'managers');
  if (Object.values(packages).every((file) => existsSync(join(folder, file)))) return { folder };
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), 'unpack-'));
  try {
    const download = ['apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', ...Object.keys(packages)];
    const refused = run(download, { cwd: work }) && (run(['apt-get', '-q', 'update']) ?? run(download, { cwd: work }));
    if (refused) return { skip: refused };
    for (const archive of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      const failed = run(['dpkg-deb', '-x', archive, 'root'], { cwd: work });
      if (failed) return { skip: failed };
    }
    rmSync(folder, { recursive: true, force: true }); // of a version that had fewer
    renameSync(join(work, 'root'), folder); // whole or not at all
    return { folder };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
