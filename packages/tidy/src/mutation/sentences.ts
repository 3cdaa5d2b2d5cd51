/**
 * What Stryker leaves as it is: sentences for people, which no test should repeat.
 *
 * Owns    the rule: an invariant's words and facts, and the texts of a decision table.
 * Never   hides a condition, or a word that a program reads.
 */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** As much as is looked at of a node's place in Babel's syntax tree. */
interface Place {
  readonly key: string | number;
  readonly listKey?: string;
  readonly node: Named;
  readonly parent: Named | null;
}

interface Named {
  readonly type: string;
  readonly callee?: { readonly name?: string };
  readonly key?: { readonly name?: string };
}

function ofInvariant({ key, listKey, parent }: Place): boolean {
  return parent?.callee?.name === 'invariant' && listKey === 'arguments' && key !== 0;
}

function ofTable({ node }: Place): boolean {
  return node.type === 'ObjectProperty' && node.key?.name === 'because';
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'sentences', {
    shouldIgnore: (path) => {
      const place = path as Place;
      return ofInvariant(place) || ofTable(place) ? 'a sentence for people' : undefined;
    },
  }),
];
