// Runs one scenario in the lab with one thing broken and prints what the run said: node program.mjs FILE KIND NAMES
// OUT, with NAMES a JSON list
import { insideLab, launchInside } from '../../../build/system/fabric/lab/launch.js';

async function main() {
  if (insideLab()) {
    const { inside } = await import('./inside.mjs');
    return inside(process.argv.slice(2));
  }
  try {
    process.exitCode = (await launchInside(process.argv.slice(2))).status;
  } catch (error) {
    process.stderr.write(`${error.message}\n${error.hint ?? error.stack}\n`);
    process.exitCode = error.exit ?? 70;
  }
}

process.exitCode = 70;
void main();
