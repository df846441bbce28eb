import {readConfigFile, type ConfigFile} from './config-file.ts';
import {addressFault} from './mailbox/address.ts';
import {MailboxError} from './mailbox/error.ts';
import {HUMAN, isTag, sameTag, tagGrammar, type Tag} from './mailbox/tag.ts';
import {findPaths, type Paths} from './paths.ts';

/** Which database holds the mailbox. */
export type Target =
	| {readonly kind: 'hub'}
	| {
			readonly kind: 'supabase';
			readonly url: string;
			/** The strongest that is known. */
			readonly key: string;
			/** One that opens nothing by itself: enough for whoever has a token. */
			readonly public_key?: string;
			readonly access_token?: string;
	  };

export interface Config {
	readonly paths: Paths;
	readonly file: ConfigFile;
	readonly target: Target;
	/** What the hub is told to serve: the URL of a PostgreSQL, or `embedded`; undefined: what it served last. */
	readonly databaseUrl: string | undefined;
	/** Who this terminal is. */
	readonly tag: Tag;
	/** What the human is called here. */
	readonly human: Tag;
	/** An agent when AGENTMUX_TAG (or a flag) says so; a terminal that says nothing belongs to the human. */
	readonly kind: 'human' | 'agent';
	/** Seconds for which an agent is not woken after its user interrupted it. */
	readonly quietAfterEsc: number;
	/** Seconds for which an agent's client waits for a human's answer to its request for permission, if it can; 0: none is asked. */
	readonly approvalWait: number;
	/** Whether agents' servers show what their clients do (`agentmux peek`). */
	readonly sight: boolean;
	/** Where the key is that signs what the human writes. */
	readonly keyStore: 'file' | 'keyring';
	/** What decided: a flag, a variable, the name of a setting in the file, or `default`. */
	readonly origins: Readonly<
		Record<'tag' | 'url' | 'key' | 'access_token' | 'database_url' | 'sight' | 'approval_wait', string>
	>;
	/** What in the config file was not understood; one sentence each. */
	readonly warnings: readonly string[];
}

interface ConfigSource {
	readonly flags?: {readonly as?: string | undefined};
	readonly env: NodeJS.ProcessEnv;
}

const publicVariables = ['SUPABASE_PUBLISHABLE_KEY', 'SUPABASE_ANON_KEY'] as const;
const keyVariables = ['SUPABASE_SECRET_KEY', 'SUPABASE_SERVICE_ROLE_KEY', ...publicVariables] as const;

/** What config.toml may hold: `tag` (what the human is called) and these under [supabase], strongest key first; and [hub]. */
const publicFileKeys = ['publishable_key', 'anon_key'] as const;
const fileKeys = ['key', 'secret_key', 'service_role_key', ...publicFileKeys] as const;
const quietSetting = 'quiet_after_esc';
const sightSetting = 'sight';
const approvalSetting = 'approval_wait';
/** Settings that are a number of seconds. */
const secondsSettings = {
	[quietSetting]: {usual: 60, most: 86_400},
	[approvalSetting]: {usual: 590, most: 590},
} as const;
const knownSettings = new Set([
	'tag',
	'supabase.url',
	'supabase.access_token',
	'hub.database_url',
	'identity.key',
	quietSetting,
	sightSetting,
	approvalSetting,
	...fileKeys.map(key => `supabase.${key}`),
]);
/** Tables that the screen reads for itself (tui/settings/preferences.ts). */
const preferences: ReadonlySet<string> = new Set(['keys', 'theme', 'ui', 'notify']);

/** Flags before the environment before the config file before the defaults. Rejects with MailboxError `file` or `invalid`. */
export async function loadConfig({flags = {}, env}: ConfigSource): Promise<Config> {
	const paths = findPaths(env);
	const file = await readConfigFile(paths.config);
	const {texts: settings, warnings} = textsOf(file);
	const setting = (name: string): Candidate => [settings.get(name), name];
	const variable = (name: string): Candidate => [given(env[name]), name];
	const agent = first([[given(flags.as), '--as'], variable('AGENTMUX_TAG')]);
	const tag = agent ?? first([setting('tag')]) ?? {value: HUMAN, from: defaults};
	const human = settings.get('tag') ?? HUMAN;
	const url = first([variable('SUPABASE_URL'), setting('supabase.url')]);
	const key = first([...keyVariables.map(variable), ...fileKeys.map(name => setting(`supabase.${name}`))]);
	const publicKey = first([
		...publicVariables.map(variable),
		...publicFileKeys.map(name => setting(`supabase.${name}`)),
	]);
	const accessToken = first([variable('SUPABASE_ACCESS_TOKEN'), setting('supabase.access_token')]);
	const databaseUrl = first([variable('AGENTMUX_DATABASE_URL'), setting('hub.database_url')]);
	const approvalWait = first([variable('AGENTMUX_APPROVAL_WAIT'), setting(approvalSetting)]);
	const sight = first([variable('AGENTMUX_SIGHT'), setting(sightSetting)]);
	return {
		paths,
		file,
		databaseUrl: databaseUrl?.value,
		target:
			url === undefined
				? {kind: 'hub'}
				: {
						...supabaseTarget(url.value, key?.value),
						...(publicKey === undefined ? {} : {public_key: publicKey.value}),
						...(accessToken === undefined ? {} : {access_token: accessToken.value}),
					},
		tag: checkedTag(tag.value, flags.as, env['AGENTMUX_TAG'], paths.config),
		human,
		kind: agent === undefined || sameTag(agent.value, human) ? 'human' : 'agent',
		quietAfterEsc: seconds(quietSetting, first([setting(quietSetting)]), file),
		approvalWait: seconds(approvalSetting, approvalWait, file),
		sight: sight === undefined || isOn(sight, file),
		keyStore: keyStore(settings.get('identity.key'), file),
		origins: {
			tag: tag.from,
			url: url?.from ?? defaults,
			key: key?.from ?? defaults,
			access_token: accessToken?.from ?? defaults,
			database_url: databaseUrl?.from ?? defaults,
			sight: sight?.from ?? defaults,
			approval_wait: approvalWait?.from ?? defaults,
		},
		warnings,
	};
}

