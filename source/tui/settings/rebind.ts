import {nearest} from '../../mailbox/text/nearest.ts';
import {readKey, writeKey} from './key-name.ts';
import {labelOf, type Action, type Binding, type KeyScope} from './actions.ts';

/** One line of [keys]: an action, its keys as written there, and its location in the file. */
export interface KeySetting {
	readonly action: string;
	readonly keys: unknown;
	readonly location: string;
}

/** Actions that cannot be rebound: one must be able to quit, and the number keys must match the panes' numbers. */
const fixed: ReadonlySet<Action> = new Set(['interrupt', 'focus_number']);
/** Printing keys that can be bound while writing, because they only act while the draft is empty. */
const notText: ReadonlySet<string> = new Set(['#']);

/**
 * The bindings with the human's own keys, and a sentence for each setting that was ignored. A setting takes its key from
 * the action that has it by default, which may be left without one. Of two settings, the first one gets the key.
 */
export function rebound(
	defaults: readonly Binding[],
	settings: readonly KeySetting[],
): {readonly bindings: readonly Binding[]; readonly warnings: readonly string[]} {
	const warnings: string[] = [];
	const actions = new Set(defaults.map(({action}) => action));
	const chosen = new Map<Action, {readonly keys: readonly string[]; readonly location: string}>();
	for (const {action, keys, location} of settings) {
		if (!isIn(actions, action)) {
			const meant = nearest(action, actions);
			const remedy = meant === null ? '' : ` Did you mean \`${meant}\`?`;
			warnings.push(`${location}: unknown action \`${action}\`, ignored.${remedy}`);
		} else if (fixed.has(action)) {
			warnings.push(`${location}: the keys of \`${action}\` cannot be changed; ignored.`);
		} else {
			const good = readKeys(keys, location, action, warnings);
			if (good !== null) chosen.set(action, {keys: good, location});
		}
	}

	// The action of each `scope key`.
	const owners = new Map<string, Action>();
	const changed = new Map<Binding, Binding>();
	for (const [action, {keys, location}] of chosen) {
		for (const binding of defaults.filter(each => each.action === action)) {
			changed.set(binding, {...binding, keys: keys.filter(key => claim(binding, key, location))});
		}
	}

	function claim(binding: Binding, key: string, location: string): boolean {
		const {action} = binding;
		if (isWrittenIn(binding.scope) && isText(key)) {
			warnings.push(`${location}: \`${writeKey(key)}\` is text while you write, so it cannot be \`${action}\`.`);
			return false;
		}
		const owner = owners.get(`${binding.scope} ${key}`) ?? fixedOwner(defaults, binding, key);
		if (owner !== undefined && owner !== action) {
			warnings.push(`${location}: \`${writeKey(key)}\` is already \`${owner}\`, so it cannot also be \`${action}\`.`);
			return false;
		}
		owners.set(`${binding.scope} ${key}`, action);
		return true;
	}

	const kept = defaults.map((binding): Binding => {
		const mine = changed.get(binding);
		if (mine !== undefined) return mine;
		const keys = binding.keys.filter(key => {
			const owner = owners.get(`${binding.scope} ${key}`);
			if (owner === undefined) return true;
			const where = chosen.get(owner)?.location ?? '';
			warnings.push(`${where}: \`${writeKey(key)}\` is now \`${owner}\`, no longer \`${binding.action}\`.`);
			return false;
		});
		return keys.length === binding.keys.length ? binding : {...binding, keys};
	});
	return {bindings: kept.map(binding => labelled(binding, kept, defaults)), warnings: [...new Set(warnings)]};
}

function isIn(actions: ReadonlySet<Action>, action: string): action is Action {
	return (actions as ReadonlySet<string>).has(action);
}

function readKeys(value: unknown, location: string, action: Action, warnings: string[]): readonly string[] | null {
	if (value === 'none') return [];
	const written: readonly unknown[] = Array.isArray(value) ? value : [value];
	const keys: string[] = [];
	for (const each of written) {
		const key = typeof each === 'string' ? readKey(each) : null;
		if (key !== null) keys.push(key);
		else {
			const written = typeof each === 'string' ? each : JSON.stringify(each);
			warnings.push(
				`${location}: \`${written}\` is not a key, so it cannot be \`${action}\`. Keys are j, ^a, alt-b, enter, pgdn.`,
			);
		}
	}
	return keys.length === 0 && written.length > 0 ? null : [...new Set(keys)];
}

/** Whether letters are text in this scope. */
function isWrittenIn(scope: KeyScope): boolean {
	return scope === 'compose' || scope === 'panel';
}

function isText(key: string): boolean {
	return !notText.has(key) && !/^(?:\^|alt-|shift-)./.test(key) && !/^[a-z]{2,}$/.test(key);
}

function fixedOwner(defaults: readonly Binding[], {scope}: Binding, key: string): Action | undefined {
	return defaults.find(other => other.scope === scope && fixed.has(other.action) && other.keys.includes(key))?.action;
}

/** Labels are written by hand; a binding whose keys were changed gets a label made from them. */
function labelled(binding: Binding, all: readonly Binding[], defaults: readonly Binding[]): Binding {
	const other = all.find(({action, scope}) => action === binding.with && scope === binding.scope);
	const isDefault = (each: Binding | undefined) => each === undefined || defaults.some(({keys}) => keys === each.keys);
	if (isDefault(binding) && isDefault(other)) return binding;
	return {...binding, label: labelOf(binding.keys, other?.keys)};
}
