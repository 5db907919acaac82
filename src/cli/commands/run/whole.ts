import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { netnsPath } from '../../../core/model/fabric.js';
import { assertKnown, VerifyError } from '../../../core/model/verify-error.js';
import { parseScenario } from '../../../core/scenario/load-scenario.js';
import { escapeText } from '../../../core/text/escape.js';
import { waitForSpanningTree } from '../../../system/fabric/wait.js';
import { shedRights } from '../../../system/process/process-rights.js';
import { readLinks } from '../../../system/state/read.js';
import { evidenceFolder, makeEvidenceFolder } from '../evidence/evidence-folder.js';
import {
  type WholeFound,
  type WholeInput,
  type WholeScenario,
  wholeScenario,
} from '../../../core/discover/whole/compose.js';
import { JoinedBridges } from '../../../core/discover/whole/refusals.js';
import { howToRun, readInput, type WholeOptions } from '../host/read-found.js';
import { scenarioText } from '../scenario/load-files.js';
import { mustHaveRights } from './host-run.js';
import { mustEnd, pathsOf, runCommand } from './run.js';
import type { RunCommandOptions } from './run-series.js';

/**
 * Writes `init`'s scenario into `scenario/` and runs it into `evidence/`; where bridges are one network, a scenario for
 * each. Gives the exit status.
 */
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
  shedRights(pathsOf({ ...options, files: [] }, true));
  await mustEnd({ ...options, files: [] }, true);
  await waitForSpanningTree({
    readLinks: () => readLinks({ netns: netnsPath(options.netns ?? null), sysfs: false }),
    bridges: options.bridge === undefined ? null : [options.bridge],
    note: (note) => void (options.quiet || process.stderr.write(`${escapeText(note)}\n`)),
  });
  const { name, found, notes } = partsOf(await readInput(options));
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
      `nobody is at the terminal to say that ${name} may be examined`,
      'type: verify-isolation run --yes, or give the limits of --policy. `verify-isolation init > host.yml` prints what it asks, `plan host.yml` what it sends; nothing was sent',
    );
  const folder = evidenceFolder(options.out, name, false, new Date(), randomBytes(8).toString('hex'));
  const scenarios = join(folder, 'scenario');
  const [only, second] = found;
  const files = found.map(({ scenario, ...remarks }) => ({
    file: second === undefined ? 'host.yml' : `${scenario.name}.yml`,
    text: scenarioText(scenario, remarks, howToRun),
  }));
  for (const { text } of files) checkFound(text);
  makeEvidenceFolder(folder);
  makeEvidenceFolder(scenarios, (path) => {
    for (const { file, text } of files) writeFileSync(join(path, file), text, { mode: 0o600 });
  });
  const paths = files.map(({ file }) => join(scenarios, file));
  if (!options.quiet) {
    const lines = [...notes, ...found.flatMap((part) => part.notes), ...paths.map((path) => `scenario: ${path}`)];
    process.stderr.write(lines.map((line) => `${escapeText(line)}\n`).join(''));
  }
  try {
    return await runCommand({ ...options, files: paths, out: join(folder, 'evidence') });
  } catch (error) {
    throw (only !== undefined && second === undefined ? onlyGuestFault(error, only.scenario) : null) ?? error;
  }
}

interface Parts {
  readonly name: string;
  readonly found: readonly WholeFound[];
  readonly notes: readonly string[];
}

/** A scenario for all bridges; for each alone where they are one network. A bridge without one is named in `notes`. */
function partsOf(input: WholeInput): Parts {
  try {
    const whole = wholeScenario(input);
    return { name: whole.scenario.name, found: [whole], notes: [] };
  } catch (error) {
    if (!(error instanceof JoinedBridges) || !error.isMeant) throw error;
    const parts = error.places.map((bridge) => partOf(input, bridge));
    const found = parts.filter((part) => typeof part !== 'string');
    if (found.length === 0) throw error;
    return {
      name: `host-${error.places.join('-')}`.slice(0, 100),
      found,
      notes: [
        `${error.why}: each is examined in a run of its own`,
        ...parts.filter((part) => typeof part === 'string'),
      ],
    };
  }
}

/** A note where there is nothing to examine. */
function partOf(input: WholeInput, bridge: string): WholeFound | string {
  try {
    const part = wholeScenario({ ...input, wishes: { ...input.wishes, bridge } });
    const only = onlyGuestOf(part.scenario);
    return only === null ? part : `not examined: ${bridge}: ${onlyGuestText(only)}`;
  } catch (error) {
    assertKnown(error);
    return `not examined: ${bridge}: ${error.message}`;
  }
}

/** null = there are several, or none. */
function onlyGuestOf({ topology }: WholeScenario): string | null {
  const isGuest = (endpoint: object): boolean => 'port' in endpoint && !('role' in endpoint);
  const [only, second] = Object.entries(topology.endpoints).flatMap(([name, endpoint]) =>
    isGuest(endpoint) ? [name] : [],
  );
  return second === undefined ? (only ?? null) : null;
}

function onlyGuestText(name: string): string {
  return `${JSON.stringify(name)} is the only guest that was found: no other could receive its traffic`;
}

function onlyGuestFault(error: unknown, scenario: WholeScenario): VerifyError | null {
  const only = onlyGuestOf(scenario);
  return error instanceof VerifyError && error.code === 'nothing-to-hear' && only !== null
    ? new VerifyError(
        'nothing-to-hear',
        69,
        onlyGuestText(only),
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
