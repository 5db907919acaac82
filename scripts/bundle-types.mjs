// Rolls the declarations that tsc makes of every module up into one file: those of what the library exports, and of
// what these name.
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const quiet = { default: { logLevel: 'none' } };

/** Writes the types that `from` exports to `to`, in place of all that is in its folder. */
export function bundleTypes(from, to) {
  rmSync(resolve(to, '..'), { recursive: true, force: true });
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: resolve('.'),
      mainEntryPointFilePath: resolve(from),
      compiler: {
        // Who uses the library need not have the types of Node: AbortSignal is the browser's as well.
        overrideTsconfig: {
          compilerOptions: {
            target: 'ES2022',
            lib: ['ES2022', 'DOM'],
            module: 'NodeNext',
            moduleResolution: 'NodeNext',
            strict: true,
            types: [],
          },
          files: [resolve(from)],
        },
      },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      tsdocMetadata: { enabled: false },
      dtsRollup: { enabled: true, untrimmedFilePath: resolve(to) },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // They ask for tags in comments that only readers of API reports need.
        extractorMessageReporting: quiet,
        tsdocMessageReporting: quiet,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve('package.json'),
  });
  const { succeeded } = Extractor.invoke(config, {
    messageCallback: (message) => {
      if (message.logLevel === 'info' || message.logLevel === 'verbose') message.handled = true;
    },
  });
  if (!succeeded) throw new Error(`${from}: its types could not be rolled up`);
}
