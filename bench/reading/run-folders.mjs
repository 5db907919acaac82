// Folders as runs leave them, with a capture of a gigabyte. Plan, timeline and states of `talkFolder` are those of
// captures/hub-mode.
import { createHash } from 'node:crypto';
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blockBuffer, packetBlockLength, writePacketBlock } from '../../build/core/pcap/pcapng/packet-block.js';
import { interfaceDescription, sectionHeader } from '../../build/core/pcap/pcapng/writer.js';
import { evidenceInterfaces } from '../../build/core/plan/evidence-interfaces.js';
import { makePlan } from '../../build/core/plan/make-plan.js';
import { buildFrames } from '../../build/core/probe/frames/frame.js';
import { loadScenario } from '../../build/core/scenario/load-scenario.js';
import { tokensFor } from '../../build/core/wire/token.js';
import { gigabyte, talk } from './captures.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const directions = { in: 1, out: 2 };
const startNs = 1_764_000_000_000_000_000n;

/** Writes evidence.pcapng with what `fill(add)` adds, and run.json to match. */
function writeEvidence(dir, plan, run, fill) {
  const fd = openSync(join(dir, 'evidence.pcapng'), 'w');
  const hash = createHash('sha256');
  const buffer = blockBuffer(4 << 20);
  let used = 0;
  let packets = 0;
  const write = (bytes) => {
    hash.update(bytes);
    writeSync(fd, bytes);
  };
  const flush = () => {
    write(buffer.bytes.subarray(0, used));
    used = 0;
  };
  write(sectionHeader({ application: 'bench' }));
  for (const { name, description } of evidenceInterfaces(plan))
    write(interfaceDescription({ name, description, snaplen: 2048 }));
  fill((interfaceId, bytes, from, length, direction, packetId) => {
    if (used + packetBlockLength(length, packetId) > buffer.bytes.length) flush();
    const timeNs = startNs + BigInt(packets) * 10_000n;
    used = writePacketBlock(
      buffer,
      used,
      {
        interfaceId,
        timeHigh: Number(timeNs >> 32n),
        timeLow: Number(timeNs & 0xffff_ffffn),
        bytes,
        from,
        captured: length,
        original: length,
        direction,
      },
      packetId,
    );
    packets += 1;
  });
  flush();
  closeSync(fd);
  writeFileSync(join(dir, 'run.json'), JSON.stringify({ ...run, capture: { sha256: hash.digest('hex'), packets } }));
}

/** The traffic step of hub-mode as kali3 overheard it, with frames of `size` octets: no token in any of them. */
export function talkFolder(dir, size, total = gigabyte) {
  cpSync(join(top, 'captures/hub-mode'), dir, { recursive: true });
  rmSync(join(dir, 'evidence.pcapng.gz'));
  const plan = JSON.parse(readFileSync(join(dir, 'plan.json'), 'utf8'));
  const run = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8'));
  const ear = evidenceInterfaces(plan).findIndex(
    ({ step, observer }) => step === 1 && plan.steps[1].observers[observer].name === 'kali3',
  );
  const count = 2 * Math.floor((2 << 20) / size / 2);
  const frames = talk(size, count);
  writeEvidence(dir, plan, run, (add) => {
    for (let done = 0; done < total; ) {
      for (let i = 0; i < count; i += 1, done += packetBlockLength(size))
        add(ear, frames, i * size, size, directions.out, -1);
    }
  });
}

/** Guests of the hub below; every frame is seen by its sender's port and by all others. */
const hubGuests = 50;

/**
 * Full mesh rounds of `hubGuests` guests on a bridge that floods, about `frames` frames in all: each probe enters once,
 * arrives once, and leaks to everybody else. Returns how many.
 */
export function hubFolder(dir, frames) {
  mkdirSync(join(dir, 'state'), { recursive: true });
  const names = Array.from({ length: hubGuests }, (_, i) => `g${i}`);
  const rounds = Math.max(1, Math.round(frames / (hubGuests * hubGuests * (hubGuests - 1))));
  const text = `version: 1
name: hub
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0 } }
  endpoints:
${names.map((name, i) => `    ${name}: { bridge: br0, port: p${i} }`).join('\n')}
steps:
  - { name: everybody to everybody, probe: { class: known-unicast, from: "*", to: "*", count: ${rounds}, carriers: [raw] }, expect: leak }
`;
  const key = Buffer.alloc(32, 7);
  const plan = makePlan(loadScenario('hub.yml', Buffer.from(text)), {
    runTag: 0x1234abcd,
    keySha256: createHash('sha256').update(key).digest('hex'),
  });
  writeFileSync(join(dir, 'plan.json'), JSON.stringify(plan));
  writeFileSync(join(dir, 'timeline.ndjson'), '');
  const run = {
    ...JSON.parse(readFileSync(join(top, 'captures/hub-mode/run.json'), 'utf8')),
    key: key.toString('hex'),
  };
  const [step] = plan.steps;
  const listeners = new Map(step.observers.map(({ name }, index) => [name, index]));
  let written = 0;
  writeEvidence(dir, plan, run, (add) => {
    for (const flow of step.flows) {
      const frame = buildFrames(flow.frame, tokensFor(key, plan.runTag, flow.first, flow.count));
      for (let i = 0; i < flow.count; i += 1) {
        for (const name of names) {
          add(
            listeners.get(name),
            frame,
            i * 60,
            60,
            name === flow.sender ? directions.in : directions.out,
            flow.first + i,
          );
          written += 1;
        }
      }
    }
  });
  return written;
}

/** A run of probes of 60 bytes alone: each enters at kali2's port and reaches the LAN. */
export function probesFolder(dir, total = gigabyte) {
  mkdirSync(join(dir, 'state'), { recursive: true });
  const tokens = Math.floor(total / packetBlockLength(60, 1) / 2);
  const text = readFileSync(join(top, 'scenarios/switch-mode.yml'), 'utf8');
  const found = loadScenario('switch-mode.yml', Buffer.from(text));
  const [step] = found.steps;
  const [probe] = step.probes;
  const scenario = {
    ...found,
    steps: [
      {
        ...step,
        probes: [{ ...probe, bothWays: false, carriers: ['ipv4-udp'], count: tokens }],
        expect: { ...step.expect, seen: [] },
      },
    ],
  };
  const key = Buffer.alloc(32, 7);
  const plan = makePlan(scenario, { runTag: 0x1234abcd, keySha256: createHash('sha256').update(key).digest('hex') });
  writeFileSync(join(dir, 'plan.json'), JSON.stringify(plan));
  writeFileSync(join(dir, 'timeline.ndjson'), '');
  const run = {
    ...JSON.parse(readFileSync(join(top, 'captures/hub-mode/run.json'), 'utf8')),
    key: key.toString('hex'),
  };
  const names = plan.steps[0].observers.map(({ name }) => name);
  const [flow] = plan.steps[0].flows;
  writeEvidence(dir, plan, run, (add) => {
    for (let first = 0; first < flow.count; first += 10_000) {
      const many = Math.min(10_000, flow.count - first);
      const frames = buildFrames(flow.frame, tokensFor(key, plan.runTag, flow.first + first, many));
      for (let i = 0; i < many; i += 1) {
        add(names.indexOf('kali2'), frames, i * 60, 60, directions.in, flow.first + first + i);
        add(names.indexOf('lan'), frames, i * 60, 60, directions.out, flow.first + first + i);
      }
    }
  });
}
