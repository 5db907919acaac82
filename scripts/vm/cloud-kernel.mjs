// Debian's cloud kernel with all its modules, unpacked and never installed, kept outside the checkout.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { aptGet, cloudKernelPackage, has, Refused, run, unpackedKernel } from './packages.mjs';

/** Serves a folder of this machine to a guest. The cloud kernel mounts it by virtio-fs; it has no 9p. */
export const virtiofsd = '/usr/libexec/virtiofsd';

/** Downloads the kernel, and lists what its modules need of each other. */
function fetchKernel(folder) {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'unpack-'));
  try {
    const kernel = cloudKernelPackage();
    const version = kernel.slice('linux-image-'.length);
    aptGet(['download', kernel], { cwd: work });
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
    run(['dpkg-deb', '-x', archive, 'root'], { cwd: work });
    const parts = join(work, 'parts');
    mkdirSync(join(parts, 'lib/modules'), { recursive: true });
    renameSync(join(work, 'root/boot', `vmlinuz-${version}`), join(parts, 'vmlinuz'));
    renameSync(join(work, 'root/usr/lib/modules', version), join(parts, 'lib/modules', version));
    run(['depmod', '-b', parts, version]);
    renameSync(parts, join(folder, version)); // whole or not at all
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
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
 * Returns `{ kernel, modules, version }`, `modules` for `modprobe -d`, or `{ skip }`: the reason why it is not available.
 */
export function prepareCloudKernel() {
  const skip = impossible();
  if (skip !== null) return { skip };
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'cloud-kernel');
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
    if (kept() === undefined) fetchKernel(folder);
    const version = kept();
    const modules = join(folder, version);
    return { kernel: unpackedKernel(modules), modules, version };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { skip: error.message };
  }
}
