/**
 * All planted bugs, in the order of their table.
 *
 * Owns    the list.
 */
import type { Plant } from './plant.js';
import { voteReplyBeforeDurable } from './vote-reply-before-durable.js';

export const plants: readonly Plant[] = [voteReplyBeforeDurable];
