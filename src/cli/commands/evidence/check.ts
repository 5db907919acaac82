import { statSync } from 'node:fs';
import { assertKnown } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { jsonText } from '../../../core/text/json-text.js';
import { combineExitStatuses, command, flagArgument, operand } from '../../command.js';
import { signatureOptions, wantedSignature, type WantedSignature } from './options.js';

const marks = { true: 'ok', false: 'WRONG', null: '–' } as const;

interface CheckOptions {
  readonly wanted: WantedSignature;
  readonly json: boolean;
  /** A line a folder. */
  readonly isBrief: boolean;
}

async function checkPath(path: string, { wanted, json, isBrief }: CheckOptions): Promise<number> {
  const [{ checkCaptureFile, checkWhole }, { exposedWord }] = await Promise.all([
    import('./check-whole.js'),
    import('../../../report/answer/exposures.js'),
  ]);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return checkCaptureFile(path, json);
  const { checks, wrong, result, rootHash } = await checkWhole(path, wanted);
  const whole = wrong.length === 0;
  const { text: word } = exposedWord(result);
  const about = { schemaVersion: 1, whole, verdict: result.verdict, word, rootHash, checks };
  const answer = `${whole ? 'WHOLE' : 'NOT WHOLE'}; the result says ${word}; root hash ${rootHash ?? 'none'}`;
  if (isBrief) {
    const faults = wrong.map(({ name, text }) => `; ${name}: ${text}`).join('');
    process.stdout.write(json ? `${jsonText({ path, ...about })}\n` : briefLine(path, whole, `${answer}${faults}`));
  } else if (json) process.stdout.write(`${jsonText(about, 2)}\n`);
  else {
    const lines = checks.map(
      ({ name, ok, text }) => `${marks[`${ok}`].padEnd(6)}${name.padEnd(10)}${escapeText(text)}`,
    );
    process.stdout.write(`${[...lines, answer].join('\n')}\n`);
  }
  return whole ? 0 : 3;
}

function briefLine(path: string, ok: boolean, text: string): string {
  return `${marks[`${ok}`].padEnd(6)}${escapeText(`${path}: ${text}`)}\n`;
}

async function checkBriefly(path: string, options: CheckOptions): Promise<number> {
  try {
    return await checkPath(path, options);
  } catch (error) {
    assertKnown(error);
    const message = error.message.replace(`${path}: `, '');
    process.stdout.write(
      options.json
        ? `${jsonText({ path, schemaVersion: 1, whole: false, error: message })}\n`
        : briefLine(path, false, message),
    );
    return 3;
  }
}

/**
 * Checks a folder's hashes, key, result, report, custody and signature, or a capture with two readers. Status 3 = a
 * fault. Of several a line each, and the worst status.
 */
export const defineCheck = command(
  'check <path..>',
  'check that the evidence of runs is whole, and judge it again',
  (parser) =>
    parser
      .positional('path', {
        ...operand('evidence folders, or a classic pcap, which two readers then read'),
        array: true,
      })
      .options(signatureOptions)
      .option('json', flagArgument('print the checks as JSON; of several folders a line each')),
  async ({ path: paths, json, ...signature }) => {
    const options = { wanted: wantedSignature(signature), json, isBrief: paths.length > 1 };
    const check = options.isBrief ? checkBriefly : checkPath;
    const statuses: number[] = [];
    for (const path of paths) statuses.push(await check(path, options));
    return combineExitStatuses(statuses);
  },
);
