// Programs that manage bridges and guests, from Debian's archive: unpacked, never installed, since they would take the
// place of what this machine uses, or start daemons on it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each with a file of its own: where that lies, the package was unpacked. */
const packages = {
  ifupdown2: 'usr/share/ifupdown2/__main__.py',
  'netplan-generator': 'usr/libexec/netplan/generate',
  libnetplan1: 'usr/share/doc/libnetplan1',
  'network-manager': 'usr/sbin/NetworkManager',
  libnm0: 'usr/share/doc/libnm0',
  libndp0: 'usr/share/doc/libndp0',
};

/** Programs that run guests, what a guest of theirs runs, and what runs beside them on many hosts. */
const guestManagers = [
  'aardvark-dns',
  'avahi-daemon',
  'busybox-static',
  'chrony',
  'containerd',
  'containernetworking-plugins',
  'crun',
  'dbus-daemon',
  'dnsmasq-base',
  'docker-cli',
  'docker.io',
  'ethtool',
  'firewalld',
  'incus-base',
  'incus-client',
  'iptables',
  'keepalived',
  'libvirt-clients',
  'libvirt-daemon',
  'libvirt-daemon-config-nwfilter',
  'libvirt-daemon-driver-lxc',
  'libvirt-daemon-driver-network',
  'libvirt-daemon-driver-nwfilter',
  'libvirt-daemon-driver-qemu',
  'lldpd',
  'netavark',
  'ovn-central',
  'ovn-host',
  'podman',
  'runc',
  'suricata',
  'ufw',
  'uidmap',
];

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

/** Where what was unpacked is kept. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation');
/** Locks of apt are not waited for, since nothing is installed; its own user may not enter the cache. */
const apt = ['apt-get', '-q', '-y', '-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=1'];

/** Why nothing of Debian's can be had; null = it can. */
function withoutArchive() {
  return spawnSync('sh', ['-c', 'command -v apt-get']).status === 0
    ? null
    : 'they come from Debian’s archive, and there is no apt-get here';
}

/**
 * Packages, downloaded by `download` in a folder of its own, unpacked into `folder`, which is there whole or not at
 * all. Gives why that failed; null = it did not.
 */
function unpackInto(folder, download, finish = () => undefined) {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), 'unpack-'));
  try {
    mkdirSync(join(work, 'partial'));
    const fetch = () => run(download(work), { cwd: work });
    const refused = fetch() && (run(['apt-get', '-q', 'update']) ?? fetch());
    if (refused) return refused;
    for (const archive of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      const failed = run(['dpkg-deb', '-x', archive, 'root'], { cwd: work });
      if (failed) return failed;
    }
    finish(join(work, 'root'));
    renameSync(join(work, 'root'), folder);
    return null;
  } catch (error) {
    // somebody beside this one was quicker
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * `{ folder }` with their files below it, as `/usr` and `/etc` would have them; or `{ skip }`: why they cannot be had
 * here. Downloads them once, 3.1 MB.
 */
export function prepareManagers() {
  const none = withoutArchive();
  if (none) return { skip: none };
  const folder = join(cache, 'managers');
  if (Object.values(packages).every((file) => existsSync(join(folder, file)))) return { folder };
  rmSync(folder, { recursive: true, force: true }); // of a version that had fewer
  const skip = unpackInto(folder, () => [...apt, 'download', ...Object.keys(packages)]);
  return skip === null ? { folder } : { skip };
}

/** One for each list of packages. */
function guestManagersFolder() {
  const version = createHash('sha256').update(guestManagers.join(' ')).digest('hex').slice(0, 8);
  return join(cache, `guest-managers-${version}`);
}

/**
 * The same for Docker, containerd, Podman, Incus and libvirt, with all that they depend on and this machine does not
 * have. Downloads them once, 155 MB.
 */
export function prepareGuestManagers() {
  const none = process.getuid() === 0 ? withoutArchive() : 'it takes root to start them';
  if (none) return { skip: none };
  const folder = guestManagersFolder();
  if (existsSync(folder)) return { folder };
  const skip = unpackInto(
    folder,
    (work) => [
      ...apt,
      '--no-install-recommends',
      '--download-only',
      '-o',
      `Dir::Cache::archives=${work}`,
      'install',
      ...guestManagers,
    ],
    (root) => {
      // what update-alternatives would do
      for (const program of ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]))
        if (existsSync(join(root, 'usr/sbin/xtables-nft-multi')))
          symlinkSync('xtables-nft-multi', join(root, 'usr/sbin', program));
    },
  );
  return skip === null ? { folder } : { skip };
}

// `node scripts/managers.mjs`: both, so that no test has to wait for them; with `--there` it looks whether they are.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--there') process.exitCode = existsSync(guestManagersFolder()) ? 0 : 1;
  else {
    const skipped = [prepareManagers(), prepareGuestManagers()].flatMap(({ skip }) => skip ?? []);
    for (const why of skipped) console.error(`not unpacked: ${why}`);
    process.exitCode = skipped.length === 0 ? 0 : 69;
  }
}
