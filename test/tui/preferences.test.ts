import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {readPreferences} from '../../source/tui/settings/preferences.ts';
import {readKey} from '../../source/tui/settings/key-name.ts';
import {createKeyboard} from '../../source/tui/terminal/keyboard.ts';
import {defaultBindings} from '../../source/tui/settings/actions.ts';

function read(settings: {readonly [name: string]: unknown}, env: NodeJS.ProcessEnv = {}) {
	const names = Object.keys(settings);
	const placeOf = (name: string) => `config.toml line ${names.indexOf(name) + 1}`;
	return readPreferences({values: new Map(Object.entries(settings)), placeOf: placeOf}, env);
}

const labelOf = (action: string, {bindings} = read({}).keymap) => bindings.find(each => each.action === action)?.label;

describe('the keymap', () => {
	it('assigns no key to two actions', () => {
		const keys = defaultBindings.flatMap(({scope: place, keys}) => keys.map(key => `${place} ${key}`));
		expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
	});

	it('describes each action briefly enough for the columns of the help', () => {
		const long = defaultBindings.filter(({label, help}) => label.length > 10 || help.length > 27);
		expect(long.map(({label, help}) => `${label}: ${help}`)).toEqual([]);
	});

	it('shares a line of the help only within a scope', () => {
		const shared = defaultBindings.filter(binding => binding.with !== undefined);
		const isThere = ({scope, with: other}: (typeof shared)[number]) =>
			defaultBindings.some(each => each.scope === scope && each.action === other);
		expect(shared.filter(binding => !isThere(binding))).toEqual([]);
	});

	it('has only keys that can be written in config.toml', () => {
		const keys = defaultBindings.flatMap(binding => binding.keys);
		expect(keys.filter(key => readKey(key) !== key)).toEqual([]);
	});
});

describe('[keys]', () => {
	it('gives an action other keys, one or several, and says so in help and hints', () => {
		const {keymap, warnings} = read({'keys.open': 'ö', 'keys.help': ['ä', 'alt-h']});
		const {actionOf, hints, keyFor} = keymap;
		expect(warnings).toEqual([]);
		expect([actionOf('read', 'ö'), actionOf('read', 'enter')]).toEqual(['open', undefined]);
		expect([actionOf('read', 'ä'), actionOf('read', 'alt-h'), actionOf('read', '?')]).toEqual([
			'help',
			'help',
			undefined,
		]);
		expect(labelOf('help', keymap)).toBe('ä alt-h');
		expect(hints('read')).toContainEqual({label: 'ö', hint: 'thread'});
		expect(keyFor('open')).toBe('ö');
	});

	it('takes the keys of an action away, which is then not offered either', () => {
		const {actionOf, hints, keyFor} = read({'keys.reply': 'none'}).keymap;
		expect(actionOf('read', 'r')).toBeUndefined();
		expect(hints('read').map(({hint}) => hint)).not.toContain('reply');
		expect(keyFor('reply')).toBe('');
	});

	it('names both keys on a line that speaks of two actions', () => {
		expect(labelOf('half_down', read({'keys.half_up': 'Ü'}).keymap)).toBe('^d Ü');
		expect(labelOf('half_down')).toBe('^d ^u');
	});

	it('swaps two keys without a warning', () => {
		const {keymap, warnings} = read({'keys.down': ['k', 'down'], 'keys.up': ['j', 'up']});
		expect(warnings).toEqual([]);
		expect([keymap.actionOf('read', 'j'), keymap.actionOf('read', 'k')]).toEqual(['up', 'down']);
	});

	it.each([
		[{'keys.opne': 'ö'}, 'config.toml line 1: unknown action `opne`, ignored. Did you mean `open`?'],
		[{'keys.open': 'f13'}, 'config.toml line 1: `f13` is not a key, so it cannot be `open`.'],
		[{'keys.open': 7}, '`7` is not a key'],
		[{'keys.open': 'ö', 'keys.help': 'ö'}, 'config.toml line 2: `ö` is already `open`, so it cannot also be `help`.'],
		[{'keys.open': 'q'}, 'config.toml line 1: `q` is now `open`, no longer `quit`.'],
		[{'keys.interrupt': 'x'}, 'the keys of `interrupt` cannot be changed'],
		[{'keys.open': '^c'}, '`^c` is already `interrupt`'],
		[{'keys.open': '3'}, '`3` is already `focus_number`'],
		[{'keys.send': 's'}, '`s` is text while you write, so it cannot be `send`'],
		[{'keys.panel_next': 'j'}, 'line 1: `j` is text while you write, so it cannot be `panel_next`'],
		[{'keys.panel_take': '^n'}, 'line 1: `^n` is now `panel_take`, no longer `panel_next`.'],
		[{'keys.panel_close': '^c'}, '`^c` is already `interrupt`, so it cannot also be `panel_close`.'],
		[{'keys.timeline_play': 's'}, 'line 1: `s` is now `timeline_play`, no longer `timeline_speed`.'],
	])('names what is wrong with %j', (settings, sentence) => {
		const {keymap, warnings} = read(settings);
		expect(warnings).toHaveLength(1);
		expect(warnings[0]).toContain(sentence);
		// Whoever makes a mistake can still leave.
		expect(keymap.actionOf('read', '^c')).toBe('interrupt');
	});

	it('uses the valid part of a partly invalid setting', () => {
		const {keymap, warnings} = read({'keys.open': ['nonsense', 'ö'], 'keys.down': 'ä'});
		expect(warnings).toHaveLength(1);
		expect([keymap.actionOf('read', 'ö'), keymap.actionOf('read', 'ä')]).toEqual(['open', 'down']);
	});

	it('never assigns a key to two actions, whatever the settings', () => {
		const action = fc.constantFrom(...defaultBindings.map(each => each.action), 'nothing');
		const key = fc.constantFrom('j', 'k', 'q', 'enter', '^a', '^c', 'alt-x', 'none', 'tab', 'nonsense', '1', ' ');
		fc.assert(
			fc.property(fc.dictionary(action, fc.oneof(key, fc.array(key, {maxLength: 3}))), chosen => {
				const settings = Object.fromEntries(Object.entries(chosen).map(([name, keys]) => [`keys.${name}`, keys]));
				const keys = read(settings).keymap.bindings.flatMap(binding =>
					binding.keys.map(each => `${binding.scope} ${each}`),
				);
				expect(new Set(keys).size).toBe(keys.length);
				expect(keys).toContain('read ^c');
			}),
		);
	});
});

