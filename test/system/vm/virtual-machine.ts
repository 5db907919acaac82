import { spawn } from 'node:child_process';

/** What `scripts/vm/image.mjs` made. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
}

export interface MachineSpec {
  readonly name: string;
  /** A tap that exists in the calling thread's network namespace. */
  readonly tap: string;
  readonly mac: string;
  /** With prefix. */
  readonly ip: string;
  readonly card: 'virtio-net-pci' | 'vmxnet3';
}

/** A guest that runs under QEMU. Its serial port is QEMU's stdin and stdout. */
export interface VirtualMachine {
  readonly pid: number;
  /** Runs one line of shell in the guest; resolves with what it printed. Rejects where it fails or the guest dies. */
  run(line: string, limitMs?: number): Promise<string>;
  end(): Promise<void>;
}

/** The card's driver; it loads beside failover and net_failover, which virtio_net needs. */
const driver = { 'virtio-net-pci': 'virtio_net', vmxnet3: 'vmxnet3' } as const;

/**
 * Starts a guest in the calling thread's network namespace, without KVM: it may be there and still not run a guest.
 * Resolves when the guest has its address. `vnet_hdr=off`: the guest computes its checksums itself and sends no frame
 * longer than the MTU.
 */
export async function startMachine(spec: MachineSpec, image: GuestImage, bootMs = 60_000): Promise<VirtualMachine> {
  const append = `console=ttyS0 panic=-1 quiet mitigations=off lsm= audit=0 nowatchdog ipv6.disable=1 random.trust_cpu=on g.name=${spec.name} g.ip=${spec.ip} g.mods=${driver[spec.card]}`;
  const child = spawn(
    'setpriv',
    [
      '--pdeathsig',
      'KILL',
      'qemu-system-x86_64',
      '-accel',
      'tcg,tb-size=32',
      '-M',
      'pc',
      '-m',
      '128',
      '-nodefaults',
      '-no-user-config',
      '-no-reboot',
      '-display',
      'none',
      '-chardev',
      'stdio,id=s0,signal=off',
      '-serial',
      'chardev:s0',
      '-kernel',
      image.kernel,
      '-initrd',
      image.initrd,
      '-append',
      append,
      '-name',
      spec.name,
      '-netdev',
      `tap,id=n0,ifname=${spec.tap},script=no,downscript=no,vnet_hdr=off`,
      '-device',
      `${spec.card},netdev=n0,mac=${spec.mac}`,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let [said, errors, ended] = ['', '', false];
  let look: () => void = () => undefined;
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    said += chunk;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  child.stdin.on('error', () => undefined); // the guest died: `close` tells
  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      ended = true;
      look();
      resolve();
    }),
  );

  /** What the guest says until `pattern`, which is taken away with it. */
  const until = (pattern: RegExp, limitMs: number): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const give = (why: string): void =>
        reject(new Error(`${spec.name}: ${why}; it said: ${said.slice(-500)} ${errors.slice(-500)}`));
      const timer = setTimeout(() => give(`no ${String(pattern)} within ${limitMs} ms`), limitMs);
      look = () => {
        const found = pattern.exec(said);
        if (found === null && !ended) return;
        clearTimeout(timer);
        look = () => undefined;
        if (found === null) return give('QEMU ended');
        said = said.slice(found.index + found[0].length);
        resolve(found);
      };
      look();
    });

  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  await until(/READY \S+ \S+\r?\n/, bootMs).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    async run(line, limitMs = 20_000) {
      child.stdin.write(`${line}\n`);
      const [whole, text = '', status] = await until(/^([^]*?)END (\d+)\r?\n/, limitMs);
      if (status !== '0') throw new Error(`${spec.name}: ${line} failed: ${whole}`);
      return text;
    },
    end,
  };
}
