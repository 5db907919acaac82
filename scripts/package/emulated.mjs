// An arm64 machine as far as programs go: QEMU's user mode and the C and C++ libraries of Debian 13, unpacked and never
// installed, kept outside the checkout.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { aptGet, archiveOf, has, Refused, run } from '../vm/packages.mjs';

function unpack(folder, names, work, archive = []) {
  const download = mkdtempSync(join(work, 'download-'));
  aptGet(['download', ...names], { cwd: download }, archive);
  for (const name of readdirSync(download)) run(['dpkg-deb', '-x', join(download, name), folder]);
}

function fetchMachine(folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const machine = join(work, 'machine');
    mkdirSync(machine);
    unpack(join(machine, 'qemu'), ['qemu-user'], work);
    const root = join(machine, 'root');
    unpack(root, ['libc6', 'libstdc++6', 'libgcc-s1'], work, archiveOf('trixie', join(work, 'apt'), 'arm64'));
    if (!existsSync(join(root, 'lib'))) symlinkSync('usr/lib', join(root, 'lib'));
    renameSync(machine, folder); // whole or not at all
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Returns `{ words }`, which begin a command line of an arm64 program, or `{ skip }`: the reason why there are none. */
export function prepareArm64() {
  if (process.arch !== 'x64') return { skip: `QEMU is taken for amd64, this machine is ${process.arch}` };
  if (!has('apt-get')) return { skip: 'they come from Debian’s archive, and there is no apt-get here' };
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verify-isolation', 'arm64');
  try {
    if (!existsSync(folder)) fetchMachine(folder);
    return { words: [join(folder, 'qemu/usr/bin/qemu-aarch64'), '-L', join(folder, 'root')] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { skip: error.message };
  }
}
