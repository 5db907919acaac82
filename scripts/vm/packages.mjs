// Debian's packages that test guests boot from, and the kernel in them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mirror } from '../package/target.mjs';

const elf = 0x7f454c46;

/** What a machine refuses to a script that needs it, in its own words. */
export class Refused extends Error {}

/** Runs a program to its end and gives what it printed; throws `Refused` with its last line where it fails. */
export function run(argv, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), { maxBuffer: 1 << 28, ...options });
  if (status !== 0)
    throw new Refused(
      `${argv.slice(0, 3).join(' ')}: ${error?.message ?? (stderr.toString().trim().split('\n').at(-1) || `exit ${status}`)}`,
    );
  return stdout;
}

/** apt-get; fetches its lists if it fails without. `archive`: options of another release, see `archiveOf`. */
export function aptGet(args, options = {}, archive = []) {
  const argv = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Sandbox::User=root', ...archive];
  const all = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, ...options };
  try {
    run([...argv, ...args], all);
  } catch {
    run([...argv, 'update'], all);
    run([...argv, ...args], all);
  }
}

/** Options of apt for a release of Debian that is not this machine's: lists and cache of its own in `folder`. */
export function archiveOf(suite, folder, architecture = 'amd64') {
  const server = mirror();
  if (server === null) throw new Refused('no archive of Debian is named in /etc/apt');
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${server} ${suite} main\n`);
  return [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(folder, 'lists')}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${join(folder, 'cache')}`,
    `APT::Architecture=${architecture}`,
    `APT::Architectures::=${architecture}`,
  ].flatMap((option) => ['-o', option]);
}

/** Whether a program of that name is there. */
export function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** The package of the newest cloud kernel of a release. */
export function cloudKernelPackage(archive = []) {
  run(['apt-get', '-q', ...archive, '-o', 'APT::Sandbox::User=root', 'update']);
  const name = /Depends: (linux-image-\S+)/.exec(
    run(['apt-cache', ...archive, 'depends', 'linux-image-cloud-amd64']).toString(),
  )?.[1];
  if (name === undefined) throw new Refused('apt-cache knows no linux-image-cloud-amd64');
  return name;
}

/**
 * The kernel as it lies in memory, out of the image in which Debian packs it by zstd: unpacking takes a guest under
 * emulation a fifth of its boot. Where it is packed otherwise, or apt cannot unpack it, the image itself. Fields of the
 * header: Documentation/arch/x86/boot.rst.
 */
export function unpackedKernel(parts) {
  const [image, kernel] = ['vmlinuz', 'vmlinux'].map((name) => join(parts, name));
  if (existsSync(kernel)) return kernel;
  const bytes = readFileSync(image);
  const [sectors, offset, length] = [bytes[0x1f1] || 4, bytes.readUInt32LE(0x248), bytes.readUInt32LE(0x24c)];
  const start = (sectors + 1) * 512 + offset;
  const packed = join(parts, `${process.pid}.zst`); // of the payload the last four bytes are its unpacked size
  writeFileSync(packed, bytes.subarray(start, start + length - 4));
  const { status, stdout } = spawnSync('/usr/lib/apt/apt-helper', ['cat-file', packed], { maxBuffer: 1 << 28 });
  rmSync(packed);
  if (status !== 0 || stdout.readUInt32BE(0) !== elf) return image;
  const unfinished = join(parts, `${process.pid}.vmlinux`);
  writeFileSync(unfinished, stdout);
  renameSync(unfinished, kernel); // whole or not at all
  return kernel;
}
