// A case for every reason code that a run's folder can carry: what becomes of captures/reasons-base, a run that holds,
// once this one thing had gone wrong in it. `node test/captures/make-reasons.mjs` writes them into
// captures/reason-CODE.
import { createHash } from 'node:crypto';

const packetBlock = 6;
const probing = 0;
const listening = 1;

/** Blocks of a pcapng file of little-endian order. */
function blocksOf(capture) {
  const blocks = [];
  for (let at = 0; at < capture.length; at += capture.readUInt32LE(at + 4))
    blocks.push(capture.subarray(at, at + capture.readUInt32LE(at + 4)));
  return blocks;
}

/** A packet block as who heard it in which step, the way that it went, and the token's index (-1 = none). */
function readPacket({ plan }, block) {
  const observers = plan.steps.flatMap((step) => step.observers.map(({ name }) => ({ step: step.index, name })));
  const mark = Buffer.from(`5649${plan.runTag.toString(16).padStart(8, '0')}`, 'hex');
  const captured = block.readUInt32LE(20);
  const token = block.subarray(28, 28 + captured).indexOf(mark);
  return {
    ...observers[block.readUInt32LE(8)],
    way: block.readUInt32LE(28 + captured + (-captured & 3) + 4) === 1 ? 'in' : 'out',
    index: token < 0 ? -1 : block.readUInt32BE(28 + token + 6),
  };
}

/** Changes how many frames an observer of a step is said to have received, delivered and written. */
function recount(folder, step, name, by) {
  const { counters, written } = folder.timeline.find((entry) => entry.step === step && entry.event === 'stopped');
  counters[name].received += by;
  counters[name].delivered += by;
  written[name] += by;
  folder.run.capture.packets += by;
}

/** The capture as if each packet had been there as often as `times` says; every count goes along. */
function packets(folder, times) {
  folder.capture = Buffer.concat(
    blocksOf(folder.capture).flatMap((block) => {
      if (block.readUInt32LE(0) !== packetBlock) return [block];
      const packet = readPacket(folder, block);
      const copies = times(packet);
      if (copies !== 1) recount(folder, packet.step, packet.name, copies - 1);
      return Array.from({ length: copies }, () => block);
    }),
  );
}

const inStep = (folder, step, event) => folder.timeline.filter((entry) => entry.step === step && entry.event === event);
const without = (folder, gone) => {
  folder.timeline = folder.timeline.filter((entry) => !gone(entry));
};

/** A trouble that was told after the first probes and ended its step, as the run writes it down. */
const fault = (code, observers, text) => (folder) => {
  const at = folder.timeline.findIndex(
    (entry) => entry.step === probing && entry.event === 'controls-sent' && entry.phase === 'between',
  );
  const { atNs, monoMs } = folder.timeline[at];
  folder.timeline.splice(at, 0, { atNs, monoMs, step: probing, event: 'fault', fault: { code, observers, text } });
  inStep(folder, probing, 'step-ended')[0].outcome = 'fault';
};
/** The same before anybody listened: nothing was sent. */
const faultAtStart =
  (code, observers, text, outcome = 'fault') =>
  (folder) => {
    const { atNs, monoMs } = inStep(folder, probing, 'learned')[0];
    packets(folder, ({ step }) => (step === probing ? 0 : 1));
    without(
      folder,
      (entry) => entry.step === probing && !['step-started', 'learned', 'step-ended'].includes(entry.event),
    );
    folder.timeline.splice(folder.timeline.findIndex(({ event }) => event === 'learned') + 1, 0, {
      atNs,
      monoMs,
      step: probing,
      event: 'fault',
      fault: { code, observers, text },
    });
    inStep(folder, probing, 'step-ended')[0].outcome = outcome;
  };
/** The run ended in step 1; what came after was not run. */
const cutShort = (code, text) => (folder) => {
  fault(code, [], text)(folder);
  const { atNs, monoMs } = inStep(folder, probing, 'step-ended')[0];
  packets(folder, ({ step }) => (step === listening ? 0 : 1));
  without(folder, ({ step }) => step === listening);
  folder.timeline.push({ atNs, monoMs, step: listening, event: 'step-ended', outcome: 'not-run' });
};
const stopped = (change) => (folder) => change(inStep(folder, probing, 'stopped')[0].counters.kali3);
const after =
  (change, step = probing) =>
  (folder) =>
    change(folder.states[`${step + 1}-after`]);
