// Debian's cloud kernel with all its modules, unpacked and never installed, kept outside the checkout.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { cpio } from './cpio.mjs';
import { aptGet, archiveOf, cloudKernelPackage, has, Refused, run, unpackedKernel } from './packages.mjs';

/** Serves a folder of this machine to a guest. The cloud kernel mounts it by virtio-fs; it has no 9p. */
export const virtiofsd = '/usr/libexec/virtiofsd';

/** Releases of Debian by their major version. */
export const releases = { 11: 'bullseye', 12: 'bookworm', 13: 'trixie' };

/** Kept outside the checkout. */
export const kernelsFolder = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'verify-isolation',
  'cloud-kernels',
);

/** Downloads the kernel, lists dependencies of its modules, and packs what mounts its root if that is no part of it. */
function fetchKernel(folder, suite) {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'unpack-'));
  try {
    const archive = archiveOf(suite, join(work, 'apt'));
    const kernel = cloudKernelPackage(archive);
    const version = kernel.slice('linux-image-'.length);
    aptGet(['download', kernel, 'busybox-static'], { cwd: work }, archive);
    for (const name of readdirSync(work).filter((file) => file.endsWith('.deb')))
      run(['dpkg-deb', '-x', name, 'root'], { cwd: work });
    const parts = join(work, 'parts');
    mkdirSync(join(parts, 'lib/modules'), { recursive: true });
    renameSync(join(work, 'root/boot', `vmlinuz-${version}`), join(parts, 'vmlinuz'));
    // below /usr since Debian 13, busybox as well
    const [modules, busybox] = [`lib/modules/${version}`, 'bin/busybox'].map((path) =>
      [join(work, 'root', path), join(work, 'root/usr', path)].find((file) => existsSync(file)),
    );
    renameSync(modules, join(parts, 'lib/modules', version));
    run(['depmod', '-b', parts, version]);
    writeFileSync(join(parts, 'root.cpio'), rootMounter(parts, version, readFileSync(busybox)));
    renameSync(parts, join(folder, version)); // whole or not at all
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A first file system that loads the modules of virtio-fs; empty if they are built in. */
function rootMounter(parts, version, busybox) {
  const needed = ['virtio_pci', 'virtiofs'].flatMap((module) =>
    run(['modprobe', '-d', parts, '-S', version, '--show-depends', module])
      .toString()
      .split('\n')
      .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []),
  );
  const modules = [...new Set(needed)];
  if (modules.length === 0) return '';
  const init = `#!/bin/busybox sh
for module in ${modules.map((file) => basename(file)).join(' ')}; do /bin/busybox insmod /$module; done
/bin/busybox mount -t virtiofs -o ro root /root
exec /bin/busybox switch_root /root "$VM_INIT"
`;
  return cpio([
    ...['bin', 'root'].map((path) => ({ path, mode: 0o040755, data: Buffer.alloc(0) })),
    { path: 'init', mode: 0o100755, data: Buffer.from(init) },
    { path: 'bin/busybox', mode: 0o100755, data: busybox },
    ...modules.map((file) => ({ path: basename(file), mode: 0o100644, data: readFileSync(file) })),
  ]);
}

/** Why this machine can run no such guest at all; null = it can be tried. */
function impossible() {
  if (process.getuid() !== 0) return 'serving the file system to a guest takes root';
  if (process.arch !== 'x64') return `the guest is x86-64, this machine is ${process.arch}`;
  if (!has('apt-get')) return 'the guest’s kernel is Debian’s, and there is no apt-get here';
  return null;
}

/**
 * Gets what is needed to boot it: installs QEMU, virtiofsd and kmod where they are missing, downloads the kernel once.
 * Returns `{ kernel, initrd, modules, version }`, `initrd`: null if it mounts its root itself, `modules` for
 * `modprobe -d`; or `{ skip }`: the reason why it is not available.
 */
export function prepareCloudKernel(release) {
  const skip = impossible();
  if (skip !== null) return { skip };
  const folder = join(kernelsFolder, releases[release]);
  try {
    const missing = [
      ...(has('qemu-system-x86_64') ? [] : ['qemu-system-x86']),
      ...(existsSync(virtiofsd) ? [] : ['virtiofsd']),
      ...(has('modprobe') ? [] : ['kmod']),
    ];
    if (missing.length > 0) aptGet(['install', '--no-install-recommends', ...missing]);
    const kept = () =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => existsSync(join(folder, name, 'vmlinuz')))
            .sort()
            .at(-1)
        : undefined;
    if (kept() === undefined) fetchKernel(folder, releases[release]);
    const version = kept();
    const modules = join(folder, version);
    const initrd = join(modules, 'root.cpio');
    return {
      kernel: unpackedKernel(modules),
      initrd: statSync(initrd).size === 0 ? null : initrd,
      modules,
      version,
    };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { skip: error.message };
  }
}