/** Where a value comes from that nobody set. */
export const defaults = 'default';

/** A value, and the flag, variable or setting that it would come from. */
type Candidate = readonly [value: string | undefined, from: string];

function first(candidates: readonly Candidate[]): {readonly value: string; readonly from: string} | undefined {
	for (const [value, from] of candidates) if (value !== undefined) return {value, from};
	return undefined;
}

/** An empty variable is one that was not set. */
function given(value: string | undefined): string | undefined {
	const trimmed = value?.trim();
	return trimmed === '' ? undefined : trimmed;
}

function supabaseTarget(
	url: string,
	key: string | undefined,
): Pick<Extract<Target, {kind: 'supabase'}>, 'kind' | 'url' | 'key'> {
	const fault = addressFault(url);
	if (fault !== null) {
		throw new MailboxError(
			'invalid',
			`SUPABASE_URL ${fault}.`,
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
	return {kind: 'supabase', url: url.replace(/\/+$/, ''), key};
}

function seconds(
	name: keyof typeof secondsSettings,
	set: {readonly value: string; readonly from: string} | undefined,
	{placeOf}: ConfigFile,
): number {
	const {usual, most} = secondsSettings[name];
	const value = Number(set?.value ?? usual);
	if (Number.isInteger(value) && value >= 0 && value <= most) return value;
	const isSetting = set === undefined || set.from === name;
	throw new MailboxError(
		'invalid',
		`${isSetting ? placeOf(name) : set.from} is not a number of seconds, from 0 to ${most}.`,
		isSetting ? `Write it as ${name} = ${usual}, or remove it.` : 'Set it to such a number, or unset it.',
	);
}

function isOn({value, from}: {readonly value: string; readonly from: string}, {placeOf}: ConfigFile): boolean {
	if (/^(?:on|true|yes|1)$/i.test(value)) return true;
	if (/^(?:off|false|no|0)$/i.test(value)) return false;
	const where = from === sightSetting ? placeOf(sightSetting) : from;
	throw new MailboxError(
		'invalid',
		`${where} is neither on nor off.`,
		from === sightSetting ? `Write it as ${sightSetting} = false, or remove it.` : 'Set it to on or off, or unset it.',
	);
}

function keyStore(text: string | undefined, {path, placeOf}: ConfigFile): Config['keyStore'] {
	if (text === undefined || text === 'file' || text === 'keyring') return text ?? 'file';
	throw new MailboxError(
		'invalid',
		`${placeOf('identity.key')} keeps the key in \`${text}\`, which agentmux does not know.`,
		`Write key = "file" or key = "keyring" under [identity] in ${path}.`,
	);
}

function checkedTag(tag: string, flag: string | undefined, variable: string | undefined, file: string): Tag {
	if (isTag(tag)) return tag;
	const where =
		given(flag) !== undefined ? '--as' : given(variable) !== undefined ? 'AGENTMUX_TAG' : `\`tag\` in ${file}`;
	throw new MailboxError('invalid', `\`${tag}\` (${where}) is not a tag.`, tagGrammar);
}

/** Rejects with MailboxError `invalid` for a setting of which nothing can be made. */
function textsOf({path, values, placeOf}: ConfigFile): {texts: ReadonlyMap<string, string>; warnings: string[]} {
	const texts = new Map<string, string>();
	const warnings: string[] = [];
	for (const [name, value] of values) {
		const [group = ''] = name.split('.');
		if (preferences.has(group) && name.includes('.')) continue;
		if (!knownSettings.has(name)) {
			warnings.push(`${placeOf(name)} has a setting \`${name}\` that agentmux does not know; it is ignored.`);
		} else if (typeof value === 'string' && value.trim() !== '') {
			texts.set(name, value.trim());
		} else if (name in secondsSettings) {
			texts.set(name, typeof value === 'number' ? String(value) : 'NaN');
		} else if (name === sightSetting) {
			texts.set(name, String(value) || 'neither');
		} else {
			throw new MailboxError(
				'invalid',
				`In ${path} \`${name}\` is not a text.`,
				`Write it as ${name} = "...", or remove it.`,
			);
		}
	}
	return {texts, warnings};
}
