// `node scripts/test-cloud.mjs [--release 11|12|13] [ARGUMENTS OF VITEST]`: tests, without arguments those with the tag
// `kernel`, under the cloud kernel of that release of Debian (13), in a QEMU guest whose file system is this machine's,
// read-only, with memory laid over it. Those kernels have what kernels of build machines lack: bond, ipvlan, macvtap,
// vhost, nftables of bridges, Open vSwitch's datapath, and 13's netkit. `--program FILE ARGUMENTS`: that program of Node
// instead of tests. KVM runs the guest if it can, else QEMU emulates the processor, ten times as slow.
// Exit 69 if it does not boot here, with the reason on stderr.
//
// VM_MINUTES (45): after that the guest is ended. VM_KEEP: a folder for what the tests leave in /run/out/kept.
// VM_ACCEL (kvm): `tcg` never tries KVM, which is not tried for an hour after it failed either.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bootFault, commandOf, kernelTests, started, top, vitestRun } from './second-kernel.mjs';
import { kernelsFolder, prepareCloudKernel, releases, virtiofsd } from './vm/cloud-kernel.mjs';

const memoryMiB = 2048;
const minutes = Number(process.env.VM_MINUTES || 45);
/** Emulated, it boots in 38 s beside thirty busy processes on two processors; by KVM in 3 s on idle ones. */
const accelerators = [
  { name: 'kvm', cpu: 'host', bootSeconds: 60 },
  // wider registers are emulated piece by piece: with -cpu max a run takes twice as long
  { name: 'tcg,thread=multi,tb-size=512', cpu: 'Nehalem', bootSeconds: 120 },
];
const words = process.argv.slice(2);
const release = words[0] === '--release' ? words.splice(0, 2)[1] : '13';
const isProgram = words[0] === '--program';
const given = isProgram ? words.slice(1) : words;
/** Options alone choose no tests. */
const chosen = given.filter((word) => !word.startsWith('-'));
/** An emulated processor. */
const patience = ['--testTimeout=3600000', '--hookTimeout=600000'];

/** Prints why it does not boot here. Gives the exit status. */
function unavailable(why) {
  console.error(`Debian’s cloud kernel is not available here: ${why}`);
  return 69;
}

/** Where the guest leaves vitest's report, as this machine's file system is read-only to it. */
const report = 'report.json';
const reportOption = '--outputFile.json=';

/** Waits for the socket of a file server. Gives null, or the reason why there is none. */
async function refusal(socket, { closed }) {
  const ended = await Promise.race([closed, wait(10)]);
  for (let tries = 0; !existsSync(socket) && ended === undefined && tries < 500; tries += 1) await wait(10);
  return existsSync(socket) ? null : `virtiofsd did not start: ${ended ?? 'no socket'}`;
}

const sharing = (folder, socket, ...more) =>
  started(
    [virtiofsd, '--shared-dir', folder, '--socket-path', socket, '--sandbox', 'none', '--log-level', 'error', ...more],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );

/** Writes what the guest runs into `out`, a folder that it shares. */
function writeCommand(out) {
  const environment = { ADVERSARY_KEEP: '/run/out/kept' };
  const booted = '/run/out/booted';
  const tests = [...(chosen.length === 0 ? kernelTests() : []), ...given].map((word) =>
    word.startsWith(reportOption) ? `${reportOption}/run/out/${report}` : word,
  );
  const command = isProgram
    ? commandOf([], { booted, environment, program: given })
    : commandOf([...patience, ...tests], { booted, environment, program: vitestRun });
  writeFileSync(join(out, 'command'), command);
}

function machineOptions({ kernel, initrd, modules }, { name, cpu }, [rootSocket, outSocket]) {
  const init = join(top, 'scripts/vm/cloud-init.sh');
  const root = initrd === null ? `root=root rootfstype=virtiofs ro init=${init}` : `VM_INIT=${init}`;
  const quiet = 'console=ttyS0 panic=-1 quiet mitigations=off lsm= audit=0 nowatchdog random.trust_cpu=on';
  return [
    ['-accel', name],
    ['-cpu', cpu],
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
    ...(initrd === null ? [] : [['-initrd', initrd]]),
    ['-append', `${quiet} ${root} VM_MODULES=${modules}`],
  ].flat();
}

/** Boots, runs the command, powers off. Gives its exit status, or the reason why the guest did not boot. */
async function boot(guest, accelerator, folder) {
  const out = join(folder, 'out');
  mkdirSync(out);
  writeCommand(out);
  const sockets = ['root', 'out'].map((name) => join(folder, `${name}.sock`));
  const readOnly = ['--readonly', '--cache', 'always', '--no-announce-submounts'];
  const servers = [sharing('/', sockets[0], ...readOnly), sharing(out, sockets[1])];
  try {
    const unserved = (await refusal(sockets[0], servers[0])) ?? (await refusal(sockets[1], servers[1]));
    if (unserved !== null) return { why: unserved };
    const options = machineOptions(guest, accelerator, sockets);
    const machine = started(['qemu-system-x86_64', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    const why = await bootFault(machine, { booted: join(out, 'booted'), seconds: accelerator.bootSeconds });
    if (why !== null) return { why };
    const late = setTimeout(() => {
      console.error(`the guest is ended: it ran for ${minutes} minutes (VM_MINUTES)`);
      machine.child.kill('SIGKILL');
    }, minutes * 60_000);
    const ended = await machine.closed;
    clearTimeout(late);
    const status = join(out, 'status');
    if (existsSync(status)) return { status: Number(readFileSync(status, 'utf8')) };
    console.error(`the guest ended without having run its command (${ended})`);
    return { status: 1 };
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
    const wanted = given.find((word) => word.startsWith(reportOption))?.slice(reportOption.length);
    if (wanted !== undefined && existsSync(join(out, report))) cpSync(join(out, report), wanted);
    if (process.env.VM_KEEP && existsSync(join(out, 'kept')))
      cpSync(join(out, 'kept'), process.env.VM_KEEP, { recursive: true });
  }
}

/** A file that is written when KVM does not boot a guest: for an hour it is not tried again, which took a minute. */
const kvmFailed = join(kernelsFolder, 'kvm-failed');

function mayUseKvm() {
  const failedAt = statSync(kvmFailed, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return existsSync('/dev/kvm') && process.env.VM_ACCEL !== 'tcg' && Date.now() - failedAt > 3_600_000;
}

/** KVM may be there and still not run a guest. */
async function bootAnyhow(guest) {
  const usable = accelerators.filter(({ name }) => name !== 'kvm' || mayUseKvm());
  let why = '';
  for (const accelerator of usable) {
    const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-cloud-'));
    try {
      const ended = await boot(guest, accelerator, folder);
      if (ended.why === undefined) return ended.status;
      why = ended.why;
      if (accelerator.name === 'kvm') writeFileSync(kvmFailed, why);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return unavailable(why);
}

if (releases[release] === undefined) {
  console.error(`--release ${release}: expected ${Object.keys(releases).join(', ')}`);
  process.exit(64);
}
const { skip, ...guest } = prepareCloudKernel(release);
process.exitCode = skip ? unavailable(skip) : await bootAnyhow(guest);
