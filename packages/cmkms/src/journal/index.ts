/**
 * The journal of a replica.
 *
 * Owns    nothing itself: it names what the rest of the program may use of this directory.
 * Never   exports its keys or its encoding.
 */
export type { JournalEntry, JournalRange } from './entry.js';
export { Journal, type JournalOptions } from './journal.js';
