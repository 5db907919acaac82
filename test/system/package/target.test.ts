// @module-tag all
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../support/scratch.js';

/** An archive of a bare Debian's root file system; by `npm run test:package`. */
const archive = process.env['VERIFY_ISOLATION_TARGET'] ?? '';
const scratch = scratchFolder('verify-isolation-target');
const [made, root] = [join(scratch, 'made'), join(scratch, 'root')];
const version = String(JSON.parse(readFileSync('package.json', 'utf8')).version);

function run(...argv: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, stdout, stderr };
}

/** On the bare system, as root, in namespaces of its own: without a network, and gone when it ends. */
function onTarget(script: string): ReturnType<typeof run> {
  const enter =
    'mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/usr/local/bin chroot "$1" /bin/sh -c "$2"';
  return run('unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-c', enter, 'sh', root, script);
}

function verdictOf(json: string): unknown {
  const result: { readonly verdict: unknown } = JSON.parse(json);
  return result.verdict;
}

beforeAll(() => {
  const packed = run(process.execPath, 'scripts/package.mjs', made, '--fast');
  if (packed.status !== 0) throw new Error(packed.stderr);
  mkdirSync(root);
  const unpacked = run('tar', '--extract', '--file', archive, '--directory', root);
  if (unpacked.status !== 0) throw new Error(unpacked.stderr);
  for (const file of readdirSync(made)) copyFileSync(join(made, file), join(root, 'root', file));
});

describe('on a bare Debian, without a network', () => {
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
    const installed = onTarget(`dpkg --install /root/verify-isolation_${version}_*.deb && verify-isolation --version`);
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
    onTarget(`dpkg --install /root/verify-isolation_${version}_*.deb`);
    expect(onTarget('getent passwd verify-isolation | cut -d: -f1,6,7').stdout.trim()).toBe(
      'verify-isolation:/:/usr/sbin/nologin',
    );
    const commandOf = (unit: string): string =>
      `sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/${unit} | sed 's/%i/lab/g' > /tmp/command`;
    const prepared =
      'mkdir -p /etc/verify-isolation /var/lib/verify-isolation && cd /var/lib/verify-isolation && cp /usr/lib/verify-isolation/scenarios/hub-mode.yml /etc/verify-isolation/lab.yml';
    const ran = onTarget(
      `${prepared} && ${commandOf('verify-isolation-run@.service')} && APPROVED=$(verify-isolation plan --hash /etc/verify-isolation/lab.yml) . /tmp/command && grep -c '^verify_isolation' lab.prom`,
    );
    expect([ran.status, Number(ran.stdout.trim().split('\n').at(-1)) > 0, ran.stderr]).toEqual([0, true, '']);
    const watched = onTarget(`${commandOf('verify-isolation-watch.service')} && timeout 5 sh /tmp/command`);
    expect([watched.status, watched.stderr]).toEqual([124, expect.not.stringContaining('not found')]);
    const purged = onTarget(
      'dpkg --purge verify-isolation >/dev/null && ls -d /usr/lib/verify-isolation /usr/bin/verify-isolation; getent passwd verify-isolation',
    );
    expect(purged.stdout).toBe('');
  });

  it('the tarball runs where it is unpacked, by a link as well', () => {
    const unpacked = onTarget(
      `tar --extract --gzip --file /root/verify-isolation-${version}-linux-*.tar.gz --directory /opt && ln -s /opt/verify-isolation-*/bin/verify-isolation /usr/local/bin/`,
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
    const [tarball = '', bill = ''] = ['.tar.gz', '.cdx.json'].map((end) =>
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
    expect(new Set(names)).toEqual(new Set([...brought, `node@${process.versions.node}`]));
  });
});
