// `npm run test:uml [-- ARGUMENTS OF VITEST]`: tests under a second real kernel. User-mode Linux is Debian's kernel as
// a program; it boots in a second on the file system of this machine, and has what kernels of build machines often
// lack: VLAN filtering, 802.1Q, tc's matchall, and Open vSwitch's datapath. Without arguments: what depends on the
// kernel. `--all`: everything that makes a network, for some minutes. `--program FILE ARGUMENTS`: that program of Node
// instead of tests. Exit 69 where it cannot be had here, and why on stderr.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bootFault, commandOf, kernelTests, started, top, vitestRun } from './second-kernel.mjs';

/** All that makes network namespaces. */
const ofNetwork = ['test/lab/', 'test/system/ovs/'];
/** Of the machine, in MiB. It takes from this one only what it uses. */
const memoryMiB = 2048;
/** One processor, and a slow one. */
const patience = ['--testTimeout=300000', '--hookTimeout=300000'];
/** It boots in 1.3 s. */
const bootSeconds = 20;

const isAll = process.argv.includes('--all');
const isProgram = process.argv[2] === '--program';
const given = process.argv.slice(isProgram ? 3 : 2).filter((word) => word !== '--all');
const chosen = isAll ? ofNetwork : given.some((word) => !word.startsWith('-')) ? [] : kernelTests();

const notHere = (why) => `User-mode Linux is not available here: ${why}`;

function stop(why, ...lines) {
  console.error([notHere(why), ...lines].join('\n'));
  process.exit(69);
}

/** The path of a program; empty where it is not installed. */
const pathOf = (program) =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).stdout.trim();
const has = (program) => pathOf(program) !== '';

/** Debian puts them into /usr/lib/uml/modules, and the kernel into /usr/bin. */
const modules = () => join(dirname(pathOf('linux.uml')), '../lib/uml/modules');

/** The kernel, and modprobe for its modules, from Debian's archive where they are not there. */
function install() {
  const there = () => has('linux.uml') && existsSync(modules()) && has('modprobe');
  if (there()) return;
  const command = [
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=120',
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    'user-mode-linux',
    'kmod',
  ];
  if (process.arch !== 'x64') stop(`Debian has it for amd64, not for ${process.arch}`);
  if (!has('apt-get'))
    stop(
      'it is installed from Debian packages, and there is no apt-get',
      'put linux.uml and modprobe into the PATH, and its modules into ../lib/uml/modules beside linux.uml',
    );
  const asRoot = process.getuid() === 0 ? [] : ['sudo', '-n'];
  const run = (argv) =>
    spawnSync(asRoot[0] ?? argv[0], [...asRoot.slice(1), ...(asRoot.length > 0 ? argv : argv.slice(1))], {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  let done = run(command);
  if (done.status !== 0 && run(['apt-get', 'update', '-q']).status === 0) done = run(command);
  if (!there())
    stop(
      'its packages could not be installed',
      (done.error?.message ?? done.stderr).trim(),
      `to have it: sudo ${command.join(' ')}`,
    );
}

/** Where its memory can be a file that is mapped and executed: in memory if there is room, else on disk. */
function memoryFolder() {
  const fits = (path) => {
    const { stdout, error } = spawnSync('findmnt', ['-n', '-o', 'OPTIONS', '-T', path], { encoding: 'utf8' });
    if (error !== undefined || /\bnoexec\b/.test(stdout) || !existsSync(path)) return false;
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize > memoryMiB * 1.1 * 2 ** 20;
  };
  return (
    ['/dev/shm', tmpdir(), '/var/tmp'].find(fits) ??
    stop(`no folder that allows programs has ${memoryMiB} MiB of room`, 'set TMPDIR to one that does')
  );
}

/**
 * Words before it that keep it on one processor, the last that it may use. It is one processor itself, of a kernel and
 * of programs that this traces: at each system call and each page one of them wakes the other, which takes twice the
 * processor time where they are on two.
 */
function onOneProcessor() {
  const allowed = /^Cpus_allowed_list:\s*.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return allowed !== undefined && has('taskset') ? ['taskset', '--cpu-list', allowed] : [];
}

/** Boots, runs vitest, halts. Gives vitest's exit status, or 69 where the kernel does not boot. */
async function boot(folder) {
  mkdirSync(join(folder, 'lib'));
  symlinkSync(modules(), join(folder, 'lib/modules'));
  mkdirSync(join(folder, 'uml'));
  const booted = join(folder, 'booted');
  const environment = { VERIFY_ISOLATION_ALL: isAll ? '1' : '0' };
  const [program, words] = isProgram ? [given, []] : [vitestRun, [...chosen, ...patience, ...given]];
  writeFileSync(join(folder, 'command'), commandOf(words, { booted, environment, program }));
  const kernel = started(
    [
      ...onOneProcessor(),
      'linux.uml',
      `mem=${memoryMiB}M`,
      'root=/dev/root',
      'rootfstype=hostfs',
      'rootflags=/',
      'rw',
      `init=${join(top, 'scripts/uml-init.sh')}`,
      'quiet',
      'con=null',
      'con0=null,fd:1',
      `umid=verify-isolation-${process.pid}`,
      `uml_dir=${join(folder, 'uml')}`,
      `UML_DIR=${folder}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: memory } },
  );
  const why = await bootFault(kernel, { booted, seconds: bootSeconds });
  if (why !== null) {
    console.error(notHere(why));
    return 69;
  }
  const ended = await kernel.closed;
  if (existsSync(join(folder, 'status'))) return Number(readFileSync(join(folder, 'status'), 'utf8'));
  console.error(`User-mode Linux ended without having run the tests (${ended})`);
  return 1;
}

install();
const memory = memoryFolder();
const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-uml-'));
try {
  process.exitCode = await boot(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
