// A program that starts itself inside the lab and does what its arguments say: node lab-program.mjs ACT [ARGUMENT…]
import { insideLab, launchInside } from '../../../build/system/fabric/lab/launch.js';

if (insideLab()) {
  const { act } = await import('./lab-acts.mjs');
  await act(process.argv.slice(2));
} else {
  try {
    const { status } = await launchInside(process.argv.slice(2));
    process.exitCode = status;
  } catch (error) {
    process.stderr.write(`${error.message}\n${error.hint ?? error.stack}\n`);
    process.exitCode = error.exit ?? 70;
  }
}
