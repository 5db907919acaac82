// `npm run release-notes [-- VERSION]`: what a release says of itself: its section of the changelog (without VERSION
// the unreleased one), what test/lab/sabotage did to it, and the checksums of what `npm run package` made, if it did.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sabotageFigures } from '../build/core/model/run-record.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const title = process.argv[2] ?? 'Unreleased';
const sections = readFileSync('CHANGELOG.md', 'utf8')
  .split(/^(?=## )/m)
  .slice(1);
const section = sections.find((text) => text.startsWith(`## [${title}]`));
if (section === undefined) {
  console.error(
    `CHANGELOG.md has no section "## [${title}]"; it has: ${sections.map((text) => text.split('\n')[0]).join(', ')}`,
  );
  process.exit(64);
}
const { cases, falseHolds } = sabotageFigures;
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const sums = existsSync('build/packages/SHA256SUMS')
  ? `\n### Checksums\n\n\`\`\`\n${readFileSync('build/packages/SHA256SUMS', 'utf8')}\`\`\`\n`
  : '';
process.stdout.write(`# verify-isolation ${title === 'Unreleased' ? version : title}\n\n${section.split('\n').slice(1).join('\n').trim()}

### What was done to it

Every barrier and every sense was broken on purpose, in ${cases} ways and more, before the release: ${falseHolds} false HOLDS.
${sums}`);
