// `node scripts/test-cloud.mjs ARGUMENTS OF VITEST`: tests under Debian's cloud kernel, in a QEMU guest whose file system
// is this machine's, read-only, with memory laid over it. That kernel has what those of build machines lack: bond,
// ipvlan, macvtap, netkit, vhost, nftables of bridges, Open vSwitch's datapath. QEMU emulates the processor, so it is
// ten times as slow. Exit 69 where it cannot be had here, and why on stderr.
//
// VM_MINUTES (45): after that the guest is ended. VM_KEEP: a folder for what the tests leave in /run/out/kept.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { prepareCloudKernel, virtiofsd } from './vm/cloud-kernel.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const memoryMiB = 2048;
const minutes = Number(process.env.VM_MINUTES || 45);
/** An emulated processor. */
const patience = ['--testTimeout=3600000', '--hookTimeout=600000', '--no-file-parallelism', '--no-isolate'];

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** What the guest runs. */
function commandOf(words) {
  const environment = {
    TMPDIR: '/run/tmp',
    HOME: '/run/tmp',
    LANG: 'C.UTF-8',
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
    CI: '1',
    VERIFY_ISOLATION_PATIENCE: '10',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('ADVERSARY_'))),
    ADVERSARY_KEEP: '/run/out/kept',
  };
  const argv = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run', ...patience, ...words];
  return [
    `cd ${quoted(top)} || exit 70`,
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `exec ${argv.map(quoted).join(' ')}`,
    '',
  ].join('\n');
}

/** A program that ends when this one does, however that ends. */
function started(argv, stdio) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { stdio });
  const closed = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(signal ?? `exit ${status}`));
  });
  return { child, closed };
}

async function ready(file, { closed }) {
  const ended = await Promise.race([closed, wait(10)]);
  for (let tries = 0; !existsSync(file) && ended === undefined && tries < 500; tries += 1) await wait(10);
  if (!existsSync(file)) throw new Error(`virtiofsd did not start: ${ended ?? 'no socket'}`);
}

const sharing = (folder, socket, ...more) =>
  started(
    [virtiofsd, '--shared-dir', folder, '--socket-path', socket, '--sandbox', 'none', '--log-level', 'error', ...more],
    ['ignore', 'inherit', 'inherit'],
  );

/** Boots, runs vitest, powers off; the exit status is vitest's. */
async function boot({ kernel, modules }, folder, words) {
  const out = join(folder, 'out');
  mkdirSync(out);
  writeFileSync(join(out, 'command'), commandOf(words));
  const [rootSocket, outSocket] = ['root', 'out'].map((name) => join(folder, `${name}.sock`));
  const readOnly = ['--readonly', '--cache', 'always', '--no-announce-submounts'];
  const servers = [sharing('/', rootSocket, ...readOnly), sharing(out, outSocket)];
  try {
    await ready(rootSocket, servers[0]);
    await ready(outSocket, servers[1]);
    const append = [
      'console=ttyS0 panic=-1 quiet mitigations=off lsm= audit=0 nowatchdog random.trust_cpu=on',
      `root=root rootfstype=virtiofs ro init=${join(top, 'scripts/vm/cloud-init.sh')} VM_MODULES=${modules}`,
    ].join(' ');
    const options = [
      // never KVM: it may be there and still not run a guest
      ['-accel', 'tcg,thread=multi,tb-size=512'],
      // wider registers are emulated piece by piece: with -cpu max a run takes twice as long
      ['-cpu', 'Nehalem'],
      ['-M', 'q35'],
      ['-smp', '2'],
      ['-m', `${memoryMiB}M`],
      ['-nodefaults'],
      ['-no-user-config'],
      ['-no-reboot'],
      ['-display', 'none'],
      ['-object', `memory-backend-memfd,id=memory,size=${memoryMiB}M,share=on`],
      ['-numa', 'node,memdev=memory'],
      ['-chardev', `socket,id=root,path=${rootSocket}`],
      ['-device', 'vhost-user-fs-pci,chardev=root,tag=root,queue-size=1024'],
      ['-chardev', `socket,id=out,path=${outSocket}`],
      ['-device', 'vhost-user-fs-pci,chardev=out,tag=out'],
      ['-device', 'virtio-rng-pci'],
      ['-chardev', 'stdio,id=console,signal=off'],
      ['-serial', 'chardev:console'],
      ['-kernel', kernel],
      ['-append', append],
    ].flat();
    const machine = started(['qemu-system-x86_64', ...options], ['ignore', 'inherit', 'inherit']);
    const late = setTimeout(() => {
      console.error(`the guest is ended: it ran for ${minutes} minutes (VM_MINUTES)`);
      machine.child.kill('SIGKILL');
    }, minutes * 60_000);
    const ended = await machine.closed;
    clearTimeout(late);
    const status = join(out, 'status');
    if (existsSync(status)) return Number(readFileSync(status, 'utf8'));
    console.error(`the guest ended without having run the tests (${ended})`);
    return 1;
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
    if (process.env.VM_KEEP && existsSync(join(out, 'kept')))
      cpSync(join(out, 'kept'), process.env.VM_KEEP, { recursive: true });
  }
}

const { skip, failed, ...kernel } = prepareCloudKernel();
if (skip || failed) {
  console.error(`Debian’s cloud kernel cannot be had here: ${skip ?? failed}`);
  process.exit(skip ? 69 : 1);
}
const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-cloud-'));
try {
  process.exitCode = await boot(kernel, folder, process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
