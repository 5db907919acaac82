// Reads and writes the folders of captures/ that are made of another: JSON without blanks, the capture compressed.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const compressed = 'evidence.pcapng.gz';

/** What of a run's folder a judgement rests on. */
export function readFolder(dir) {
  const states = Object.fromEntries(
    readdirSync(join(dir, 'state')).map((name) => [name.replace('.json', ''), readJson(join(dir, 'state', name))]),
  );
  return {
    run: readJson(join(dir, 'run.json')),
    plan: readJson(join(dir, 'plan.json')),
    states,
    capture: gunzipSync(readFileSync(join(dir, compressed))),
    timeline: readFileSync(join(dir, 'timeline.ndjson'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
  };
}

/** Puts such a folder in place of what is there; `scenario` is a text. */
export function writeFolder(dir, { run, plan, states, timeline, capture }, scenario) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, 'state'), { recursive: true });
  const json = (name, value) => writeFileSync(join(dir, name), `${JSON.stringify(value)}\n`);
  json('run.json', run);
  json('plan.json', plan);
  for (const [name, state] of Object.entries(states)) json(join('state', `${name}.json`), state);
  writeFileSync(join(dir, 'timeline.ndjson'), timeline.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  writeFileSync(join(dir, compressed), gzipSync(capture, { level: 9 }));
  writeFileSync(join(dir, 'scenario.yml'), scenario);
}
