"""The adversary's ear: hears what a victim hears, where the victim does, and knows nothing of the program under test.

usage: ear.py LOG NAME=PLACE[/CHECK]...
       ear.py --where MAC    prints a path of the network namespace that has it

PLACE is the victim's own interface: its MAC (searched in every network namespace that this process can see), or
PID:DEVICE, a device in the namespace of a process, or tap:DEVICE, a tap that the ear makes here and whose descriptor it
reads, as a virtual machine does, or queue:DEVICE, another queue of a tap that is there, or macvtap:DEVICE, the descriptor
of a macvtap or ipvtap. CHECK says how the ear is shown to hear: DEVICE, a device of this namespace whose far
end the victim is, or @MAC, a guest that broadcasts to him. Without it the ear proves nothing, and says so.

In the log stands a line for each frame: NAME in|out SECONDS OCTETS. The first and the last lines are the ear's own:
"= ready" once every ear has heard its first check or has not, "= end NAME heard N first yes|no last yes|no rx N".
SIGTERM ends it, after the second check.
"""

import ctypes
import fcntl
import os
import select
import signal
import socket
import stat
import struct
import sys
import time

SOL_PACKET, ADD_MEMBERSHIP, PROMISCUOUS = 263, 1, 1
OUTGOING = 4
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
TAP, NO_INFORMATION, MULTI_QUEUE = 0x0002, 0x1000, 0x0100
MARK = b'\x88\xb6EARCHECK'


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


def paths_of_spaces():
    """A path of each network namespace that a process lives in, holds open or has mounted, some more than once."""
    paths = ['/proc/self/ns/net']
    for pid in filter(str.isdigit, os.listdir('/proc')):
        paths.append(f'/proc/{pid}/ns/net')
        try:
            for number in os.listdir(f'/proc/{pid}/fd'):
                path = f'/proc/{pid}/fd/{number}'
                if os.readlink(path).startswith('net:['):
                    paths.append(path)
        except OSError:
            pass
    for folder in ('/run/netns',):
        if os.path.isdir(folder):
            paths += [f'{folder}/{name}' for name in os.listdir(folder)]
    return paths


def spaces():
    """A descriptor of each of these namespaces, and the path that it was opened by."""
    found = {}
    for path in paths_of_spaces():
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        inode = os.fstat(descriptor).st_ino
        if inode in found:
            os.close(descriptor)
        else:
            found[inode] = (descriptor, path)
    return list(found.values())


def devices():
    """Name and MAC of each device of the namespace that this thread is in."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _, name in socket.if_nameindex():
        try:
            told = fcntl.ioctl(probe, 0x8927, struct.pack('16s16s', name.encode(), b''))
        except OSError:
            continue
        yield name, told[18:24]
    probe.close()


def where_is(mac, all_spaces, home):
    """Namespace and name of the device with that MAC, the innermost where several have it: never a bridge's here."""
    wanted = bytes.fromhex(mac.replace(':', ''))
    for descriptor, _ in all_spaces:
        enter(descriptor)
        for name, held in devices():
            if held == wanted and os.fstat(descriptor).st_ino != os.fstat(home).st_ino:
                return descriptor, name
    raise LookupError(f'nobody has the MAC {mac}')


def descriptor_of(name):
    """Of a macvtap: its node is made here and gone again, since /dev may be another namespace's."""
    index = socket.if_nametoindex(name)
    numbers = open(f'/sys/class/net/{name}/tap{index}/dev', encoding='ascii').read().split(':')
    path = f'{sys.argv[1]}.{name}'
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(*map(int, numbers)))
    try:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)
    finally:
        os.unlink(path)


def received(name):
    """What the kernel counts as received by that device of the namespace that this thread is in."""
    for line in open('/proc/thread-self/net/dev', encoding='ascii'):
        head, _, rest = line.partition(':')
        if head.strip() == name:
            return int(rest.split()[1])
    return -1


