// Within namespaces of its own, whose process 1 is another: starts processes with a packet socket at v0, and prints of each by which name it is known, and whether it counts as a program of the host's own: JSON.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readPacketSockets } from '../../../build/system/state/read-packet-sockets.js';

const python = realpathSync('/usr/bin/python3');
const dir = mkdtempSync('/tmp/host-readers-');
/** A copy of Python as a file of that owner and mode. */
const copy = (name, owner, mode) => {
  const path = join(dir, name);
  copyFileSync(python, path);
  chmodSync(path, mode);
  chownSync(path, owner, owner);
  return path;
};
const listening = (more) =>
  ['import ctypes, os, socket, time', 's = socket.socket(17, 3, 0)', 's.bind(("v0", 3))', more]
    .concat('print("ready", flush=True)', 'time.sleep(60)')
    .join('\n');
const cases = {
  'as it is': [[python]],
  'with mounts of its own': [['unshare', '--mount', python]],
  'that calls itself otherwise': [[python], 'ctypes.CDLL(None).prctl(15, b"suricata", 0, 0, 0)'],
  'that another user may write': [[copy('writable', 0, 0o777)]],
  "that is another user's": [[copy('others', 4321, 0o755)]],
  'with another host name': [['unshare', '--uts', python]],
  'with another network': [['unshare', '--net', python], '', true],
  'with a tap': [[python], 't = os.open("/dev/net/tun", os.O_RDWR)'],
  'with a packet socket at another device': [[python], 'o = socket.socket(17, 3, 0); o.bind(("v1", 0))'],
  'with a socket of XDP': [[python], 'o = socket.socket(44, 3, 0)'],
};

execFileSync('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
for (const device of ['v0', 'v1']) execFileSync('ip', ['link', 'set', 'dev', device, 'up']);
const known = {};
for (const [name, [command, more = '', isHanded = false]] of Object.entries(cases)) {
  // one that is elsewhere has its socket from here
  const handed = 's = socket.socket(fileno=9)\nprint("ready", flush=True)\nimport time; time.sleep(60)';
  const code = isHanded
    ? `import os, socket\ns = socket.socket(17, 3, 0); s.bind(("v0", 3)); os.dup2(s.fileno(), 9)\nos.execvp("unshare", ["unshare", "--net", ${JSON.stringify(python)}, "-c", ${JSON.stringify(`import socket\n${handed}`)}])`
    : listening(more);
  const [program, ...words] = isHanded ? [python, '-c', code] : [...command, '-c', code];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const holders = readPacketSockets(null).flatMap((socket) => socket.holders);
  const holder =
    holders.find(({ pid, hostsOwn }) => pid === child.pid && hostsOwn) ?? holders.find(({ pid }) => pid === child.pid);
  known[name] = { name: holder?.name, hostsOwn: holder?.hostsOwn === true, path: holder?.program?.path };
  child.kill('SIGKILL');
  await once(child, 'close');
}
rmSync(dir, { recursive: true, force: true });
console.log(JSON.stringify(known));
