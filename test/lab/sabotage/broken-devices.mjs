import { readFileSync, writeFileSync } from 'node:fs';

// Devices (src/run/devices.ts) that wrap the kernel's and do something wrong, or at the wrong time.

/** Requests to open an observer, changed for `victim`; null = it is not opened at all. */
export const requests = (victim, change) => (devices) => ({
  ...devices,
  async startCapture(options) {
    const capture = await devices.startCapture(options);
    return {
      ...capture,
      open: (all) => capture.open(all.flatMap((one) => (one.observer === victim ? (change(one) ?? []) : [one]))),
    };
  },
});

/**
 * Something happens once between the probes' halves, when a capture has counted the controls there: where all probes
 * left in the first, before the controls and the snapshot of the state behind them.
 */
export const inTheMiddle = (act) => (devices) => {
  let sender;
  let due = true;
  return {
    async startCapture(options) {
      const capture = await devices.startCapture(options);
      return {
        ...capture,
        async mark(id) {
          const counters = await capture.mark(id);
          if (id === 'between' && due) {
            due = false;
            await act({ capture, sender });
          }
          return counters;
        },
      };
    },
    async startSender(places) {
      sender = await devices.startSender(places);
      return sender;
    },
  };
};

/** The first `count` frames of routes. */
function firstOf(routes, count) {
  let left = count;
  return routes
    .map((route) => {
      const taken = Math.min(route.count, left);
      left -= taken;
      return { ...route, count: taken };
    })
    .filter((route) => route.count > 0);
}

/**
 * What is sent, changed: `send` gets the socket, the frames and the real send. Probes and entry controls leave at
 * `send:`, ear controls at `ear:`. Probes leave routed, once the observers have counted what came before them:
 * announcements do earlier, and so few controls as these scenarios have never do.
 */
export const sending = (send) => (devices) => {
  let probing = false;
  return {
    ...devices,
    async startCapture(options) {
      probing = false;
      const capture = await devices.startCapture(options);
      return {
        ...capture,
        mark: async (id) => {
          const counters = await capture.mark(id);
          probing ||= id === 'before';
          return counters;
        },
      };
    },
    async startSender(places) {
      const sender = await devices.startSender(places);
      return {
        ...sender,
        send: (socket, frames, length, perSecond) =>
          send({
            socket,
            frames,
            length,
            probe: false,
            really: (at, some) => sender.send(at, some, length, perSecond),
          }),
        sendRouted: (routes, frames, length, perSecond) =>
          send({
            socket: routes[0].socket,
            frames,
            length,
            probe: probing,
            really: (at, some) =>
              at === routes[0].socket
                ? sender.sendRouted(firstOf(routes, some.length / length), some, length, perSecond)
                : sender.send(at, some, length, perSecond),
          }),
      };
    },
  };
};
export const lie = ({ frames, length }) => ({ accepted: frames.length / length, error: null });
export const isProbe = ({ probe }) => probe;

/** The capture file of the step, changed after it was closed and before anybody reads it. */
export const file = (change) => (devices) => ({
  ...devices,
  async startCapture(options) {
    const capture = await devices.startCapture(options);
    return {
      ...capture,
      async stop() {
        const stopped = await capture.stop();
        change(options.file);
        return stopped;
      },
    };
  },
});

/** Takes the packet block number `which` (of all) out of a pcapng file. */
export function removeBlock(path, share) {
  const bytes = readFileSync(path);
  const blocks = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4))
    blocks.push([at, at + bytes.readUInt32LE(at + 4)]);
  const packets = blocks.filter(([at]) => bytes.readUInt32LE(at) === 6);
  const [from, to] = packets[Math.floor(packets.length * share)];
  writeFileSync(path, Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]));
}

/**
 * Turns the direction of each frame round (epb_flags, bits 0 and 1: 1 inbound, 2 outbound; draft-ietf-opsawg-pcapng
 * 4.3.1).
 */
export function swapDirections(path) {
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
    if (bytes.readUInt32LE(at) !== 6) continue;
    const flags = at + 28 + ((bytes.readUInt32LE(at + 20) + 3) & ~3) + 4;
    bytes[flags] ^= 3;
  }
  writeFileSync(path, bytes);
}

/** Helpers that carry the victim's ear alone, so that it can be lost, late or early while the others go on. */
export const ownEar = (victim, behave) => (devices) => ({
  ...devices,
  async startCapture(options) {
    const others = await devices.startCapture(options);
    const ear = await devices.startCapture({ ...options, file: options.file.replace('.pcapng', '-ear.pcapng') });
    const split = (all) => [all.filter((one) => one.observer !== victim), all.filter((one) => one.observer === victim)];
    return {
      ...others,
      ...behave({ others, ear, split }),
      onFault: (listener) => {
        others.onFault(listener);
        ear.onFault(listener);
      },
      async stop() {
        const [one, two] = await Promise.all([others.stop(), ear.stop()]);
        return {
          counters: { ...two.counters, ...one.counters },
          written: { ...two.written, ...one.written },
          kept: [],
        };
      },
    };
  },
});

/**
 * Each step's devices are broken in a way of its own: `ways` by index of the step. A step's capture is started before
 * its sender, into a file named after it.
 */
export const stepByStep = (ways) => (devices) => {
  const broken = ways.map((way) => way(devices));
  let step = 0;
  return {
    startCapture(options) {
      step = Number(/(\d+)-\d+\.pcapng$/.exec(options.file)[1]) - 1;
      return broken[step].startCapture(options);
    },
    startSender: (places) => broken[step].startSender(places),
  };
};

/** Raw captures of ears have these numbers (src/run/ears.ts). */
const isOfEars = ({ file: path }) => /-9\d\d\.pcapng$/.test(path);

/** What listens above the bridges is broken, and nothing else. */
export const atEars = (way) => (devices) => {
  const broken = way(devices);
  return {
    ...devices,
    startCapture: (options) => (isOfEars(options) ? broken : devices).startCapture(options),
  };
};

/** Something is done before anybody listens. */
export const beforeAll = (act) => (devices) => ({
  ...devices,
  startCapture(options) {
    if (!isOfEars(options)) act();
    return devices.startCapture(options);
  },
});
