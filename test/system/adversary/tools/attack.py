"""What the adversary does to frames where no command of the system does it. Each stays until SIGTERM.

hold                                       a network namespace: this process lives in it
relay FROM TO HOW SELECT MANGLE            a process that carries frames which come in at FROM out of TO
bpf FROM WHERE WHAT TO ONE_IN              a program that copies or moves frames from FROM to TO
pin PATH WHAT TO ONE_IN FROM               the same as a file, for tc's bpf filter
listen DEVICE PROTOCOL FILTER              as daemons do: a packet socket for one protocol, or `dhcp` = all with their filter
announce ADDRESS PORT EVERY                multicast datagrams, as guests send them
log GROUP                                  what rules log to that group of NFLOG, as ulogd takes it
queue DEVICE [AS]                          a queue of a tap, read as a virtual machine does; AS
                                           twice: by two descriptors, thread: in the table of a thread, node: by another
                                           device node, off: turned off
forget                                     all tracked connections
netfilter                                  a program of BPF at netfilter's hook forward
gro PID DEVICE                             generic receive offload on, in the namespace of that process: the device polls

HOW     plain | bypass (PACKET_QDISC_BYPASS) | late:SECONDS
SELECT  all | 1in:N | size:LEAST | type:HEX | port:NUMBER, several joined by +
MANGLE  none | steps joined by +: dst:MAC src:MAC type:HEX ttl:N saddr:IP daddr:IP sport:N pad:N tag:DEPTH mpls:DEPTH
        vxlan:PORT gre opts:WORDS shift:N front:N
WHERE   tcx-in tcx-out xdp-generic xdp-native
WHAT    clone redirect peer
"""

import collections
import ctypes
import fcntl
import os
import random
import select
import signal
import socket
import stat
import struct
import sys
import tempfile
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def ready():
    print('ready', flush=True)
    os.close(1)
    os.close(2)


def forever():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ready()
    while True:
        time.sleep(60)


def hold():
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w', encoding='ascii').write('1')
    forever()


def queue(device, how=''):
    def read():
        if how == 'thread' and ctypes.CDLL(None).unshare(0x400) != 0:
            raise OSError('unshare')
        home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        if how == 'elsewhere' and ctypes.CDLL(None).unshare(0x40000000) != 0:
            raise OSError('unshare')
        path = '/dev/net/tun'
        if how == 'node':
            path = os.path.join(tempfile.mkdtemp(dir='/dev/shm'), 'node')
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(10, 200))
        descriptor = os.open(path, os.O_RDWR)
        if how == 'node':
            os.unlink(path)
            os.rmdir(os.path.dirname(path))
        fcntl.ioctl(descriptor, 0x400454CA, struct.pack('16sH22x', device.encode(), 0x0002 | 0x1000 | 0x0100))
        if how == 'elsewhere':
            ctypes.CDLL(None).setns(home, 0)
        if how == 'twice':
            os.dup(descriptor)
        if how == 'off':
            fcntl.ioctl(descriptor, 0x400454D9, struct.pack('16sH22x', b'', 0x0400))
        ready()
        while how == 'off':
            time.sleep(1)
        while True:
            os.read(descriptor, 70000)

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if how != 'thread':
        return read()
    threading.Thread(target=read, daemon=True).start()
    signal.pause()


def chooser(words):
    """A function that says whether a frame is one of those to take."""
    tests = []
    for word in words.split('+'):
        key, _, value = word.partition(':')
        if key == '1in':
            state = [random.randrange(int(value))]

            def one_in(_, state=state, n=int(value)):
                state[0] += 1
                return state[0] % n == 0

            tests.append(one_in)
        elif key == 'size':
            tests.append(lambda frame, least=int(value): len(frame) >= least)
        elif key == 'type':
            tests.append(lambda frame, kind=bytes.fromhex(value): frame[12:14] == kind)
        elif key == 'port':
            tests.append(lambda frame, port=int(value): struct.pack('>H', port) in frame[34:60])
        elif key != 'all':
            raise ValueError(word)
    # of guests' own talk only what a run's probes are, so that nothing goes round
    kinds = (b'\x88\xb5', b'\x08\x00', b'\x86\xdd')
    return lambda frame: frame[12:14] in kinds and all(test(frame) for test in tests)


