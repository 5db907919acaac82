// The Debian package: the program below /usr/lib, and what a Debian system looks for elsewhere.
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './fetched.mjs';
import { description, license, name, version } from './program.mjs';

/** Debian's names of Node's architectures. */
export const debianArchitecture = { x64: 'amd64', arm64: 'arm64' };

/** Lays the tree that dpkg-deb packs into `root`: `program` is what `fillProgram` made for `arch`. */
export function fillDebianTree(root, program, arch) {
  cpSync(program, join(root, 'usr/lib', name), { recursive: true });
  const put = (path, data, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
    chmodSync(join(root, path), mode);
  };
  put(
    `usr/bin/${name}`,
    `#!/bin/sh\nVERIFY_ISOLATION_LAUNCHER=${name} exec /usr/lib/${name}/bin/${name} "$@"\n`,
    0o755,
  );
  for (const [shell, path] of Object.entries(completionPaths))
    put(
      path,
      run([process.execPath, 'dist/cli.cjs', 'completion'], { env: { ...process.env, SHELL: `/bin/${shell}` } }),
    );
  put(
    `usr/share/doc/${name}/copyright`,
    `${license}; the texts of what is brought along stand beside it in /usr/lib/${name}.\n`,
  );
  for (const page of ['README.md', 'CHANGELOG.md']) put(`usr/share/doc/${name}/${page}`, readFileSync(page));
  for (const unit of readdirSync('contrib/systemd').filter((file) => /\.(service|timer)$/.test(file)))
    put(
      `usr/lib/systemd/system/${unit}`,
      readFileSync(join('contrib/systemd', unit), 'utf8').replaceAll(`/usr/local/bin/${name}`, `/usr/bin/${name}`),
    );
  for (const file of conffiles) put(`etc/${name}/${file}`, readFileSync(join('contrib/systemd', file)));
  put('DEBIAN/conffiles', conffiles.map((file) => `/etc/${name}/${file}\n`).join(''));
  put(`usr/lib/sysusers.d/${name}.conf`, `u ${name} - "Helpers of ${name}"\n`);
  put(`usr/lib/tmpfiles.d/${name}.conf`, readFileSync(`contrib/tmpfiles.d/${name}.conf`));
  for (const [script, text] of Object.entries(maintainerScripts)) put(`DEBIAN/${script}`, text, 0o755);
  for (const page of readdirSync('dist/man').filter((file) => /\.\d$/.test(file)))
    put(`usr/share/man/man${page.at(-1)}/${page}`, readFileSync(join('dist/man', page)));
  put('DEBIAN/control', control(debianArchitecture[arch], Math.ceil(bytesBelow(join(root, 'usr')) / 1024)));
}

/** What the packaged timer runs, and within which limits: an administrator's to change. */
const conffiles = ['host.conf', 'limits.yml'];

const completionPaths = {
  bash: `usr/share/bash-completion/completions/${name}`,
  zsh: `usr/share/zsh/vendor-completions/_${name}`,
  fish: `usr/share/fish/vendor_completions.d/${name}.fish`,
};

function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
}

/**
 * The control file (Debian Policy, chapter 5). It depends on what the smallest Debian has, so that `dpkg -i` alone,
 * without a network, leaves nothing half installed; what a run needs beyond, apt brings and `doctor` names.
 */
function control(architecture, installedKib) {
  return `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: the authors of ${name} <${name}@localhost>
Installed-Size: ${installedKib}
Depends: libc6 (>= 2.28), libstdc++6, libgcc-s1, util-linux, passwd
Recommends: libpcap0.8t64 | libpcap0.8, iproute2, procps, nftables, iputils-ping, openssh-client
Suggests: wireshark
Section: net
Priority: optional
Description: ${description}
 It sends probes as one guest of a bridge, listens on the ports of all others with
 libpcap, and says whether isolation holds, is broken, or is not proven, with the
 evidence as a capture. Brings its own Node runtime.
`;
}

/** Scripts of the package (Debian Policy, chapter 6): its user and its folders come and go with it. */
const maintainerScripts = {
  postinst: `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers ${name}.conf
elif ! getent passwd ${name} >/dev/null; then
  useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin --comment 'Helpers of ${name}' ${name}
fi
if command -v systemd-tmpfiles >/dev/null; then
  systemd-tmpfiles --create ${name}.conf
else
  install -d -m 0755 /etc/${name} /var/lib/${name} /var/lib/${name}/metrics
  install -d -m 0700 /var/lib/${name}/evidence /run/${name}
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
`,
  prerm: `#!/bin/sh
set -e
[ "$1" = remove ] && [ -d /run/systemd/system ] || exit 0
systemctl list-units --plain --no-legend --all '${name}-*' | while read -r unit _; do systemctl stop "$unit"; done
`,
  postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
[ "$1" = purge ] || exit 0
find /etc/systemd/system -type l -name '${name}-*' -delete 2>/dev/null || true
rm -rf /etc/${name} /var/lib/${name} /run/${name}
! getent passwd ${name} >/dev/null || userdel ${name}
! getent group ${name} >/dev/null || groupdel ${name}
`,
};
