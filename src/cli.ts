#!/usr/bin/env node
import { join } from 'node:path';
import { nodeFault } from './cli/node-version.js';
import { absoluteFolders } from './system/process/package-path.js';

const judging: readonly string[] = ['replay', 'report', 'check', 'attest'];

// Modules that are loaded later have syntax that older versions do not know.
const fault = nodeFault(process.versions.node);
if (fault !== null) {
  process.stderr.write(fault);
  process.exit(69);
}
process.env['PATH'] = absoluteFolders(process.env['PATH']);

const argv = process.argv.slice(2);
const [command = '', dir] = argv;
// Hashing a large capture takes longest. Its thread is started before anything else is loaded.
const begun = judging.includes(command) && dir !== undefined ? beginJudging(dir) : Promise.resolve();

async function beginJudging(folder: string): Promise<void> {
  const [{ beginHash }, { files }] = await Promise.all([
    import('./system/evidence/read/hashed-bytes.js'),
    import('./system/evidence/folder/folder.js'),
  ]);
  beginHash(join(folder, files.capture.name));
}

let isOutputLost = false;

/** A lost output does not change the verdict of a leak, nor a fault. */
function exitStatus(status: number): number {
  return isOutputLost && status !== 2 && status !== 70 ? 69 : status;
}

/** A reader that closes the pipe (`| head`) does not change the verdict. A full disk leaves the output incomplete. */
function forgiveReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isOutputLost) return;
    isOutputLost = true;
    process.exitCode = exitStatus(Number(process.exitCode));
    const why = error.message.replace(/^E[A-Z0-9]+: ([^,]+), .*$/s, '$1');
    process.stderr.write(
      `verify-isolation: the output is not complete, stdout cannot be written: ${why}\n  make room, or send it elsewhere\n`,
    );
  });
  process.stderr.on('error', () => undefined);
}

/** Loading the parser would take as long as judging half a million frames. */
async function replayAlone(folder: string): Promise<number> {
  const [{ replayCommand }, { printError }] = await Promise.all([
    import('./cli/commands/replay/replay.js'),
    import('./cli/print-error.js'),
  ]);
  return replayCommand([folder], { json: false, reporter: [] }).catch(printError);
}

async function anyCommand(): Promise<number> {
  const { commandLine } = await import('./cli/command-line.js');
  return commandLine(argv);
}

const isReplayAlone =
  command === 'replay' && dir !== undefined && argv.length === 2 && dir !== 'help' && /^[^-]/.test(dir);
// A command that never ends, and yet leaves nothing to wait for, is a fault of the program.
process.exitCode = 70;
// Set, not exit(): what was written to a pipe has to arrive first.
void begun
  .then(forgiveReaders)
  .then(() => (isReplayAlone ? replayAlone(dir) : anyCommand()))
  .then((status) => (process.exitCode = exitStatus(status)));