def checksum(head):
    total = sum(struct.unpack(f'>{len(head) // 2}H', head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def fixed(frame):
    """Checksum of an IPv4 header; that of UDP is left out, which IPv4 allows."""
    if frame[12:14] != b'\x08\x00':
        return frame
    size = (frame[14] & 15) * 4
    head = bytearray(frame[14 : 14 + size])
    head[10:12] = b'\0\0'
    head[10:12] = struct.pack('>H', checksum(bytes(head)))
    rest = bytearray(frame[14 + size :])
    if head[9] == 17:
        rest[6:8] = b'\0\0'
    return frame[:14] + bytes(head) + bytes(rest)


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def under_ip(frame, protocol, rest):
    """Another frame around: Ethernet and IPv4 of the host's, to the MAC that the frame has."""
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(rest), 7, 0, 64, protocol, 0, b'\x0a\x09\0\xfe', b'\x0a\x09\0\x03')
    return fixed(frame[:12] + b'\x08\x00' + head + rest)


def mangle_one(word, frame):
    key, _, value = word.partition(':')
    is_ip = frame[12:14] == b'\x08\x00'
    is_ip6 = frame[12:14] == b'\x86\xdd'
    if key == 'dst':
        return mac(value) + frame[6:]
    if key == 'src':
        return frame[:6] + mac(value) + frame[12:]
    if key == 'type':
        return frame[:12] + bytes.fromhex(value) + frame[14:]
    if key == 'ttl' and (is_ip or is_ip6):
        at = 22 if is_ip else 21
        return fixed(frame[:at] + bytes([int(value)]) + frame[at + 1 :])
    if key == 'saddr' and is_ip:
        return fixed(frame[:26] + socket.inet_aton(value) + frame[30:])
    if key == 'daddr' and is_ip:
        return fixed(frame[:30] + socket.inet_aton(value) + frame[34:])
    if key == 'sport' and is_ip:
        return fixed(frame[:34] + struct.pack('>H', int(value)) + frame[36:])
    if key == 'pad':
        return frame + b'\0' * int(value)
    if key == 'tag':
        tags = b''.join((b'\x88\xa8' if at == 0 and int(value) > 1 else b'\x81\x00') + bytes([0, 10 + at]) for at in range(int(value)))
        return frame[:12] + tags + frame[12:]
    if key == 'mpls':
        labels = b''.join(struct.pack('>I', (100 + at) << 12 | (at == int(value) - 1) << 8 | 64) for at in range(int(value)))
        return frame[:12] + b'\x88\x47' + labels + frame[14:]
    if key == 'vxlan':
        inner = b'\x08\0\0\0\0\0\x2a\0' + frame
        return under_ip(frame, 17, struct.pack('>HHHH', 4321, int(value), 8 + len(inner), 0) + inner)
    if key == 'gre':
        return under_ip(frame, 47, b'\0\0\x65\x58' + frame)
    if key == 'opts' and is_ip:
        words = int(value)
        head = bytes([0x45 + words]) + frame[15:34] + b'\x01' * (4 * words)
        length = struct.unpack('>H', frame[16:18])[0] + 4 * words
        return fixed(frame[:14] + head[:2] + struct.pack('>H', length) + head[4:] + frame[34:])
    if key == 'shift':  # octets between the headers and what they carry
        at = 42 if is_ip else 62 if is_ip6 else 14
        return frame[:at] + b'\0' * int(value) + frame[at:]
    if key == 'front':  # all of it behind so many octets of something else
        return frame[:12] + b'\x88\xb7' + b'\x55' * int(value) + frame
    return frame


def relay(source, target, how, select_words, mangle_words):
    into = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    into.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    into.setsockopt(263, 1, struct.pack('iHH8s', socket.if_nametoindex(source), 1, 0, b''))
    into.bind((source, 3))
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.bind((target, 0))
    if how == 'bypass':
        out.setsockopt(263, 20, 1)
    delay = float(how.partition(':')[2]) if how.startswith('late') else 0
    taken = chooser(select_words)
    words = [] if mangle_words == 'none' else mangle_words.split('+')
    waiting = collections.deque()
    ready()
    while True:
        wait = max(0, waiting[0][0] - time.time()) if waiting else 1
        if select.select([into], [], [], wait)[0]:
            frame, address = into.recvfrom(70000)
            if address[2] != 4 and taken(frame):
                for word in words:
                    frame = mangle_one(word, frame)
                waiting.append((time.time() + delay, frame))
        while waiting and waiting[0][0] <= time.time():
            try:
                out.send(waiting.popleft()[1])
            except OSError:
                pass


def bpf(command, attributes):
    held = ctypes.create_string_buffer(attributes, max(len(attributes), 144))
    result = libc.syscall(321, command, held, len(held))
    if result < 0:
        raise OSError(ctypes.get_errno(), f'bpf: {os.strerror(ctypes.get_errno())}')
    return result


def op(code, dst=0, src=0, off=0, imm=0):
    return struct.pack('<BBhi', code, dst | src << 4, off, imm)


def call(number):
    return op(0x85, 0, 0, 0, number)


def program(what, index, own, one_in, is_xdp):
    """The octets of a program that does so to one frame in so many, and lets the others pass."""
    clone, redirect, prandom, redirect_peer = 13, 23, 7, 155
    passing = op(0xB7, 0, 0, 0, 2 if is_xdp else -1) + op(0x95)  # XDP_PASS; TC_ACT_UNSPEC
    choose = b''
    if one_in > 1:  # r0 = random; if r0 % n != 0: pass
        choose = call(prandom) + op(0x94, 0, 0, 0, one_in) + op(0x15, 0, 0, 2, 0) + passing
    if what == 'clone':
        act = op(0xBF, 1, 6) + op(0xB7, 2, 0, 0, index) + op(0xB7, 3, 0, 0, 0) + call(clone) + passing
    elif what == 'drop-ipv4':  # by __sk_buff.protocol; TC_ACT_SHOT
        act = op(0x61, 1, 6, 16) + op(0x55, 1, 0, 2, socket.htons(0x0800)) + op(0xB7, 0, 0, 0, 2) + op(0x95) + passing
    elif what == 'redirect':
        act = op(0xB7, 1, 0, 0, index) + op(0xB7, 2, 0, 0, 0) + call(redirect) + op(0x95)
    elif what == 'peer':
        # mark 7 is the clone of ours that goes on as ever; the frame itself goes to the peer
        clean = op(0xB7, 1, 0, 0, 0) + op(0x63, 6, 1, 8) + passing
        unmarked = op(0x61, 7, 6, 8) + op(0x55, 7, 0, 4, 7) + clean
        act = (
            op(0xB7, 1, 0, 0, 7)
            + op(0x63, 6, 1, 8)
            + op(0xBF, 1, 6)
            + op(0xB7, 2, 0, 0, own)
            + op(0xB7, 3, 0, 0, 1)
            + call(clone)
            + op(0xB7, 1, 0, 0, index)
            + op(0xB7, 2, 0, 0, 0)
            + call(redirect_peer)
            + op(0x95)
        )
        return op(0xBF, 6, 1) + unmarked + choose + act
    else:
        raise ValueError(what)
    return op(0xBF, 6, 1) + choose + act


def load(octets, kind):
    instructions = ctypes.create_string_buffer(octets, len(octets))
    licence = ctypes.create_string_buffer(b'GPL')
    log = ctypes.create_string_buffer(65536)
    try:
        return bpf(
            5,
            struct.pack(
                '<IIQQIIQII',
                kind,
                len(octets) // 8,
                ctypes.addressof(instructions),
                ctypes.addressof(licence),
                1,
                65536,
                ctypes.addressof(log),
                0,
                0,
            ),
        )
    except OSError as error:
        raise OSError(error.errno, f'{error.strerror} {log.value.decode()[-300:]}') from error


def attach(source, where, what, target, one_in):
    own, index = socket.if_nametoindex(source), socket.if_nametoindex(target)
    is_xdp = where.startswith('xdp')
    held = load(program(what, index, own, int(one_in), is_xdp), 6 if is_xdp else 3)
    if is_xdp:  # BPF_LINK_CREATE of type BPF_XDP, generic or native
        link = bpf(28, struct.pack('<IIII', held, own, 37, 2 if where == 'xdp-generic' else 4))
    else:
        link = bpf(28, struct.pack('<IIII', held, own, 46 if where == 'tcx-in' else 47, 0))
    assert link > 0
    forever()


def netfilter():
    """A program that lets every packet of IPv4 be forwarded, and could note what it has."""
    instructions = ctypes.create_string_buffer(op(0xB7, 0, 0, 0, 1) + op(0x95), 16)
    licence = ctypes.create_string_buffer(b'GPL')
    kind, place, forward = 32, 45, 2
    head = struct.pack('<IIQQ', kind, 2, ctypes.addressof(instructions), ctypes.addressof(licence))
    held = bpf(5, head.ljust(68, b'\0') + struct.pack('<I', place))
    link = bpf(28, struct.pack('<IIIIIIiI', held, 0, place, 0, socket.AF_INET, forward, 0, 0))
    assert link > 0
    forever()


def pin(path, what, target, one_in, source):
    octets = program(what, socket.if_nametoindex(target), socket.if_nametoindex(source), int(one_in), False)
    held = load(octets, 3)
    name = ctypes.create_string_buffer(path.encode())
    bpf(6, struct.pack('<QII', ctypes.addressof(name), held, 0))


def listen(device, protocol, words):
    """What lldpd and dhclient hold open: a socket that takes nothing of what probes are."""
    held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if words == 'dhcp':
        # ldh [12]; jne #0x800; ldb [23]; jne #17; ldxb 4*([14]&0xf); ldh [x+16]; jne #68; ret -1; ret 0
        codes = [
            (0x28, 0, 0, 12),
            (0x15, 0, 6, 0x800),
            (0x30, 0, 0, 23),
            (0x15, 0, 4, 17),
            (0xB1, 0, 0, 14),
            (0x48, 0, 0, 16),
            (0x15, 0, 1, 68),
            (0x06, 0, 0, 0xFFFFFFFF),
            (0x06, 0, 0, 0),
        ]
        octets = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *code) for code in codes))
        held.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HxxxxxxP', len(codes), ctypes.addressof(octets)))
    held.bind((device, int(protocol, 16)))
    forever()


