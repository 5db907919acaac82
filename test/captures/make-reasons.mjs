// Writes the cases of reason-cases.mjs into captures/reason-CODE, with what the program tells of each now. Look at the
// difference before it is committed. Needs dist/ and captures/reasons-base, which `npm run captures` records.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expectedResult } from '../../build/report/expected-result.js';
import { replayFolder } from '../../build/system/evidence/replay.js';
import { changed, reasonCases } from './reason-cases.mjs';
import { readFolder, writeFolder } from './reason-folders.mjs';

const captures = resolve(import.meta.dirname, '../../captures');
const origin = join(captures, 'reasons-base');
const base = readFolder(origin);
const recorded = readFileSync(join(origin, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')[1];
for (const [code, one] of Object.entries(reasonCases)) {
  const dir = join(captures, `reason-${code}`);
  writeFolder(dir, changed(base, one), readFileSync(join(origin, 'scenario.yml'), 'utf8'));
  writeFileSync(join(dir, 'expected.json'), `${JSON.stringify(expectedResult(await replayFolder(dir)), null, 2)}\n`);
  writeFileSync(
    join(dir, 'README.md'),
    `# reason-${code}

How \`${code}\` is told: ${one.why}.

${recorded}
Then \`test/captures/make-reasons.mjs\` changed this one thing in a copy of \`captures/reasons-base\`; the rest is as it was recorded, but for the text of its filters.
\`verify-isolation replay\` of this folder judges it; \`expected.json\` is what has to come of it.
`,
  );
}
