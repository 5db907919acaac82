import { commandFailed, mustRun, type ProgramOptions, runProgram } from './programs.js';

/**
 * Words that `ip -batch` reads as one word: no blanks, quotes, comment signs or backslashes (iproute2 lib/utils.c,
 * getcmdline and makeargs).
 */
const safeWord = /^[^\s'"#\\]+$/;

/**
 * Runs many commands of `ip` or `bridge`, words without the program's name, in one process where their words allow it
 * and one by one where a hostile name does not. Stops at the first that fails and rejects with a VerifyError that shows
 * it.
 */
export async function runBatch(
  program: 'ip' | 'bridge',
  commands: readonly (readonly string[])[],
  options: ProgramOptions = {},
): Promise<void> {
  let safe: (readonly string[])[] = [];
  for (const command of commands) {
    if (command.every((word) => safeWord.test(word))) {
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
  const input = commands.map((command) => `${command.join(' ')}\n`).join('');
  const outcome = await runProgram([program, '-batch', '-'], { timeoutMs: 120_000, ...options, input });
  if (outcome.status === 0) return;
  const line = /Command failed -:(\d+)/.exec(outcome.stderr)?.[1];
  const failed = commands[Number(line ?? 1) - 1] ?? only;
  throw commandFailed([program, ...failed], { ...outcome, stderr: outcome.stderr.replace(/Command failed -:\d+/, '') });
}
