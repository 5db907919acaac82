/** One word of a command: bare, or in single quotes, which a quote inside leaves and enters again (`'\''`). */
const wordPattern = /(?:[^\s'\\]|'[^']*'|\\.)+/g;

/** The commands of a fix as a cause words it, split at `&&`, each as it is pasted and as an argument vector. */
export function splitFix(fix: string): readonly { readonly text: string; readonly argv: readonly string[] }[] {
  return fix.split(' && ').flatMap((part) => {
    const text = part.trim();
    const argv = [...text.matchAll(wordPattern)].map(([word]) =>
      word.replaceAll(
        /'([^']*)'|\\(.)/g,
        (_whole, quoted: string | undefined, escaped: string | undefined) => quoted ?? escaped ?? '',
      ),
    );
    return argv.length === 0 ? [] : [{ text, argv }];
  });
}
