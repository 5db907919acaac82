import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Every way in which the tool's own senses are broken while it runs: a function from the kernel's devices to broken ones. The victim is
 * the observer or the sender that the scenario of the suite names so. A new way is one entry.
 */
const victim = 'kali3';
const port = 'vnet4';

/** Requests to open an observer, changed for the victim; null = it is not opened at all. */
const requests = (change) => (devices) => ({
  ...devices,
  async startCapture(options) {
    const capture = await devices.startCapture(options);
    return { ...capture, open: (all) => capture.open(all.flatMap((one) => (one.observer === victim ? (change(one) ?? []) : [one]))) };
  },
});

/** Something happens just before the probe burst number `at` (0 or 1: the first of each half). */
const inTheMiddle = (act) => (devices) => {
  let capture;
  let half = 0;
  return {
    async startCapture(options) {
      capture = await devices.startCapture(options);
      return { ...capture, mark: async (id) => {
        const counters = await capture.mark(id);
        half = id === 'between' ? 2 : 1;
        return counters;
      } };
    },
    async startSender(places) {
      const sender = await devices.startSender(places);
      return { ...sender, async send(socket, ...rest) {
        if (half === 2 && socket.startsWith('send:')) {
          half = 0;
          await act({ capture, sender });
        }
        return sender.send(socket, ...rest);
      } };
    },
  };
};

/** What is sent, changed: `send` gets the socket, the frames and the real send. Probes and entry controls leave at `send:`, ear controls at `ear:`. */
const sending = (send) => (devices) => ({
  ...devices,
  async startSender(places) {
    const sender = await devices.startSender(places);
    return { ...sender, send: (socket, frames, length, perSecond) => send({ socket, frames, length, really: (at, some) => sender.send(at, some, length, perSecond) }) };
  },
});
const lie = ({ frames, length }) => ({ accepted: frames.length / length, error: null });
const isProbe = ({ socket, frames, length }) => socket.startsWith('send:') && frames.length > length;

const ip = (...words) => execFileSync('ip', words);

/** The capture file of the step, changed after it was closed and before anybody reads it. */
const file = (change) => (devices) => ({
  ...devices,
  async startCapture(options) {
    const capture = await devices.startCapture(options);
    return { ...capture, async stop() {
      const stopped = await capture.stop();
      change(options.file);
      return stopped;
    } };
  },
});

/** Takes the packet block number `which` (of all) out of a pcapng file. */
function removeBlock(path, share) {
  const bytes = readFileSync(path);
  const blocks = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) blocks.push([at, at + bytes.readUInt32LE(at + 4)]);
  const packets = blocks.filter(([at]) => bytes.readUInt32LE(at) === 6);
  const [from, to] = packets[Math.floor(packets.length * share)];
  writeFileSync(path, Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]));
}

/** Turns the direction of each frame round (epb_flags, bits 0 and 1: 1 inbound, 2 outbound; draft-ietf-opsawg-pcapng 4.3.1). */
function swapDirections(path) {
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
    if (bytes.readUInt32LE(at) !== 6) continue;
    const flags = at + 28 + ((bytes.readUInt32LE(at + 20) + 3) & ~3) + 4;
    bytes[flags] ^= 3;
  }
  writeFileSync(path, bytes);
}

/** Helpers that carry the victim's ear alone, so that it can be lost, late or early while the others go on. */
const ownEar = (behave) => (devices) => ({
  ...devices,
  async startCapture(options) {
    const others = await devices.startCapture(options);
    const ear = await devices.startCapture({ ...options, file: options.file.replace('.pcapng', '-ear.pcapng') });
    const split = (all) => [all.filter((one) => one.observer !== victim), all.filter((one) => one.observer === victim)];
    return { ...others, ...behave({ others, ear, split }), onFault: (listener) => { others.onFault(listener); ear.onFault(listener); }, async stop() {
      const [one, two] = await Promise.all([others.stop(), ear.stop()]);
      return { counters: { ...two.counters, ...one.counters }, written: { ...two.written, ...one.written }, kept: [] };
    } };
  },
});
const facts = { engine: 'libpcap', timestamps: 'kernel', originalLength: true, direction: 'known' };

