import { commandFailed, mustRun, parsePrinted, type ProgramOptions, readJson, runProgram } from './programs.js';

/** `ip -batch` reads these as one word (iproute2 lib/utils.c). */
const safeWord = /^[^\s'"#\\]+$/;

function isSafe(command: readonly string[]): boolean {
  return command.every((word) => safeWord.test(word));
}

function linesOf(commands: readonly (readonly string[])[]): string {
  return commands.map((command) => `${command.join(' ')}\n`).join('');
}

const batchMs = 120_000;

/** JSON of each `tc` command (without `tc`), in order: one process if all words allow it. Rejects as `readJson`. */
export async function readJsonBatch(
  program: 'tc',
  commands: readonly (readonly string[])[],
  options: ProgramOptions = {},
): Promise<readonly unknown[]> {
  if (commands.length > 1 && commands.every(isSafe)) {
    const batch = [program, '-j', '-batch', '-'];
    const outcome = await runProgram(batch, { timeoutMs: batchMs, ...options, input: linesOf(commands) });
    const printed = outcome.stdout.split('\n').filter((line) => line.trim() !== '');
    if (outcome.status === 0 && printed.length === commands.length)
      return printed.map((line) => parsePrinted(batch.join(' '), line));
  }
  const answers: unknown[] = [];
  for (const command of commands) answers.push(await readJson([program, '-j', ...command], options));
  return answers;
}

/** One process, or one a command for hostile names. Rejects with a VerifyError showing the first failed command. */
export async function runBatch(
  program: 'ip' | 'bridge' | 'tc',
  commands: readonly (readonly string[])[],
  options: ProgramOptions = {},
): Promise<void> {
  let safe: (readonly string[])[] = [];
  for (const command of commands) {
    if (isSafe(command)) {
      safe.push(command);
      continue;
    }
    await runTogether(program, safe, options);
    safe = [];
    await mustRun([program, ...command], options);
  }
  await runTogether(program, safe, options);
}

async function runTogether(
  program: string,
  commands: readonly (readonly string[])[],
  options: ProgramOptions,
): Promise<void> {
  const [only] = commands;
  if (only === undefined) return;
  if (commands.length === 1) {
    await mustRun([program, ...only], options);
    return;
  }
  const outcome = await runProgram([program, '-batch', '-'], {
    timeoutMs: batchMs,
    ...options,
    input: linesOf(commands),
  });
  if (outcome.status === 0) return;
  const line = /Command failed -:(\d+)/.exec(outcome.stderr)?.[1];
  const failed = commands[Number(line ?? 1) - 1] ?? only;
  throw commandFailed([program, ...failed], { ...outcome, stderr: outcome.stderr.replace(/Command failed -:\d+/, '') });
}
