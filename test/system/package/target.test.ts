// @module-tag all
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareArm64 } from '../../../scripts/package/emulated.mjs';
import { scratchFolder } from '../../support/scratch.js';
import { compileZoo } from '../../support/zoo/zoo.js';

/** A folder with archives of root file systems: `hypervisor`, `bare-trixie`, `bare-bookworm`. */
const archives = process.env['VERIFY_ISOLATION_TARGET'] ?? '';
const scratch = scratchFolder('verify-isolation-target');
const made = join(scratch, 'made');
const key = join(scratch, 'release-key');
const version = String(JSON.parse(readFileSync('package.json', 'utf8')).version);
const runtime: { readonly version: string } = JSON.parse(readFileSync('scripts/package/runtime.json', 'utf8'));

function run(...argv: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, stdout, stderr };
}

function ran(...argv: readonly string[]): string {
  const { status, stdout, stderr } = run(...argv);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

/** Unpacks a system, with what was made in /root. */
function unpacked(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  ran('tar', '--extract', '--file', join(archives, `${name}.tar`), '--directory', folder);
  for (const file of readdirSync(made)) copyFileSync(join(made, file), join(folder, 'root', file));
  return folder;
}

/** Runs a script on a system, as root, in namespaces of its own: without a network, and gone when it ends. */
function on(system: string, script: string, ...through: readonly string[]): ReturnType<typeof run> {
  const enter = [
    'mount --bind "$1" "$1"',
    'mount -t proc proc "$1/proc"',
    'mount -t sysfs sysfs "$1/sys"',
    'mount --rbind /dev "$1/dev"',
    'root=$1 script=$2; shift 2; exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/usr/local/bin chroot "$root" "$@" /bin/sh -c "$script"',
  ].join(' && ');
  const apart = ['--mount', '--net', '--pid', '--fork', '--kill-child'];
  return run('unshare', ...apart, 'sh', '-c', enter, 'sh', join(scratch, system), script, ...through);
}

const onTarget = (script: string): ReturnType<typeof run> => on('hypervisor', script);

function verdictOf(json: string): unknown {
  const result: { readonly verdict: unknown } = JSON.parse(json);
  return result.verdict;
}

beforeAll(() => {
  ran('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key);
  ran(process.execPath, 'scripts/package.mjs', made, '--fast', '--sign', key);
  unpacked('hypervisor');
});

describe('what was packed', () => {
  it('has a signature of the release key over the checksums', () => {
    const signers = join(scratch, 'allowed_signers');
    writeFileSync(signers, `release ${readFileSync(`${key}.pub`, 'utf8')}`);
    const [sums, signature] = ['SHA256SUMS', 'SHA256SUMS.sig'].map((file) => join(made, file));
    const verified = spawnSync(
      'ssh-keygen',
      ['-Y', 'verify', '-f', signers, '-I', 'release', '-n', 'verify-isolation', '-s', signature ?? ''],
      { input: readFileSync(sums ?? ''), encoding: 'utf8' },
    );
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining('Good "verify-isolation"')]);
  });

  it.each([
    ['x64', 'amd64', 0x3e],
    ['arm64', 'arm64', 0xb7],
  ])('is for %s: runtime and native parts, no other C library, no install script', (arch, debian, machine) => {
    const folder = join(scratch, `content-${arch}`);
    ran('dpkg-deb', '--extract', join(made, `verify-isolation_${version}_${debian}.deb`), folder);
    const program = join(folder, 'usr/lib/verify-isolation');
    const files = readdirSync(program, { recursive: true, encoding: 'utf8' });
    const native = ['bin/node', ...files.filter((file) => file.endsWith('.node'))];
    // e_machine of the ELF header
    expect(native.map((file) => readFileSync(join(program, file)).readUInt16LE(18))).toEqual(native.map(() => machine));
    expect([native.length, native.filter((file) => file.includes('musl'))]).toEqual([2, []]);
    const manifests = files.filter((file) => /^node_modules\/.*package\.json$/.test(file));
    expect(manifests.filter((file) => /"(pre|post)?install"/.test(readFileSync(join(program, file), 'utf8')))).toEqual(
      [],
    );
    expect(files).toContain('bin/node.LICENSE');
    const brought = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(
      [
        'usr/lib/systemd/system/verify-isolation-run@.timer',
        'usr/lib/sysusers.d/verify-isolation.conf',
        'usr/lib/tmpfiles.d/verify-isolation.conf',
        'usr/share/man/man1/verify-isolation.1',
        'usr/share/bash-completion/completions/verify-isolation',
        'usr/share/zsh/vendor-completions/_verify-isolation',
        'usr/share/fish/vendor_completions.d/verify-isolation.fish',
        'usr/lib/verify-isolation/scenarios/hub-mode.yml',
        'usr/lib/verify-isolation/docs/host.md',
      ].filter((path) => ![path, `${path}.gz`].some((name) => brought.includes(name))),
    ).toEqual([]);
  });

  it('starts on arm64, which QEMU emulates: its version, and a recorded run that is judged again', (context) => {
    const { words, skip } = prepareArm64();
    if (words === undefined) return context.skip(skip);
    const folder = join(scratch, 'emulated');
    ran('dpkg-deb', '--extract', join(made, `verify-isolation_${version}_arm64.deb`), folder);
    const program = join(folder, 'usr/lib/verify-isolation');
    const emulated = (...args: readonly string[]): ReturnType<typeof run> =>
      run(...words, join(program, 'bin/node'), join(program, 'dist/cli.cjs'), ...args);
    expect(emulated('--version').stdout).toBe(`${version}\n`);
    const again = emulated('replay', 'captures/hub-mode', '--json');
    expect([again.stderr, verdictOf(again.stdout), again.status]).toEqual(['', 'broken', 0]);
  }, 600_000);

  it('is the same, byte for byte, when it is made again', () => {
    const again = join(scratch, 'again');
    ran(process.execPath, 'scripts/package.mjs', again, '--fast', '--arch', 'x64');
    const sums = readFileSync(join(made, 'SHA256SUMS'), 'utf8').split('\n');
    expect(
      readFileSync(join(again, 'SHA256SUMS'), 'utf8')
        .trim()
        .split('\n')
        .filter((line) => !sums.includes(line)),
    ).toEqual([]);
  });
});

