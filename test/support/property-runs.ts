import fc from 'fast-check';

// Twenty find what a change broke; the thousand of `npm run test:all` look for what nobody thought of.
fc.configureGlobal({ numRuns: Number(process.env['VERIFY_ISOLATION_PROPERTY_RUNS'] ?? 20) });
