// What the test guests boot: Debian's cloud kernel, unpacked and never installed, and a small first file system. Kept
// outside the checkout.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpio } from './cpio.mjs';
import { aptGet, cloudKernelPackage, has, Refused, run, unpackedKernel } from './packages.mjs';

/** In the order of loading: busybox's insmod resolves no dependencies. vmxnet3 is VMware's card. */
const modules = [
  'net/core/failover',
  'drivers/net/net_failover',
  'drivers/net/virtio_net',
  'drivers/net/vmxnet3/vmxnet3',
];
const applets = [
  'sh',
  'mount',
  'cat',
  'insmod',
  'ip',
  'stty',
  'sleep',
  'ping',
  'wget',
  'base64',
  'grep',
  'kill',
  'poweroff',
  'rm',
];
const folderMode = 0o040755;
const fileMode = 0o100755;
const linkMode = 0o120777;

/** Why this machine can run no guest at all; null = it can be tried. */
function impossible() {
  if (process.getuid() !== 0) return 'taps on a bridge take root';
  if (process.arch !== 'x64') return `the guests are x86-64, this machine is ${process.arch}`;
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  if (!has('apt-get')) return 'the guests’ kernel is Debian’s, and there is no apt-get here';
  return null;
}

/** Downloads the kernel and busybox and keeps what a guest needs of them. */
function fetchParts(folder) {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'unpack-'));
  try {
    const kernel = cloudKernelPackage();
    aptGet(['download', kernel, 'busybox-static'], { cwd: work });
    for (const archive of readdirSync(work).filter((name) => name.endsWith('.deb')))
      run(['dpkg-deb', '-x', archive, 'root'], { cwd: work });
    const version = kernel.slice('linux-image-'.length);
    const parts = join(work, 'parts');
    mkdirSync(parts);
    renameSync(join(work, 'root/boot', `vmlinuz-${version}`), join(parts, 'vmlinuz'));
    renameSync(join(work, 'root/usr/bin/busybox'), join(parts, 'busybox'));
    for (const module of modules) {
      writeFileSync(
        join(parts, `${module.split('/').at(-1)}.ko`),
        run([
          join(parts, 'busybox'),
          'xz',
          '-dc',
          join(work, 'root/usr/lib/modules', version, 'kernel', `${module}.ko.xz`),
        ]),
      );
    }
    renameSync(parts, join(folder, version)); // whole or not at all
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A program of this machine with the libraries that it loads. */
function withLibraries(program) {
  const libraries = [
    ...run(['ldd', program])
      .toString()
      .matchAll(/(?:=> )?(\/\S+) \(0x/g),
  ].map(([, path]) => path);
  return [program, ...libraries].map((path) => ({ path: path.slice(1), mode: fileMode, data: readFileSync(path) }));
}

function firstFileSystem(parts) {
  const init = readFileSync(fileURLToPath(new URL('guest-init.sh', import.meta.url)));
  const tcpdump = run(['sh', '-c', 'command -v tcpdump'], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
    .toString()
    .trim();
  const files = [
    { path: 'init', mode: fileMode, data: init },
    { path: 'bin/busybox', mode: fileMode, data: readFileSync(join(parts, 'busybox')) },
    ...applets.map((name) => ({ path: `bin/${name}`, mode: linkMode, data: Buffer.from('busybox') })),
    ...modules
      .map((module) => module.split('/').at(-1))
      .map((name) => ({ path: `modules/${name}.ko`, mode: fileMode, data: readFileSync(join(parts, `${name}.ko`)) })),
    { path: 'etc/passwd', mode: fileMode, data: Buffer.from('root:x:0:0::/:/bin/sh\n') },
    ...withLibraries(tcpdump).map((file) => (file.path === tcpdump.slice(1) ? { ...file, path: 'bin/tcpdump' } : file)),
  ];
  const folders = new Set(['dev', 'proc', 'sys', 'tmp']);
  for (const { path } of files) for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at);
  return cpio([...[...folders].sort().map((path) => ({ path, mode: folderMode, data: Buffer.alloc(0) })), ...files]);
}

/**
 * Gets everything that a guest boots from: installs QEMU where it is missing, downloads the kernel once. Returns `{
 * kernel, initrd }`, or `{ skip }`: the reason why this machine cannot run guests.
 */
export function prepareImage() {
  const skip = impossible();
  if (skip !== null) return { skip };
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'guests');
  try {
    if (!has('qemu-system-x86_64')) aptGet(['install', '--no-install-recommends', 'qemu-system-x86']);
    const kept = () =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => existsSync(join(folder, name, 'vmlinuz')))
            .sort()
            .at(-1)
        : undefined;
    if (kept() === undefined) fetchParts(folder);
    const parts = join(folder, kept());
    const initrd = join(parts, 'guest.cpio');
    writeFileSync(initrd, firstFileSystem(parts));
    return { kernel: unpackedKernel(parts), initrd };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { skip: error.message };
  }
}
