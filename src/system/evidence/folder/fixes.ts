import { join } from 'node:path';
import { z } from 'zod';
import { causeCodes } from '../../../core/bridge/weaknesses.js';
import type { CauseCode } from '../../../core/model/codes.js';
import { parseCode } from '../../../core/text/parse-code.js';
import { fixOutcomes, type ProvenFix } from '../../../core/model/fix.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { readRegularIfThere } from '../read/regular-file.js';
import { files } from './folder.js';
import { faultText } from './run-shape.js';

const maxBytes = 64 * 2 ** 20;

/** One entry of fixes.json: a fix that was tried, and the 0-based step whose leaks it is for. */
export interface FixRecord extends ProvenFix {
  readonly step: number;
}

const shape = z.array(
  z.object({
    step: z.int().min(0),
    cause: z.string().transform((text) => parseCode<CauseCode>([...causeCodes, 'unexplained'], text)),
    commands: z.array(z.string()),
    outcome: z.enum(fixOutcomes),
    before: z.number().nullable(),
    after: z.number().nullable(),
    cutOff: z.array(z.string()),
    lost: z.array(z.object({ what: z.string(), names: z.array(z.string()) })).exactOptional(),
    separated: z.array(z.tuple([z.string(), z.string()])).exactOptional(),
    text: z.string(),
    evidence: z.string(),
    sha256: z.string().nullable(),
  }),
);

/**
 * The fixes that were tried after a run; none where nobody asked. VerifyError 64 where the file is not what this
 * program wrote.
 */
export async function readFixes(dir: string): Promise<readonly FixRecord[]> {
  const path = join(dir, files.fixes);
  const read = (): unknown => {
    try {
      const text = readRegularIfThere(path, maxBytes);
      return text === null ? [] : JSON.parse(text);
    } catch {
      return null;
    }
  };
  const parsed = shape.safeParse(read(), { jitless: true });
  if (!parsed.success)
    throw new VerifyError(
      'evidence-unreadable',
      64,
      `${path}: ${faultText(parsed.error)}`,
      'A file of the run was changed.',
    );
  return parsed.data;
}