def announce(address, port, every):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    ready()
    while True:
        out.sendto(b'\0' * 40, (address, int(port)))
        time.sleep(float(every))


def forget():
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    # IPCTNL_MSG_CT_DELETE of no connection in particular, for each family
    for family in (socket.AF_INET, socket.AF_INET6):
        netlink.send(struct.pack('=IHHIIBBH', 20, 1 << 8 | 2, 5, 1, 0, family, 0, 0))
        netlink.recv(4096)


def log(group):
    def asked(number, *attribute):
        request = struct.pack('=BBH', 0, 0, socket.htons(number)) + struct.pack('=HHB3x', 5, *attribute)
        netlink.send(struct.pack('=IHHII', 16 + len(request), 0x0401, 5, 0, 0) + request)
        error = struct.unpack_from('=i', netlink.recv(4096), 16)[0]
        if error != 0:
            raise OSError(-error, 'nfnetlink_log')

    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    asked(int(group), 1, 1)  # NFULA_CFG_CMD: NFULNL_CFG_CMD_BIND
    forever()


def gro(pid, device):
    if libc.setns(os.open(f'/proc/{pid}/ns/net', os.O_RDONLY), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')
    value = ctypes.create_string_buffer(struct.pack('II', 0x2C, 1))  # ETHTOOL_SGRO
    request = struct.pack('16sP16x', device.encode(), ctypes.addressof(value))
    fcntl.ioctl(socket.socket(), 0x8946, request)


def legacy(family, name, then='stay'):
    """Replaces the table raw by one with a rule of that target, as iptables-legacy does (IPT_SO_SET_REPLACE)."""
    is_six = family == '6'
    head, at = (168, 140) if is_six else (112, 88)

    def entry(target, body):
        length = 32 + len(body)
        octets = bytearray(head) + struct.pack('<H29sB', length, target.encode(), 1 if target == 'TEE' else 0) + body
        struct.pack_into('<HH', octets, at, head, head + length)
        return bytes(octets)

    accept = entry('', struct.pack('<i4x', -2))
    rule = entry('', struct.pack('<i4x', -1)) if name == 'DROP' else entry(name, bytes([10, 9, 9, 9]).ljust(40, b'\0'))
    entries = rule + accept + accept + entry('ERROR', b'ERROR'.ljust(32, b'\0'))
    hooks = (0, 0, 0, len(rule) + len(accept), 0)
    underflow = (len(rule), 0, 0, len(rule) + len(accept), 0)
    counters = ctypes.create_string_buffer(3 * 16)
    raw = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_RAW, 255)
    level = 41 if is_six else 0
    known = struct.pack('<32sIII5I5IIQ', b'raw', 9, 4, len(entries), *hooks, *underflow, 3, ctypes.addressof(counters))
    raw.setsockopt(level, 64, known + entries)
    if then == 'stay':
        forever()


if __name__ == '__main__':
    doing, *rest = sys.argv[1:]
    known = {'hold': hold, 'queue': queue, 'relay': relay, 'bpf': attach, 'pin': pin}
    known |= {'netfilter': netfilter, 'forget': forget, 'gro': gro, 'listen': listen, 'announce': announce, 'log': log, 'legacy': legacy}
    known[doing](*rest)
