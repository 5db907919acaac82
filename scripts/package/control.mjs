/** The control file of the Debian package (Debian Policy, chapter 5). */
export function control({ name, version, description, architecture, installedKib }) {
  return `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: the authors of ${name} <${name}@localhost>
Installed-Size: ${installedKib}
Depends: libc6, libstdc++6, libgcc-s1, libpcap0.8t64 | libpcap0.8, iproute2, util-linux, procps, passwd
Recommends: nftables, iputils-ping
Suggests: wireshark, openssh-client
Section: net
Priority: optional
Description: ${description}
 It sends probes as one guest of a bridge, listens on the ports of all others with
 libpcap, and says whether isolation holds, is broken, or is not proven, with the
 evidence as a capture. Brings its own Node runtime.
`;
}

/** Scripts of the Debian package (Debian Policy, chapter 6): the user of helpers comes and goes with it. */
export function maintainerScripts(name) {
  return {
    postinst: `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers ${name}.conf
elif ! getent passwd ${name} >/dev/null; then
  useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin --comment 'Helpers of ${name}' ${name}
fi
`,
    postrm: `#!/bin/sh
set -e
[ "$1" = purge ] || exit 0
! getent passwd ${name} >/dev/null || userdel ${name}
! getent group ${name} >/dev/null || groupdel ${name}
`,
  };
}