const link = (state, name) => state.links.find((link) => link.name === name);

/**
 * Inserts copies of a probe behind the frame that the LAN got of it: each heard at `name`, on its `way` into the bridge
 * or out of it.
 */
function repeatProbe(folder, copies) {
  const { observers } = folder.plan.steps[probing];
  folder.capture = Buffer.concat(
    blocksOf(folder.capture).flatMap((block) => {
      const packet = block.readUInt32LE(0) === packetBlock ? readPacket(folder, block) : null;
      if (packet?.step !== probing || packet.index !== 20 || packet.name !== 'lan') return [block];
      const captured = block.readUInt32LE(20);
      const added = copies.map(({ name, way }) => {
        const copy = Buffer.from(block);
        copy.writeUInt32LE(
          observers.findIndex((observer) => observer.name === name),
          8,
        );
        copy.writeUInt32LE(way === 'in' ? 1 : 2, 28 + captured + (-captured & 3) + 4);
        return copy;
      });
      return [block, ...added];
    }),
  );
  for (const { name } of copies) recount(folder, probing, name, 1);
}

/**
 * By code: `why` says what happened; `change` makes it of the folder `{ run, plan, timeline, states, capture }`;
 * `also`: codes that come with it.
 */
export const reasonCases = {
  'control-missing': {
    why: 'kali3 did not see one of its controls after the probes',
    change: (folder) =>
      packets(folder, ({ step, name, index }) => (step === probing && name === 'kali3' && index >= 54 ? 0 : 1)),
  },
  'entry-unproved': {
    why: 'kali2 is said to have sent a probe that its port never showed',
    change: (folder) =>
      packets(folder, ({ name, way, index }) => (name === 'kali2' && way === 'in' && index === 7 ? 0 : 1)),
  },
  'frames-dropped': {
    why: 'the kernel dropped a frame at kali3',
    change: stopped((one) => {
      one.received += 1;
      one.dropped += 1;
    }),
  },
  'count-gap': {
    why: 'the kernel counted a frame at kali3 that it neither delivered nor dropped',
    change: stopped((one) => {
      one.received += 1;
    }),
  },
  'probes-not-sent': {
    why: 'the kernel refused the last probe',
    change: (folder) => {
      inStep(folder, probing, 'sent').at(-1).accepted = 0;
      packets(folder, ({ step, index }) => (step === probing && index === 39 ? 0 : 1));
    },
  },
  'delivery-short': {
    why: 'five probes of forty did not reach the LAN',
    change: (folder) =>
      packets(folder, ({ step, name, way, index }) =>
        step === probing && name === 'lan' && way === 'out' && index >= 10 && index < 15 ? 0 : 1,
      ),
  },
  'settings-changed': {
    why: 'the ageing time became 0 while kali3 listened',
    change: after((state) => {
      link(state, 'br0').bridge.ageing_time = 0;
    }, listening),
  },
  'not-forwarding': {
    why: 'the port of kali3 was blocking at the end',
    change: after((state) => {
      link(state, 'vnet4').port.state = 'blocking';
    }),
  },
  'bypass-possible': {
    why: 'a program of eBPF stood at the port of kali2 at the end, which no command of tc shows',
    change: (folder) => {
      folder.states['1-after'].programs = [{ device: 'vnet0', place: 'tcx ingress', id: 12 }];
    },
  },
  'mac-moved': {
    why: 'the MAC of the LAN was learned on the port of kali3 at the end',
    change: after((state) => {
      state.fdb.find(({ port, mac }) => port === 'enp8s0' && mac === '02:76:69:00:00:03').port = 'vnet4';
    }),
  },
  'state-unread': {
    why: 'the rules of nft could not be read at the end',
    change: after((state) => {
      state.unread.push({ what: 'nft', why: 'Operation not permitted' });
    }),
  },
  'not-listening': {
    why: 'the capture of kali3 was ready only after the first probe',
    change: (folder) => {
      const late = folder.timeline.find(
        (entry) => entry.step === probing && entry.event === 'listening' && entry.observer === 'kali3',
      );
      without(folder, (entry) => entry === late);
      folder.timeline.splice(
        folder.timeline.findIndex(({ event }) => event === 'event-started'),
        0,
        late,
      );
    },
  },
  'helper-died': {
    why: 'the helper that captured ended in the middle',
    change: (folder) => {
      fault('helper-died', ['kali2', 'kali3', 'lan', 'br0'], 'the capture helper ended by SIGKILL')(folder);
      without(folder, (entry) => entry.step === probing && entry.event === 'stopped');
      folder.run.capture = null;
    },
    also: ['evidence-incomplete'],
  },
  'helper-silent': {
    why: 'the helper that captured did not answer in time',
    change: fault('helper-silent', ['kali2', 'kali3', 'lan', 'br0'], 'the capture helper has said nothing for 3000 ms'),
  },
  'host-lost': {
    why: 'the connection to the host of kali3 was lost',
    change: fault('host-lost', ['kali3'], 'the connection to hv2 was lost: it has said nothing for 6 s'),
  },
  'interface-gone': {
    why: 'the port of kali3 was deleted',
    change: fault('interface-gone', ['kali3'], 'vnet4 is gone'),
  },
  'interface-down': {
    why: 'the port of kali3 was set down',
    change: fault('interface-down', ['kali3'], 'vnet4 went down'),
  },
  'bad-filter': {
    why: 'libpcap did not take the filter',
    change: faultAtStart('bad-filter', ['kali3'], 'syntax error in filter expression'),
    also: ['coverage-partial'],
  },
  'open-failed': {
    why: 'the port of kali3 could not be opened',
    change: faultAtStart(
      'open-failed',
      ['kali3'],
      "vnet4: You don't have permission to perform this capture on that device",
    ),
    also: ['coverage-partial'],
  },
  'file-failed': {
    why: 'the disk took no more of the capture',
    change: fault(
      'file-failed',
      ['kali2', 'kali3', 'lan', 'br0'],
      'the capture file cannot be written: ENOSPC: no space left on device',
    ),
  },
  'drain-incomplete': {
    why: 'the wait after the last probe was cut short',
    change: (folder) => {
      inStep(folder, probing, 'drained')[0].drainMs = 20;
    },
  },
  'evidence-incomplete': {
    why: 'one packet of kali3 was taken out of the capture later',
    change: (folder) => {
      folder.capture = Buffer.concat(
        blocksOf(folder.capture).filter(
          (block) => block.readUInt32LE(0) !== packetBlock || readPacket(folder, block).index !== 41,
        ),
      );
    },
    also: ['control-missing'],
    keepsHash: true,
  },
  'capture-damaged': {
    why: 'the last third of the capture is missing',
    change: (folder) => {
      folder.capture = folder.capture.subarray(0, Math.floor((folder.capture.length * 2) / 3) - 1);
    },
    also: ['evidence-incomplete', 'control-missing', 'delivery-short', 'nothing-to-hear'],
    keepsHash: true,
  },
  'key-lost': {
    why: 'the run was killed before its key was written down',
    change: (folder) => {
      folder.run.key = null;
    },
    also: ['control-missing', 'entry-unproved', 'delivery-short'],
  },
  'key-mismatch': {
    why: 'the key is another than the one that was committed to',
    change: (folder) => {
      folder.run.key = '5a'.repeat(32);
    },
    also: ['control-missing', 'entry-unproved', 'delivery-short'],
  },
  replayed: {
    why: 'kali2 sent one of its probes again, and kali3 received that copy',
    change: (folder) =>
      repeatProbe(folder, [
        { name: 'kali2', way: 'in' },
        { name: 'kali3', way: 'out' },
      ]),
  },
  'unheard-delivery': {
    why: 'kali3 sent a probe that nobody was heard handing to it',
    change: (folder) => repeatProbe(folder, [{ name: 'kali3', way: 'in' }]),
  },
  'observed-only': {
    why: 'kali3 was only observed, for its bridge did not know its MAC, in a run that leaves nobody out (`--strict`)',
    change: ({ plan }) => {
      plan.endpoints.find(({ name }) => name === 'kali3').observedOnly = 'missing';
    },
  },
  'unheard-frames': {
    why: 'the kernel counted 40 frames out of the port of kali3 that no ear was offered',
    change: (folder) => {
      const window = inStep(folder, probing, 'accounts-read').find(({ when }) => when === 'after').windows.vnet4;
      window.low += 40;
      window.high += 40;
    },
  },
  'replay-possible': {
    why: 'a probe was seen twice at the LAN by an engine that knows no directions',
    change: (folder) => {
      for (const { facts } of inStep(folder, probing, 'listening')) facts.direction = 'inferred';
      packets(folder, ({ step, name, way, index }) =>
        step === probing && name === 'lan' && way === 'out' && index === 20 ? 2 : 1,
      );
    },
  },
  'traffic-failed': {
    why: 'the pings got no answer',
    change: (folder) => {
      Object.assign(inStep(folder, listening, 'traffic')[0], {
        ok: false,
        detail: '0 of 5 answers from 192.168.0.200',
      });
    },
  },
  'nothing-to-hear': {
    why: 'nobody said anything while kali3 listened',
    change: (folder) => packets(folder, ({ step, index }) => (step === listening && index < 0 ? 0 : 1)),
    also: ['delivery-short'],
  },
  'coverage-partial': {
    why: 'a port joined the bridge that nobody listened to',
    change: ({ states }) => {
      for (const when of Object.keys(states).filter((name) => name.startsWith('1-')))
        states[when].links.push({
          ...link(states[when], 'vnet4'),
          name: 'vnet9',
          ifindex: 99,
          mac: '02:00:00:00:00:99',
        });
    },
  },
  'clock-changed': {
    why: 'the wall clock was set back by an hour',
    change: (folder) => {
      const [entry] = inStep(folder, probing, 'stopped');
      entry.atNs = String(BigInt(entry.atNs) - 3_600_000_000_000n);
    },
  },
  'event-missed': {
    why: 'the event did not happen',
    change: (folder) => without(folder, ({ event }) => event === 'event-started' || event === 'event-ended'),
  },
  'event-failed': {
    why: 'the command of the event failed',
    change: (folder) => {
      Object.assign(inStep(folder, probing, 'event-ended')[0], {
        ok: false,
        detail: 'ip: exit status 1: Cannot find device "vnet4"',
      });
    },
  },
  'relay-died': {
    why: 'a relay ended (the run has none: what is tested is how the fault is told)',
    change: fault('relay-died', [], 'the relay helper ended by SIGKILL'),
  },
  'step-failed': {
    why: 'the step ended with a fault that nobody named',
    change: (folder) => {
      inStep(folder, probing, 'step-ended')[0].outcome = 'fault';
    },
  },
  'not-run': {
    why: 'the run ended before its second step',
    change: (folder) => {
      packets(folder, ({ step }) => (step === listening ? 0 : 1));
      without(folder, ({ step }) => step === listening);
    },
    also: ['coverage-partial'],
  },
  interrupted: {
    why: 'somebody pressed Ctrl-C',
    change: cutShort('interrupted', 'the run was interrupted'),
    also: ['not-run', 'coverage-partial'],
  },
  'guests-disturbed': {
    why: 'the run was stopped because pings to the gateway were lost',
    change: cutShort('guests-disturbed', 'four pings to the gateway were lost one after the other'),
    also: ['not-run', 'coverage-partial'],
  },
  'dry-run': {
    why: 'nothing was sent on purpose',
    change: faultAtStart('dry-run', [], 'every observer listened and every injection port was made; nothing was sent'),
    also: ['coverage-partial'],
  },
  unsupported: {
    why: 'the kernel does not know what the step asks for',
    change: faultAtStart(
      'unsupported',
      [],
      'this kernel does not support it: RTNETLINK answers: Operation not supported',
      'unsupported',
    ),
    also: ['coverage-partial'],
    status: 69,
  },
  'claim-unmatched': {
    why: 'the scenario claims something of a carrier that the step does not send',
    change: ({ plan }) => {
      plan.steps[probing].expect.seen.push({ ...plan.steps[probing].expect.seen[0], observer: 'lan', carrier: 'raw' });
    },
    status: 4,
  },
};

/** Applies a case to a copy of the base, without the text of its filters, which is most of it. */
export function changed(base, { change, keepsHash = false }) {
  const folder = structuredClone({ ...base, capture: null });
  folder.capture = Buffer.from(base.capture);
  for (const printed of folder.run.provenance.instrument.captures) printed.program = null;
  change(folder);
  folder.timeline = folder.timeline.map((entry, n) => ({ ...entry, n }));
  folder.run.timeline.entries = folder.timeline.length;
  if (folder.run.capture !== null && !keepsHash)
    folder.run.capture.sha256 = createHash('sha256').update(folder.capture).digest('hex');
  return folder;
}
