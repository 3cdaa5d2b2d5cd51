/**
 * The versions of this room's rules: what committed commands make of the records.
 *
 * Owns    which versions this program can apply.
 * Never   says which one is in force: the log does (docs/architecture.md, consensus 11).
 * Rule    a change of what a command means, of a verdict, or of the bytes of commands and snapshots is a new version.
 *         `decide` and `apply` then take the version as an argument and keep what the earlier one said, for as long
 *         as `oldest` names it; and nothing of the new version is written before it is in force.
 */
export const knownRules = { oldest: 1, newest: 1 } as const;
