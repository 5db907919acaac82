// What an ear heard of a run: `node heard.mjs LOG RUN_FOLDER [STEP]` prints, for each ear, how many of the run's probes
// (of the step with that name) came to it, and at which offsets in the frames. It shares no code with the program: it
// looks for the token at every offset of every frame, and checks its tag with the run's key.
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const tokenLength = 18;

/** Every index whose token stands in the frame, with where: "VI", the run's tag, the index, 64 bits of the key's stream. */
function* tokensIn(frame, mark, stream) {
  for (let at = frame.indexOf(mark); at >= 0 && at + tokenLength <= frame.length; at = frame.indexOf(mark, at + 1)) {
    const index = frame.readUInt32BE(at + 6);
    const tag = stream.subarray(index * 8, index * 8 + 8);
    if (tag.length === 8 && frame.subarray(at + 10, at + 18).equals(tag)) yield { index, at };
  }
}

/** The probes of a plan by their tokens' numbers, of all steps or of the one with that name. */
function probesOf(plan, stepName) {
  return plan.steps
    .filter(({ name }) => stepName === undefined || name === stepName)
    .flatMap(({ flows }) => flows.map(({ first, count, from, to }) => ({ first, end: first + count, from, to })));
}

/** Reads a log and the plan and the key of a run's folder. */
export function heardOf(logFile, runFolder, stepName) {
  const plan = JSON.parse(readFileSync(join(runFolder, 'plan.json'), 'utf8'));
  const { key } = JSON.parse(readFileSync(join(runFolder, 'run.json'), 'utf8'));
  const mark = Buffer.concat([Buffer.from('VI'), Buffer.alloc(4)]);
  mark.writeUInt32BE(plan.runTag, 2);
  const probes = probesOf(plan, stepName);
  const last = Math.max(0, ...probes.map(({ end }) => end));
  const stream = createCipheriv('aes-256-ctr', Buffer.from(key, 'hex'), Buffer.alloc(16)).update(
    Buffer.alloc(last * 8),
  );
  const ears = {};
  for (const line of readFileSync(logFile, 'latin1').split('\n')) {
    if (line.startsWith('= end ')) {
      const [, , name, , heard, , first, , final, , rx] = line.split(' ');
      const ear = (ears[name] ??= { tokens: new Set(), offsets: new Set() });
      Object.assign(ear, { frames: Number(heard), checked: first === 'yes' && final === 'yes', rx: Number(rx) });
      continue;
    }
    const [name, direction, , bytes] = line.split(' ');
    if (direction !== 'in' || bytes === undefined) continue;
    const ear = (ears[name] ??= { tokens: new Set(), offsets: new Set() });
    for (const { index, at } of tokensIn(Buffer.from(bytes, 'hex'), mark, stream)) {
      if (!probes.some(({ first, end }) => index >= first && index < end)) continue;
      ear.tokens.add(index);
      ear.offsets.add(at);
    }
  }
  return Object.fromEntries(
    Object.entries(ears).map(([name, { tokens, offsets, frames = 0, checked = false, rx = -1 }]) => [
      name,
      { tokens: tokens.size, offsets: [...offsets].sort((a, b) => a - b), frames, checked, rx },
    ]),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [log, folder, step] = process.argv.slice(2);
  console.log(JSON.stringify(heardOf(log, folder, step)));
}
