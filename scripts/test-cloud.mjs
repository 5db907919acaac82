// `node scripts/test-cloud.mjs [ARGUMENTS OF VITEST]`: tests, without arguments those with the tag `kernel`, under
// Debian's cloud kernel, in a QEMU guest whose file system is this machine's, read-only, with memory laid over it. That
// kernel has what those of build machines lack: bond, ipvlan, macvtap, netkit, vhost, nftables of bridges, Open
// vSwitch's datapath. QEMU emulates the processor, so it is ten times as slow. Exit 69 where it does not boot here, and
// why on stderr.
//
// VM_MINUTES (45): after that the guest is ended. VM_KEEP: a folder for what the tests leave in /run/out/kept.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bootFault, commandOf, kernelTests, started, top } from './second-kernel.mjs';
import { prepareCloudKernel, virtiofsd } from './vm/cloud-kernel.mjs';

const memoryMiB = 2048;
const minutes = Number(process.env.VM_MINUTES || 45);
/** Emulated, it boots in 38 s beside thirty busy processes on two processors. */
const bootSeconds = 120;
const given = process.argv.slice(2);
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

/** Boots, runs vitest, powers off. Gives vitest's exit status, or 69 where the guest does not boot. */
async function boot({ kernel, modules }, folder, words) {
  const out = join(folder, 'out');
  mkdirSync(out);
  const wanted = words.find((word) => word.startsWith(reportOption))?.slice(reportOption.length);
  const inGuest = words.map((word) => (word.startsWith(reportOption) ? `${reportOption}/run/out/${report}` : word));
  const environment = { ADVERSARY_KEEP: '/run/out/kept' };
  writeFileSync(join(out, 'command'), commandOf([...patience, ...inGuest], { booted: '/run/out/booted', environment }));
  const [rootSocket, outSocket] = ['root', 'out'].map((name) => join(folder, `${name}.sock`));
  const readOnly = ['--readonly', '--cache', 'always', '--no-announce-submounts'];
  const servers = [sharing('/', rootSocket, ...readOnly), sharing(out, outSocket)];
  try {
    const unserved = (await refusal(rootSocket, servers[0])) ?? (await refusal(outSocket, servers[1]));
    if (unserved !== null) return unavailable(unserved);
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
    const machine = started(['qemu-system-x86_64', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    const why = await bootFault(machine, { booted: join(out, 'booted'), seconds: bootSeconds });
    if (why !== null) return unavailable(why);
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
    if (wanted !== undefined && existsSync(join(out, report))) cpSync(join(out, report), wanted);
    if (process.env.VM_KEEP && existsSync(join(out, 'kept')))
      cpSync(join(out, 'kept'), process.env.VM_KEEP, { recursive: true });
  }
}

const { skip, ...kernel } = prepareCloudKernel();
if (skip) process.exit(unavailable(skip));
const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-cloud-'));
try {
  process.exitCode = await boot(kernel, folder, chosen.length === 0 ? [...kernelTests(), ...given] : given);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
