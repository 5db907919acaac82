// `npm run fuzz [SECONDS] [SEED]`: what parses and judges strangers' input, against input that nobody would write, for
// so long (600 s). Ends with 1 and the counterexample where a target fails; the seed repeats it. `npm test` runs the
// same properties for a moment each.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parseFolder } from '../build/system/evidence/folder/parse-folder.js';
import { addBatch, finishJudging, startJudging } from '../build/core/judge/judge.js';
import { evidenceInterfaces } from '../build/core/plan/evidence-interfaces.js';
import { VerifyError } from '../build/core/model/verify-error.js';
import { CaptureReader } from '../build/core/pcap/capture-reader.js';
import { describeFrame } from '../build/core/wire/frame-view.js';
import { parseFromHelper, parseToHelper } from '../build/core/protocol/parse-message.js';
import { parseScenario } from '../build/core/scenario/load-scenario.js';
import { findToken, sameTag, tagsFor, tokenLength, tokensFor } from '../build/core/wire/token.js';

const top = fileURLToPath(new URL('..', import.meta.url));
const seconds = Number(process.argv[2] ?? 600);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
const filesBelow = (folder, end) =>
  readdirSync(join(top, folder), { recursive: true })
    .filter((name) => name.endsWith(end))
    .map((name) => readFileSync(join(top, folder, name)));
const check = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** A file in which bytes were changed, cut out and put in. */
const mutated = (files) =>
  fc
    .tuple(
      fc.nat(files.length - 1),
      fc.array(
        fc.record({ at: fc.nat(), drop: fc.oneof(fc.constant(1), fc.nat(200)), put: fc.uint8Array({ maxLength: 40 }) }),
        { maxLength: 8 },
      ),
    )
    .map(([which, changes]) =>
      changes.reduce(
        (file, { at, drop, put }) => {
          const place = at % (file.length + 1);
          return Buffer.concat([file.subarray(0, place), put, file.subarray(place + drop)]);
        },
        files[which].subarray(0, 40_000),
      ),
    );

function packetsOf(file, chunk) {
  const reader = new CaptureReader();
  const reported = [];
  const take = (items) => {
    for (const item of items) {
      if (item.kind !== 'batch') continue;
      for (let at = 0; at < item.count; at += 1) {
        const [from, length] = [item.offset[at], item.captured[at]];
        check(from + length <= item.bytes.length, 'a packet reaches beyond its bytes');
        reported.push(
          `${item.timeNs[at]} ${item.interfaceId[at]} ${item.direction[at]} ${Buffer.from(item.bytes.subarray(from, from + length)).toString('base64')}`,
        );
      }
    }
  };
  for (let at = 0; at < file.length; at += chunk) take(reader.push(file.subarray(at, at + chunk)));
  take(reader.end());
  return reported.join('\n');
}

const captures = [...filesBelow('captures', '.pcap'), ...filesBelow('captures', '.pcapng')];
const scenarios = filesBelow('scenarios', '.yml');
const holding = join(top, 'captures/switch-mode');
const evidence = existsSync(holding) ? await parseFolder(holding) : null;
const recorded = evidence === null ? null : gunzipSync(readFileSync(join(holding, 'evidence.pcapng.gz')));
const key = new Uint8Array(32).fill(9);

/** The verdict of a run in which nothing leaked, with frames added that its workers had written as well. */
function verdictWith(frames) {
  const reader = new CaptureReader();
  const batches = [...reader.push(recorded), ...reader.end()].filter(({ kind }) => kind === 'batch');
  const { run, plan } = evidence;
  const blocks = evidenceInterfaces(plan).length;
  const judging = startJudging({
    ...evidence,
    run: { ...run, capture: { ...run.capture, packets: run.capture.packets + frames.length } },
  });
  for (const batch of batches) addBatch(judging, batch);
  const bytes = Buffer.concat(frames.map(({ bytes }) => bytes));
  let end = 0;
  addBatch(judging, {
    bytes,
    count: frames.length,
    offset: Uint32Array.from(frames, ({ bytes }) => (end += bytes.length) - bytes.length),
    captured: Uint32Array.from(frames, ({ bytes }) => bytes.length),
    interfaceId: Uint32Array.from(frames, ({ place }) => place % blocks),
    timeNs: BigInt64Array.from(frames, () => 1n),
    direction: Uint8Array.from(frames, ({ outgoing }) => (outgoing ? 2 : 1)),
  });
  return finishJudging(judging, { sha256: run.capture.sha256, files: [] }).verdict;
}

