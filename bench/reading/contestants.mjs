import { fileURLToPath } from 'node:url';

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Everyone who reads a capture from its first byte to its last; tcpdump is the peer. */
export function readers(path) {
  return [
    { name: '`tcpdump -r -w /dev/null`', argv: ['tcpdump', '-r', path, '-w', '/dev/null'] },
    { name: 'codec alone', argv: [process.execPath, program('codec-program.mjs'), path] },
    { name: '`replay --mac`, a third that listened', argv: replayMac(path, '52:54:00:27:4e:0a') },
    { name: '`replay --mac`, one of the two that talk', argv: replayMac(path, '52:54:00:85:20:d1') },
    { name: '`capinfos`', argv: ['capinfos', path] },
    { name: '`pcap-parser`', argv: [process.execPath, program('pcap-parser-program.mjs'), path] },
    { name: '`tshark -r -w /dev/null`', argv: ['tshark', '-r', path, '-w', '/dev/null'] },
  ];
}

/** The whole program; 2 is its exit status where it finds something. */
function replayMac(path, mac) {
  return [process.execPath, program('cli-program.mjs'), 'replay', path, '--mac', mac];
}

/** The whole program on a run's folder, beside tcpdump on its capture. */
export function replayers(dir) {
  const capture = `${dir}/evidence.pcapng`;
  return [
    { name: '`tcpdump -r -w /dev/null`', argv: ['tcpdump', '-r', capture, '-w', '/dev/null'] },
    { name: 'codec alone', argv: [process.execPath, program('codec-program.mjs'), capture] },
    { name: 'codec, token search, verdict; no hash', argv: [process.execPath, program('judge-program.mjs'), dir] },
    {
      name: '`replay DIR`: hash, token search, verdict',
      argv: [process.execPath, program('cli-program.mjs'), 'replay', dir],
    },
    { name: '`sha256sum`', argv: ['sha256sum', capture] },
  ];
}
