"""Takes frames of others in a way that no port shows: `take-frames.py WAY DEVICE SECONDS [PID]`.

Prints `ready` and begins, or begins when a line comes, if SECONDS is not 0: it ends SECONDS after the first frame of
more than 60 bytes, at which it prints `took`. PID: it goes to the network namespace of that process first.
"""
import contextlib, ctypes, fcntl, os, select, socket, stat, struct, sys, tempfile, threading, time

way, device, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)


def attach(path, flags):
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, 0x400454CA, struct.pack('16sH22x', device.encode(), 0x0002 | 0x1000 | flags))
    return descriptor


def node():
    path = os.path.join(tempfile.mkdtemp(dir='/dev/shm'), 'node')
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(10, 200))
    return path


def queues():
    """Seven of eight: which one a frame goes to is by the hash of its flow."""
    path = node() if way == 'node' else '/dev/net/tun'
    held = [attach(path, 0x0100) for _ in range(7)]
    if way == 'node':
        os.unlink(path)
        os.rmdir(os.path.dirname(path))
    return held


def logged():
    """Takes what rules log to group 5 (linux/netfilter/nfnetlink_log.h)."""
    taker = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    for attribute in ((5, 1, 1), (8, 2, 0xFFFF0000 | 2)):
        length, kind, value = attribute
        body = struct.pack('=BBH', 0, 0, socket.htons(5))
        body += struct.pack('=HHB3x', 5, kind, value) if kind == 1 else struct.pack('=HHIBx2x', 10, kind, 0xFFFF, 2)
        taker.send(struct.pack('=IHHII', 16 + len(body), 0x0401, 5, 0, 0) + body)
        if struct.unpack_from('=i', taker.recv(4096), 16)[0] != 0:
            raise OSError('nfnetlink_log')
    return [taker.detach()]


def take(held):
    end = None
    while end is None or time.monotonic() < end:
        for descriptor in select.select(held, [], [], 0.1)[0]:
            try:
                isLong = len(os.read(descriptor, 70000)) > 60
            except BlockingIOError:
                continue
            if isLong and end is None:
                end = time.monotonic() + (seconds or 3600)
                print('took', flush=True)
    for descriptor in held:
        os.close(descriptor)


def filtered():
    """A socket that refuses every frame takes all of them for a while."""

    def fit(value):
        code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, value))
        held.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HxxxxxxP', 1, ctypes.addressof(code)))

    held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    fit(0)
    held.bind((device, 3))
    print('ready', flush=True)
    sys.stdin.readline()
    fit(0xFFFFFFFF)
    take([os.dup(held.fileno())])
    fit(0)
    time.sleep(3600)


def run():
    if way == 'filter':
        return filtered()
    if way == 'thread' and libc.unshare(0x400) != 0:
        raise OSError('unshare')
    if way == 'own':
        held = [attach('/dev/net/tun', 0x0100)]
        mac = bytes.fromhex(sys.argv[4].replace(':', ''))
        threading.Thread(target=speak, args=(held[0], mac), daemon=True).start()
        print('ready', flush=True)
        return take(held)
    held = queues() if seconds == 0 else []
    if len(sys.argv) > 4 and libc.setns(os.open(f'/proc/{sys.argv[4]}/ns/net', os.O_RDONLY), 0x40000000) != 0:
        raise OSError('setns')
    print('ready', flush=True)
    if seconds > 0:
        sys.stdin.readline()
        held = logged() if way == 'log' else queues()
    take(held)
    time.sleep(3600)


def speak(tap, mac):
    while True:
        with contextlib.suppress(OSError):  # the device is down
            os.write(tap, b'\xff' * 6 + mac + b'\x88\xb5' + bytes(46))
        time.sleep(0.2)


if way == 'thread':
    threading.Thread(target=run).start()
else:
    run()