/** By name: what has to hold, of what. A new target is one entry. */
const targets = {
  'frames of any bytes are parsed or not, and nothing else': fc.property(
    fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated(captures.map((file) => file.subarray(40, 400)))),
    (bytes) => void describeFrame(bytes),
  ),
  'captures are read the same in chunks of any length, within their bounds': fc.property(
    mutated(captures),
    fc.integer({ min: 1, max: 5000 }),
    (file, chunk) => {
      check(packetsOf(file, chunk) === packetsOf(file, file.length + 1), 'chunks make a difference');
    },
  ),
  'a token comes back as it was written, wherever it stands': fc.property(
    fc.uint8Array({ maxLength: 99 }),
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.integer({ min: 0, max: 0xffff_ffff }),
    (before, runTag, index) => {
      fc.pre(!Buffer.from(before).includes('V'));
      const frame = Buffer.concat([before, tokensFor(key, runTag, index, 1)]);
      const found = findToken(frame, 0, frame.length, runTag, -1);
      check(
        found?.at === frame.length - tokenLength &&
          found.index === index &&
          sameTag(frame, found.tagAt, tagsFor(key, index, 1), 0),
        'another token',
      );
    },
  ),
  'a scenario of any bytes is loaded or refused with places': fc.property(mutated(scenarios), (bytes) => {
    const began = process.cpuUsage().user;
    const { scenario, faults } = parseScenario('f.yml', bytes);
    check((scenario === null) === faults.length > 0, 'neither a scenario nor a fault, or both');
    check(process.cpuUsage().user - began < 5_000_000, 'more than five seconds of processor time');
  }),
  'a message of a helper is understood or refused': fc.property(
    fc.oneof(
      fc.string(),
      fc.json(),
      mutated([
        Buffer.from(
          '{"type":"stopped","counters":{"a":{"received":3,"dropped":1,"delivered":2}},"written":{"a":2},"kept":[]}',
        ),
      ]).map(String),
    ),
    fc.constantFrom('capture', 'send', 'relay'),
    (line, role) => {
      for (const parse of [parseFromHelper, parseToHelper]) {
        try {
          parse[role](line);
        } catch (error) {
          if (!(error instanceof VerifyError)) throw error;
        }
      }
    },
  ),
  ...(evidence === null
    ? {}
    : {
        'no frame that a guest can make up turns a holds into broken': fc.property(
          fc.array(
            fc.record({
              bytes: fc.uint8Array({ minLength: 1, maxLength: 120 }),
              forged: fc.boolean(),
              index: fc.nat(5000),
              place: fc.nat(50),
              outgoing: fc.boolean(),
            }),
            { minLength: 1, maxLength: 5 },
          ),
          (made) => {
            const frames = made.map((one) =>
              one.forged
                ? { ...one, bytes: Buffer.concat([one.bytes, tokensFor(key, evidence.plan.runTag, one.index, 1)]) }
                : one,
            );
            check(verdictWith(frames) !== 'broken', 'a forged frame is a leak');
          },
        ),
      }),
};

if (evidence !== null) check(verdictWith([]) === 'holds', 'the recorded run does not hold, so nothing can be broken');
const began = performance.now();
const runs = Object.fromEntries(Object.keys(targets).map((name) => [name, 0]));
console.log(`seed ${seed}, ${seconds} s`);
for (let round = 0; performance.now() - began < seconds * 1000; round += 1) {
  for (const [name, property] of Object.entries(targets)) {
    const { failed, numRuns, counterexample, errorInstance } = fc.check(property, {
      seed: seed + round,
      numRuns: 1000,
      interruptAfterTimeLimit: Math.max(200, Math.min(2000, (seconds * 1000) / 12)),
    });
    runs[name] += numRuns;
    if (failed && counterexample !== null) {
      console.error(
        `FAILED: ${name}\nseed ${seed + round}\n${fc.stringify(counterexample)}\n${errorInstance?.stack ?? ''}`,
      );
      process.exit(1);
    }
  }
}
for (const [name, count] of Object.entries(runs)) console.log(`${String(count).padStart(9)}  ${name}`);
