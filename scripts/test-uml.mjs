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
  readdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const modules = '/usr/lib/uml/modules';
/**
 * Tests that carry the tag `kernel`: what a kernel can do decides them, and some of sending and listening to show that
 * these work there at all. Their files are found by their text: to load all others as well, and run none of them, takes
 * that kernel minutes.
 */
const ofKernel = [
  ...['lab', 'system'].flatMap((project) =>
    readdirSync(join(top, 'test', project), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `test/${project}/${name}`)
      .filter((file) => /\bdescribeOnKernelWith\(|\btags: \[?'kernel'/.test(readFileSync(join(top, file), 'utf8'))),
  ),
  '--tagsFilter=kernel',
];
/** All that makes network namespaces. */
const ofNetwork = ['test/lab/', 'test/system/ovs/'];
/** Of the machine, in MiB. It takes from this one only what it uses. */
const memoryMiB = 2048;
/** One processor, and a slow one. */
const patience = ['--testTimeout=300000', '--hookTimeout=300000', '--no-file-parallelism', '--no-isolate'];

const isAll = process.argv.includes('--all');
const isProgram = process.argv[2] === '--program';
const given = process.argv.slice(isProgram ? 3 : 2).filter((word) => word !== '--all');
const chosen = isAll ? ofNetwork : given.some((word) => !word.startsWith('-')) ? [] : ofKernel;

function stop(why, ...lines) {
  console.error([`User-mode Linux cannot be had here: ${why}`, ...lines].join('\n'));
  process.exit(69);
}

function has(program, ...args) {
  return spawnSync(program, args, { stdio: 'ignore' }).error === undefined;
}

/** The kernel, and modprobe for its modules, from Debian's archive where they are not there. */
function install() {
  const there = () => existsSync(modules) && has('linux.uml', '--version') && has('modprobe', '--version');
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
  if (!has('apt-get', '--version'))
    stop(
      'it is installed from Debian packages, and there is no apt-get',
      'put linux.uml and modprobe into the PATH, and its modules into /usr/lib/uml/modules',
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

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

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
  return allowed !== undefined && has('taskset', '--version') ? ['taskset', '--cpu-list', allowed] : [];
}

/** Boots, runs vitest, halts; the exit status is vitest's. */
function boot(folder) {
  mkdirSync(join(folder, 'lib'));
  symlinkSync(modules, join(folder, 'lib/modules'));
  mkdirSync(join(folder, 'uml'));
  const tests = ['node_modules/vitest/vitest.mjs', 'run', ...chosen, ...patience, ...given];
  const argv = [process.execPath, ...(isProgram ? given : tests)];
  const environment = {
    TMPDIR: '/run/tmp',
    HOME: '/run/tmp',
    LANG: 'C.UTF-8',
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
    CI: '1',
    VERIFY_ISOLATION_PATIENCE: '10',
    VERIFY_ISOLATION_ALL: isAll ? '1' : '0',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('ADVERSARY_'))),
  };
  writeFileSync(
    join(folder, 'command'),
    [
      `cd ${quoted(top)} || exit 70`,
      ...Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`),
      `exec ${argv.map(quoted).join(' ')}`,
      '',
    ].join('\n'),
  );
  const [program, ...words] = [...onOneProcessor(), 'linux.uml'];
  const { error, signal } = spawnSync(
    program,
    [
      ...words,
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
    { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, TMPDIR: memory } },
  );
  try {
    return Number(readFileSync(join(folder, 'status'), 'utf8'));
  } catch {
    console.error(`User-mode Linux ended without having run the tests (${error?.message ?? signal ?? 'see above'})`);
    return 1;
  }
}

install();
const memory = memoryFolder();
const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-uml-'));
try {
  process.exitCode = boot(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