export const senses = {
  'a filter that matches nothing': requests((one) => ({ ...one, filter: 'ether proto 0x9999' })),
  'the observer on the wrong interface': requests((one) => ({ ...one, device: 'vnet0' })),
  'the observer on the loopback': requests((one) => ({ ...one, device: 'lo' })),
  'the ear hears what goes to the guest, and not what it sends': requests((one) => ({ ...one, watch: 'bridge' })),
  'what goes to the guest and what it sends taken for one another': file((path) => swapDirections(path)),
  'the capture never started': requests(() => null),
  'the capture started late and said that it was there': ownEar(({ others, ear, split }) => ({
    async open(all) {
      const [rest, mine] = split(all);
      this.later = mine;
      return [...await others.open(rest), { observer: victim, facts, version: 'none' }];
    },
    async mark(id) {
      if (id === 'between') await ear.open(this.later);
      return others.mark(id);
    },
  })),
  'the capture stopped early': ownEar(({ others, ear, split }) => {
    let early = null;
    return {
      async open(all) {
        const [rest, mine] = split(all);
        return (await Promise.all([others.open(rest), ear.open(mine)])).flat();
      },
      async mark(id) {
        if (id === 'between') {
          early = await ear.stop();
          ear.stop = async () => early;
        }
        return others.mark(id);
      },
    };
  }),
  'the capture helper paused through the probes': inTheMiddle(async ({ capture }) => {
    process.kill(capture.pids[0], 'SIGSTOP');
    await sleep(4500);
    process.kill(capture.pids[0], 'SIGCONT');
  }),
  'the capture helper killed': inTheMiddle(({ capture }) => process.kill(capture.pids[0], 'SIGKILL')),
  'the capture helper aborted': inTheMiddle(({ capture }) => process.kill(capture.pids[0], 'SIGABRT')),
  'the sending helper killed': inTheMiddle(({ sender }) => process.kill(sender.pid, 'SIGKILL')),
  'frames dropped in a ring too small': (devices) => {
    const small = requests((one) => ({ ...one, buffer: 4096, snaplen: 65_535 }))(devices);
    return inTheMiddle(async ({ capture, sender }) => {
      process.kill(capture.pids[0], 'SIGSTOP');
      const frame = Buffer.alloc(60);
      frame.write('ffffffffffff5254008520d188b5', 'hex');
      await sender.send('send:kali2', Buffer.concat(Array.from({ length: 4000 }, () => frame)), 60, null);
      process.kill(capture.pids[0], 'SIGCONT');
    })(small);
  },
  'a capture file that was cut': file((path) => truncateSync(path, Math.floor(readFileSync(path).length * 0.6))),
  'a capture file that is empty': file((path) => truncateSync(path, 0)),
  'a record removed from the capture file': file((path) => removeBlock(path, 0.5)),
  'the last record removed from the capture file': file((path) => removeBlock(path, 0.999)),
  'no probe sent': sending((one) => (isProbe(one) ? { accepted: 0, error: 'ENETDOWN' } : one.really(one.socket, one.frames))),
  'no probe sent, and it was said that they were': sending((one) => (isProbe(one) ? lie(one) : one.really(one.socket, one.frames))),
  'half of the probes sent': sending(async (one) => {
    const half = Math.floor(one.frames.length / one.length / 2) * one.length;
    return isProbe(one) ? one.really(one.socket, one.frames.subarray(0, half)) : one.really(one.socket, one.frames);
  }),
  'half of the probes sent, and it was said that all were': sending(async (one) => {
    const half = Math.floor(one.frames.length / one.length / 2) * one.length;
    if (!isProbe(one)) return one.really(one.socket, one.frames);
    await one.really(one.socket, one.frames.subarray(0, half));
    return lie(one);
  }),
  'the probes sent from the wrong port': sending((one) => one.really(isProbe(one) ? `send:${victim}` : one.socket, one.frames)),
  'the ear controls suppressed': sending((one) => (one.socket === `ear:${victim}` ? { accepted: 0, error: null } : one.really(one.socket, one.frames))),
  'the ear controls suppressed, and it was said that they were sent': sending((one) => (one.socket === `ear:${victim}` ? lie(one) : one.really(one.socket, one.frames))),
  'the entry controls suppressed': sending((one) => (one.socket.startsWith('send:') && !isProbe(one) ? { accepted: 0, error: null } : one.really(one.socket, one.frames))),
  'the entry controls suppressed, and it was said that they were sent': sending((one) => (one.socket.startsWith('send:') && !isProbe(one) ? lie(one) : one.really(one.socket, one.frames))),
  'the interface went down': inTheMiddle(() => ip('link', 'set', 'dev', port, 'down')),
  'the interface went down and came up again': inTheMiddle(() => { ip('link', 'set', 'dev', port, 'down'); ip('link', 'set', 'dev', port, 'up'); }),
  'the interface was renamed': inTheMiddle(() => { ip('link', 'set', 'dev', port, 'down'); ip('link', 'set', 'dev', port, 'name', 'other'); ip('link', 'set', 'dev', 'other', 'up'); }),
  'the interface was deleted': inTheMiddle(() => ip('link', 'del', 'dev', port)),
  'the interface was deleted and made again': inTheMiddle(() => {
    ip('link', 'del', 'dev', port);
    ip('link', 'add', 'dev', port, 'type', 'veth', 'peer', 'name', 'peer0');
    ip('link', 'set', 'dev', port, 'master', 'br0', 'up');
    ip('link', 'set', 'dev', 'peer0', 'up');
  }),
  'the interface was taken off the bridge': inTheMiddle(() => ip('link', 'set', 'dev', port, 'nomaster')),
  'the interface moved to another bridge': inTheMiddle(() => { ip('link', 'add', 'br9', 'type', 'bridge'); ip('link', 'set', 'br9', 'up'); ip('link', 'set', 'dev', port, 'master', 'br9'); }),
  'the interface moved to another namespace': inTheMiddle(() => { execFileSync('sh', ['-c', 'unshare --net sleep 3 & sleep 0.2; ip link set dev vnet4 netns $!']); }),
  'a setting of the port was changed': inTheMiddle(() => ip('link', 'set', 'dev', port, 'type', 'bridge_slave', 'flood', 'off')),
  'a setting of the bridge was changed': inTheMiddle(() => ip('link', 'set', 'dev', 'br0', 'type', 'bridge', 'mcast_snooping', '0')),
  'a filter was added': inTheMiddle(() => execFileSync('nft', ['add', 'table', 'bridge', 'sabotage'])),
  'a port joined the bridge': inTheMiddle(() => { ip('link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1'); ip('link', 'set', 'late0', 'master', 'br0', 'up'); }),
};
