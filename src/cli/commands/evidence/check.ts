import { statSync } from 'node:fs';
import { jsonText } from '../../../core/text/json-text.js';
import { command, flagArgument, operand } from '../../command.js';
import { signatureOptions, wantedSignature } from './options.js';

const marks = { true: 'ok', false: 'WRONG', null: '–' } as const;

/**
 * Checks a folder's hashes, key, result, report, custody and signature, or a capture with two readers. Status 3 = a
 * fault.
 */
export const defineCheck = command(
  'check <path>',
  'check that the evidence of a run is whole, and judge it again',
  (parser) =>
    parser
      .positional('path', operand('evidence folder, or a classic pcap, which two readers then read'))
      .options(signatureOptions)
      .option('json', flagArgument('print the checks as JSON')),
  async (args) => {
    const wanted = wantedSignature(args);
    const [{ checkCaptureFile, checkWhole }, { escapeText }, { exposedWord }] = await Promise.all([
      import('./check-whole.js'),
      import('../../../core/text/escape.js'),
      import('../../../report/answer/exposures.js'),
    ]);
    if (statSync(args.path, { throwIfNoEntry: false })?.isFile() === true)
      return checkCaptureFile(args.path, args.json);
    const { checks, wrong, result, rootHash } = await checkWhole(args.path, wanted);
    const complete = wrong.length === 0;
    const { verdict } = result;
    const { text: word } = exposedWord(result);
    process.stdout.write(
      args.json
        ? `${jsonText({ schemaVersion: 1, whole: complete, verdict, word, rootHash, checks }, 2)}\n`
        : [
            ...checks.map(({ name, ok, text }) => `${marks[`${ok}`].padEnd(6)}${name.padEnd(10)}${escapeText(text)}`),
            `${complete ? 'WHOLE' : 'NOT WHOLE'}; the result says ${word}; root hash ${rootHash ?? 'none'}`,
            '',
          ].join('\n'),
    );
    return complete ? 0 : 3;
  },
);
