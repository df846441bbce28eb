import {readFile} from 'node:fs/promises';
import {MailboxError} from './mailbox/error.ts';
import {HUMAN, isTag, type Tag} from './mailbox/tag.ts';
import {findPlaces, type Places} from './places.ts';

/** Which database holds the mailbox. */
export type Target =
	| {readonly kind: 'hub'}
	| {readonly kind: 'supabase'; readonly url: string; readonly key: string; readonly access_token?: string};

export interface Config {
	readonly places: Places;
	readonly target: Target;
	/** Who this terminal is. */
	readonly tag: Tag;
	/** An agent when AGENTMUX_TAG (or a flag) says so; a terminal that says nothing belongs to the human. */
	readonly kind: 'human' | 'agent';
	/** What in the config file was not understood; one sentence each. */
	readonly warnings: readonly string[];
}

interface ConfigSource {
	readonly flags?: {readonly as?: string | undefined};
	readonly env: NodeJS.ProcessEnv;
}

const keyVariables = [
	'SUPABASE_SECRET_KEY',
	'SUPABASE_SERVICE_ROLE_KEY',
	'SUPABASE_PUBLISHABLE_KEY',
	'SUPABASE_ANON_KEY',
] as const;

/** What config.toml may hold: `tag` (what the human is called) and these under [supabase], strongest key first. */
const fileKeys = ['key', 'secret_key', 'service_role_key', 'publishable_key', 'anon_key'] as const;
const knownSettings = new Set([
	'tag',
	'supabase.url',
	'supabase.access_token',
	...fileKeys.map(key => `supabase.${key}`),
]);

/** Flags before the environment before the config file before the defaults. Rejects with MailboxError `file` or `invalid`. */
export async function loadConfig({flags = {}, env}: ConfigSource): Promise<Config> {
	const places = findPlaces(env);
	const {settings, warnings} = await readSettings(places.config);
	const agent = given(flags.as) ?? given(env['AGENTMUX_TAG']);
	const tag = agent ?? settings.get('tag') ?? HUMAN;
	const url = given(env['SUPABASE_URL']) ?? settings.get('supabase.url');
	const key =
		keyVariables.map(name => given(env[name])).find(value => value !== undefined) ??
		fileKeys.map(name => settings.get(`supabase.${name}`)).find(value => value !== undefined);
	const accessToken = given(env['SUPABASE_ACCESS_TOKEN']) ?? settings.get('supabase.access_token');
	return {
		places,
		target: url === undefined ? {kind: 'hub'} : supabaseTarget(url, key, accessToken),
		tag: checkedTag(tag, flags.as, env['AGENTMUX_TAG'], places.config),
		kind:
			agent === undefined || agent.toUpperCase() === (settings.get('tag') ?? HUMAN).toUpperCase() ? 'human' : 'agent',
		warnings,
	};
}

/** An empty variable is one that was not set. */
function given(value: string | undefined): string | undefined {
	const trimmed = value?.trim();
	return trimmed === '' ? undefined : trimmed;
}

function supabaseTarget(url: string, key: string | undefined, accessToken: string | undefined): Target {
	if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
		throw new MailboxError(
			'invalid',
			`SUPABASE_URL is \`${url}\`, which is no web address.`,
			'It looks like https://PROJECT.supabase.co; unset it to use the local hub.',
		);
	}
	if (key === undefined) {
		throw new MailboxError(
			'invalid',
			'SUPABASE_URL is set, but no key for it.',
			`Set ${keyVariables[0]} (from the project's API settings) too, or unset SUPABASE_URL to use the local hub.`,
		);
	}
	return {
		kind: 'supabase',
		url: url.replace(/\/+$/, ''),
		key,
		...(accessToken === undefined ? {} : {access_token: accessToken}),
	};
}

function checkedTag(tag: string, flag: string | undefined, variable: string | undefined, file: string): Tag {
	if (isTag(tag)) return tag;
	const where =
		given(flag) !== undefined ? '--as' : given(variable) !== undefined ? 'AGENTMUX_TAG' : `\`tag\` in ${file}`;
	throw new MailboxError(
		'invalid',
		`\`${tag}\` (${where}) is not a tag.`,
		'A tag is a letter, then up to 31 letters, digits, `_` or `-`: CLAUDE_1.',
	);
}

interface Settings {
	/** By dotted name: `supabase.url`. */
	readonly settings: ReadonlyMap<string, string>;
	readonly warnings: readonly string[];
}

async function readSettings(file: string): Promise<Settings> {
	const text = await readConfigFile(file);
	if (text === null) return {settings: new Map(), warnings: []};
	const settings = new Map<string, string>();
	const warnings: string[] = [];
	for (const [name, value] of flatten(await parseToml(file, text))) {
		if (!knownSettings.has(name)) {
			warnings.push(`${file} has a setting \`${name}\` that agentmux does not know; it is ignored.`);
		} else if (typeof value === 'string' && value.trim() !== '') {
			settings.set(name, value.trim());
		} else {
			throw new MailboxError(
				'invalid',
				`In ${file} \`${name}\` is not a text.`,
				`Write it as ${name} = "...", or remove it.`,
			);
		}
	}
	return {settings, warnings};
}

async function readConfigFile(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ENOTDIR') return null;
		throw new MailboxError(
			'file',
			`The config file ${file} cannot be read (${code ?? 'unknown fault'}).`,
			'Make it a file that you may read, or remove it.',
			{cause: error},
		);
	}
}

async function parseToml(file: string, text: string): Promise<{readonly [name: string]: unknown}> {
	const {parse, TomlError} = await import('smol-toml');
	try {
		return parse(text);
	} catch (error) {
		if (!(error instanceof TomlError)) throw error;
		const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
		throw new MailboxError(
			'invalid',
			`The config file ${file} is not valid TOML: line ${error.line}, ${reason}.`,
			'Correct that line, or remove the file.',
			{cause: error},
		);
	}
}

/** Arrays and dates are values, as texts are. */
function* flatten(table: {readonly [name: string]: unknown}, prefix = ''): Generator<[name: string, value: unknown]> {
	for (const [name, value] of Object.entries(table)) {
		if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
			yield* flatten(value as {readonly [name: string]: unknown}, `${prefix}${name}.`);
		} else {
			yield [`${prefix}${name}`, value];
		}
	}
}
