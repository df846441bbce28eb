import {loadConfig, defaults, type Config} from '../config.ts';
import {HubError} from '../hub/files/error.ts';
import {describeDatabase} from '../hub/database/postgres-url.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {defaultBindings} from '../tui/settings/actions.ts';
import {readPreferences, type Preferences} from '../tui/settings/preferences.ts';
import type {Command} from './cli/command.ts';
import {identify, workingFolder, type Situation} from './connect/identity.ts';
import {remark, table, write, writeJson} from './cli/output.ts';

const command: Command = {
	summary: 'show the settings in effect, and where each comes from',
	help: `
		Print the settings in effect, and where each comes from. This starts and changes nothing.

		Usage
		  agentmux config [--json]

		  --json        {"settings": [{"name", "value", "from"}], "warnings": [...]}

		Keys are never shown, only that they are set. docs/config.md describes config.toml.

		Example
		  agentmux config
	`,
	flags: {json: {type: 'boolean'}},
	async run({input, flags, env, stdin, stdout, stderr}) {
		if (input.length > 0)
			throw new UsageError('`agentmux config` takes no arguments.', 'See `agentmux config --help`.');
		const config = await loadConfig({env});
		const preferences = readPreferences(config.file, env);
		const who = await whoIs(config, {env, cwd: workingFolder(env), isTerminal: stdin.isTTY || stderr.isTTY});
		const settings = [...whoAndWhere(config, who), ...screen(config, preferences)];
		const warnings = [...config.warnings, ...preferences.warnings];
		if (flags['json'] === true) return writeJson(stdout, {settings, warnings});
		for (const warning of warnings) remark(stderr, warning);
		const rows = settings.map(({name, value, from}) => [name, String(value), from]);
		await write(stdout, table(stdout, ['setting', 'value', 'from'], rows));
	},
};

export default command;

interface Effective {
	readonly name: string;
	readonly value: string | boolean;
	readonly from: string;
}

/** Who a command here would act as; `nobody` if it would be refused. Rejects with MailboxError `invalid`. */
async function whoIs(config: Config, situation: Situation): Promise<Pick<Effective, 'value' | 'from'>> {
	try {
		const {tag, kind, from} = await identify(config, situation);
		return {value: `${tag} (${kind})`, from};
	} catch (error) {
		if (!(error instanceof MailboxError) || error.code !== 'forbidden') throw error;
		return {value: 'nobody', from: error.message};
	}
}

function whoAndWhere(
	{paths, file, target, databaseUrl, sight, approvalWait, keyStore, origins}: Config,
	who: Pick<Effective, 'value' | 'from'>,
): Effective[] {
	const origin = (from: string): string => (file.values.has(from) ? file.placeOf(from) : from);
	const setting = (name: keyof Config['origins'], value: string, as = name as string): Effective => {
		return {name: as, value, from: origin(origins[name])};
	};
	return [
		{name: 'config file', value: file.path, from: paths.home === null ? defaults : 'AGENTMUX_HOME'},
		{name: 'tag', value: who.value, from: origin(who.from)},
		...(target.kind === 'hub'
			? [
					setting('url', 'local hub', 'mailbox'),
					...(databaseUrl === undefined ? [] : [setting('database_url', shown(databaseUrl), 'hub.database_url')]),
				]
			: [setting('url', target.url, 'mailbox'), setting('key', 'set', 'supabase.key')]),
		{name: 'sight', value: sight, from: origin(origins.sight)},
		{name: 'approval_wait', value: String(approvalWait), from: origin(origins.approval_wait)},
		{name: 'identity.key', value: keyStore, from: origin(file.values.has('identity.key') ? 'identity.key' : defaults)},
		...(origins.access_token === defaults ? [] : [setting('access_token', 'set', 'supabase.access_token')]),
	];
}

/** Without its password. Throws MailboxError `invalid` if it is not the URL of a database. */
function shown(databaseUrl: string): string {
	try {
		return describeDatabase(databaseUrl);
	} catch (error) {
		if (!(error instanceof HubError)) throw error;
		throw new MailboxError('invalid', error.message, error.remedy, {cause: error});
	}
}

function screen({file}: Config, preferences: Preferences): Effective[] {
	const {values, placeOf} = file;
	const from = (name: string): string => (values.has(name) ? placeOf(name) : defaults);
	const flags = Object.entries(preferences.flags).map(([name, value]): Effective => {
		if (values.get(name) === value) return {name, value, from: placeOf(name)};
		const isDefault =
			readPreferences({values: new Map(), placeOf: placeOf}, {}).flags[name as keyof Preferences['flags']] === value;
		return {name, value, from: isDefault ? defaults : 'environment'};
	});
	const colours = [...values].filter(([name]) => name.startsWith('theme.') && name !== 'theme.name');
	const keys = preferences.keymap.bindings.filter((binding, index) => binding.keys !== defaultBindings[index]?.keys);
	return [
		{name: 'theme.name', value: preferences.theme, from: from('theme.name')},
		...colours.map(([name, value]): Effective => ({name, value: String(value), from: from(name)})),
		...flags,
		...keys.map(({action, keys: changed}): Effective => {
			return {name: `keys.${action}`, value: changed.join(' ') || 'none', from: from(`keys.${action}`)};
		}),
	];
}
