import {printable, type Printable} from '../../printable.ts';
import {defaultBindings, type Action, type Binding, type KeyScope} from './actions.ts';
import {writeKey} from './key-name.ts';

/** The keys that one screen goes by: what they do, the help, and the hints in the last row are read from here. */
export interface Keymap {
	readonly bindings: readonly Binding[];
	/** What a key means there; undefined: nothing. */
	readonly actionOf: (scope: KeyScope, key: string) => Action | undefined;
	/** The key of an action, for a sentence that names it; empty when it has none. */
	readonly keyFor: (action: Action) => Printable;
	/** The key, as keyboard.ts names it, that does this there; undefined where it has none. */
	readonly firstKey: (scope: KeyScope, action: Action) => string | undefined;
	/** What the last row says: the keys that matter here; among tasks also what they do elsewhere, unless nothing `general` is wanted. */
	readonly hints: (scope: KeyScope, general?: boolean) => readonly Hint[];
}

interface Hint {
	readonly label: Printable;
	readonly hint: Printable;
}

export function createKeymap(bindings: readonly Binding[] = defaultBindings): Keymap {
	const byKey = new Map(
		bindings.flatMap(({scope, action, keys}) => keys.map(key => [`${scope} ${key}`, action] as const)),
	);
	const find = (action: Action, scope?: KeyScope) =>
		bindings.find(binding => binding.action === action && (scope === undefined || binding.scope === scope));

	function hintsIn(scope: KeyScope): Hint[] {
		return bindings.flatMap(({scope: where, label, hint}) =>
			where === scope && hint !== undefined && label !== '' ? [{label: printable(label), hint: printable(hint)}] : [],
		);
	}

	return {
		bindings,
		actionOf: (scope, key) =>
			byKey.get(`${scope} ${key}`) ?? (scope === 'tasks' ? byKey.get(`read ${key}`) : undefined),
		keyFor(action) {
			const key = find(action)?.keys[0];
			return printable(key === undefined ? '' : writeKey(key));
		},
		firstKey: (scope, action) => find(action, scope)?.keys[0],
		hints(scope, general = true) {
			const own = hintsIn(scope);
			if (scope !== 'tasks' || !general) return own;
			return [...own, ...hintsIn('read').filter(({label}) => own.every(each => each.label !== label))];
		},
	};
}