describe.each(['bare-trixie', 'bare-bookworm'])('on the smallest Debian (%s), without a network', (system) => {
  beforeAll(() => {
    unpacked(system);
  });

  it('dpkg installs it whole, doctor names what a run still needs, and a purge leaves nothing', () => {
    const before = on(system, 'find / -xdev -not -path "/proc/*" -not -path "/root/*" | sort').stdout;
    const installed = on(system, `dpkg --install /root/verify-isolation_${version}_amd64.deb && dpkg --audit`);
    expect([installed.status, installed.stdout.split('\n').filter((line) => /depend|broken/.test(line))]).toEqual([
      0,
      [],
    ]);
    expect(on(system, 'verify-isolation --version').stdout.trim()).toBe(version);
    const doctor = on(system, 'verify-isolation doctor');
    expect(doctor.status).not.toBe(0);
    expect(doctor.stdout + doctor.stderr).toMatch(/libpcap[^]*apt/);
    expect(on(system, 'dpkg --purge verify-isolation').status).toBe(0);
    const after = on(system, 'find / -xdev -not -path "/proc/*" -not -path "/root/*" | sort').stdout;
    const usual = /^\/(var\/lib\/dpkg|var\/log|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?|var\/cache)/;
    const left = after.split('\n').filter((path) => !before.split('\n').includes(path) && !usual.test(path));
    expect(left).toEqual([]);
  });
});

/** What an administrator has: a bridge, and three guests in namespaces. */
const hypervisor = [
  'mkdir -p /run/netns && mount -t tmpfs netns /run/netns && ip link add br0 type bridge && ip link set br0 up',
  ...[1, 2, 3].map(
    (at) =>
      `ip netns add g${at} && ip link add vnet${at} type veth peer name eth0 netns g${at} && ip link set vnet${at} master br0 up && ip -n g${at} address add 10.9.0.${at}/24 dev eth0 && ip -n g${at} link set eth0 up`,
  ),
].join(' && ');

/** A host of the zoo: Proxmox VE with four machines, which have all spoken when it is built. */
const zooHost = [
  'mkdir -p /run/netns && mount -t tmpfs netns /run/netns',
  "export zoo=/root/zoo nic=enp3s0 number=47 net=10.31.7 drawn=5e:a1 fault=''",
  `bash -c 'set -e; . $zoo/parts.sh; . $zoo/proxmox.sh; build >>$zoo/log 2>&1
    for _ in $(seq 600); do [ $(bridge fdb show br vmbr47 | grep -c "^bc:24:11:5e:a1:0. dev tap47.i0 master") = 4 ] && exit; sleep 0.1; done; exit 1'`,
].join(' && ');

