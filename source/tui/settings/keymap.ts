import {printable, type Printable} from '../../printable.ts';
import {defaultBindings, type Action, type Binding, type KeyScope} from './actions.ts';
import {writeKey} from './key-name.ts';

/** The key bindings of one screen. The help and the hints in the status line come from here, too. */
export interface Keymap {
	readonly bindings: readonly Binding[];
	/** The action of a key in a scope; undefined: none. */
	readonly actionOf: (scope: KeyScope, key: string) => Action | undefined;
	/** The key of an action, for a sentence that mentions it; empty if it has none. */
	readonly keyFor: (action: Action) => Printable;
	/** The key of an action in a scope, as keyboard.ts names it; undefined if it has none. */
	readonly firstKey: (scope: KeyScope, action: Action) => string | undefined;
	/** The hints in the status line. Those of `tasks` include the ones of `read`, unless `general` is false. */
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
