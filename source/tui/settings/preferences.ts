import {nearest} from '../../mailbox/text/nearest.ts';
import {isTag} from '../../mailbox/tag.ts';
import {defaultBindings} from './actions.ts';
import {createKeymap, type Keymap} from './keymap.ts';
import {rebound, type KeySetting} from './rebind.ts';
import type {Colour} from '../screen/style.ts';
import {replaceable} from './colours.ts';

const themeNames = ['auto', 'dark', 'light', 'high-contrast', '16-colours'] as const;
type ThemeName = (typeof themeNames)[number];

/** The human's preferences: from config.toml, then from the environment, then the defaults. */
export interface Preferences {
	readonly keymap: Keymap;
	readonly theme: ThemeName;
	/** By the colours that they replace. */
	readonly colours: ReadonlyMap<Colour, Colour>;
	readonly tags: ReadonlyMap<string, Colour>;
	readonly flags: Flags;
	/** Settings that were ignored: one sentence each, with file and line. */
	readonly warnings: readonly string[];
}

/** Settings that are true or false, by their names in config.toml. */
type Flags = {readonly [Name in keyof typeof defaultFlags]: boolean};

const defaultFlags = {
	'ui.motion': true,
	'ui.mouse': false,
	'ui.screen_reader': false,
	'notify.bell': true,
	'notify.osc': true,
	'notify.desktop': false,
};

/** The contents of config.toml: values by dotted name, and the location of each. */
export interface PreferencesFile {
	readonly values: ReadonlyMap<string, unknown>;
	readonly placeOf: (name: string) => string;
}

/** Reads [keys], [theme], [ui] and [notify]. Invalid settings are reported in `warnings`, and the rest is used. */
export function readPreferences({values, placeOf}: PreferencesFile, env: NodeJS.ProcessEnv): Preferences {
	const warnings: string[] = [];
	const keys: KeySetting[] = [];
	const colours = new Map<Colour, Colour>();
	const tags = new Map<string, Colour>();
	const flags = {...defaultFlags, ...fromEnvironment(env)};
	let theme: ThemeName = 'auto';

	for (const [name, value] of values) {
		const [group = '', ...rest] = name.split('.');
		const own = rest.join('.');
		const warn = (sentence: string) => warnings.push(`${placeOf(name)}: ${sentence}`);
		if (group === 'keys') keys.push({action: own, keys: value, location: placeOf(name)});
		else if (group === 'theme') readTheme(own, value, warn);
		else if (group === 'ui' || group === 'notify') readFlag(name, value, warn);
	}

	function readTheme(name: string, value: unknown, warn: (sentence: string) => void): void {
		if (name === 'name') {
			const known = themeNames.find(each => each === value);
			if (known !== undefined) theme = known;
			else warn(`unknown theme \`${String(value)}\`, using \`auto\`. Themes are ${themeNames.join(', ')}.`);
			return;
		}
		const tag = name.startsWith('tags.') ? name.slice('tags.'.length) : null;
		const replaced = Object.hasOwn(replaceable, name) ? replaceable[name] : undefined;
		if (tag === null ? replaced === undefined : !isTag(tag)) {
			warn(`unknown colour \`${name}\`, ignored.${suggestion(name, Object.keys(replaceable))}`);
			return;
		}
		const colour = readColour(value);
		if (colour === null) warn(`\`${String(value)}\` is not a colour, ignored. Write it as "#5fd068".`);
		else if (tag !== null) tags.set(tag, colour);
		else if (replaced !== undefined) colours.set(replaced, colour);
	}

	function readFlag(name: string, value: unknown, warn: (sentence: string) => void): void {
		if (!isFlag(name)) warn(`unknown setting \`${name}\`, ignored.${suggestion(name, Object.keys(defaultFlags))}`);
		else if (typeof value !== 'boolean') warn(`\`${name}\` must be true or false, not \`${String(value)}\`; ignored.`);
		else flags[name] = value;
	}

	const bound = rebound(defaultBindings, keys);
	return {
		keymap: createKeymap(bound.bindings),
		theme,
		colours,
		tags,
		flags,
		warnings: [...warnings, ...bound.warnings],
	};
}

function isFlag(name: string): name is keyof Flags {
	return Object.hasOwn(defaultFlags, name);
}

/** Settings from environment variables: Ink's, and the two common ones for reduced motion. */
function fromEnvironment(env: NodeJS.ProcessEnv): Partial<Flags> {
	const isSet = (name: string) => !['', '0', 'false', undefined].includes(env[name]?.toLowerCase());
	return {
		...(isSet('INK_SCREEN_READER') ? {'ui.screen_reader': true} : {}),
		...(isSet('REDUCE_MOTION') || isSet('NO_MOTION') ? {'ui.motion': false} : {}),
	};
}

function readColour(value: unknown): Colour | null {
	const [, digits = ''] = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(typeof value === 'string' ? value.trim() : '') ?? [];
	if (digits === '') return null;
	return Number.parseInt(digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits, 16);
}

function suggestion(name: string, names: readonly string[]): string {
	const near = nearest(name, names);
	return near === null ? '' : ` Did you mean \`${near}\`?`;
}
