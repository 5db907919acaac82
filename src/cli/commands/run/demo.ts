import { usageError } from '../../../core/model/verify-error.js';
import { judgeOnly } from '../../../core/scenario/scenario-record.js';
import { packagePath } from '../../../system/process/package-path.js';
import { runCommand } from './run.js';

export interface DemoOptions {
  readonly deafen: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly wide: boolean;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly toolVersion: string;
}

const experiment = packagePath('scenarios/wireshark-experiment.yml');

/** Runs the experiment, or its gates with one observer killed in each. VerifyError (64) for an unknown observer. */
export async function demoCommand(options: DemoOptions): Promise<number> {
  const { deafen } = options;
  return runCommand({
    ...options,
    files: [experiment],
    reporter: [],
    keep: 'all',
    allowRun: false,
    deafen,
    ...(deafen === undefined ? {} : { whyNotJudged: `a leak needs no proof that ${deafen} hears` }),
    adapt: (scenario) => {
      if (deafen === undefined) return scenario;
      const known = scenario.topology.endpoints.filter((endpoint) => endpoint.started).map(({ name }) => name);
      if (!known.includes(deafen))
        throw usageError(
          `--deafen ${deafen}: the experiment has no such observer from its beginning`,
          `known: ${known.join(', ')}`,
        );
      // A leak that was seen needs no proof that every other observer could hear.
      if (!options.quiet)
        process.stderr.write(`Judged are the acts that have to hold: a leak needs no proof that ${deafen} hears.\n`);
      return judgeOnly(scenario, ({ expect }) => expect.expected === 'holds');
    },
  });
}