describe('the name of a key', () => {
	it.each([
		['ctrl-a', '\u0001'],
		['^A', '\u0001'],
		['Esc', '\u001B'],
		['Return', '\r'],
		['PgDn', '\u001B[6~'],
		['alt-B', '\u001BB'],
		['shift-tab', '\u001B[Z'],
		['ctrl-left', '\u001B[1;5D'],
		['^i', '\t'],
		['G', 'G'],
		['shift-g', 'G'],
		['space', ' '],
		['ß', 'ß'],
	])('%s is what a terminal sends for it', (written, bytes) => {
		const keyboard = createKeyboard();
		const inputs = [...keyboard.push(bytes), ...keyboard.release()];
		const [input] = inputs;
		expect(readKey(written)).toBe(input?.type === 'key' ? input.key : input?.type === 'text' ? input.text : null);
	});

	it.each(['', 'f5', 'ctrl-enter', 'jk', 'super-x', '\u0007'])('%j is not a key', written => {
		expect(readKey(written)).toBeNull();
	});
});

describe('the other tables', () => {
	it('have defaults', () => {
		const {theme, flags: switches, warnings} = read({});
		expect({theme, warnings}).toEqual({theme: 'auto', warnings: []});
		expect(switches).toEqual({
			'ui.motion': true,
			'ui.mouse': false,
			'ui.screen_reader': false,
			'notify.bell': true,
			'notify.osc': true,
			'notify.desktop': false,
		});
	});

	it('take themes, single colours, colours of tags and switches', () => {
		const {
			theme,
			colours,
			tags,
			flags: switches,
			warnings,
		} = read({
			'theme.name': 'high-contrast',
			'theme.warn': '#f0f',
			'theme.tags.CLAUDE_1': '#102030',
			'ui.mouse': true,
			'notify.bell': false,
		});
		expect(warnings).toEqual([]);
		expect(theme).toBe('high-contrast');
		expect([...colours.values()]).toEqual([0xff00ff]);
		expect(tags).toEqual(new Map([['CLAUDE_1', 0x102030]]));
		expect(switches).toMatchObject({'ui.mouse': true, 'notify.bell': false, 'notify.osc': true});
	});

	it.each([
		[{'theme.name': 'pink'}, 'line 1: unknown theme `pink`'],
		[{'theme.wran': '#fff'}, 'line 1: unknown colour `wran`, ignored. Did you mean `warn`?'],
		[{'theme.warn': 'reddish'}, 'line 1: `reddish` is not a colour, ignored. Write it as "#5fd068"'],
		[{'theme.warn': 3}, '`3` is not a colour'],
		[{'theme.toString': '#fff'}, 'unknown colour `toString`'],
		[{'ui.muose': true}, 'unknown setting `ui.muose`, ignored. Did you mean `ui.mouse`?'],
		[{'notify.bell': 'yes'}, '`notify.bell` must be true or false, not `yes`'],
	])('name what is wrong with %j', (settings, sentence) => {
		expect(read(settings).warnings).toEqual([expect.stringContaining(sentence)]);
	});

	it('follow the environment, unless the file overrides it', () => {
		expect(read({}, {INK_SCREEN_READER: 'true', NO_MOTION: '1'}).flags).toMatchObject({
			'ui.screen_reader': true,
			'ui.motion': false,
		});
		expect(read({'ui.motion': true}, {REDUCE_MOTION: '1'}).flags).toMatchObject({'ui.motion': true});
		expect(read({}, {REDUCE_MOTION: '0'}).flags).toMatchObject({'ui.motion': true});
	});
});