/** Puts into a system the programs and scripts of `zooHost`. */
function bringZoo(system: string): void {
  const folder = join(scratch, system, 'root/zoo');
  mkdirSync(folder);
  const programs = compileZoo(scratch);
  const scripts = ['test/support/zoo/parts.sh', 'test/system/zoo/hosts/proxmox.sh'];
  for (const path of [...readdirSync(programs).map((name) => join(programs, name)), ...scripts])
    copyFileSync(path, join(folder, basename(path)));
}

describe('on a Debian hypervisor, without a network', () => {
  it('there is neither Node nor npm nor a compiler', () => {
    expect(onTarget('command -v node npm gcc cc make python3').stdout).toBe('');
  });

  it('the checksums are those of what was made', () => {
    expect(onTarget('cd /root && sha256sum --check --strict --quiet SHA256SUMS')).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('the Debian package installs, runs a scenario, judges it again, and is gone when it is removed', () => {
    const installed = onTarget(
      `dpkg --install /root/verify-isolation_${version}_amd64.deb && verify-isolation --version`,
    );
    expect({
      status: installed.status,
      last: installed.stdout.trim().split('\n').at(-1),
      stderr: installed.status === 0 ? '' : installed.stderr,
    }).toEqual({ status: 0, last: version, stderr: '' });
    const ran = onTarget(
      'cd /root && verify-isolation run /usr/lib/verify-isolation/scenarios/hub-mode.yml --out hub --json --quiet',
    );
    expect({ status: ran.status, stderr: ran.stderr, verdict: verdictOf(ran.stdout) }).toEqual({
      status: 0,
      stderr: '',
      verdict: 'broken',
    });
    expect(verdictOf(onTarget('verify-isolation replay /root/hub --json').stdout)).toBe('broken');
    const removed = onTarget(
      'dpkg --remove verify-isolation >/dev/null && ls -d /usr/lib/verify-isolation /usr/bin/verify-isolation',
    );
    expect(removed.stdout).toBe('');
  });

  it('its units start what it installed, helpers have a user of their own, and a purge leaves nothing', () => {
    onTarget(`dpkg --install /root/verify-isolation_${version}_amd64.deb`);
    expect(onTarget('getent passwd verify-isolation | cut -d: -f1,6,7').stdout.trim()).toBe(
      'verify-isolation:/:/usr/sbin/nologin',
    );
    const commandOf = (unit: string): string =>
      `sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/${unit} | sed 's/%i/host/g' > /tmp/command`;
    const timed = onTarget(
      `${hypervisor} && cd /var/lib/verify-isolation && ${commandOf('verify-isolation-run@.service')} && export "$(grep '^RUN=' /etc/verify-isolation/host.conf)" && . /tmp/command >/dev/null 2>/tmp/said; echo "status $?"; tail -1 /tmp/said; grep -c '^verify_isolation' metrics/host.prom; stat -c %a metrics/host.prom evidence evidence/*`,
    );
    const [status, left, metrics, ...modes] = timed.stdout.trim().split('\n');
    expect([status, left, Number(metrics) > 10, modes]).toEqual([
      'status 0',
      'left behind on br0: nothing (checked)',
      true,
      ['644', '700', '700'],
    ]);
    expect(onTarget('systemd-analyze verify /usr/lib/systemd/system/verify-isolation-*')).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    const watched = onTarget(`${commandOf('verify-isolation-watch.service')} && timeout 5 sh /tmp/command`);
    expect([watched.status, watched.stderr]).toEqual([124, expect.not.stringContaining('not found')]);
    const purged = onTarget(
      'dpkg --purge verify-isolation >/dev/null && ls -d /usr/lib/verify-isolation /usr/bin/verify-isolation; getent passwd verify-isolation',
    );
    expect(purged.stdout).toBe('');
  });

  it('installed, its nightly run of a host of the zoo holds, its units are clean, and a purge leaves no trace', () => {
    bringZoo('hypervisor');
    const list =
      'find / -xdev -not -path "/proc/*" -not -path "/root/*" -not -path "/tmp/*" -not -path "/run/netns*" | sort';
    const before = onTarget(list).stdout.split('\n');
    const start = (unit: string): string =>
      `sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/${unit} | sed 's/%i/host/g' > /tmp/command && . /tmp/command`;
    const night = onTarget(
      [
        `dpkg --install /root/verify-isolation_${version}_amd64.deb >/dev/null 2>&1`,
        zooHost,
        'cd /var/lib/verify-isolation',
        'while read -r line; do case $line in RUN=*) export "$line" ;; esac; done < /etc/verify-isolation/host.conf',
        `{ ${start('verify-isolation-run@.service')} > /tmp/said 2>&1; echo "run $?"; }`,
        'systemd-analyze verify /usr/lib/systemd/system/verify-isolation-*',
      ].join(' && '),
    );
    expect([night.status, night.stderr, night.stdout.trim().split('\n')]).toEqual([0, '', ['run 0']]);
    expect(onTarget('dpkg --purge verify-isolation').status).toBe(0);
    // mount(8) and systemd-analyze themselves leave files below /run, which a boot empties.
    const usual =
      /^\/(var\/lib\/dpkg|var\/log|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?|var\/cache|run\/(mount|systemd))/;
    const left = onTarget(list)
      .stdout.split('\n')
      .filter((path) => !before.includes(path) && !usual.test(path));
    expect(left).toEqual([]);
  });

  it('the capabilities that the recipe of the image names suffice for a run of the host', () => {
    const recipe = readFileSync('contrib/oci/Containerfile', 'utf8');
    const [, wanted = ''] = /--cap-drop=ALL --cap-add=([A-Z_,]+)/.exec(recipe) ?? [];
    const kept = wanted.split(',').map((name) => `+${name.toLowerCase()}`);
    const bounding = `--bounding-set=-all,${kept.join()} --inh-caps=-all`;
    onTarget(`dpkg --install /root/verify-isolation_${version}_amd64.deb`);
    const { status, stdout } = on(
      'hypervisor',
      `${hypervisor} && grep CapBnd /proc/self/status && exec setpriv ${bounding} verify-isolation run --yes --quiet --json --out /root/in-image 2>/dev/null`,
    );
    expect(status).toBe(0);
    expect(verdictOf(stdout.slice(stdout.indexOf('{')))).toBe('holds');
    onTarget('dpkg --purge verify-isolation');
  });

  it('the tarball runs where it is unpacked, by a link as well', () => {
    const unpacked = onTarget(
      `tar --extract --gzip --file /root/verify-isolation-${version}-linux-x64.tar.gz --directory /opt && ln -s /opt/verify-isolation-*/bin/verify-isolation /usr/local/bin/`,
    );
    expect(unpacked).toEqual({ status: 0, stdout: '', stderr: '' });
    const ran = onTarget(
      'cd /root && verify-isolation run /opt/verify-isolation-*/scenarios/switch-mode.yml --out switch --json --quiet',
    );
    expect({ status: ran.status, stderr: ran.stderr, verdict: verdictOf(ran.stdout) }).toEqual({
      status: 0,
      stderr: '',
      verdict: 'holds',
    });
  });
});

describe('the bill of materials', () => {
  it('has what the tarball has, and nothing else', () => {
    const folder = join(scratch, 'unpacked');
    mkdirSync(folder);
    const [tarball = '', bill = ''] = ['x64.tar.gz', 'x64.cdx.json'].map((end) =>
      readdirSync(made).find((file) => file.endsWith(end)),
    );
    expect(
      run(
        'tar',
        '--extract',
        '--gzip',
        '--file',
        join(made, tarball),
        '--directory',
        folder,
        '--strip-components=1',
        '--wildcards',
        '*/package.json',
      ).status,
    ).toBe(0);
    const brought = readdirSync(join(folder, 'node_modules'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /(^|node_modules\/)(@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
      .map((path): { name?: string; version?: string } =>
        JSON.parse(readFileSync(join(folder, 'node_modules', path), 'utf8')),
      )
      .map((each) => `${each.name}@${each.version}`);
    const listed: {
      readonly components: readonly { readonly name: string; readonly group?: string; readonly version: string }[];
    } = JSON.parse(readFileSync(join(made, bill), 'utf8'));
    const names = listed.components.map(
      (each) => `${each.group === undefined ? '' : `${each.group}/`}${each.name}@${each.version}`,
    );
    expect(new Set(names)).toEqual(new Set([...brought, `node@${runtime.version}`]));
  });
});
