import {graphemesOf} from '../screen/segment.ts';
/** Keys with a name, as in keyboard.ts. */
const named = new Set([
	'up',
	'down',
	'left',
	'right',
	'home',
	'end',
	'pageup',
	'pagedown',
	'insert',
	'delete',
	'backspace',
	'enter',
	'tab',
	'escape',
]);

/** Other spellings. */
const aliases: {readonly [name: string]: string} = {
	esc: 'escape',
	return: 'enter',
	space: ' ',
	pgup: 'pageup',
	pgdn: 'pagedown',
	pgdown: 'pagedown',
	del: 'delete',
	ins: 'insert',
	bs: 'backspace',
	// Terminals send the same bytes for these.
	'^i': 'tab',
	'^m': 'enter',
	'^[': 'escape',
	'^h': 'backspace',
	'^space': '^ ',
};

const labels: {readonly [key: string]: string} = {
	' ': 'space',
	'^ ': '^space',
	escape: 'esc',
	pageup: 'PgUp',
	pagedown: 'PgDn',
	up: '↑',
	down: '↓',
	left: '←',
	right: '→',
};

/**
 * Translates a key as a human writes it (`j`, `ctrl-a` or `^a`, `alt-b`, `PgDn`, `shift-tab`) to its name in keyboard.ts;
 * null if no terminal sends such a key.
 */
export function readKey(written: string): string | null {
	if ([...graphemesOf(written)].length === 1) return /^[^\p{C}]/u.test(written) ? written : null;
	const key = written
		.trim()
		.toLowerCase()
		.replace(/^(?:ctrl|control)[-+]/, '^')
		.replace(/^(?:alt|meta)[-+]/, 'alt-');
	const known = aliases[key] ?? key;
	if (known === ' ' || named.has(known) || known === 'shift-tab') return known;
	if (/^\^[a-z\\\]^_ ]$/.test(known)) return known;
	const modified = /^(\^alt-|\^|alt-)(.+)$/.exec(known);
	const [, modifier = '', base = ''] = modified ?? [];
	const name = aliases[base] ?? base;
	if (named.has(name)) return canModify(modifier, name) ? `${modifier}${name}` : null;
	// After Alt, capitals are separate keys.
	if (modifier === 'alt-' && base.length === 1) return `alt-${written.trim().slice(-1)}`;
	const shifted = /^shift[-+]([a-z])$/.exec(known);
	return shifted === null ? null : (shifted[1] ?? '').toUpperCase();
}

/** Enter, tab, backspace and escape are single bytes, which can only be combined with Alt. */
function canModify(modifier: string, name: string): boolean {
	return modifier === 'alt-' || !['enter', 'tab', 'backspace', 'escape'].includes(name);
}

/** A key as help and hints show it. */
export function writeKey(key: string): string {
	return labels[key] ?? key;
}
