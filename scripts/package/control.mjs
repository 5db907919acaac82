/** The control file of the Debian package (Debian Policy, chapter 5). */
export function control({ name, version, description, architecture, installedKib }) {
  return `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: the authors of ${name} <${name}@localhost>
Installed-Size: ${installedKib}
Depends: libc6, libstdc++6, libgcc-s1, libpcap0.8t64 | libpcap0.8, iproute2, util-linux, procps
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
