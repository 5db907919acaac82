import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { foreignCommands } from '../../../core/scenario/free-commands.js';
import { isHelperCommand } from '../../../core/scenario/topology/read-hosts.js';
import { quoteForShell } from '../../../core/text/escape.js';
import { namedFiles } from './named-files.js';

function foreignHostCommands({ file, topology }: Scenario): readonly string[] {
  return (topology.hosts ?? [])
    .filter(({ ssh, command }) => ssh !== null && !isHelperCommand(command))
    .map(
      ({ name, ssh, command }) =>
        `${file}: topology.hosts.${name}.command: ${command.map(quoteForShell).join(' ')} would be started on ${ssh}, expected [verify-isolation], its path, or one of them behind sudo -n or doas -n`,
    );
}

/** VerifyError (64), before anything starts, if a scenario starts programs without permission. */
export function checkStarts(scenarios: readonly Scenario[], allowRun: boolean): void {
  const foreign = allowRun
    ? []
    : scenarios.flatMap((scenario) => [
        ...foreignCommands(scenario.steps).map((what) => `${scenario.file}: ${what}`),
        ...namedFiles(scenario, false).refused,
        ...foreignHostCommands(scenario),
      ]);
  if (foreign.length > 0)
    throw new VerifyError(
      'run-not-allowed',
      64,
      foreign.join('\n'),
      'read the scenario; --allow-run lets it start any program and read any file',
    );
}
