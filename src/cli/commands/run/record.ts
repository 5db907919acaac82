import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RunRecord } from '../../../core/model/run-record.js';
import { jsonText } from '../../../core/text/json-text.js';
import { expectedResult } from '../../../report/expected-result.js';
import type { ReportedRun } from '../../../report/reporter.js';
import { compressedCapture, files } from '../../../system/evidence/folder/folder.js';
import { runCommand } from './run.js';

export interface RecordOptions {
  readonly file: string;
  readonly into: string;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly quiet: boolean;
  readonly toolVersion: string;
}

/**
 * Makes a run's folder a test case: compressed capture, scenario, `expected.json`, README. Gives the run's exit status.
 */
export async function recordCommand(options: RecordOptions): Promise<number> {
  return runCommand({
    files: [options.file],
    out: options.into,
    json: false,
    quiet: options.quiet,
    verbose: false,
    engine: options.engine,
    reporter: [],
    keep: 'all',
    page: false,
    allowRun: false,
    toolVersion: options.toolVersion,
    finished: (run) => keep(run, options),
  });
}

async function keep({ result, dir }: ReportedRun, { file, toolVersion }: RecordOptions): Promise<void> {
  if (dir === null) return;
  await copyFile(file, join(dir, 'scenario.yml'));
  await writeFile(join(dir, 'expected.json'), `${jsonText(expectedResult(result), 2)}\n`);
  await writeFile(join(dir, 'README.md'), await readme(result, dir, file, toolVersion));
  await compressCapture(dir);
}

async function readme(result: ReportedRun['result'], dir: string, file: string, toolVersion: string): Promise<string> {
  const run: RunRecord = JSON.parse(await readFile(join(dir, files.run.name), 'utf8'));
  return `# ${result.scenario.name}

Recorded by \`verify-isolation record ${file}\`, version ${toolVersion}, on ${result.run.startedAt.slice(0, 10)}: kernel ${run.kernel.split('-')[0]}, Node ${run.node}, ${run.engine},
lab as ${run.runsAs}. All frames were made by that run in its own namespaces. \`scenario.yml\` is the scenario as it was then.

\`verify-isolation replay\` of this folder judges it again; \`expected.json\` is what has to come of it. Wireshark opens \`evidence.pcapng.gz\` as it is.
`;
}

/**
 * Compresses a capture (RFC 1952), readable by replay and Wireshark. Result and sums go: replay makes the one, the
 * others name the plain file.
 */
async function compressCapture(dir: string): Promise<void> {
  await pipeline(
    createReadStream(join(dir, files.capture.name)),
    createGzip({ level: 9 }),
    createWriteStream(join(dir, compressedCapture)),
  );
  for (const name of [files.capture.name, files.result.name, files.sums.name]) await rm(join(dir, name));
}
