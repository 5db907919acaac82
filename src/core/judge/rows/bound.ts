/**
 * Upper end of the 95 % confidence interval for the share of frames that leak when none of `n` did: 1 − 0.05^(1/n), the
 * exact binomial bound (about 3/n), rounded up to three significant digits. Null for n = 0: nothing was learned.
 * It assumes that frames leak independently of each other.
 */
export function upperBound95(n: number): number | null {
  if (n <= 0) return null;
  const bound = -Math.expm1(Math.log(0.05) / n);
  const unit = 10 ** (Math.floor(Math.log10(bound)) - 2);
  return Math.min(1, Number((Math.ceil(bound / unit) * unit).toPrecision(3)));
}
