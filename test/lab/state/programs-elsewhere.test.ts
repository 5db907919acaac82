import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bypassesIn } from '../../../src/core/bridge/bypass/bypasses.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { loadSearch, searchDescriptors } from '../../../src/system/capture/kernel-search.js';
import { loadedProgram, programIds } from '../../../src/system/kernel/bpf-programs.js';
import { isSearchProgram } from '../../../src/core/wire/search-program.js';
import { readState } from '../../../src/system/state/read.js';
import { alone, type Missing, needs, root } from '../../support/needs.js';

const tool = fileURLToPath(new URL('hold-program.py', import.meta.url));
const built = new URL('../../../build/system/state/read.js', import.meta.url).href;

/** Where cgroups of version 2 are mounted. */
const cgroups = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
const noCgroups: Missing = cgroups === undefined ? 'there is no hierarchy of cgroups of version 2' : null;

/** A system call that is refused, as a container's profile refuses bpf(2). */
const withoutBpf = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
f = b''.join(struct.pack('<HBBI', *i) for i in ((0x20, 0, 0, 0), (0x15, 0, 1, 321), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)))
b = ctypes.create_string_buffer(f, len(f)); p = ctypes.create_string_buffer(struct.pack('<HxxxxxxQ', 4, ctypes.addressof(b)), 16)
U = ctypes.c_ulong
assert libc.prctl(38, U(1), U(0), U(0), U(0)) == 0 and libc.prctl(22, U(2), U(ctypes.addressof(p)), U(0), U(0)) == 0
os.execvp(sys.argv[1], sys.argv[1:])`;

/** Programs that no device of the bridges' namespace has, on a real kernel. */
describe('programs that get packets elsewhere', needs(root), () => {
  const held: ChildProcess[] = [];
  const folders: string[] = [];
  let spaces: { readonly home: number; readonly guest: number; readonly stranger: number };
  let residents: Readonly<Record<'guest' | 'stranger', ChildProcess>>;
  const inSpace = (fd: number, argv: readonly string[]): ChildProcess =>
    inNamespaceFd(fd, () => spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] }));
  const run = (fd: number, line: string): void =>
    inNamespaceFd(fd, () => {
      const { status, stderr } = spawnSync('ip', line.split(' '), { encoding: 'utf8' });
      if (status !== 0) throw new Error(`ip ${line}: ${stderr}`);
    });

  beforeAll(() => {
    spaces = { home: newNamespace(disableIpv6), guest: newNamespace(disableIpv6), stranger: newNamespace(disableIpv6) };
    const sleeping = ['sleep', '600'];
    residents = { guest: inSpace(spaces.guest, sleeping), stranger: inSpace(spaces.stranger, sleeping) };
    run(spaces.home, 'link add dev br0 type bridge');
    run(spaces.home, `link add dev v0 type veth peer name eth0 netns ${residents.guest.pid ?? 0}`);
    run(spaces.home, 'link set dev v0 master br0 up');
    run(spaces.guest, 'link set dev eth0 up');
    run(spaces.stranger, 'link add dev eth0 type veth peer name eth1');
  });
  afterEach(async () => {
    for (const child of held.splice(0)) {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }
    for (const folder of folders.splice(0)) rmdirSync(folder);
  });
  afterAll(() => {
    for (const child of Object.values(residents)) child.kill('SIGKILL');
    for (const fd of Object.values(spaces)) closeSync(fd);
  });

  /** Holds a program, and gives its number. */
  async function hold(fd: number, ...words: readonly string[]): Promise<number> {
    const child = inSpace(fd, ['/usr/bin/python3', tool, ...words]);
    held.push(child);
    return new Promise((resolve, reject) => {
      child.stdout?.once('data', (line: Buffer) => resolve(Number(line.toString())));
      child.once('exit', () => reject(new Error(`${words.join(' ')} ended`)));
    });
  }
  /** Where the program is reported to get frames of the bridge. */
  async function placesOf(id: number): Promise<readonly string[]> {
    const netns = `/proc/${process.pid}/fd/${spaces.home}`;
    const state = await readState({ netns, sysfs: false, sysctl: [] });
    return bypassesIn(state, new Set(['br0', 'v0'])).flatMap(({ what, where, persistent }) =>
      what.startsWith(`BPF program ${id} `)
        ? [`${what.slice(what.indexOf('('))} at ${where}${persistent === undefined ? '!' : ''}`]
        : [],
    );
  }

  it('are named at the bridges’ namespace, and at one that nothing leads to are none', async () => {
    expect(await placesOf(await hold(spaces.home, 'flow'))).toEqual([
      '(flow_dissector) at the network namespace of the bridges',
    ]);
    expect(await placesOf(await hold(spaces.stranger, 'flow'))).toEqual([]);
  });

  it('are named at a guest’s end of a veth, and at another device elsewhere are none', async () => {
    expect(await placesOf(await hold(spaces.guest, 'xdp', 'eth0'))).toEqual([
      expect.stringMatching(/^\(xdp\) at eth0 in \/proc\/\d+\/ns\/net$/),
    ]);
    expect(await placesOf(await hold(spaces.stranger, 'xdp', 'eth0'))).toEqual([]);
  });

  it('are looked for while namespaces come and go', { tags: 'kernel', ...needs(alone) }, async () => {
    const id = await hold(spaces.home, 'nowhere');
    const ending = spawn('sh', [
      '-c',
      'while :; do for i in 1 2 3 4 5 6 7 8; do unshare -n sleep 0.0$i & done; wait; done',
    ]);
    try {
      for (let look = 0; look < 12; look += 1)
        expect(await placesOf(id)).toEqual(['(xdp) at a place that is not known']);
    } finally {
      ending.kill('SIGKILL');
    }
  });

  it(
    'are named at the cgroup of a guest’s processes, but for what systemd has at its services',
    needs(noCgroups),
    async () => {
      const folder = (name: string, resident: ChildProcess): string => {
        const path = `${cgroups ?? ''}/vi-${process.pid}-${name}`;
        mkdirSync(path);
        folders.unshift(path);
        writeFileSync(`${path}/cgroup.procs`, String(resident.pid ?? 0));
        return path;
      };
      const back = (): void =>
        Object.values(residents).forEach(({ pid }) => writeFileSync(`${cgroups ?? ''}/cgroup.procs`, String(pid)));
      try {
        const [guests, service] = [folder('guest', residents.guest), folder('x.service', residents.stranger)];
        const name = `cgroup /vi-${process.pid}-guest`;
        expect(await placesOf(await hold(spaces.home, 'cgroup', guests))).toEqual([`(cgroup_skb) at ${name}`]);
        expect(await placesOf(await hold(spaces.home, 'count', guests))).toEqual([`(cgroup_skb) at ${name}`]);
        expect(await placesOf(await hold(spaces.home, 'cgroup', service))).toEqual([]); // none of a guest's processes
        writeFileSync(`${service}/cgroup.procs`, String(residents.guest.pid ?? 0));
        expect(await placesOf(await hold(spaces.home, 'count', service))).toEqual([]);
        expect(await placesOf(await hold(spaces.home, 'cgroup', service))).toEqual([
          `(cgroup_skb) at ${name.replace('guest', 'x.service')}`,
        ]);
        // `ip netns` and Docker mount the namespace: that path is the one by which it is known, and is no link
        const mounted = mkdtempSync('/tmp/vi-mounted-');
        const [file, { pid = 0 }] = [`${mounted}/guest`, residents.guest];
        try {
          writeFileSync(file, '');
          expect(spawnSync('mount', ['--bind', `/proc/${pid}/ns/net`, file]).status).toBe(0);
          expect(await placesOf(await hold(spaces.home, 'cgroup', service))).toEqual([
            `(cgroup_skb) at ${name.replace('guest', 'x.service')}`,
          ]);
          writeFileSync(`${cgroups ?? ''}/cgroup.procs`, String(pid));
          writeFileSync(`${service}/cgroup.procs`, String(residents.stranger.pid ?? 0));
          expect(await placesOf(await hold(spaces.home, 'cgroup', service))).toEqual([]);
        } finally {
          spawnSync('umount', [file]);
          rmSync(mounted, { recursive: true });
        }
      } finally {
        back();
      }
    },
  );

  it('are none by which another run’s observers take frames', () => {
    const before = programIds();
    const loaded = loadSearch(0x01020304);
    if (loaded === null || !Array.isArray(before)) throw new Error('no program can be loaded');
    try {
      const ids = programIds(Math.max(0, ...before));
      const programs = Array.isArray(ids) ? ids.flatMap((id: number) => loadedProgram(id) ?? []) : [];
      const ours = programs.flatMap((program) =>
        'code' in program && isSearchProgram(program.tag, program.code) ? [program] : [],
      );
      expect(ours.length).toBeGreaterThanOrEqual(2);
      expect(ours.some(({ code }) => isSearchProgram('0123456789abcdef', code))).toBe(false);
    } finally {
      searchDescriptors(loaded).forEach((fd) => closeSync(fd));
    }
  });

  it(
    'are not known where bpf(2) is refused, which is said',
    needs(existsSync(new URL(built)) ? null : 'it is not built'),
    () => {
      const script = `import { readState } from ${JSON.stringify(built)};
      const { unread } = await readState({ netns: null, sysfs: false, sysctl: [] });
      console.log(unread.map(({ what, why }) => what + ': ' + why).join());`;
      const node = [process.execPath, '--input-type=module', '-e', script];
      const unread = (...argv: readonly string[]): string =>
        spawnSync('unshare', ['--net', ...argv], { encoding: 'utf8' }).stdout.trim();
      expect(unread(...node)).toBe('');
      expect(unread('/usr/bin/python3', '-c', withoutBpf, ...node)).toMatch(/^programs: bpf\(2\) is refused/);
    },
  );
});
