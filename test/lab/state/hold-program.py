"""Loads a program of BPF made by hand, attaches it until it ends, and prints its number.

hold-program.py flow | xdp DEVICE | cgroup FOLDER | count FOLDER | look DEVICE… | clone TARGET DEVICE…
                keep DEVICE… | write DEVICE… | late TARGET DEVICE WATCHED
flow, xdp, cgroup: copies what it gets to a map; count: does as systemd for a service with IPAccounting; look: tcx that
asks a map and lets pass; clone: the same, and copies to the target; keep: tcx that copies to a map; write: tcx that
writes the first byte, as it was; late: clone while the 20th to 60th frame come in at the watched device, then no more.
"""
import ctypes, os, socket, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    held = ctypes.create_string_buffer(attributes, max(len(attributes), 144))
    result = libc.syscall(321, command, held, len(held))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def op(code, dst=0, src=0, off=0, imm=0):
    return struct.pack('<BBhi', code, dst | src << 4, off, imm)


def mapped(dst, fd):
    return op(0x18, dst, 1, 0, fd) + op(0)


def load(kind, octets, expected):
    held = ctypes.create_string_buffer(octets, len(octets))
    licence = ctypes.create_string_buffer(b'GPL')
    head = struct.pack('<IIQQIIQII', kind, len(octets) // 8, ctypes.addressof(held), ctypes.addressof(licence), 0, 0, 0, 0, 0)
    return bpf(5, head + b'\0' * 16 + struct.pack('<II', 0, expected))


def copying(verdict):
    """The first 32 bytes go to a queue."""
    queue = bpf(0, struct.pack('<IIIII', 22, 0, 32, 64, 0))
    get = op(0xBF, 3, 10) + op(0x07, 3, 0, 0, -32) + op(0xBF, 1, 6) + op(0xB7, 2) + op(0xB7, 4, 0, 0, 32) + op(0x85, 0, 0, 0, 26)
    put = mapped(1, queue) + op(0xBF, 2, 10) + op(0x07, 2, 0, 0, -32) + op(0xB7, 3) + op(0x85, 0, 0, 0, 87)
    return op(0xBF, 6, 1) + get + op(0x55, 0, 0, 6) + put + op(0xB7, 0, 0, 0, verdict) + op(0x95)


def dropping():
    """XDP: a number of its own in a map says what becomes of a frame."""
    array = bpf(0, struct.pack('<IIIII', 2, 4, 8, 1, 0))
    look = op(0x62, 10, 0, -4, 0) + op(0xBF, 2, 10) + op(0x07, 2, 0, 0, -4) + mapped(1, array) + op(0x85, 0, 0, 0, 1)
    return look + op(0x15, 0, 0, 2) + op(0x79, 0, 0) + op(0x95) + op(0xB7, 0, 0, 0, 2) + op(0x95)


def counting():
    """bpf_firewall_compile_bpf of systemd: looks for the source in a tree of prefixes, then counts packets and bytes."""
    tree = bpf(0, struct.pack('<IIIII', 11, 8, 8, 4, 1))
    counts = bpf(0, struct.pack('<IIIII', 2, 4, 8, 2, 0))
    begin = op(0xBF, 6, 1) + op(0x61, 7, 6, 16) + op(0xB4, 8)
    load_address = op(0xBF, 1, 6) + op(0xB4, 2, 0, 0, 12) + op(0xBF, 3, 10) + op(0x07, 3, 0, 0, -4) + op(0xB4, 4, 0, 0, 4) + op(0x85, 0, 0, 0, 26)
    look = mapped(1, tree) + op(0xBF, 2, 10) + op(0x07, 2, 0, 0, -8) + op(0x62, 2, 0, 0, 32) + op(0x85, 0, 0, 0, 1)

    def count(key, value):
        at = op(0xB7, 0, 0, 0, key) + op(0x63, 10, 0, -4) + op(0xBF, 2, 10) + op(0x07, 2, 0, 0, -4)
        return at + mapped(1, counts) + op(0x85, 0, 0, 0, 1) + op(0x15, 0, 0, 2) + value + op(0xDB, 0, 1)

    result = look + op(0x15, 0, 0, 1) + op(0x44, 8, 0, 0, 1)
    family = op(0x55, 7, 0, (len(load_address) + len(result)) // 8, socket.htons(0x0800))
    return begin + family + load_address + result + count(0, op(0xB7, 1, 0, 0, 1)) + count(1, op(0x61, 1, 6)) + op(0xB7, 0, 0, 0, 1) + op(0x95)


def looking(target):
    """The verdict stands in a map: -1, the next program is asked."""
    array = bpf(0, struct.pack('<IIIII', 2, 4, 8, 1, 0))
    key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(struct.pack('<q', -1), 8)
    bpf(2, struct.pack('<IIQQQ', array, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
    copy = b'' if target is None else op(0xBF, 1, 6) + op(0xB7, 2, 0, 0, socket.if_nametoindex(target)) + op(0xB7, 3) + op(0x85, 0, 0, 0, 13)
    look = op(0x62, 10, 0, -4, 0) + op(0xBF, 2, 10) + op(0x07, 2, 0, 0, -4) + mapped(1, array) + op(0x85, 0, 0, 0, 1)
    return op(0xBF, 6, 1) + copy + look + op(0x15, 0, 0, 2) + op(0x79, 0, 0) + op(0x95) + op(0xB7, 0, 0, 0, -1) + op(0x95)


def writing():
    """The first byte is loaded, and stored again."""
    byte = op(0xBF, 3, 10) + op(0x07, 3, 0, 0, -1) + op(0xBF, 1, 6) + op(0xB7, 2) + op(0xB7, 4, 0, 0, 1)
    load_byte = op(0x72, 10, 0, -1, 0) + byte + op(0x85, 0, 0, 0, 26)
    return op(0xBF, 6, 1) + load_byte + byte + op(0xB7, 5) + op(0x85, 0, 0, 0, 9) + op(0xB7, 0, 0, 0, -1) + op(0x95)


def received(device):
    return next(int(line.split()[2]) for line in open('/proc/net/dev') if line.strip().startswith(f'{device}:'))


def late(target, device, watched):
    """It stands for 40 frames."""
    print('ready', flush=True)
    first = received(watched)
    while received(watched) < first + 20:
        time.sleep(0.003)
    program = load(3, looking(target), 0)
    link = bpf(28, struct.pack('<IIII', program, socket.if_nametoindex(device), 46, 0))
    while received(watched) < first + 60:
        time.sleep(0.003)
    for held in link, program:
        os.close(held)
    time.sleep(60)


what, *where = sys.argv[1:]
if what == 'late':
    late(*where)
if what == 'flow':
    program = load(22, copying(129), 17)
    bpf(28, struct.pack('<IIII', program, os.open('/proc/self/ns/net', os.O_RDONLY), 17, 0))
elif what == 'xdp':
    program = load(6, dropping(), 37)
    link = bpf(28, struct.pack('<IIII', program, socket.if_nametoindex(where[0]), 37, 2))
elif what == 'nowhere':
    program = load(6, dropping(), 37)
elif what in ('look', 'clone', 'keep', 'write'):
    target = where.pop(0) if what == 'clone' else None
    program = load(3, {'keep': lambda: copying(-1), 'write': writing}.get(what, lambda: looking(target))(), 0)
    links = [bpf(28, struct.pack('<IIII', program, socket.if_nametoindex(device), 46, 0)) for device in where]
else:
    program = load(8, copying(1) if what == 'cgroup' else counting(), 0)
    link = bpf(28, struct.pack('<IIII', program, os.open(where[0], os.O_RDONLY | os.O_DIRECTORY), 0, 0))
for line in open(f'/proc/self/fdinfo/{program}'):
    if line.startswith('prog_id:'):
        print(line.split()[1], flush=True)
while True:
    time.sleep(60)
