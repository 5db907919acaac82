/** Tests run in full, those tagged `all` too, as `npm run test:all` does. */
export const isWholeLevel = process.env['VERIFY_ISOLATION_LEVEL'] === 'all';
