import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PresetName, presets } from '../../../core/discover/presets.js';
import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { shedRights } from '../../../system/process/process-rights.js';
import { chooseReporters } from '../reporters.js';
import { evidenceFolder, makeEvidenceFolder, runPaths } from '../evidence/evidence-folder.js';
import { readFound } from '../host/read-found.js';
import { scenarioText } from '../scenario/load-files.js';
import { runCommand } from './run.js';
import type { RunCommandOptions } from './run-series.js';

export interface PresetOptions extends Omit<RunCommandOptions, 'files'> {
  readonly preset: PresetName;
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
}

/**
 * Reads a live bridge, writes the preset's scenario for it into `scenario/` of the folder, and runs that on this host
 * as any other file, with its evidence in `evidence/`. Returns the exit status of the run.
 */
export async function presetCommand(options: PresetOptions): Promise<number> {
  shedRights(runPaths(options.out, chooseReporters(options.reporter, options.json)));
  const { preset } = options;
  const discovered = await readFound(options);
  const scenario = presets[preset](discovered, {
    disruptive: options.allowDisruptive ?? false,
    newMacs: options.allowNewMacs ?? false,
  });
  const text = scenarioText(scenario, discovered);
  loadScenario(`preset ${preset}`, Buffer.from(text));
  const folder = evidenceFolder(options.out, scenario.name, false, new Date(), randomBytes(8).toString('hex'));
  makeEvidenceFolder(folder);
  const scenarios = join(folder, 'scenario');
  const file = `${preset}.yml`;
  makeEvidenceFolder(scenarios, (path) => writeFileSync(join(path, file), text, { mode: 0o600 }));
  return runCommand({ ...options, files: [join(scenarios, file)], out: join(folder, 'evidence') });
}
