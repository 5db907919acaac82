import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { netnsPath } from '../../../core/model/fabric.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { parseScenario } from '../../../core/scenario/load-scenario.js';
import { escapeText } from '../../../core/text/escape.js';
import { waitForSpanningTree } from '../../../system/fabric/wait.js';
import { shedRights } from '../../../system/process/process-rights.js';
import { readLinks } from '../../../system/state/read.js';
import { chooseReporters } from '../reporters.js';
import { evidenceFolder, makeEvidenceFolder, runPaths } from '../evidence/evidence-folder.js';
import { spoolFile } from '../evidence/push.js';
import type { WholeScenario } from '../../../core/discover/whole/compose.js';
import { howToRun, readWhole, type WholeOptions } from '../host/read-found.js';
import { scenarioText } from '../scenario/load-files.js';
import { mustHaveRights } from './host-run.js';
import { runCommand } from './run.js';
import type { RunCommandOptions } from './run-series.js';

const file = 'host.yml';

/** Writes `init`'s scenario into `scenario/` and runs it into `evidence/`. Gives the run's exit status. */
export async function wholeCommand(options: WholeOptions & Omit<RunCommandOptions, 'files'>): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new VerifyError(
      'not-root',
      69,
      'run without a file examines the guests of this host, and that takes root',
      'on a virtualization host: sudo verify-isolation run. To see what it does, without a host: verify-isolation demo (in a checkout: npm start)',
    );
  mustHaveRights(options.strict === true);
  // Before the host is read: it starts the program again.
  shedRights(runPaths(options.out, [...chooseReporters(options.reporter, options.json), spoolFile(options)]));
  await waitForSpanningTree({
    readLinks: () => readLinks({ netns: netnsPath(options.netns ?? null), sysfs: false }),
    bridges: options.bridge === undefined ? null : [options.bridge],
    note: (note) => void (options.quiet || process.stderr.write(`${escapeText(note)}\n`)),
  });
  const { scenario, ...remarks } = await readWhole(options);
  // Nobody is to wait for a question that cannot be answered.
  if (
    options.yes !== true &&
    options.approved === undefined &&
    !options.limits &&
    !(process.stdin.isTTY && process.stderr.isTTY)
  )
    throw new VerifyError(
      'not-confirmed',
      64,
      `nobody is at the terminal to say that ${scenario.name} may be examined`,
      'type: verify-isolation run --yes, or give the limits of --policy. `verify-isolation init > host.yml` prints what it asks, `plan host.yml` what it sends; nothing was sent',
    );
  const text = scenarioText(scenario, remarks, howToRun);
  checkFound(text);
  const folder = evidenceFolder(options.out, scenario.name, false, new Date(), randomBytes(8).toString('hex'));
  makeEvidenceFolder(folder);
  const scenarios = join(folder, 'scenario');
  makeEvidenceFolder(scenarios, (path) => writeFileSync(join(path, file), text, { mode: 0o600 }));
  if (!options.quiet)
    process.stderr.write(
      `${remarks.notes.map((note) => `${escapeText(note)}\n`).join('')}scenario: ${join(scenarios, file)}\n`,
    );
  try {
    return await runCommand({ ...options, files: [join(scenarios, file)], out: join(folder, 'evidence') });
  } catch (error) {
    throw onlyGuestFault(error, scenario) ?? error;
  }
}

function onlyGuestFault(error: unknown, { topology }: WholeScenario): VerifyError | null {
  const isGuest = (endpoint: object): boolean => 'port' in endpoint && !('role' in endpoint);
  const [only, second] = Object.entries(topology.endpoints).flatMap(([name, endpoint]) =>
    isGuest(endpoint) ? [name] : [],
  );
  return error instanceof VerifyError && error.code === 'nothing-to-hear' && only !== undefined && second === undefined
    ? new VerifyError(
        'nothing-to-hear',
        69,
        `${JSON.stringify(only)} is the only guest that was found: no other could receive its traffic`,
        'start a second guest on its bridge, ping once from each, and try again. Nothing was sent',
      )
    : null;
}

/** VerifyError (69), as there is no file to correct. */
function checkFound(text: string): void {
  const { faults } = parseScenario('the scenario of this host', Buffer.from(text));
  if (faults.length > 0)
    throw new VerifyError(
      'unsupported',
      69,
      `the guests of this host do not fit into one run: ${faults.map(({ message }) => message).join('; ')}`,
      'examine one bridge at a time (run --bridge NAME), or write a scenario: `verify-isolation init --bridge NAME` begins one. Nothing was sent',
    );
}