class Ear:
    def __init__(self, word, all_spaces, home):
        self.name, _, rest = word.partition('=')
        place, _, self.check = rest.partition('/')
        self.heard, self.checked = 0, [False, False]
        self.space, self.tap = home, None
        kind, _, device = place.partition(':')
        # of a tap's queues each gets some of the flows
        self.flows = 32 if kind == 'queue' else 3
        if kind in ('tap', 'queue', 'macvtap'):
            self.device = device
            by_path = kind != 'macvtap'
            self.tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK) if by_path else descriptor_of(device)
            flags = TAP | NO_INFORMATION | (MULTI_QUEUE if kind == 'queue' else 0)
            fcntl.ioctl(self.tap, 0x400454CA, struct.pack('16sH22x', self.device.encode(), flags))
            self.descriptor = self.tap
        else:
            if ':' in place and len(place) != 17:
                pid, self.device = place.split(':')
                self.space = os.open(f'/proc/{pid}/ns/net', os.O_RDONLY)
            else:
                self.space, self.device = where_is(place, all_spaces, home)
            enter(self.space)
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
            index = socket.if_nametoindex(self.device)
            self.socket.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack('iHH8s', index, PROMISCUOUS, 0, b''))
            self.socket.bind((self.device, 3))
            self.socket.setblocking(False)
            self.descriptor = self.socket.fileno()
        enter(self.space)
        self.at_first = received(self.device)
        enter(home)
        self.sender = self.source = None
        if self.check.startswith('@'):
            space, device = where_is(self.check[1:], all_spaces, home)
            enter(space)
            self.source = bytes.fromhex(self.check[1:].replace(':', ''))
        elif self.check:
            device = self.check
            self.source = b'\x02\x65\x61\x72\x00\x01'
        if self.check:
            self.sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sender.bind((device, 0))
        enter(home)

    def read(self, log):
        while True:
            try:
                if self.tap is not None:
                    frame, direction = os.read(self.tap, 70000), 'in'
                else:
                    frame, address = self.socket.recvfrom(70000)
                    direction = 'out' if address[2] == OUTGOING else 'in'
            except BlockingIOError:
                return
            at = frame.find(MARK)
            if at >= 0 and direction == 'in':
                self.checked[min(frame[at + len(MARK)], 1)] = True
                continue
            self.heard += direction == 'in'
            log.write(f'{self.name} {direction} {time.time():.6f} {frame.hex()}\n')

    def say(self, phase):
        if self.sender is not None:
            for number in range(self.flows):
                mark = MARK + bytes([phase])
                if self.flows > 3:
                    # the kernel chooses the queue by addresses and ports
                    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 48, 0, 0, 64, 17, 0, b'\x0a\x09\0\xfd', b'\x0a\x09\0\xff')
                    mark = b'\x08\0' + head + struct.pack('>HHHH', 20000 + number, 9, 28, 0) + mark
                try:
                    self.sender.send((b'\xff' * 6 + self.source + mark).ljust(62, b'\0'))
                except OSError:
                    pass


def listen(ears, log, until):
    poll = select.poll()
    for ear in ears:
        poll.register(ear.descriptor, select.POLLIN)
    while True:
        poll.poll(20)
        for ear in ears:
            try:
                ear.read(log)
            except OSError:
                pass
        if until():
            return


def main():
    home = os.open('/proc/self/ns/net', os.O_RDONLY)
    all_spaces = spaces()
    if sys.argv[1] == '--where':
        descriptor, _ = where_is(sys.argv[2], all_spaces, home)
        print(next(path for held, path in all_spaces if held == descriptor))
        return
    ears = [Ear(word, all_spaces, home) for word in sys.argv[2:]]
    with open(sys.argv[1], 'w', encoding='ascii', buffering=1 << 16) as log:
        stopping = []
        signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))

        def check(phase):
            # again and again: a processor that others keep busy, or a link that is just coming up, is not deafness
            for _ in range(15):
                missing = [ear for ear in ears if ear.check and not ear.checked[phase]]
                for ear in missing:
                    ear.say(phase)
                end = time.time() + 0.2
                listen(ears, log, lambda: time.time() > end or all(ear.checked[phase] for ear in missing))
                if all(ear.checked[phase] for ear in missing):
                    return

        check(0)
        open(f'{sys.argv[1]}.ready', 'w', encoding='ascii').close()
        listen(ears, log, lambda: stopping)
        check(1)
        for ear in ears:
            try:
                enter(ear.space)
                rx = received(ear.device) - ear.at_first
            except OSError:
                rx = -1
            first, last = ('yes' if done else 'no' for done in ear.checked)
            log.write(f'= end {ear.name} heard {ear.heard} first {first} last {last} rx {rx}\n')


if __name__ == '__main__':
    main()
