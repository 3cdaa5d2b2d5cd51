/**
 * The suites that examine implementations of the seams. They register tests with node:test.
 *
 * Owns    what is exported as `@cometkms/signer/conformance`.
 */
export { durableFilesSuite, type FilesPlace } from './durable-files.js';
export { type KeyBackendUnderTest, keyBackendSuite } from './key-backend.js';
export { type LeadershipUnderTest, leadershipSuite } from './leadership.js';
export { reservationStoreSuite, type StoreUnderTest } from './reservation-store.js';
