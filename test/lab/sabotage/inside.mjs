import { enterForRuns } from '../../support/lab/in-lab.mjs';
import { barriersOf, without } from './barriers.mjs';
import { stepByStep } from './broken-devices.mjs';
import { firstGate, gatesOnly, loadSmall, repeatedGate } from './gates.mjs';
import { castOf, earSense, sensesOf, unbroken } from './senses.mjs';

const asItIs = (devices) => devices;

/**
 * What is run of a scenario, by kind of sabotage, and how its devices are altered. `names`: of the barrier or the
 * senses.
 */
const kinds = {
  none: (scenario) => ({ scenario: gatesOnly(scenario), alter: asItIs }),
  barrier(scenario, [name]) {
    const { carried } = barriersOf(scenario).find(({ barrier }) => barrier === name);
    return { scenario: without(gatesOnly(scenario, carried), name), alter: asItIs };
  },
  sense(scenario, [name]) {
    const gate = firstGate(scenario);
    return { scenario: gate, alter: sensesOf(castOf(gate))[name] };
  },
  /** With a device above the bridge. */
  ear(scenario, [name]) {
    const gate = firstGate(scenario);
    return { scenario: gate, alter: earSense(castOf(gate), name) };
  },
  /** One lab, the first gate once for each sense. */
  senses(scenario, names) {
    const { first, scenario: gates } = repeatedGate(scenario, names);
    const senses = { ...sensesOf(castOf(gates)), [unbroken]: asItIs };
    return { scenario: gates, alter: stepByStep([...Array(first).fill(asItIs), ...names.map((name) => senses[name])]) };
  },
};

/** Runs the scenario in the lab with what `kind` and `names` say broken, and prints what the run said. */
export async function inside([file, kind, names, outDir]) {
  const run = await enterForRuns();
  const { scenario, alter } = kinds[kind](loadSmall(file), JSON.parse(names));
  let said;
  try {
    const { result } = await run(scenario, { outDir, runId: 'sabotage', alter });
    said = {
      verdict: result.verdict,
      exitCode: result.exitCode,
      steps: result.steps.map(({ name, verdict, reasons }) => ({
        name,
        verdict,
        reasons: reasons.map(({ code, observer, text }) => ({ code, observer, text })),
      })),
    };
  } catch (error) {
    if (error.code === undefined) throw error;
    said = { verdict: 'none', exitCode: error.exitCode, steps: [], error: `${error.code}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
  process.exit(0);
}
