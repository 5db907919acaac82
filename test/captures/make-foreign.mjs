// Writes the cases of foreign-cases.mjs into captures/: captures, README, and expected.json as the program tells it
// now. Look at the difference before it is committed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { foreignCases } from './foreign-cases.mjs';

const top = resolve(import.meta.dirname, '../..');
for (const [name, { files, args, why }] of Object.entries(foreignCases)) {
  const folder = join(top, 'captures', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  const { stdout, stderr } = spawnSync(process.execPath, [join(top, 'dist/cli.cjs'), 'replay', ...args, '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(`${name}: ${stderr}`);
  writeFileSync(join(folder, 'expected.json'), stdout);
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\n${why[0].toUpperCase()}${why.slice(1)}.\n\nIn this folder: \`verify-isolation replay ${args.join(' ')} --json\` prints \`expected.json\`.\nOrigin: made by \`test/captures/make-foreign.mjs\`; the frames are invented.\n`,
  );
}
