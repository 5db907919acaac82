import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './fetched.mjs';
import { runtime } from './program.mjs';

/** Bill of materials (CycloneDX 1.5, JSON) of the program in `folder` and its runtime; `date` in seconds. */
export function billOfMaterials(folder, date) {
  const bill = JSON.parse(run(['npm', 'sbom', '--package-lock-only', '--sbom-format=cyclonedx']));
  const brought = new Set(packagesIn(folder));
  const isBrought = (each) => brought.has(`${each.group ? `${each.group}/` : ''}${each.name}@${each.version}`);
  const refs = new Set(bill.components.filter(isBrought).map((each) => each['bom-ref']));
  const node = {
    type: 'platform',
    name: 'node',
    version: runtime.version,
    'bom-ref': `node@${runtime.version}`,
    hashes: [{ alg: 'SHA-256', content: sha256(join(folder, 'bin/node')) }],
    licenses: [{ license: { id: 'MIT' } }],
  };
  bill.components = [...bill.components.filter(isBrought), node];
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => refs.has(ref) || ref === bill.metadata.component['bom-ref'])
    .map((each) => ({ ...each, dependsOn: each.dependsOn?.filter((ref) => refs.has(ref)) }));
  bill.metadata.timestamp = new Date(date * 1000).toISOString();
  delete bill.serialNumber; // drawn at random
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** `name@version` of every npm package that was copied there. */
function packagesIn(folder) {
  return readdirSync(join(folder, 'node_modules'), { recursive: true })
    .filter((path) => /(^|node_modules\/)(@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
    .map((path) => JSON.parse(readFileSync(join(folder, 'node_modules', path), 'utf8')))
    .map((each) => `${each.name}@${each.version}`);
}

export function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
