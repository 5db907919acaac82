import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { diagnose, type ScenarioNeeds } from '../../../core/audit/diagnose.js';
import { type LabTrial, type MachineSnapshot, type TrialsMessage, trialsShape } from '../../../core/model/machine.js';
import { fits } from '../../../core/model/shape/shape.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { neededFeatures } from '../../../core/scenario/needed-features.js';
import { jsonText } from '../../../core/text/json-text.js';
import { doctorText } from '../../../report/terminal/doctor.js';
import { engines } from '../../../system/capture/choose-engine.js';
import { enterLab } from '../../../system/fabric/lab/enter.js';
import { insideLab, launchInside, statusOf } from '../../../system/fabric/lab/launch.js';
import { packagePath } from '../../../system/process/package-path.js';
import { examineMachine } from '../../../system/state/examine-machine.js';
import { tryFeatures } from '../../../system/state/try-features.js';
import { loadFiles } from '../scenario/load-files.js';
import { columnsOf } from '../../screen.js';

export interface DoctorOptions {
  readonly files: readonly string[];
  readonly json: boolean;
  readonly version: string;
}

const shipped = packagePath('scenarios');

async function insideTrial(): Promise<number> {
  const { runsAs, sysfs } = enterLab((signal) => process.exit(statusOf(signal)));
  const message: TrialsMessage = { runsAs, sysfs, features: await tryFeatures() };
  await new Promise<void>((resolve) =>
    process.send === undefined ? resolve() : process.send(message, () => resolve()),
  );
  return 0;
}

async function tryLab(): Promise<LabTrial> {
  const messages: TrialsMessage[] = [];
  try {
    const { status } = await launchInside(['doctor'], {
      onMessage: (message) => {
        if (fits(trialsShape, message)) messages.push(message);
      },
    });
    const [answer] = messages;
    return answer === undefined
      ? { built: false, code: 'lab-failed', why: `its inside ended with ${status}`, mend: 'see what it printed' }
      : { built: true, ...answer };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return { built: false, code: error.code, why: error.message, mend: error.hint };
  }
}

function engineVersions(): MachineSnapshot['engines'] {
  return Object.values(engines).map(({ name, version }) => {
    try {
      return { name, version: version(), why: null };
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      return { name, version: null, why: error.message };
    }
  });
}

async function needsOf(files: readonly string[]): Promise<readonly ScenarioNeeds[]> {
  const named = new Set(files.map((file) => resolve(file)));
  const names = readdirSync(shipped, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yml') && !named.has(join(shipped, name)))
    .sort();
  const known = await loadFiles(names.map((name) => join(shipped, name)));
  const requested = await loadFiles(files);
  return [
    ...requested.map((scenario) => ({ file: scenario.file, features: neededFeatures(scenario), requested: true })),
    ...known.map((scenario, at) => ({
      file: join('scenarios', names[at] ?? ''),
      features: neededFeatures(scenario),
      requested: false,
    })),
  ];
}

/** Gives the exit status: 69 = something is missing. VerifyError (64) for an invalid scenario. */
export async function doctorCommand(options: DoctorOptions): Promise<number> {
  if (insideLab()) return insideTrial();
  const needs = await needsOf(options.files);
  const [machine, lab] = [await examineMachine(), await tryLab()];
  const report = diagnose({ ...machine, engines: engineVersions(), lab }, needs, options.version);
  process.stdout.write(
    options.json ? `${jsonText(report, 2)}\n` : doctorText(report, Math.min(columnsOf(process.stdout, 100), 140)),
  );
  return report.exitCode;
}
