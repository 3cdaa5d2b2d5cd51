/**
 * What a member stated of one chain, found without walking over all that it stated.
 *
 * Owns    an index beside each statement, made when it is first asked for. A statement is never changed.
 * Never   keeps a statement alive.
 */
import { idKey, type RecordId } from '@cometkms/sign-state';
import type { ChainStatement, Statement } from './message.js';

const indexes = new WeakMap<Statement, ReadonlyMap<string, ChainStatement>>();

export function chainIn(statement: Statement, id: RecordId): ChainStatement | undefined {
  let index = indexes.get(statement);
  if (index === undefined) {
    index = new Map(statement.chains.map((chain) => [idKey(chain.id), chain]));
    indexes.set(statement, index);
  }
  return index.get(idKey(id));
}
