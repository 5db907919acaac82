// Loaded into a helper before its own program (NODE_OPTIONS=--require), as code that a hostile frame brought to run there would be: on SIGUSR2 it tries
// what a sealed helper must not be able to do, and says on stderr what the kernel told it: a line with JSON.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { join } = require('node:path');
const koffi = require('koffi');

const c = koffi.load(null);
const call = c.func(
  'long syscall(long, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long)',
);
const send = c.func('long send(int, void *, size_t, int)');
const sendto = c.func('long sendto(int, void *, size_t, int, void *, unsigned int)');
const write = c.func('long write(int, void *, size_t)');
const sendmsg = c.func('long sendmsg(int, void *, int)');
const socket = c.func('int socket(int, int, int)');
const getsockopt = c.func('int getsockopt(int, int, int, void *, void *)');
const kill = c.func('int kill(int, int)');
const numbers =
  process.arch === 'arm64'
    ? { tgkill: 131, ptrace: 117, memfd_create: 279, dup: 23, chmodat: 53 }
    : { tgkill: 234, ptrace: 101, memfd_create: 319, dup: 32, chmodat: 268 };
const io_uring_setup = 425;
const pidfd_open = 434;

const orchestrator = process.ppid;
const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
const reported = (result) => (result >= 0 ? 'done' : (names.get(koffi.errno()) ?? 'refused'));
const tried = (act) => {
  try {
    act();
    return 'done';
  } catch (error) {
    return error.code ?? String(error);
  }
};
function make(folder) {
  const path = join(folder, `verify-isolation-attack-${process.pid}`);
  return tried(() => {
    fs.closeSync(fs.openSync(path, 'wx', 0o600));
    fs.unlinkSync(path);
  });
}
const AF_PACKET = 17;
function isPacketSocket(fd) {
  const [value, length] = [Buffer.alloc(4), Buffer.from([4, 0, 0, 0])];
  return getsockopt(fd, 1, 39, value, length) >= 0 && value.readInt32LE(0) === AF_PACKET;
}
const packetSockets = () => Array.from({ length: 256 }, (_, fd) => fd).filter(isPacketSocket);
/** All that were told, in a word where it is one. */
const all = (answers) => [...new Set(answers)].sort().join(' ');

const frame = Buffer.alloc(60, 0x88);
/** struct sockaddr_ll: the interface of this number. */
function address(index) {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AF_PACKET, 0);
  bytes.writeInt32LE(index, 4);
  return bytes;
}
const message = Buffer.alloc(56); // struct msghdr: a message of nothing
const ways = {
  'open /etc/shadow to write': () => tried(() => fs.closeSync(fs.openSync('/etc/shadow', 'r+'))),
  'read /etc/shadow': () => tried(() => fs.closeSync(fs.openSync('/etc/shadow', 'r'))),
  'make a file in /etc/cron.d': () => make('/etc/cron.d'),
  'make a file in a folder of its caller': () => make(process.env.ATTACKED_FOLDER),
  'make a file in the journal': () => make(process.env.ATTACKED_JOURNAL),
  'make a file where all may': () => make(process.env.ATTACKED_SHARED),
  'send on a capture socket': () => all(packetSockets().map((fd) => reported(send(fd, frame, frame.length, 0)))),
  'send to an interface': () =>
    all([2, 3].flatMap((index) => packetSockets().map((fd) => reported(sendto(fd, frame, 60, 0, address(index), 20))))),
  'write to a capture socket': () => all(packetSockets().map((fd) => reported(write(fd, frame, frame.length)))),
  'sendmsg on a capture socket': () => all(packetSockets().map((fd) => reported(sendmsg(fd, message, 0)))),
  'kill the orchestrator': () => reported(kill(orchestrator, 0)),
  'tgkill the orchestrator': () => reported(call(numbers.tgkill, orchestrator, orchestrator, 0, 0, 0, 0)),
  'pidfd_open the orchestrator': () => reported(call(pidfd_open, orchestrator, 0, 0, 0, 0, 0)),
  'ptrace the orchestrator': () => reported(call(numbers.ptrace, 0x4206, orchestrator, 0, 0, 0, 0)),
  'a socket of the internet': () => reported(socket(2, 2, 0)),
  'a packet socket': () => reported(socket(AF_PACKET, 3, 0)),
  'a unix socket': () => reported(socket(1, 1, 0)),
  'a netlink socket': () => reported(socket(16, 3, 0)),
  io_uring: () => reported(call(io_uring_setup, 1, Number(koffi.address(Buffer.alloc(256))), 0, 0, 0, 0)),
  'a file in memory': () =>
    reported(call(numbers.memfd_create, Number(koffi.address(Buffer.from('x\0'))), 0, 0, 0, 0, 0)),
  'another number for a descriptor': () => reported(call(numbers.dup, 2, 0, 0, 0, 0, 0)),
  'a program': () => spawnSync('/bin/true').error?.code ?? 'done',
};

process.on('SIGUSR2', () => {
  const sockets = packetSockets().length;
  const answers = Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, way()]));
  process.stderr.write(`${JSON.stringify({ uid: process.getuid(), sockets, answers })}\n`);
});
