import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { supposing, type Twin } from '../../../core/discover/twin/scenario.js';
import { readWhatIfs } from '../../../core/discover/twin/what-if.js';
import { probeClasses } from '../../../core/probe/classes.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { escapeText } from '../../../core/text/escape.js';
import { launchInside } from '../../../system/fabric/lab/launch.js';
import { diffCommand } from '../evidence/diff.js';
import { evidenceFolder, makeEvidenceFolder, runPaths } from '../evidence/evidence-folder.js';
import { chooseReporters } from '../reporters.js';
import { scenarioText } from '../scenario/load-files.js';
import { readTwin } from './read-twin.js';

export interface TwinOptions {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly whatIf: readonly string[];
  /** Empty or `all` = the catalogue. */
  readonly class: readonly string[];
  readonly out: string | undefined;
  readonly json: boolean;
  readonly reporter: readonly string[];
  readonly sign?: string | undefined;
  readonly quiet: boolean;
}

/**
 * Writes a live bridge's twin into `scenario/` and runs it into `evidence/`. --what-if runs a second one and prints
 * differences. Gives the run's exit status.
 */
export async function twinCommand(options: TwinOptions): Promise<number> {
  const classes = options.class.includes('all') ? [] : probeClasses.filter((name) => options.class.includes(name));
  const read = await readTwin({ bridge: options.bridge, netns: options.netns, classes });
  const whatIfs = readWhatIfs(options.whatIf, read.bridge, read.ports);
  const twins: readonly (readonly [string, Twin])[] = [
    ['twin.yml', read.twin],
    ...(whatIfs.length === 0 ? [] : [['what-if.yml', supposing(read.twin, whatIfs)] as const]),
  ];
  const texts = twins.map(([name, { scenario }]) => {
    const text = scenarioText(scenario, read.remarks);
    loadScenario(`${name} of ${escapeText(read.bridge)}`, Buffer.from(text));
    return { name, text };
  });
  const folder = evidenceFolder(options.out, `twin-${read.bridge}`, false, new Date(), randomBytes(8).toString('hex'));
  makeEvidenceFolder(folder);
  const scenarios = join(folder, 'scenario');
  makeEvidenceFolder(scenarios, (path) => {
    for (const { name, text } of texts) writeFileSync(join(path, name), text, { mode: 0o600 });
    if (read.rules !== '') writeFileSync(join(path, 'rules.nft'), read.rules, { mode: 0o600 });
  });
  if (!options.quiet)
    process.stderr.write(
      `${[`twin of ${escapeText(read.bridge)}: ${join(scenarios, 'twin.yml')}; not in it:`, ...read.twin.missing.map((text) => `  ${escapeText(text)}`)].join('\n')}\n`,
    );
  const [, ...words] = stripOptions(process.argv.slice(2), ['twin'], ['bridge', 'netns', 'what-if', 'class', 'out']);
  const out = join(folder, 'evidence');
  const paths = runPaths(out, chooseReporters(options.reporter, options.json), options.sign ?? null);
  const files = texts.map(({ name }) => join(scenarios, name));
  const { status } = await launchInside(['run', ...files, '--out', out, ...words], { paths });
  if (whatIfs.length > 0 && !options.json) await compare(out, read.twin.scenario.name);
  return status;
}

async function compare(folder: string, name: string): Promise<void> {
  const folders = readdirSync(folder)
    .filter((entry) => entry.startsWith(name))
    .sort();
  const supposed = folders.find((folder) => folder.startsWith(`${name}-what-if-`));
  const live = folders.find((folder) => folder !== supposed);
  if (live === undefined || supposed === undefined) return;
  try {
    process.stdout.write('\n');
    await diffCommand(join(folder, live), join(folder, supposed), false);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    process.stderr.write(`no comparison with the bridge: ${error.message}\n`);
  }
}

/** Drops options: `flags` are alone, `valued` take the next word or `=VALUE`. */
export function stripOptions(
  words: readonly string[],
  flags: readonly string[],
  valued: readonly string[],
): readonly string[] {
  const remaining: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const name = word.startsWith('--') ? word.slice(2).replace(/=.*$/s, '') : '';
    if (flags.includes(name)) continue;
    if (!valued.includes(name)) remaining.push(word);
    else if (!word.includes('=')) at += 1;
  }
  return remaining;
}
